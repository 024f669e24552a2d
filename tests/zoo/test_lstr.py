"""LSTR against plain PyTorch: padded images, figures, compiling, training with the auxiliary answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.lstr import LSTR
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule
from tests.zoo.test_detr import RULES, padded
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

SMALL: dict[str, Any] = {
    "classes": 3, "slots": 4, "d": 16, "heads": 2, "hidden": 24, "depth": 2, "layers": [1, 2], "widths": [4, 6],
}  # fmt: skip
LSTR_RULES = (
    rule(r"stem\.(.+)", r"stem.\1"),
    rule(r"backbone\.(\d+)\.(\d+)\.side\.(.+)", r"backbone.\1.blocks.\2.shortcut.\3"),
    rule(r"backbone\.(\d+)\.(\d+)\.(conv|bn)(\d)\.(.+)", r"backbone.\1.blocks.\2.conv\4.\3.\5"),
    rule(r"(own|shared)\.([02])\.(.+)", lambda m: f"{m[1]}.hidden.{int(m[2]) // 2}.{m[3]}"),
    rule(r"(own|shared)\.4\.(.+)", r"\1.last.\2"),
    *RULES,
)
CASE = Case(
    "lstr", "lstr", "lstr", SMALL, lambda rate: LSTR(**SMALL, rate=rate), LSTR_RULES, padded,
    lambda net, inputs: net(**inputs), ("rate",),
)  # fmt: skip


class Nothing(nn.Module):
    """Stands where attention would project, and leaves all as it is."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.weight, self.bias = torch.eye(d, dtype=torch.float64), None


def _unprojected(rate: float) -> nn.Module:
    net = LSTR(**{**SMALL, "heads": 1}, rate=rate)
    for part in net.modules():
        if isinstance(part, nn.MultiheadAttention):
            part.out_proj = Nothing(SMALL["d"])  # type: ignore[assignment]
    return net


ONE_HEAD = replace(
    CASE, name="lstr_one_head", model="lstr_one_head", settings={k: v for k, v in SMALL.items() if k != "heads"},
    reference=_unprojected,
)  # fmt: skip


@pytest.mark.parametrize("case", [CASE, ONE_HEAD], ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    """Lanes given in the order of the slots: what matching does is not the graph's."""
    total = torch.zeros(())
    for logits, curves in (
        (outputs["logits"], outputs["curves"]),
        (outputs["aux_logits"], outputs["aux_curves"]),
    ):
        total = total + F.cross_entropy(
            logits.flatten(0, -2), torch.ones(logits[..., 0].numel(), dtype=torch.long)
        )
        total = total + F.l1_loss(curves, torch.linspace(0, 1, 8).expand_as(curves))
    return total


def test_trains() -> None:
    check_trains(CASE, _loss)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(CASE)


def test_figures() -> None:
    """765,787 is published, with three classes; 581.9 M MACs with the products of attention, 574.3 M without."""
    full: dict[str, Any] = {"slots": 7, "d": 32, "heads": 2, "hidden": 128, "depth": 2}
    for classes, model, params in ((3, "lstr", 765_787), (2, "lstr_two_classes", 765_754)):
        net = LSTR(classes, **full, layers=[1, 2, 2, 2], widths=[16, 32, 64, 128])
        assert sum(p.numel() for p in net.parameters()) == params == spec("lstr")[model].params
    found = spec("lstr")["lstr"]
    assert found.macs() == 581_931_296
    assert (found.shape("logits"), found.shape("curves")) == ((1, 7, 3), (1, 7, 8))
