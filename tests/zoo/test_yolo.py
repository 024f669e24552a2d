"""YOLO, its three versions: figures, numbers against plain PyTorch, darknet's gradients, compiling, training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.reference import yolo as reference
from tests.reference.ssd import best
from tests.reference.yolo_v1 import YoloV1
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted

FILES = {"yolo_v1": "yolo_v1", "yolo_v1_released": "yolo_v1"}
FEW: dict[str, Any] = {"most": 54, "above": 0.12, "overlap": 0.3}  # of detections
V1: dict[str, Any] = {"classes": 3, "boxes": 2, "size": 192, "width": 2, "hidden": 6}
ANCHORS = [[0.4, 0.5], [1.1, 0.9], [1.5, 1.9]]
LEVELS = [[[60, 50], [40, 75]], [[30, 25], [20, 35]], [[10, 13], [16, 8]]]
V2: dict[str, Any] = {"classes": 3, "width": 2, "anchors": ANCHORS}
V3: dict[str, Any] = {"classes": 3, "width": 2, "layers": [1, 1, 2, 1, 1], "anchors": LEVELS}


def pictures(size: int) -> Tensors:
    """Two pictures with objects of several shapes; two share cell and shape, and one slot of each is empty."""
    truth = torch.tensor(
        [
            [[10, 12, 40, 50], [11, 13, 41, 49], [50, 20, 90, 60], [3, 70, 18, 80], [0, 0, 0, 0]],
            [[30, 30, 85, 88], [60, 5, 80, 40], [0, 0, 0, 0], [70, 66, 90, 95], [71, 67, 89, 94]],
        ],
        dtype=torch.float64,
    ) * (size / 96)  # fmt: skip
    return {
        "image": torch.randn(2, 3, size, size, dtype=torch.float64),
        "truth": truth,
        "labels": torch.tensor([[0, 2, 1, 2, 0], [1, 1, 0, 2, 2]]),
        "valid": torch.tensor([[True, True, True, True, False], [True, True, False, True, True]]),
    }


def _one(net: nn.Module, inputs: Tensors) -> Tensors:
    assert isinstance(net, YoloV1)
    image, *objects = inputs.values()
    p, c, t = net(image)
    found = {"class_probabilities": p, "box_confidence": c, "all_boxes": net.corners(t).flatten(1, 2)}
    if net.training:
        return {**found, "loss": net.loss(p, c, t, *objects)}
    return found | _left(found["all_boxes"], (c[..., None] * p[:, :, None]).flatten(1, 2), 10**6)


def _left(boxes: Tensor, scores: Tensor, candidates: int) -> Tensors:
    left = best(boxes, scores, candidates, FEW["most"], FEW["above"], FEW["overlap"])
    return dict(zip(("found_boxes", "class_labels", "scores", "keep"), left, strict=True))


def _later(net: nn.Module, inputs: Tensors) -> Tensors:
    assert isinstance(net, reference.YoloV2 | reference.YoloV3)
    image, *objects = inputs.values()
    maps, region = net(image), isinstance(net, reference.YoloV2)
    anchors, size = [tuple(a) for a in net.anchors], image.shape[-1]
    numbers = reference.flat(maps, len(anchors))
    found = {"raw": numbers, "all_boxes": reference.corners(maps, anchors, size)}
    if net.training:
        deltas = reference.darknet(
            maps, anchors, size, *objects, 0.6 if region else 0.7, region, region and net.early
        )
        return {**found, "loss": reference.darknet_loss(numbers, *deltas)}
    classes = numbers[..., 5:].softmax(-1) if region else numbers[..., 5:].sigmoid()
    return found | _left(found["all_boxes"], classes * numbers[..., 4:5].sigmoid(), 20)


CASES = [
    Case(
        "yolo_v1", "yolo_v1", "yolo_v1", V1 | FEW, lambda rate: YoloV1(**V1, rate=rate), (),
        lambda: pictures(192), _one, ("rate",),
    ),
    Case(
        "yolo_v1_released", "yolo_v1", "yolo_v1_released", {**V1, **FEW, "boxes": 3},
        lambda rate: YoloV1(**{**V1, "boxes": 3}, rate=rate, released=True), (),
        lambda: pictures(192), _one, ("rate",),
    ),
    *(
        Case(
            f"yolo_v2-{released}", "yolo", "yolo_v2",
            {**V2, **FEW, "candidates": 20, "released": released, "early": released},
            lambda rate, released=released: reference.YoloV2(**V2, released=released, early=released), (),
            lambda: pictures(96), _later,
        )
        for released in (False, True)
    ),
    Case(
        "yolo_v3", "yolo", "yolo_v3", {**V3, **FEW, "candidates": 20}, lambda rate: reference.YoloV3(**V3), (),
        lambda: pictures(96), _later,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, lambda outputs: outputs["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_another_order_of_pixels_is_noticed() -> None:
    """What the comparison is worth: the released passthrough is not the published one."""
    published = CASES[2]
    with pytest.raises(AssertionError):
        check_numbers(replace(published, settings={**published.settings, "released": True}))


def test_figures() -> None:
    """Parameters of the released files; operations as darknet prints them, in billions."""
    with torch.device("meta"):
        v1 = YoloV1(20, 2, 448, 64, 4096, 0)
        shipped = YoloV1(20, 3, 448, 64, 0, 0, released=True)
        v2 = reference.YoloV2(20, 32, [(1, 1)] * 5)
        v3 = reference.YoloV3(80, 32, [1, 2, 8, 8, 4], [[(1, 1)] * 3] * 3)
    for model, net, params, size, billions in (
        ("yolo_v1", v1, 271_703_550, 448, None),
        ("yolo_v1_released", shipped, 197_301_875, 448, None),
        ("yolo_v2", v2, 50_655_389, 416, 29.36),
        ("yolo_v3", v3, 61_949_149, 416, 65.86),
        ("yolo_v3", v3, 61_949_149, 608, 140.69),
    ):
        ours = spec(FILES.get(model, "yolo"))[model]
        at = {"H": size, "W": size} if size != 448 else {}
        assert counted(net, (1, 3, size, size)) == (params, ours.macs(**at))
        assert ours.params == params
        assert billions is None or round(2 * ours.macs(**at) / 1e9, 2) == billions


def test_boxes() -> None:
    """98 boxes of the paper, 845 and 10,647 of the cfg files."""
    for model, boxes in (("yolo_v1", 98), ("yolo_v1_released", 147), ("yolo_v2", 845), ("yolo_v3", 10_647)):
        assert spec(FILES.get(model, "yolo"))[model].shape("all_boxes") == (1, boxes, 4)
