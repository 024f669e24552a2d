"""R-CNN against plain PyTorch: warping, features, machines and regressions; figures, compiling, training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from tests.reference import rcnn as reference
from tests.reference.ssd import best
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted

WIDTHS = [4, 4, 6, 6, 4]
FLAT = 4 * 2 * 2
SMALL: dict[str, Any] = {"widths": WIDTHS, "hidden": 8, "size": 99}


def crops() -> Tensors:
    return {"image": torch.randn(3, 3, 99, 99, dtype=torch.float64)}


def pictures() -> Tensors:
    """Two pictures of 60 x 80 with proposals on objects, beside them, and over the edge."""
    rois = torch.tensor(
        [
            [[10, 12, 40, 50], [12, 12, 42, 49], [30, 20, 70, 55], [0, 0, 20, 15], [50, 5, 80, 60], [33, 21, 68, 57]],
            [[5, 5, 30, 30], [40, 10, 75, 50], [41, 12, 74, 52], [0, 0, 80, 60], [20, 30, 35, 58], [60, 40, 80, 60]],
        ],
        dtype=torch.float64,
    )  # fmt: skip
    truth = torch.tensor(
        [
            [[11, 12, 41, 50], [31, 20, 70, 56], [0, 0, 0, 0]],
            [[42, 11, 75, 51], [0, 0, 0, 0], [21, 31, 36, 57]],
        ],
        dtype=torch.float64,
    )
    return {
        "image": torch.randn(2, 3, 60, 80, dtype=torch.float64),
        "rois": rois,
        "truth": truth,
        "labels": torch.tensor([[0, 2, 0], [2, 1, 1]]),
        "valid": torch.tensor([[True, True, False], [True, False, True]]),
    }


def _whole(net: nn.Module, inputs: Tensors) -> Tensors:
    assert isinstance(net, reference.RCNN)
    image, rois, truth, *rest = inputs.values()
    rois, truth = rois.detach(), truth.detach()
    if not net.training:
        scores, moves = net(image, rois)
        left = best(reference.moved(rois, moves), scores, 6, 17, -1.0, 0.3)
        named = dict(zip(("boxes", "class_labels", "confidences", "keep"), left, strict=True))
        return {"class_scores": scores, **named}
    full = torch.where(rest[1][..., None], truth, rois[:, :1])  # an empty slot needs a place
    regions = torch.cat([rois, truth], 1)
    scores, moves = net(image, torch.cat([rois, full], 1))
    return {
        "class_scores": scores,
        "class_loss": reference.svm_loss(net.machines, scores, rois, truth, *rest),
        "box_loss": reference.ridge_loss(net.regressions, moves, regions, truth, *rest),
    }


CASES = [
    Case(
        "rcnn_features", "rcnn", "rcnn_features", SMALL,
        lambda rate: reference.Network(WIDTHS, 8, FLAT, rate), (), crops, rates=("rate",),
    ),
    Case(
        "rcnn_finetuned", "rcnn", "rcnn_finetuned", {**SMALL, "classes": 4},
        lambda rate: nn.Sequential(reference.Network(WIDTHS, 8, FLAT, rate), nn.Linear(8, 4)), (),
        lambda: {**crops(), "target": torch.tensor([0, 3, 1])}, reference.finetuned, ("rate",),
    ),
    Case(
        "rcnn", "rcnn", "rcnn", {**SMALL, "classes": 3, "context": 8, "candidates": 6, "most": 17},
        lambda rate: reference.RCNN(3, WIDTHS, 8, FLAT, 99, 8), (), pictures, _whole,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss)


def _loss(outputs: Tensors) -> torch.Tensor:
    named = [value for name, value in outputs.items() if name.endswith("loss")]
    return torch.stack(named or [(outputs["out"] - 1).square().mean()]).sum()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_less_context_is_noticed() -> None:
    """What the comparison is worth: other surroundings give other numbers."""
    with pytest.raises(AssertionError):
        check_numbers(replace(CASES[2], settings={**CASES[2].settings, "context": 16}))


def test_figures() -> None:
    """Those of Caffe's network without its last layer, and with one for 20 classes and background; pool5 has 9,216."""
    with torch.device("meta"):
        net = reference.Network([96, 256, 384, 384, 256], 4096, 9216)
        last = nn.Linear(4096, 21)
        heads = (nn.Linear(4096, 20), nn.Linear(9216, 80))
    params, macs = counted(net, (1, 3, 227, 227))
    ours = spec("rcnn")
    assert (
        (ours["rcnn_features"].params, ours["rcnn_features"].macs()) == (params, macs) == (56_868_224, macs)
    )
    assert ours["rcnn_finetuned"].params == params + sum(p.numel() for p in last.parameters()) == 56_954_261
    assert ours["rcnn"].params == params + sum(p.numel() for head in heads for p in head.parameters())
    assert ours["rcnn"].macs() == 2000 * (macs + 20 * 4096 + 80 * 9216)
