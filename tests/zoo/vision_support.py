"""What the tests of vision networks share: weights matched in order, one check of all that a row of the zoo needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archdsl.backend.module import module
from tests.zoo.compare import Case, Tensors, differences, named, pair
from tests.zoo.keymaps import Rule, rule

TOLERANCE = 1e-5
Loss = Callable[[Tensors], Tensor]


def in_order(case: Case) -> tuple[Rule, ...]:
    """The reference's weights are ours one by one in the order of their making; equal shapes in another order would
    show in the numbers."""
    theirs = case.reference(0.0).state_dict()
    ours = module(case.network(), device="meta").state_dict()
    assert len(ours) == len(theirs), (sorted(ours), sorted(theirs))
    for a, b in zip(theirs, ours, strict=True):
        assert theirs[a].shape == ours[b].shape, (a, tuple(theirs[a].shape), b, tuple(ours[b].shape))
    return tuple(rule(re.escape(a), b) for a, b in zip(theirs, ours, strict=True))


def check_numbers(case: Case) -> float:
    """Outputs, gradients and buffers of both modes; returns the largest difference."""
    case = case if case.rules else replace(case, rules=in_order(case))
    ours, theirs = pair(case)
    largest = 0.0
    for mode in ("eval", "train"):
        found = differences(case, ours, theirs, mode)
        print(
            f"{case.name:24} {mode:5} {found.outputs[0]:.1e} {found.gradients[0]:.1e} {found.buffers[0]:.1e}"
        )
        assert found.largest < TOLERANCE, (mode, found)
        largest = max(largest, found.largest)
    return largest


def check_compiles(case: Case) -> None:
    """Traced whole, forward and backward, in both modes, with the numbers of the module as it is."""
    inputs = {k: v.float() if v.is_floating_point() else v for k, v in case.inputs().items()}
    network = case.network()
    for mode in ("eval", "train"):
        net = module(network, seed=0).train(mode == "train")
        names = (network.training if mode == "train" else network.inference).output_names
        torch._dynamo.reset()
        compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
        state = {k: v.clone() for k, v in net.state_dict().items()}
        torch.manual_seed(0)
        plain = named(net(**inputs), names)
        net.load_state_dict(state)
        torch.manual_seed(0)
        found = named(compiled(**inputs), names)
        for name in names:
            torch.testing.assert_close(found[name], plain[name], rtol=1e-3, atol=1e-4)
        sum(t.sum() for t in found.values() if t.requires_grad).backward()  # type: ignore[union-attr]


def check_trains(case: Case, loss: Loss, steps: int = 8, rate: float = 1e-3) -> tuple[float, float]:
    """A few steps on one batch lower the loss, which reads all of training's outputs."""
    torch.manual_seed(0)
    network = case.network()
    net = module(network, seed=0).train()
    inputs = {k: v.float() if v.is_floating_point() else v for k, v in case.inputs().items()}
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], rate)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        value = loss(named(net(**inputs), network.training.output_names))
        value.backward()
        optimiser.step()
        losses.append(float(value.detach()))
    print(f"{case.name:24} loss {losses[0]:.4f} -> {losses[-1]:.4f}")
    assert losses[-1] < losses[0], losses
    return losses[0], losses[-1]


def pixel_loss(outputs: Tensors) -> Tensor:
    """Cross-entropy of every map of logits with a made-up picture of classes, in its resolution."""
    total = torch.zeros(())
    for value in outputs.values():
        b, c, *size = value.shape
        torch.manual_seed(7)
        target = torch.randint(c, (b, *size))
        total = total + nn.functional.cross_entropy(value, target)
    return total


def counted(net: nn.Module, *shapes: tuple[int, ...]) -> tuple[int, int]:
    """Parameters and multiply-accumulates of a reference made on meta, at inference."""
    net = net.to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(*(torch.empty(shape, device="meta") for shape in shapes))
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2
