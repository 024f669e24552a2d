"""The Feature Pyramid Transformer against plain PyTorch: numbers, figures, compiling, training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.reference.fpt import FPT, Grounding, Rendering, Self
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

WIDTHS = [2, 3, 4, 5]


def _pyramid() -> Tensors:
    return {
        f"c{i + 2}": torch.randn(2, w, 16 >> i, 8 >> i, dtype=torch.float64) for i, w in enumerate(WIDTHS)
    }


def _case(name: str, euclidean: bool = True, scope: int | None = None) -> Case:
    settings = {"c": 4, "widths": WIDTHS, "mixes": 2, "euclidean": euclidean} | (
        {"scope": scope} if scope else {}
    )
    return Case(
        name, "fpt", "fpt", settings, lambda rate: FPT(4, WIDTHS, 2, rate, euclidean, scope), (), _pyramid,
        lambda net, inputs: net(*inputs.values()), ("rate",),
    )  # fmt: skip


CASES = [_case("fpt"), _case("fpt_released", euclidean=False), _case("fpt_local", scope=1)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    return sum(((t - 1).square().mean() for t in outputs.values()), torch.zeros(()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(CASES[0])


def test_figures() -> None:
    """Counted from the released modules; the rendering one holds two convolutions more, which it does not use."""
    found = {name: spec("fpt")[f"fpt_{name}"].params for name in ("self", "grounding", "rendering")}
    assert found == {"self": 198_656, "grounding": 132_224, "rendering": 1_443_328 - 65_536 - 131_072}
    for net, name in (
        (Self(256, 4, 0), "self"),
        (Grounding(256, True, None), "grounding"),
        (Rendering(256, 1), "rendering"),
    ):
        assert sum(p.numel() for p in net.parameters()) == found[name]
    whole = FPT(256, [256, 512, 1024, 2048], 4, 0)
    assert spec("fpt")["fpt"].params == sum(p.numel() for p in whole.parameters())


def test_a_pyramid_keeps_its_sizes() -> None:
    shapes = {name: spec("fpt")["fpt"].shape(name, h=5, w=3) for name in ("p2", "p3", "p4", "p5")}
    assert shapes == {f"p{i + 2}": (1, 256, 40 >> i, 24 >> i) for i in range(4)}
