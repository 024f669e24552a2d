"""The non-autoregressive Transformer: numbers against plain PyTorch, copies by count, training."""

from __future__ import annotations

import pytest
import torch

from archdsl import api
from tests.reference.nat import Nat
from tests.zoo.compare import Case, Tensors
from tests.zoo.keymaps import SAME
from tests.zoo.sequence_support import agrees, compiles, trains


def _inputs() -> Tensors:
    labels = torch.randint(20, (3, 9))
    labels[0, 6:], labels[1, 3:], labels[2, 1:] = -100, -100, -100
    return {
        "src": torch.randint(20, (3, 5)), "lengths": torch.tensor([5, 3, 2]), "labels": labels,
        "counts": torch.tensor([[1, 0, 2, 2, 1], [1, 1, 1, 3, 3], [0, 1, 2, 0, 0]]),
    }  # fmt: skip


CASE = Case(
    "nat", "nat", "nat",
    {"vocab": 20, "d": 16, "heads": 2, "hidden": 24, "layers": 2, "fertilities": 4, "longest": 9},
    lambda _: Nat(20, 16, 2, 24, 2, 4, 9), SAME, _inputs, lambda net, inputs: net(**inputs), ("rate",),
)  # fmt: skip


def test_numbers() -> None:
    agrees(CASE)


def test_training() -> None:
    trains(CASE, lambda found, _: found["loss"])


@pytest.mark.slow
def test_compiles() -> None:
    compiles(CASE)


def test_copies_by_count() -> None:
    """Against repeat_interleave, whose result has another length for each row: cut off, and filled up."""
    text = """model net { input x: [B, S, D]
      input counts: int[B, S]
      found, total = x -> repeat_by_count(counts, 6)
      output found
      output total }"""
    net = api.parse(text)["net"].module()
    x = torch.randn(4, 3, 2)
    counts = torch.tensor([[1, 2, 3], [0, 0, 1], [9, 0, 0], [0, 0, 0]])
    found, total = net(x=x, counts=counts)
    assert total.tolist() == [6, 1, 6, 0]
    for b in range(4):
        expected = torch.repeat_interleave(x[b], counts[b], dim=0)[:6]
        assert torch.equal(found[b, : len(expected)], expected)
