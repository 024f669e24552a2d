"""Convolutions on sequences against plain PyTorch: numbers, figures, how far a step sees, that none sees ahead."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.analysis.receptive_field import receptive_field
from archdsl.backend.module import module
from tests.reference.tcn import TCN, WordTCN
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule, table
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

SMALL: dict[str, Any] = {"channels": 2, "classes": 4, "widths": [5, 6, 6], "kernel_size": 3}
WORDS: dict[str, Any] = {"vocab": 20, "d": 8, "widths": [8, 8], "kernel_size": 2}
RULES = (
    rule(r"blocks\.(\d+)\.side\.(.+)", r"network.blocks.\1.shortcut.\2"),
    rule(r"blocks\.(\d+)\.(conv\d)\.(.+)", r"network.blocks.\1.\2.conv.\3"),
    *table(head="head", words="words"),
    rule("bias", "bias"),
)
PIXELS = Case(
    "tcn", "tcn", "tcn", SMALL, lambda rate: TCN(**SMALL, rate=rate), RULES,
    lambda: {"x": torch.randn(3, 2, 30, dtype=torch.float64)}, rates=("rate",),
)  # fmt: skip
TEXT = Case(
    "tcn_words", "tcn", "tcn_words", WORDS, lambda rate: WordTCN(**WORDS, rate=rate), RULES,
    lambda: {"tokens": torch.randint(20, (3, 9))}, lambda net, given: {"logits": net(**given)},
    ("rate", "embedding_rate"),
)  # fmt: skip
CASES = [PIXELS, TEXT]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numbers(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    (logits,) = outputs.values()
    rows = logits.flatten(0, -2)
    return F.cross_entropy(rows, torch.arange(len(rows)) % rows.shape[1])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss, rate=1e-2)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_figures() -> None:
    """About 70 thousand are published for the digits (table 1); with the lengths of weight norm counted it is 66,910."""
    with torch.device("meta"):
        digits = TCN(1, 10, [25] * 8, 7, 0.0)
        words = WordTCN(10000, 600, [600] * 4, 3, 0.5)
    for net, name in ((digits, "tcn"), (words, "tcn_words")):
        assert sum(p.numel() for p in net.parameters()) == spec("tcn")[name].params


@pytest.mark.parametrize(("kernel_size", "levels"), [(2, 3), (3, 2), (7, 8)])
def test_how_far_a_step_sees(kernel_size: int, levels: int) -> None:
    """1 + 2 (k - 1) (2 ** n - 1): two convolutions a block, each block twice as far apart."""
    model = spec("tcn").model("tcn", widths=[4] * levels, kernel_size=kernel_size)
    found = receptive_field(model.network)
    assert found is not None
    assert found.field == (1 + 2 * (kernel_size - 1) * (2**levels - 1),)


def test_no_step_sees_what_comes_after_it() -> None:
    torch.manual_seed(0)
    net = module(TEXT.network(), dtype=torch.float64).eval()
    tokens = torch.randint(20, (2, 9))
    before = net(tokens)
    for t in range(9):
        changed = tokens.clone()
        changed[:, t] = (changed[:, t] + 1) % 20
        different = (net(changed) != before).any(2).any(0)
        assert not different[:t].any()
        assert different[t]
