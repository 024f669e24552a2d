"""DETR against plain PyTorch: padded images in both modes, figures, compiling, and a set loss that falls."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.detr import DETR
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

SMALL: dict[str, Any] = {
    "classes": 5, "slots": 4, "d": 16, "heads": 4, "hidden": 24, "depth": 2, "layers": [1, 2, 1, 2], "width": 2,
}  # fmt: skip

ATTENTION = {"attend": "attention", "cross": "cross"}
NORMS = {"encoder": {"1": "attention", "2": "feed_forward"}}
NORMS["decoder"] = {"1": "attention", "2": "cross", "3": "feed_forward"}


def _attention(found: Any) -> str:
    return f"{found[1]}.{found[2]}.{ATTENTION[found[3]]}"


def _norm(found: Any) -> str:
    return f"{found[1]}.{found[2]}.{NORMS[found[1]][found[3]]}.norm.{found[4]}"


RULES = (
    rule(r"backbone\.stem\.(.+)", r"stem.\1"),
    rule(r"backbone\.stages\.(\d+)\.(\d+)\.(.+)", r"backbone.\1.blocks.\2.\3"),
    rule(
        r"(encoder|decoder)\.(\d+)\.(attend|cross)\.in_proj_(weight|bias)",
        *(lambda m, name=name: f"{_attention(m)}.f.{name}.{m[4]}" for name in ("query", "key", "value")),
    ),
    rule(
        r"(encoder|decoder)\.(\d+)\.(attend|cross)\.out_proj\.(weight|bias)",
        lambda m: f"{_attention(m)}.f.out.{m[4]}",
    ),
    rule(r"(encoder|decoder)\.(\d+)\.norm(\d)\.(.+)", _norm),
    rule(r"(encoder|decoder)\.(\d+)\.ffn\.(.+)", r"\1.\2.feed_forward.f.\3"),
    rule(r"locate\.0\.(.+)", r"locate.fc1.\1"),
    rule(r"locate\.2\.(.+)", r"locate.fc2.\1"),
    rule(r"locate\.4\.(.+)", r"locate.fc3.\1"),
    rule(r"(.+)", r"\1"),
)


def padded(height: int = 70, width: int = 101) -> Tensors:
    """Two images in one batch, the second smaller than the first and padded."""
    image = torch.randn(2, 3, height, width, dtype=torch.float64)
    valid = torch.ones(2, height, width, dtype=torch.bool)
    valid[1, height * 2 // 3 :] = False
    valid[1, :, width // 2 :] = False
    return {"image": image * valid[:, None], "valid": valid}


def _case(name: str, **more: Any) -> Case:
    settings = SMALL | more
    return Case(
        name, "detr", "detr", settings, lambda rate: DETR(**settings, rate=rate), RULES, padded,
        lambda net, inputs: net(**inputs), ("rate",),
    )  # fmt: skip


CASES = [_case("detr"), _case("detr_dc5", dilated=True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


def test_compiles() -> None:
    check_compiles(CASES[0])


# ------------------------------------------------------------------------------------------- the set loss of the paper

OBJECTS = [(torch.tensor([1, 3]), torch.tensor([[0.3, 0.3, 0.2, 0.2], [0.6, 0.5, 0.4, 0.3]])),
           (torch.tensor([2]), torch.tensor([[0.2, 0.3, 0.3, 0.4]]))]  # fmt: skip


def corners(boxes: Tensor) -> Tensor:
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union of boxes by their corners, each with each."""
    a, b = a[:, None], b[None]
    inside = (
        (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    )
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inside
    return inside / union - (around - union) / around


def matched(cost: Tensor) -> tuple[int, ...]:
    """Which slot answers for which object, the cheapest way of all."""
    slots, objects = cost.shape
    ways = permutations(range(slots), objects)
    return min(ways, key=lambda way: float(sum(cost[slot, i] for i, slot in enumerate(way))))


def set_loss(logits: Tensor, boxes: Tensor) -> Tensor:
    """1 for classes (0.1 of it where there is nothing), 5 for distances, 2 for overlaps, after matching."""
    none = logits.shape[-1] - 1
    total = torch.zeros(())
    weight = torch.ones(none + 1)
    weight[none] = 0.1
    for scores, places, (labels, wanted) in zip(logits, boxes, OBJECTS, strict=True):
        with torch.no_grad():
            cost = -scores.softmax(-1)[:, labels] + 5 * torch.cdist(places, wanted, p=1)
            way = list(matched(cost - 2 * overlap(corners(places), corners(wanted))))
        target = torch.full((len(scores),), none)
        target[way] = labels
        total = total + F.cross_entropy(scores, target, weight) + 5 * F.l1_loss(places[way], wanted)
        total = total + 2 * (1 - overlap(corners(places[way]), corners(wanted)).diagonal()).mean()
    return total


def all_layers(outputs: Tensors) -> Tensor:
    total = set_loss(outputs["logits"], outputs["boxes"])
    for layer in range(outputs["aux_logits"].shape[1]):
        total = total + set_loss(outputs["aux_logits"][:, layer], outputs["aux_boxes"][:, layer])
    return total


def test_trains() -> None:
    check_trains(CASES[0], all_layers, steps=12, rate=1e-2)


# ------------------------------------------------------------------------------------------------------------- figures


def test_figures() -> None:
    """41,524,768, of which 222,400 stand before the second stage and are frozen in training: 41,302,368."""
    model = spec("detr")["detr"]
    assert model.params == 41_524_768
    assert model.shape("logits") == (1, 100, 92)
    assert model.shape("boxes") == (1, 100, 4)
    with torch.device("meta"):
        reference = DETR(91, 100, 256, 8, 2048, 6, [3, 4, 6, 3], 64)
    assert sum(p.numel() for p in reference.parameters()) == model.params
    frozen = nn.ModuleList([reference.backbone.stem, reference.backbone.stages[0]])
    assert model.params - sum(p.numel() for p in frozen.parameters()) == 41_302_368


def test_work() -> None:
    """That of transformers' model on one image, at 2 operations a multiply-accumulate (figures.csv)."""
    assert 2 * spec("detr")["detr"].macs() == 162_334_464_000


def test_variants() -> None:
    """DC5 moves a stride; ResNet-101 has 18,939,904 more in its convolutions (44,549,160 - 25,557,032 - 52,224)."""
    found = spec("detr")
    assert found["detr_dc5"].params == 41_524_768
    assert found["detr_dc5"].macs() > found["detr"].macs()
    assert found["detr_r101"].params == 41_524_768 + 18_939_904
