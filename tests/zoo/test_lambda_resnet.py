"""LambdaNetworks against an implementation of the paper's equations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.reference.lambdas import Lambda, LambdaResNet
from tests.zoo.cases import image
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains


def _net(inner: int, scope: int) -> Case:
    settings = {
        "layers": [1, 2],
        "width": 8,
        "classes": 5,
        "depth": 4,
        "heads": 2,
        "inner": inner,
        "scope": scope,
    }
    return Case(
        f"lambda_resnet-u{inner}", "lambda_resnet", "lambda_resnet", settings,
        lambda _: LambdaResNet([1, 2], 8, 5, 4, 2, inner, scope), (), image(24),
    )  # fmt: skip


CASES = [
    _net(1, 5),
    _net(3, 3),
    Case(
        "lambda_global", "lambda_resnet", "lambda_block_global",
        {"channels": 8, "size": 4, "depth": 3, "heads": 2, "inner": 2},
        lambda _: Lambda(8, 3, 2, 2, 0, 4), (), lambda: {"x": torch.randn(2, 8, 4, 4, dtype=torch.float64)},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_the_equations(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    out = outputs["out"]
    return (
        nn.functional.cross_entropy(out, torch.tensor([1, 2]))
        if out.dim() == 2
        else (out - 1).square().mean()
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_figures() -> None:
    """15.0 and 16.0 million are published; the numbers are counted, of lucidrains's and of this reference."""
    found = {name: spec("lambda_resnet")[name].params for name in ("lambda_resnet50", "lambda_resnet50_u4")}
    assert found == {"lambda_resnet50": 14_995_848, "lambda_resnet50_u4": 16_040_616}
    for model, u, scope in (("lambda_resnet50", 1, 23), ("lambda_resnet50_u4", 4, 7)):
        net = LambdaResNet([3, 4, 6, 3], 64, 1000, u=u, scope=scope).to("meta")
        assert sum(p.numel() for p in net.parameters()) == found[model]
    assert (
        spec("lambda_resnet")["lambda_block"].params == 45_600
    )  # lambda_networks: dim 256, k 16, h 4, u 1, r 23
    layer = spec("lambda_resnet").model("lambda_block", channels=512, inner=4)
    assert layer.params == 362_704  # figures.csv: dim 512, k 16, h 4, u 4, r 23
