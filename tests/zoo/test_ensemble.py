"""Several ResNets together against torchvision's, asked one after the other; training, compiling, figures."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archdsl.backend.module import module
from tests.reference import torchvision_on_cpu
from tests.reference.ensemble import Together
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import RESNET, Rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

DEPTHS = [[1, 1, 1, 1], [1, 2, 1, 1]]


def _member(one: Rule, k: int) -> Rule:
    names = tuple(
        (lambda m, n=n: f"members.{k}.net.{n(m)}") if callable(n) else f"members.{k}.net.{n}"
        for n in one.names
    )
    return Rule(rf"members\.{k}\.{one.pattern}", names, one.transposed)


def _theirs(_: float) -> nn.Module:
    torchvision_on_cpu.ready()
    from torchvision.models.resnet import Bottleneck, ResNet

    return Together(*(ResNet(Bottleneck, depths, num_classes=5) for depths in DEPTHS))


def _pictures() -> Tensors:
    return {"image": torch.randn(4, 3, 40, 40, dtype=torch.float64), "label": torch.tensor([1, 4, 0, 2])}


CASE = Case(
    "resnet_ensemble", "ensemble", "resnet_ensemble", {"depths": DEPTHS, "classes": 5}, _theirs,
    tuple(_member(one, k) for k in range(2) for one in RESNET), _pictures, lambda net, given: net(**given),
)  # fmt: skip


@pytest.mark.reference
def test_numbers() -> None:
    check_numbers(CASE)


def _loss(outputs: Tensors) -> Tensor:
    return outputs["loss"]


def test_trains() -> None:
    check_trains(CASE, _loss, steps=5)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(CASE)


def test_the_mean_of_probabilities_not_of_scores() -> None:
    """Rows sum to one; two alike answer as one does, with twice its weights."""
    ours = module(CASE.network(), seed=0).eval()
    given = {
        name: value.float() if value.is_floating_point() else value for name, value in _pictures().items()
    }
    with torch.no_grad():
        torch.testing.assert_close(ours(**given).probabilities.sum(1), torch.ones(4))
    model = spec("ensemble").model("resnet_ensemble", depths=[[1, 1, 1, 1]] * 2, classes=5)
    alone = spec("resnet").model("resnet", layers=[1, 1, 1, 1], classes=5)
    assert model.params == 2 * alone.params
    net, one = module(model.network, seed=0).eval(), module(alone.network, seed=1).eval()
    state = {f"members.{k}.net.{name}": value for k in range(2) for name, value in one.state_dict().items()}
    net.load_state_dict(state)
    with torch.no_grad():
        torch.testing.assert_close(net(**given).probabilities, one(given["image"]).softmax(1))
