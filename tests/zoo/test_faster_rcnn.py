"""Faster R-CNN on a pyramid against torchvision's: proposals, detections, losses and all gradients; figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.reference.torchvision_detection import Detector, ready
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

# Sides that 64 divides: torchvision takes the stride of a level to be the rounded quotient of sizes.
SIZES = [(64, 128), (60, 110)]
TARGETS = torch.tensor([[[10.0, 12, 50, 60], [50, 20, 120, 64], [0, 0, 0, 0]],
                        [[20, 10, 90, 50], [0, 0, 0, 0], [0, 0, 0, 0]]], dtype=torch.float64)  # fmt: skip
LABELS = torch.tensor([[1, 3, 0], [2, 0, 0]])
# More proposals than are left, and as many sampled regions as there can be: nothing is left to chance.
SMALL: dict[str, Any] = {
    "classes": 5, "layers": [1, 1, 2, 1], "width": 8, "c": 16, "hidden": 24, "sizes": [8, 16, 32, 64, 128],
    "before": [20, 15], "after": [90, 72], "anchors": 100_000, "regions": 93, "fraction": 1.0, "most": 40,
    "candidates": 120, "above": 0.15,
}  # fmt: skip


def images(masks: bool = False) -> Tensors:
    found = {
        "image": torch.randn(2, 3, 64, 128, dtype=torch.float64),
        "size": torch.tensor(SIZES, dtype=torch.float64),
        "targets": TARGETS.clone(),
        "labels": LABELS.clone(),
    }
    if masks:
        found["masks"] = (torch.rand(2, 3, 64, 128) > 0.5).double()
    return found


def backbone(layers: list[int], width: int, c: int) -> nn.Module:
    """torchvision's pyramid on a ResNet as narrow as asked for."""
    ready()
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.resnet import Bottleneck, ResNet
    from torchvision.ops import FrozenBatchNorm2d

    body = ResNet(Bottleneck, layers, norm_layer=FrozenBatchNorm2d)
    body.inplanes = width
    body.conv1, body.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), FrozenBatchNorm2d(width)
    for i, n in enumerate(layers):
        stage = body._make_layer(Bottleneck, width * 2**i, n, stride=1 if i == 0 else 2)
        setattr(body, f"layer{i + 1}", stage)
    taps = {f"layer{i + 1}": str(i) for i in range(4)}
    return BackboneWithFPN(body, taps, [4 * width * 2**i for i in range(4)], c)


def options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings by torchvision's names."""
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    s = settings
    sizes = tuple((size,) for size in s["sizes"])
    return {
        "num_classes": s["classes"],
        "rpn_anchor_generator": AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5),
        "rpn_pre_nms_top_n_train": s["before"][0], "rpn_pre_nms_top_n_test": s["before"][1],
        "rpn_post_nms_top_n_train": s["after"][0], "rpn_post_nms_top_n_test": s["after"][1],
        "rpn_batch_size_per_image": s["anchors"], "box_batch_size_per_image": s["regions"],
        "box_positive_fraction": s["fraction"], "box_detections_per_img": s["most"],
        "box_score_thresh": s["above"],
    }  # fmt: skip


def lively(net: nn.Module, hidden: int) -> Detector:
    """Narrow heads that say something: as they start, all scores are alike."""
    detector = Detector(net)
    heads = detector.roi_heads
    heads.box_head.fc6 = nn.Linear(heads.box_head.fc6.in_features, hidden)
    heads.box_head.fc7 = nn.Linear(hidden, hidden)
    heads.box_predictor.cls_score = nn.Linear(hidden, heads.box_predictor.cls_score.out_features)
    heads.box_predictor.bbox_pred = nn.Linear(hidden, heads.box_predictor.bbox_pred.out_features)
    with torch.no_grad():
        for conv in (detector.rpn.head.cls_logits, detector.rpn.head.bbox_pred):
            conv.weight.mul_(20)
        heads.box_predictor.cls_score.weight.mul_(40)
    return detector


def make(_: float) -> Detector:
    ready()
    from torchvision.models.detection.faster_rcnn import FasterRCNN

    net = FasterRCNN(backbone(SMALL["layers"], SMALL["width"], SMALL["c"]), **options(SMALL))
    return lively(net, SMALL["hidden"])


def padded(rows: list[Tensor], length: int) -> tuple[Tensor, Tensor]:
    """Lists as one tensor, and which of its rows are theirs."""
    first = rows[0]
    whole = first.new_zeros(len(rows), length, *first.shape[1:])
    keep = torch.zeros(len(rows), length, dtype=torch.bool)
    for i, row in enumerate(rows):
        whole[i, : len(row)], keep[i, : len(row)] = row, True
    return whole, keep


def call(net: nn.Module, inputs: Tensors) -> Tensors:
    sizes = [(int(h), int(w)) for h, w in inputs["size"].tolist()]
    targets = []
    for i, labels in enumerate(inputs["labels"]):
        there = labels > 0
        target = {"boxes": inputs["targets"][i].detach()[there], "labels": labels[there]}
        if "masks" in inputs:
            target["masks"] = inputs["masks"][i].detach()[there]
        targets.append(target)
    proposals, found, losses = net(inputs["image"], sizes, targets)
    outputs = dict(
        zip(("proposals", "proposed_keep"), padded(proposals, SMALL["after"][not net.training]), strict=True)
    )
    if net.training:
        names = {"loss_objectness": "rpn_class_loss", "loss_rpn_box_reg": "rpn_box_loss", "loss_mask": "mask_loss",
                 "loss_classifier": "roi_class_loss", "loss_box_reg": "roi_box_loss"}  # fmt: skip
        return outputs | {names[name]: value for name, value in losses.items()}
    most = SMALL["most"]
    outputs["boxes"], outputs["keep"] = padded([f["boxes"] for f in found], most)
    outputs["found_labels"], _ = padded([f["labels"] for f in found], most)
    outputs["scores"], _ = padded([f["scores"] for f in found], most)
    if "masks" in inputs:
        outputs["found_masks"], _ = padded([f["masks"][:, 0] for f in found], most)
    return {k: v.double() for k, v in outputs.items()}


CASE = Case("faster_rcnn", "faster_rcnn", "faster_rcnn_r50_fpn", SMALL, make, (), images, call)


@pytest.mark.reference
def test_against_torchvision() -> None:
    check_numbers(CASE)


@pytest.mark.slow
@pytest.mark.reference
def test_a_perturbed_threshold_is_noticed() -> None:
    """Proposals that suppress each other a little less are others, and so is all that follows."""

    def otherwise(rate: float) -> nn.Module:
        net = make(rate)
        net.rpn.nms_thresh = 0.75
        return net

    with pytest.raises(AssertionError, match="outputs"):
        check_numbers(replace(CASE, reference=otherwise))


TRAINED = replace(CASE, settings=SMALL | {"anchors": 64, "regions": 32, "fraction": 0.5})


@pytest.mark.slow
def test_compiles() -> None:
    """With proposals, suppression, matching and sampling inside the graph."""
    check_compiles(TRAINED)


def total(outputs: Tensors) -> Tensor:
    return torch.stack([value for name, value in outputs.items() if name.endswith("_loss")]).sum()


def test_trains() -> None:
    check_trains(TRAINED, total, steps=12, rate=3e-3)


def test_figures() -> None:
    """Published by torchvision with its weights: 41,755,286 parameters and 134.38 GMAC at 800x800."""
    model = spec("faster_rcnn")["faster_rcnn_r50_fpn"]
    assert model.params == 41_755_286
    assert round(model.macs() / 1e9, 2) == 134.38
    assert model.shape("boxes") == (1, 100, 4)
