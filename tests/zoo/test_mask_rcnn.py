"""Mask R-CNN against torchvision's: masks of what is found, the loss of masks within regions, all gradients; figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import nn

from tests.reference.torchvision_detection import Detector, ready
from tests.zoo.compare import Case, spec
from tests.zoo.test_faster_rcnn import SMALL, backbone, call, images, lively, options, total
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

MASKED = SMALL | {"mask_hidden": 12}


def make(_: float) -> Detector:
    ready()
    from torchvision.models.detection.mask_rcnn import MaskRCNN, MaskRCNNHeads, MaskRCNNPredictor

    net = MaskRCNN(backbone(SMALL["layers"], SMALL["width"], SMALL["c"]), **options(SMALL))
    net.roi_heads.mask_head = MaskRCNNHeads(SMALL["c"], [12] * 4, 1)
    net.roi_heads.mask_predictor = MaskRCNNPredictor(12, 12, SMALL["classes"])
    return lively(net, SMALL["hidden"])


CASE = Case("mask_rcnn", "mask_rcnn", "mask_rcnn_r50_fpn", MASKED, make, (), lambda: images(masks=True), call)
TRAINED = replace(CASE, settings=MASKED | {"anchors": 64, "regions": 32, "fraction": 0.5})


@pytest.mark.reference
def test_against_torchvision() -> None:
    check_numbers(CASE)


@pytest.mark.slow
@pytest.mark.reference
def test_a_perturbed_sampling_is_noticed() -> None:
    """Masks read at one point of each bin instead of four."""

    def otherwise(rate: float) -> nn.Module:
        net = make(rate)
        net.roi_heads.mask_roi_pool.sampling_ratio = 1
        return net

    with pytest.raises(AssertionError, match="found_masks"):
        check_numbers(replace(CASE, reference=otherwise))


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(TRAINED)


@pytest.mark.slow
def test_trains() -> None:
    check_trains(TRAINED, total, steps=12, rate=3e-3)


def test_figures() -> None:
    """Published by torchvision with its weights: 44,401,393 parameters. Its work, 134.38 GMAC, was measured on an image
    in which nothing was found; the masks of 100 objects are counted here."""
    model = spec("mask_rcnn")["mask_rcnn_r50_fpn"]
    assert model.params == 44_401_393
    assert model.shape("found_masks") == (1, 100, 28, 28)
    each = 4 * 14 * 14 * 256 * 256 * 9 + 14 * 14 * 256 * 256 * 4 + 28 * 28 * 256 * 91
    assert round((model.macs() - 100 * each) / 1e9, 2) == 134.38
