"""Losses against torch, torchvision and the formula."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from archdsl.dims import symbol
from archdsl.ops.base import Fn, Slot
from archdsl.ops.class_losses import CrossEntropy, Nll
from archdsl.ops.detection_losses import Focal, Giou
from archdsl.ops.errors import OperatorError
from archdsl.ops.losses import Hinge
from archdsl.tensors import TensorType
from tests.ops.references import reference
from tests.ops.support import checker, interpreter

REDUCTIONS = ("mean", "sum", "none")
PAIR = (Slot(0), Slot(1))


def result(op: Any, *tensors: torch.Tensor, features: Any = None) -> torch.Tensor:
    names = [str(t.dtype).removeprefix("torch.") for t in tensors]
    types = [TensorType(tuple(t.shape), n) for t, n in zip(tensors, names, strict=True)]
    types[0] = TensorType(types[0].shape, types[0].dtype, features)
    value: torch.Tensor = interpreter(op, tuple(types))(*tensors)
    return value


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_focal_and_giou_are_torchvisions(reduction: str) -> None:
    ops = reference("torchvision.ops")
    torch.manual_seed(0)
    logits, target = torch.randn(6, 5), torch.randint(0, 2, (6, 5)).float()
    for alpha, gamma in ((0.25, 2.0), (0.6, 0.5), (None, 1.0)):
        theirs = ops.sigmoid_focal_loss(logits, target, -1 if alpha is None else alpha, gamma, reduction)
        mine = result(Focal(*PAIR, reduction, alpha, gamma), logits, target)
        torch.testing.assert_close(mine, theirs)
    corners = torch.rand(2, 3, 7, 2)
    boxes, others = (torch.cat([c, c + torch.rand(3, 7, 2)], dim=-1) for c in corners)
    theirs = ops.generalized_box_iou_loss(boxes, others, reduction)
    torch.testing.assert_close(result(Giou(*PAIR, reduction), boxes, others), theirs)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_hinge(reduction: str) -> None:
    scores, target = torch.randn(50), torch.randint(0, 2, (50,)) * 2.0 - 1
    expected = torch.tensor([max(0.0, 1 - float(s * t)) for s, t in zip(scores, target, strict=True)])
    expected = expected if reduction == "none" else getattr(expected, reduction)()
    torch.testing.assert_close(result(Hinge(*PAIR, reduction), scores, target), expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore", [None, 2, -1, 100])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_wherever_the_classes_are(reduction: str, ignore: int | None, smoothing: float) -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(3, 6, 4, 5), torch.randint(0, 6, (3, 4, 5))
    if ignore is not None:
        target[0] = ignore
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": smoothing}
    expected = F.cross_entropy(logits, target, ignore_index=-100 if ignore is None else ignore, **options)
    for dim in range(-4, 4):
        moved = logits.movedim(1, dim)
        # The places keep their order whichever dim the classes are moved to.
        op = CrossEntropy(*PAIR, ignore_index=ignore, dim=dim, **options)
        torch.testing.assert_close(result(op, moved, target), expected)
    by_features = CrossEntropy(*PAIR, ignore_index=ignore, **options)
    torch.testing.assert_close(result(by_features, logits, target, features="first"), expected)
    torch.testing.assert_close(result(by_features, logits.movedim(1, -1), target, features="last"), expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_of_distributions(reduction: str) -> None:
    logits, target = torch.randn(3, 6, 4, 5), torch.randn(3, 6, 4, 5).softmax(1)
    expected = F.cross_entropy(logits, target, reduction=reduction)
    for dim in range(4):
        op = CrossEntropy(*PAIR, dim=dim, reduction=reduction)
        torch.testing.assert_close(result(op, logits.movedim(1, dim), target.movedim(1, dim)), expected)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll_wherever_the_classes_are(reduction: str) -> None:
    scores, target = torch.randn(3, 6, 4).log_softmax(1), torch.randint(0, 6, (3, 4))
    expected = F.nll_loss(scores, target, reduction=reduction)
    for dim in range(3):
        op = Nll(*PAIR, dim=dim, reduction=reduction)
        torch.testing.assert_close(result(op, scores.movedim(1, dim), target), expected)


def test_cross_entropy_is_written_as_a_person_would() -> None:
    images, tokens = TensorType((8, 10)), TensorType((8, 16, 10), features="last")
    op = CrossEntropy(*PAIR)
    assert op.lower((images, TensorType((8,), "int64")), ()) == Fn("F.cross_entropy", PAIR)
    flat = (Fn(".flatten", (Slot(0), 0, -2)), Fn(".flatten", (Slot(1),)))
    assert op.lower((tokens, TensorType((8, 16), "int64")), ()) == Fn("F.cross_entropy", flat)


def test_losses_of_free_sizes() -> None:
    batch, length = symbol("B"), symbol("T")
    logits = TensorType((batch, length, 10), features="last")
    target = TensorType((batch, length), "int64")
    assert CrossEntropy(*PAIR).shape((logits, target), checker()).shape == ()
    assert CrossEntropy(*PAIR, reduction="none").shape((logits, target), checker()).shape == (batch, length)
    with pytest.raises(OperatorError) as caught:
        CrossEntropy(*PAIR).shape((logits, TensorType((batch, 7), "int64")), checker())
    assert caught.value.code == "E0402"


def test_the_range_of_classes_is_asked_of_the_input() -> None:
    from archdsl.tensors import Values

    logits = TensorType((8, 10))
    target = TensorType((8,), "int64", values=Values(input="target"))
    for ignore, low, high in ((None, 0, 10), (3, 0, 10), (-1, -1, 10), (255, 0, 256)):
        sizes = checker()
        CrossEntropy(*PAIR, ignore_index=ignore).shape((logits, target), sizes)
        (bound,) = sizes.value_bounds
        assert (bound.input, bound.low, bound.high) == ("target", low, high)
