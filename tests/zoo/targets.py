"""What the models of the zoo are trained towards: their own losses where the spec has them, else a standard one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.zoo.compare import Tensors

Loss = Callable[[Tensors, Tensors], Tensor]


def own(outputs: Tensors, _: Tensors) -> Tensor:
    """The losses that the spec itself has among its outputs of training."""
    found = [value for name, value in outputs.items() if name == "loss" or name.endswith("_loss")]
    assert found, f"no loss among {', '.join(outputs)}"
    return torch.stack(found).sum()


def classes(outputs: Tensors, _: Tensors) -> Tensor:
    """Cross entropy of every output, a row of logits for each image, auxiliary ones too."""
    each = [
        F.cross_entropy(value, (1 + torch.arange(len(value))) % value.shape[1]) for value in outputs.values()
    ]
    return torch.stack(each).sum()


def pixels(outputs: Tensors, _: Tensors) -> Tensor:
    """Cross entropy of every output with a picture of classes in its resolution: the sky above, the ground below."""
    each = []
    for value in outputs.values():
        b, _, *size = value.shape
        ground = (4 * torch.arange(size[0]) >= size[0]).long()
        each.append(F.cross_entropy(value, ground[:, None].expand(b, *size)))
    return torch.stack(each).sum()


def numbers(outputs: Tensors, _: Tensors) -> Tensor:
    """Squared distance of every output of floats from made-up numbers."""
    each = [
        (value - _made_up(torch.randn, *value.shape)).square().mean()
        for value in outputs.values()
        if value.is_floating_point()
    ]
    return torch.stack(each).sum()


def pictures(source: str) -> Loss:
    """Squared distance of what is drawn from an input, as an auto-encoder has it."""

    def loss(outputs: Tensors, inputs: Tensors) -> Tensor:
        (drawn,) = outputs.values()
        return F.mse_loss(drawn, inputs[source])

    return loss


def words(of: str, output: str = "logits", *, shifted: bool = False) -> Loss:
    """Cross entropy of each position's logits with the words of an input: those there, or ``shifted`` the next ones."""

    def loss(outputs: Tensors, inputs: Tensors) -> Tensor:
        logits, wanted = outputs[output], inputs[of]
        if shifted:
            logits, wanted = logits[:, :-1], wanted[:, 1:]
        spent = [value for name, value in outputs.items() if name.endswith("_loss")]
        return F.cross_entropy(logits.flatten(0, 1), wanted.flatten()) + sum(spent)

    return loss


def tags(outputs: Tensors, _: Tensors) -> Tensor:
    """Cross entropy of each position's logits with a made-up class."""
    (logits,) = outputs.values()
    return F.cross_entropy(
        logits.flatten(0, -2),
        _made_up(lambda n: torch.randint(logits.shape[-1], (n,)), logits[..., 0].numel()),
    )


def notes(outputs: Tensors, _: Tensors) -> Tensor:
    """Binary cross entropy of every position and note: what sounds there."""
    logits = outputs["out"]
    return F.binary_cross_entropy_with_logits(logits, (_made_up(torch.rand, *logits.shape) < 0.3).to(logits))


def likelihood(of: str | None = None, dim: int = -1) -> Loss:
    """Minus the logarithm of the probability of words of an input, or of made-up classes."""

    def loss(outputs: Tensors, inputs: Tensors) -> Tensor:
        (found,) = outputs.values()
        likely = found.movedim(dim, -1)
        wanted = (
            _made_up(lambda *s: torch.randint(likely.shape[-1], s), *likely.shape[:-1])
            if of is None
            else inputs[of]
        )
        return -likely.clamp(min=1e-9).log().gather(-1, wanted[..., None]).mean()

    return loss


def real_or_made(outputs: Tensors, _: Tensors) -> Tensor:
    """The hinge loss of a discriminator: every second picture is real."""
    logit = outputs["logit"]
    sign = 1 - 2 * (torch.arange(len(logit)) % 2)
    return F.relu(1 - sign * logit).mean()


def _made_up(kind: Callable[..., Tensor], *size: int) -> Tensor:
    """The same numbers at every step."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return kind(*size)
