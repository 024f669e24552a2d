"""OverFeat against plain PyTorch: windows one by one, six sizes, merged boxes; figures, compiling, training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.reference import overfeat as reference
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted

WIDTHS = [3, 4, 4, 5, 5]
SMALL: dict[str, Any] = {"classes": 4, "widths": WIDTHS, "hidden": [6, 7]}
SIZES = [[101, 113], [113, 149]]


def image(h: int, w: int) -> Tensor:
    return torch.randn(2, 3, h, w, dtype=torch.float64)


def pictures() -> Tensors:
    """Two pictures of 113 x 149 with objects in the middle, at the edge, and none."""
    truth = torch.tensor(
        [
            [[20, 15, 70, 80], [90, 30, 140, 100], [0, 0, 0, 0]],
            [[5, 60, 45, 110], [0, 0, 0, 0], [0, 0, 0, 0]],
        ],
        dtype=torch.float64,
    )
    return {
        "image": image(113, 149),
        "truth": truth,
        "labels": torch.tensor([[0, 2, 0], [1, 0, 0]]),
        "valid": torch.tensor([[True, True, False], [True, False, False]]),
    }


def _whole(net: nn.Module, inputs: Tensors) -> Tensors:
    assert isinstance(net, reference.Detector)
    picture, truth, labels, valid = inputs.values()
    logits, edges, windows = net(picture)
    found = {"class_logits": logits, "window_edges": edges}
    if net.training:
        certain, apart = net.losses(logits, edges, windows, truth.detach(), labels, valid)
        return {**found, "class_loss": certain, "box_loss": apart}
    boxes, kinds, scores, keep = [], [], [], []
    for b in range(len(picture)):
        sure, kind = logits[b].softmax(1)[:, :-1].max(1)
        order = sure.argsort(descending=True)[:8]
        corners = torch.stack(windows)[order][:, [0, 1, 0, 1]]
        placed = edges[b, order] * net.side + corners
        sure = torch.where(sure[order] > ABOVE, sure[order], 0.0)
        box, score, left = reference.merged(placed, sure, kind[order], net.side, 1.0)
        boxes.append(box)
        kinds.append(kind[order])
        scores.append(score)
        keep.append(torch.tensor(left))
    named = {"boxes": boxes, "class_labels": kinds, "scores": scores, "keep": keep}
    return found | {name: torch.stack(parts) for name, parts in named.items()}


ABOVE = 0.24
DETECTOR = {**SMALL, "box_hidden": [6, 5], "window": 1, "candidates": 8, "above": ABOVE, "limit": 1.0}
CASES = [
    Case(
        "overfeat_fast", "overfeat", "overfeat_fast", {**SMALL, "window": 2},
        lambda rate: reference.Classifier(4, WIDTHS, [6, 7], 2, False, rate=rate), (),
        lambda: {"image": image(103, 135)}, rates=("rate",),
    ),
    Case(
        "overfeat_accurate", "overfeat", "overfeat_accurate", {**SMALL, "window": 2},
        lambda rate: reference.Classifier(4, WIDTHS, [6, 7], 2, True, rate=rate), (),
        lambda: {"image": image(113, 149)}, rates=("rate",),
    ),
    Case(
        "overfeat_multiscale", "overfeat", "overfeat_multiscale", {**SMALL, "window": 1, "sizes": SIZES},
        lambda rate: reference.Classifier(4, WIDTHS, [6, 7], 1, True, SIZES, rate), (),
        lambda: {"image": image(64, 80)}, rates=("rate",),
    ),
    Case(
        "overfeat_detector", "overfeat", "overfeat_detector", DETECTOR,
        lambda rate: reference.Detector(4, WIDTHS, [6, 7], [6, 5], 1, rate), (), pictures, _whole, ("rate",),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss)


def _loss(outputs: Tensors) -> Tensor:
    named = [value for name, value in outputs.items() if name.endswith("loss")]
    return torch.stack(named or [-outputs["out"].flatten(1).log_softmax(1)[:, 0].mean()]).sum()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_other_sizes_are_noticed() -> None:
    """What the comparison is worth: pictures of other sizes have other probabilities."""
    with pytest.raises(AssertionError):
        check_numbers(replace(CASES[2], settings={**CASES[2].settings, "sizes": SIZES[::-1][:1]}))


def test_figures() -> None:
    """145 M and 144 M are published; counted from tables 1 and 3."""
    full = [96, 256, 512, 1024, 1024]
    for model, params, size, hidden, window in (
        ("overfeat_fast", 145_920_872, 231, [3072, 4096], 6),
        ("overfeat_accurate", 144_656_488, 221, [4096, 4096], 5),
    ):
        with torch.device("meta"):
            net = reference.Classifier(1000, full, hidden, window, size == 221)
        ours = spec("overfeat")[model]
        assert counted(net, (1, 3, size, size)) == (params, ours.macs())
        assert (ours.params, ours.shape("out")) == (params, (1, 1000, 1, 1))


@pytest.mark.parametrize(
    ("size", "places"),
    [
        ((245, 245), (3, 3)),
        ((281, 317), (6, 9)),
        ((317, 389), (9, 15)),
        ((389, 461), (15, 21)),
        ((461, 569), (21, 30)),
    ],
)
def test_places_of_table_5(size: tuple[int, int], places: tuple[int, int]) -> None:
    """As many places as the paper says for images of its sizes."""
    rows, columns = places
    found = (
        spec("overfeat").model("overfeat_detector", candidates=9).shape("class_logits", H=size[0], W=size[1])
    )
    assert found == (1, rows * columns, 201)
