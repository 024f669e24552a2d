"""Non-maximum suppression against going from box to box: ties, chains, batches, padding, compiled."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from archdsl.ops.base import Slot
from archdsl.ops.nms import Nms
from archdsl.tensors import TensorType
from tests.ops.support import interpreter


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    types = (TensorType(tuple(boxes.shape)), TensorType(tuple(scores.shape)))
    found: Tensor = interpreter(Nms(Slot(0), Slot(1), threshold), types)(boxes, scores)
    return found


def greedy(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """From the highest score down, the first of equals first: kept unless a kept one overlaps too much."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-float(scores[i]), i)):
        x1, y1, x2, y2 = boxes[i].tolist()
        for j in kept:
            a1, b1, a2, b2 = boxes[j].tolist()
            shared = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
            union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared
            if union > 0 and shared / union > threshold:
                break
        else:
            kept.append(i)
    found = torch.zeros(len(boxes), dtype=torch.bool)
    found[kept] = True
    return found


def some(count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    corner = 60 * torch.rand(count, 2, generator=generator, dtype=torch.float64)
    size = 30 * torch.rand(count, 2, generator=generator, dtype=torch.float64)
    scores = (torch.rand(count, generator=generator, dtype=torch.float64) * 20).round()  # many are equal
    return torch.cat([corner, corner + size], 1), scores


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("count", [1, 2, 60, 200])
def test_keeps_what_going_from_box_to_box_keeps(count: int, threshold: float) -> None:
    for seed in range(5):
        boxes, scores = some(count, seed)
        assert torch.equal(nms(boxes, scores, threshold), greedy(boxes, scores, threshold)), seed


def test_a_chain_in_which_every_box_touches_the_next() -> None:
    """Every second one stays, however long the chain: each hangs on all before it."""
    start = torch.arange(101, dtype=torch.float64)
    boxes = torch.stack([start, 0 * start, start + 1.5, 0 * start + 1], 1)
    kept = nms(boxes, -start, 0.1)
    assert torch.equal(kept, start % 2 == 0)


def test_rows_of_a_batch_don_t_see_each_other() -> None:
    pairs = [some(40, seed) for seed in range(6)]
    boxes, scores = (torch.stack(t).unflatten(0, (2, 3)) for t in zip(*pairs, strict=True))
    kept = nms(boxes, scores, 0.4).flatten(0, 1)
    assert all(torch.equal(k, greedy(*pair, 0.4)) for k, pair in zip(kept, pairs, strict=True))


def test_empty_boxes_suppress_nothing() -> None:
    boxes = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2]])
    assert nms(boxes, torch.tensor([3.0, 2, 1]), 0.0).all()


@pytest.mark.parametrize("training", [False, True])
def test_compiled_without_a_break(training: bool) -> None:
    """As a loop inside the graph, beside weights that learn."""
    boxes, scores = some(50, 3)
    op = interpreter(Nms(Slot(0), Slot(1), 0.3), (TensorType((50, 4)), TensorType((50,))))

    def used(boxes: Tensor, scores: Tensor) -> Tensor:
        return torch.where(op(boxes, scores), scores, 0).sum()

    torch._dynamo.reset()
    boxes.requires_grad_(training)
    scores.requires_grad_(training)
    found = torch.compile(used, backend="aot_eager", fullgraph=True)(boxes, scores)
    kept = greedy(boxes.detach(), scores.detach(), 0.3)
    assert float(found.detach()) == float(scores.detach()[kept].sum())
    if training:
        found.backward()
        assert torch.equal(scores.grad, kept.double())
