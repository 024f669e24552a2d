"""Every model of the zoo, found by itself: it checks and is drawn at full size, and in small it trains and compiles.

The small settings stand in tests/zoo/variants.py; a model that has none there fails ``test_has_a_variant``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import torch
from torch import Tensor, nn

from archdsl import driver
from archdsl.backend.module import emitted, module
from archdsl.network.types import Network
from tests.zoo.compare import Tensors, _largest, named, spec
from tests.zoo.variants import VARIANTS, Variant

Note = Callable[..., None]

FILES = [path.stem for path in driver.zoo_files()]
CHECKED = {file: driver.check(driver.load(driver.address(f"zoo:{file}"), driver.Options())) for file in FILES}
MODELS = [(file, model) for file in FILES for model in CHECKED[file].networks]
PRESENT = [VARIANTS[key] for key in MODELS if key in VARIANTS]
# One of each kind, for the quick run: a trunk, a language model, a detector, losses in the spec, recurrence.
QUICK = (
    "unet_bn",
    "gpt2",
    "detr",
    "bert_pretraining",
    "lstm",
    "sagan_discriminator",
    "vit",
    "linear_regression",
)

TOLERANCE = 1e-9
LESS = 0.99

every_model = pytest.mark.parametrize(("file", "model"), MODELS, ids=[f"{f}-{m}" for f, m in MODELS])


def _each(quick: tuple[str, ...]) -> pytest.MarkDecorator:
    marked = [
        pytest.param(one, id=f"{one.file}-{one.model}", marks=() if one.model in quick else pytest.mark.slow)
        for one in PRESENT
    ]
    return pytest.mark.parametrize("variant", marked)


@every_model
def test_has_a_variant(file: str, model: str) -> None:
    assert (file, model) in VARIANTS, (
        f"zoo:{model} of specs/zoo/{file}.arch has no small variant, so nothing says that it trains and compiles: add "
        f"`*of(CASE, targets.own)` or `Variant({file!r}, {model!r}, settings, inputs, loss)` to tests/zoo/variants.py"
    )


def test_no_variant_is_left_over() -> None:
    assert set(VARIANTS) <= set(MODELS)


@pytest.mark.parametrize("file", FILES)
def test_checks(file: str) -> None:
    """At symbolic sizes, with all its figures, and without a warning."""
    assert [item.message for item in CHECKED[file].diagnostics] == []


@pytest.mark.parametrize(
    ("file", "model"),
    [pytest.param(*m, marks=() if m[1] in QUICK else pytest.mark.slow, id="-".join(m)) for m in MODELS],
)
def test_draws(file: str, model: str) -> None:
    """A picture that is XML and names every input."""
    found = spec(file)[model]
    drawn = found.render("svg")
    text = drawn if isinstance(drawn, str) else drawn.decode("utf-8")
    words = " ".join(ElementTree.fromstring(text).itertext())
    assert all(item.name in words for item in found.network.inputs), words[:200]


# -------------------------------------------------------------------------------------------------------------- trains


def losses(variant: Variant) -> list[float]:
    """Of a few steps of Adam on one batch, in training and with dropouts off; every weight has its gradient."""
    torch.manual_seed(0)
    network = variant.certain()
    net = module(network, seed=0).train()
    inputs = {k: v.float() if v.is_floating_point() else v for k, v in variant.inputs().items()}
    learned = {name: p for name, p in net.named_parameters() if p.requires_grad}
    optimiser = torch.optim.Adam(learned.values(), variant.step)
    found = []
    for _ in range(variant.steps):
        optimiser.zero_grad()
        loss = variant.loss(named(net(**inputs), network.training.output_names), inputs)
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    for name, p in learned.items():
        meant = bool(variant.still) and re.match(rf"({variant.still})\.", name) is not None
        assert (p.grad is None) == meant, f"no loss reaches {name}" if p.grad is None else f"{name} moves"
    return found


def falls(found: list[float]) -> bool:
    return found[-1] < LESS * found[0]


@_each(QUICK)
def test_trains(variant: Variant, note: Note) -> None:
    note(variant, trains=False)
    found = losses(variant)
    print(f"{variant.model}: {found[0]:.4f} to {found[-1]:.4f}")
    if variant.untrained:
        assert not falls(found), f"it does train, although {variant.untrained}"
    else:
        assert falls(found), found
    note(variant, trains=variant.untrained or True)


def test_a_loss_that_stands_still_is_noticed() -> None:
    assert not falls(losses(replace(VARIANTS["vit", "vit"], step=0.0)))


def test_a_weight_that_no_loss_reaches_is_noticed() -> None:
    """GoogLeNet trained without its auxiliary heads."""
    variant = VARIANTS["googlenet", "googlenet_torchvision"]
    with pytest.raises(AssertionError, match="no loss reaches aux1"):
        losses(replace(variant, steps=1, loss=lambda outputs, _: outputs["out"].square().mean()))


# ------------------------------------------------------------------------------------------------------------ compiles


def _run(
    net: nn.Module, run: Callable[..., object], inputs: Tensors, names: tuple[str, ...]
) -> dict[str, Tensor]:
    """Outputs, what is left in the buffers, and in training all gradients, from the same random state."""
    given = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in inputs.items()}
    net.zero_grad(set_to_none=True)
    torch.manual_seed(1)
    found = named(run(**given), names)
    results = dict(found)
    if net.training:
        torch.manual_seed(2)
        cotangents = {k: torch.randn(v.shape, dtype=v.dtype) for k, v in found.items() if v.requires_grad}
        torch.stack([(found[k] * cotangents[k]).sum() for k in cotangents]).sum().backward()
        for name, leaf in (*net.named_parameters(), *given.items()):
            grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            results[f"gradient of {name}"] = grad
    results |= {f"buffer {name}": value.clone() for name, value in net.named_buffers()}
    return {name: value.detach().double() for name, value in results.items()}


def differences(
    variant: Variant, compiled: Callable[[nn.Module], Callable[..., object]], network: Network | None = None
) -> Iterator[tuple[float, str]]:
    """Between the module as it is and compiled, dropouts on, at inference and in training, in float64."""
    network = variant.network() if network is None else network
    torch.manual_seed(0)
    inputs = variant.inputs()
    net = module(network, seed=0, dtype=torch.float64)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for training in (False, True):
        net.train(training)
        names = (network.training if training else network.inference).output_names
        plain = _run(net, net, inputs, names)
        net.load_state_dict(state)
        torch._dynamo.reset()
        found = _run(net, compiled(net), inputs, names)
        net.load_state_dict(state)
        yield _largest(found, plain)


def _whole(net: nn.Module) -> Callable[..., object]:
    return torch.compile(net, backend="aot_eager", fullgraph=True)


def _in_parts(net: nn.Module) -> Callable[..., object]:
    return torch.compile(net, backend="aot_eager")


def _program(variant: Variant) -> str:
    """What is compiled, without the model's name: in small, BERT large is BERT."""
    made = emitted(variant.network())
    tree = ast.parse(made.source.replace(made.model, "Model"))
    return ast.unparse(tree.body[1:])  # type: ignore[arg-type]  # without the docstring


COMPILED: set[tuple[str, Callable[[], Tensors]]] = set()


@_each(QUICK[3:5])
def test_compiles(variant: Variant, note: Note) -> None:
    """Whole; or, where the variant says that dynamo breaks around torch's recurrent layers, in parts, and whole once
    dynamo is told to write those out step by step. A program that was compiled for another model is not again."""
    note(variant, compiles=False)
    program = (_program(variant), variant.inputs)
    if program not in COMPILED:
        compile_and_compare(variant)
    COMPILED.add(program)
    note(variant, compiles=variant.uncompiled or True)


def compile_and_compare(variant: Variant) -> None:
    if variant.uncompiled:
        with pytest.raises(torch._dynamo.exc.Unsupported, match="RNN, GRU, or LSTM"):
            list(differences(variant, _whole))
        assert max(differences(variant, _in_parts)) < (TOLERANCE, "")
        with torch._dynamo.config.patch(allow_rnn=True):
            # Written out, the masks between layers are drawn in another order.
            assert max(differences(variant, _whole, variant.certain())) < (TOLERANCE, "")
        return
    assert max(differences(variant, _whole)) < (TOLERANCE, "")


def test_a_difference_is_noticed() -> None:
    """One number of one weight, by a thousandth."""

    def other(net: nn.Module) -> Callable[..., object]:
        changed = module(variant.network(), seed=0, dtype=torch.float64).train(net.training)
        changed.load_state_dict(net.state_dict())
        with torch.no_grad():
            next(changed.parameters()).view(-1)[0] += 1e-3
        return changed

    variant = VARIANTS["vit", "vit"]
    assert all(found > TOLERANCE for found, _ in differences(variant, other))
