"""Recurrent sequence-to-sequence models: cells, attention, copying and guided attention against plain PyTorch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl import api
from archdsl.backend.module import module
from tests.reference.copying import CopyHead, PointerGenerator, Seq2Seq, guided
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import SAME, rule
from tests.zoo.sequence_support import agrees, compiles, trains


def seq2seq(kind: str) -> Case:
    return Case(
        f"seq2seq-{kind}", "seq2seq", "seq2seq", {"cell": kind, "vocab": 11, "d": 6, "layers": 2},
        lambda _: Seq2Seq(kind, 11, 6, 2), SAME,
        lambda: {"src": torch.randint(11, (2, 5)), "tgt": torch.randint(11, (2, 4))},
        lambda net, inputs: net(**inputs), ("rate",),
    )  # fmt: skip


def _summary() -> Tensors:
    copied = torch.randint(14, (2, 6))
    return {
        "src": copied.clamp(max=10), "copied": copied, "tgt": torch.randint(11, (2, 4)), "labels": copied[:, :4]
    }  # fmt: skip


POINTER = Case(
    "pointer_generator", "seq2seq", "pointer_generator", {"vocab": 11, "extra": 3, "d": 6, "layers": 2},
    lambda _: PointerGenerator("lstm", 11, 3, 6, 2, 0.2), SAME, _summary, lambda net, inputs: net(**inputs),
)  # fmt: skip


def _head() -> Tensors:
    weights = torch.rand(2, 4, 6, dtype=torch.float64).softmax(-1)
    return {
        "hidden": torch.randn(2, 4, 8, dtype=torch.float64), "weights": weights,
        "source": torch.tensor([[0, 5, 5, 12, 10, 5], [13, 13, 1, 2, 3, 13]]),
    }  # fmt: skip


HEAD = Case(
    "copy_head", "seq2seq", "copy_head", {"vocab": 11, "extra": 3, "d": 8}, lambda _: CopyHead(11, 3, 8),
    (rule("(.+)", r"copy_generator.\1"),), _head,
)  # fmt: skip


@pytest.mark.parametrize("case", [*map(seq2seq, ("rnn", "gru", "lstm")), POINTER], ids=str)
def test_numbers(case: Case) -> None:
    agrees(case)


def test_copy_head() -> None:
    ours, _ = agrees(HEAD)
    rows = ours(**HEAD.inputs()).sum(-1)
    torch.testing.assert_close(rows, torch.ones_like(rows), rtol=1e-12, atol=0)


def test_guided_attention() -> None:
    text = "model net { input a: [B, T, N]\n guided_attention(0.3) }"
    net = module(api.parse(text)["net"].network, dtype=torch.float64)
    for shape in ((2, 5, 7), (1, 9, 3)):
        weights = torch.rand(shape, dtype=torch.float64).softmax(-1).requires_grad_()
        ours, theirs = net(weights), guided(weights, 0.3)
        assert math.isclose(ours.item(), theirs.item(), rel_tol=1e-12)
        (mine,), (other,) = (torch.autograd.grad(value, weights) for value in (ours, theirs))
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-15)
    diagonal = torch.eye(6, dtype=torch.float64)[None]
    assert net(diagonal) == 0 < net(diagonal.flip(1))


def test_training() -> None:
    def words(found: dict[str, Tensor], inputs: Tensors) -> Tensor:
        return F.cross_entropy(found["logits"].flatten(0, 1), inputs["tgt"].flatten())

    for kind in ("rnn", "gru", "lstm"):
        trains(seq2seq(kind), words, 25)
    trains(POINTER, lambda found, _: found["loss"] + found["guide_loss"], 25)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_recurrent_figures(kind: str) -> None:
    """g (h (i + h) + 2 h) weights for g gates, in every layer of both sides; the rest is the same for all."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    rest = 2 * 50_000 * 1000 + 1000**2 + 2000 * 1000 + 1000 * 50_000 + 50_000
    assert spec("seq2seq").model("seq2seq", cell=kind).params == rest + 8 * gates * (1000 * 2000 + 2000)


@pytest.mark.slow
@pytest.mark.parametrize("case", [seq2seq("lstm"), POINTER], ids=str)
def test_compiles(case: Case) -> None:
    compiles(case)
