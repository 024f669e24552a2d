"""DETR's masks against plain PyTorch that draws them answer by answer: numbers, figures, training, compiling."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.reference.panoptic import Panoptic
from tests.zoo import test_detr
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

SMALL: dict[str, Any] = {
    "classes": 3, "slots": 3, "d": 64, "heads": 4, "hidden": 24, "depth": 2, "layers": [1, 1, 1, 1], "width": 2,
    "groups": 4,
}  # fmt: skip
RULES = (
    rule(r"maps\.(.+)", r"box_maps.\1"),
    rule(r"drawing\.(conv|norm)s\.([01])\.(.+)", lambda m: f"mask_head.{m[1]}{int(m[2]) + 1}.{m[3]}"),
    rule(r"drawing\.(conv|norm)s\.(\d)\.(.+)", lambda m: f"mask_head.levels.{int(m[2]) - 2}.{m[1]}.{m[3]}"),
    rule(r"drawing\.sides\.(\d)\.(.+)", r"mask_head.levels.\1.adapter.\2"),
    rule(r"drawing\.last\.(.+)", r"mask_head.last.\1"),
    *test_detr.RULES,
)
CASE = Case(
    "detr_panoptic", "detr", "detr_panoptic", SMALL, lambda rate: Panoptic(**SMALL, rate=rate), RULES, test_detr.padded,
    lambda net, given: net(**given), ("rate",),
)  # fmt: skip


def test_numbers() -> None:
    check_numbers(CASE)


def _loss(outputs: Tensors) -> Tensor:
    """Masks drawn to a disc; the answers themselves have their loss elsewhere."""
    masks = outputs["drawn"]
    rows, columns = (torch.linspace(-1, 1, n) for n in masks.shape[2:])
    disc = (rows[:, None] ** 2 + columns**2 < 0.5).float().expand_as(masks)
    rest = sum((outputs[name].square().mean() for name in outputs if name != "drawn"), torch.zeros(()))
    return F.binary_cross_entropy_with_logits(masks, disc) + 0.1 * rest


def test_trains() -> None:
    check_trains(CASE, _loss, steps=6, rate=1e-2)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(CASE)


def test_figures() -> None:
    """DETR with 250 classes, two matrices of attention, and the drawing head's convolutions, norms and last layer."""
    model = spec("detr")["detr_panoptic"]
    with torch.device("meta"):
        whole = Panoptic(
            classes=250,
            slots=100,
            d=256,
            heads=8,
            hidden=2048,
            depth=6,
            layers=[3, 4, 6, 3],
            width=64,
            groups=8,
        )
    assert model.params == sum(p.numel() for p in whole.parameters()) == 42_899_288
    assert model.shape("drawn") == (1, 100, 200, 267)
    assert spec("detr")["detr"].shape("boxes") == (1, 100, 4)
    assert "drawn" not in spec("detr")["detr"].network.inference.output_names
