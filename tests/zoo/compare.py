"""Two modules with the same weights: outputs, gradients and what training leaves behind, compared in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from archdsl import api
from archdsl.backend.module import module
from archdsl.network.types import Network
from tests.zoo.keymaps import Rule, translate

Tensors = Mapping[str, Tensor]


@cache
def spec(name: str) -> api.Spec:
    """A spec of the zoo, checked once for all tests."""
    return api.load(f"zoo:{name}")


@dataclass(frozen=True)
class Case:
    """A model of the zoo with its settings, what it is compared with, and how to run that.

    ``reference`` makes the other module, with a given rate of all its dropouts; ``rates`` are our settings for those.
    ``inputs`` gives ours by name; ``call`` runs the reference on them and names what it returns as we name outputs.
    """

    name: str
    file: str
    model: str
    settings: Mapping[str, Any]
    reference: Callable[[float], nn.Module]
    rules: tuple[Rule, ...]
    inputs: Callable[[], Tensors]
    call: Callable[[nn.Module, Tensors], Tensors] = field(
        default=lambda net, inputs: {"out": net(*inputs.values())}
    )
    rates: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    def network(self, rate: float = 0.0) -> Network:
        return spec(self.file).model(self.model, **self.settings, **dict.fromkeys(self.rates, rate)).network


@dataclass(frozen=True)
class Differences:
    """The largest relative difference, norm by norm, of each kind of tensor, and where it is."""

    outputs: tuple[float, str]
    gradients: tuple[float, str]
    buffers: tuple[float, str]

    @property
    def largest(self) -> float:
        return max(self.outputs[0], self.gradients[0], self.buffers[0])


def pair(case: Case, rate: float = 0.0) -> tuple[nn.Module, nn.Module]:
    """Our module and the reference with the same random weights; every key of both sides has its counterpart."""
    torch.manual_seed(0)
    theirs = case.reference(rate).double()
    shake(theirs)
    ours = module(case.network(rate), dtype=torch.float64)
    ours.load_state_dict(translate(theirs.state_dict(), case.rules), strict=True)
    return ours, theirs


@torch.no_grad()
def shake(net: nn.Module) -> None:
    """Make every weight count: what starts as zeros, ones or running statistics gets a random part too."""
    for name, tensor in {**dict(net.named_parameters()), **dict(net.named_buffers())}.items():
        if not tensor.is_floating_point():
            continue
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.dim() < 2 or not tensor.any():
            tensor.add_(0.1 * torch.randn_like(tensor))


def differences(case: Case, ours: nn.Module, theirs: nn.Module, mode: str) -> Differences:
    """Run both forward and backward in ``mode``, from the same random state, on the same inputs and cotangents."""
    torch.manual_seed(1)
    inputs = case.inputs()
    ours.train(mode == "train")
    theirs.train(mode == "train")
    network = case.network()
    names = network.training.output_names if mode == "train" else network.inference.output_names
    mine, my_gradients = _run(lambda given: named(ours(**given), names), ours, inputs)
    other, gradients = _run(lambda given: dict(case.call(theirs, given)), theirs, inputs)
    of_inputs = {name: gradients.pop(name) for name in list(gradients) if name.startswith("input ")}
    return Differences(
        _largest(mine, other),
        _largest(my_gradients, translate(gradients, case.rules) | of_inputs),
        _largest(_floats(ours.named_buffers()), translate(_floats(theirs.named_buffers()), case.rules)),
    )


def _run(
    call: Callable[[Tensors], Tensors], net: nn.Module, inputs: Tensors
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    given = {name: value.clone().requires_grad_(value.is_floating_point()) for name, value in inputs.items()}
    net.zero_grad(set_to_none=True)
    torch.manual_seed(2)
    outputs = dict(call(given))
    torch.manual_seed(3)
    followed = sorted(name for name, value in outputs.items() if value.requires_grad)
    # Not randn_like: that follows the order in memory, which two equal networks need not share.
    cotangents = {name: torch.randn(outputs[name].shape, dtype=outputs[name].dtype) for name in followed}
    loss = sum((outputs[name] * cotangents[name]).sum() for name in followed)
    assert isinstance(loss, Tensor)
    loss.backward()
    gradients = {
        name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in net.named_parameters()
    }
    gradients |= {f"input {name}": value.grad for name, value in given.items() if value.grad is not None}
    return {name: value.detach() for name, value in outputs.items()}, gradients


def named(found: Any, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Our outputs by name, whichever way a module returns them."""
    if isinstance(found, Tensor):
        (name,) = names
        return {name: found}
    if isinstance(found, dict):
        return found
    return {name: value for name, value in found._asdict().items() if value is not None}


def _floats(named: Any) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in named if name.endswith(("running_mean", "running_var"))}


def _largest(ours: Tensors, theirs: Tensors) -> tuple[float, str]:
    """The largest of ||a - b|| / ||b||, of masks and whole numbers too. What is zero but for rounding (the gradient of a bias that a norm takes away
    again) is measured by the largest of its kind."""
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    theirs = {name: b.double() for name, b in theirs.items()}
    floor = 1e-8 * max((float(b.norm()) for b in theirs.values()), default=0.0)
    found = (0.0, "")
    for name, b in theirs.items():
        a = ours[name].double()
        assert a.shape == b.shape, f"{name}: {tuple(a.shape)} here, {tuple(b.shape)} there"
        difference = float((a - b).norm()) / max(float(b.norm()), floor, 1e-300)
        assert difference == difference, f"{name}: not a number"
        found = max(found, (difference, name))
    return found
