"""SSD300 against plain PyTorch and torchvision: default boxes, losses, detections, figures, compiling, training."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archdsl.backend.module import module
from tests.reference import ssd as reference
from tests.reference import torchvision_on_cpu
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted

RATIOS = [[2], [2, 3], [2, 3], [2, 3], [2], [2]]
VOC = [0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05]
COCO = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]
SIZE = 268  # the least for which all six maps are there
FEW = [[2], [2], [2, 3], [2], [2], [2]]
SMALL: dict[str, Any] = {"classes": 4, "width": 2, "depths": [1, 1, 1, 1], "ratios": FEW}


def pictures(size: int = SIZE) -> Tensors:
    """Two pictures; small, large, nearly equal and missing objects."""
    truth = torch.tensor(
        [
            [[10, 20, 60, 90], [100, 100, 240, 230], [12, 22, 61, 91], [0, 0, 0, 0]],
            [[31, 33, 66, 61], [5, 5, 260, 262], [0, 0, 0, 0], [150, 40, 190, 200]],
        ],
        dtype=torch.float64,
    )
    return {
        "image": torch.randn(2, 3, size, size, dtype=torch.float64),
        "truth": truth,
        "labels": torch.tensor([[1, 2, 3, 0], [2, 1, 1, 3]]),
        "valid": torch.tensor([[True, True, True, False], [True, True, False, True]]),
    }


def _plain(net: nn.Module, inputs: Tensors) -> Tensors:
    image, truth, labels, valid = inputs.values()
    logits, moves, priors = net(image)
    found = {"class_logits": logits, "box_moves": moves}
    size = image.shape[-1]
    if net.training:
        named = reference.losses(logits, moves, priors, truth.detach() / size, labels, valid)
        return {**found, "class_loss": named[0], "box_loss": named[1]}
    centres = priors[:, :2] + 0.1 * moves[..., :2] * priors[:, 2:]
    sides = priors[:, 2:] * (0.2 * moves[..., 2:]).exp()
    boxes = (size * reference.as_corners(torch.cat([centres, sides], -1))).clamp(0, size)
    left = reference.best(boxes, logits.softmax(-1)[..., 1:], 20, 58, 0.01, 0.45)
    return {
        **found,
        "boxes": left[0],
        "class_labels": (left[1] + 1) * left[3],
        "scores": left[2],
        "keep": left[3],
    }


CASES = [
    Case(
        f"{model}-small", "ssd", model, {**SMALL, "size": SIZE, "candidates": 20, "most": 58},
        lambda rate, scales=scales, clip=clip: reference.SSD300(**SMALL, scales=scales, clip=clip), (), pictures,
        _plain,
    )
    for model, scales, clip in (("ssd300", VOC, False), ("ssd300_coco", COCO, True))
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, lambda outputs: outputs["class_loss"] + outputs["box_loss"])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_other_boxes_are_noticed() -> None:
    """What the comparison is worth: default boxes of other scales have other losses and detections."""
    with pytest.raises(AssertionError):
        check_numbers(replace(CASES[0], model="ssd300_coco"))


def test_figures() -> None:
    """Of the released VOC model and of torchvision; 8,732 boxes are the paper's."""
    for model, classes, params in (("ssd300", 21, 26_285_486), ("ssd300_coco", 91, 35_641_826)):
        with torch.device("meta"):
            net = reference.SSD300(classes, 64, [2, 2, 3, 3], RATIOS, VOC)
        ours = spec("ssd")[model]
        net.priors = lambda *_: []  # type: ignore[method-assign, assignment]
        assert counted(net, (1, 3, 300, 300)) == (params, ours.macs())
        assert ours.params == params
        assert ours.shape("box_moves") == (1, 8732, 4)


# ------------------------------------------------------------------------------------------------------ torchvision


def _library(rate: float) -> nn.Module:
    torchvision_on_cpu.ready()
    from torchvision.models.detection import ssd300_vgg16

    net = ssd300_vgg16(
        weights=None, weights_backbone=None, num_classes=4, topk_candidates=40, detections_per_img=50
    )
    generator = net.anchor_generator
    generator._wh_pairs = generator._generate_wh_pairs(6, dtype=torch.float64)
    return net


def _theirs(net: Any, inputs: Tensors) -> Tensors:
    """As their forward does, but on images of one size, already in range, and with suppression of our own."""
    from torchvision.models.detection.image_list import ImageList
    from torchvision.ops import boxes

    def suppressed(found: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
        kept = []
        for label in labels.unique():
            own = torch.where(labels == label)[0]
            kept += [own[i] for i in reference.greedy(found[own], scores[own], threshold)]
        return torch.stack(sorted(kept, key=lambda i: -scores[i].item()))

    image, truth, labels, valid = inputs.values()
    sizes = [tuple(image.shape[-2:])] * len(image)
    features = list(net.backbone(image).values())
    heads = net.head(features)
    anchors = net.anchor_generator(ImageList(image, sizes), features)
    found = {"class_logits": heads["cls_logits"], "box_moves": heads["bbox_regression"]}
    if net.training:
        targets = [
            {"boxes": box[v].detach(), "labels": label[v]}
            for box, label, v in zip(truth, labels, valid, strict=True)
        ]
        matched = [
            net.proposal_matcher(boxes.box_iou(target["boxes"], own))
            for target, own in zip(targets, anchors, strict=True)
        ]
        named = net.compute_loss(targets, heads, anchors, matched)
        return {**found, "class_loss": named["classification"], "box_loss": named["bbox_regression"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "batched_nms", suppressed)
        left = net.postprocess_detections(heads, anchors, sizes)
    padded = {
        key: torch.stack(
            [torch.cat([one[key], one[key].new_zeros(50, *one[key].shape[1:])])[:50] for one in left]
        )
        for key in ("boxes", "labels", "scores")
    }
    keep = torch.stack([torch.arange(50) < len(one["scores"]) for one in left])
    return {
        **found, "boxes": padded["boxes"], "class_labels": padded["labels"], "scores": padded["scores"], "keep": keep
    }  # fmt: skip


def _by_layer(keys: list[str]) -> list[str]:
    """torchvision's names in the order in which we make the weights."""
    early = [k for k in keys if k.startswith("backbone.features")]
    later = [k for k in keys if k.startswith("backbone.extra")]
    first = [k for k in later if k.startswith("backbone.extra.0")]
    heads = [
        f"head.{kind}_head.module_list.{i}.{what}"
        for i in range(6)
        for kind in ("classification", "regression")
        for what in ("weight", "bias")
    ]
    return [*early, "backbone.scale_weight", *first, *later[len(first) :], *heads]


@pytest.mark.slow
@pytest.mark.reference
def test_against_torchvision() -> None:
    case = Case(
        "ssd300_vgg16", "ssd", "ssd300_coco", {"classes": 4, "candidates": 40, "most": 50}, _library, (),
        lambda: pictures(300), _theirs,
    )  # fmt: skip
    theirs = _by_layer(list(_library(0).state_dict()))
    ours = module(case.network(), device="meta").state_dict()
    rules = tuple(rule(re.escape(a), b) for a, b in zip(theirs, ours, strict=True))
    check_numbers(replace(case, rules=rules))
