"""What the tests of sequence models share: compare in both modes, train a little, compile whole."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from archdsl.backend.module import module
from tests.zoo.compare import Case, Tensors, differences, named, pair

TOLERANCE = 1e-5


def agrees(case: Case) -> tuple[nn.Module, nn.Module]:
    """Outputs and gradients of both modes against the reference; prints the largest difference."""
    ours, theirs = pair(case)
    for mode in ("eval", "train"):
        found = differences(case, ours, theirs, mode)
        print(f"{case.name} {mode}: outputs {found.outputs}, gradients {found.gradients}")
        assert found.largest < TOLERANCE, (mode, found)
    return ours, theirs


def outputs(case: Case, net: nn.Module, inputs: Tensors) -> dict[str, Tensor]:
    """Our outputs by name, in the mode the module is in."""
    network = case.network()
    return named(net(**inputs), (network.training if net.training else network.inference).output_names)


def trains(case: Case, loss: Callable[[dict[str, Tensor], Tensors], Tensor], steps: int = 12) -> None:
    """A few steps of Adam on one batch lower the loss by a tenth at least, and leave no weight without a gradient."""
    torch.manual_seed(0)
    net = module(case.network(), dtype=torch.float64).train()
    inputs = case.inputs()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    values = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(outputs(case, net, inputs), inputs)
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert all(p.grad is not None for p in net.parameters())
    print(f"{case.name}: loss {values[0]:.4f} to {values[-1]:.4f}")
    assert values[-1] < 0.9 * values[0], values


def compiles(case: Case) -> None:
    """Traced whole, ahead of time too, in both modes; equal to the module run as it is."""
    torch.manual_seed(0)
    net = module(case.network(), dtype=torch.float64)
    inputs = case.inputs()
    for mode in (False, True):
        net.train(mode)
        torch._dynamo.reset()
        with torch._dynamo.config.patch(allow_rnn=True):
            compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
            torch.manual_seed(1)
            found = named(compiled(**inputs), tuple(outputs(case, net, inputs)))
        torch.manual_seed(1)
        for name, value in outputs(case, net, inputs).items():
            torch.testing.assert_close(found[name], value)
