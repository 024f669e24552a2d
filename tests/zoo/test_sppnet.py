"""SPPNet against plain PyTorch: pyramids of images and of regions, figures, compiling, training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.reference import rcnn
from tests.reference import sppnet as reference
from tests.reference.ssd import best
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.test_rcnn import pictures
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted

WIDTHS = [3, 4, 5, 5, 4]
SMALL: dict[str, Any] = {"widths": WIDTHS, "bins": [3, 2, 1]}
PLACES: dict[str, Any] = {"left": 14.5, "right": 27.5, "shift": 0.5}


def images() -> Tensors:
    return {"image": torch.randn(2, 3, 130, 150, dtype=torch.float64)}


def regions() -> Tensors:
    """As for R-CNN, in larger pictures, and regions that lie on different places of the map: equal features would
    have equal scores, whose order is open."""
    rois = torch.tensor(
        [
            [[18, 20, 75, 92], [20, 21, 99, 92], [56, 38, 130, 104], [0, 0, 40, 30], [94, 8, 150, 112], [61, 60, 130, 108]],
            [[8, 8, 60, 58], [74, 18, 140, 94], [76, 20, 124, 98], [0, 0, 150, 112], [37, 56, 66, 109], [112, 75, 150, 130]],
        ],
        dtype=torch.float64,
    )  # fmt: skip
    found = pictures()
    return {**found, **images(), "rois": rois, "truth": 1.87 * found["truth"]}


def _classified(net: nn.Module, inputs: Tensors) -> Tensors:
    logits, _ = net(inputs["image"], inputs["rois"].detach())
    loss = {"loss": F.cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten())}
    return {"logits": logits} | (loss if net.training else {})


def _whole(net: nn.Module, inputs: Tensors) -> Tensors:
    assert isinstance(net, reference.Detector)
    image, rois, truth, labels, valid = inputs.values()
    rois, truth = rois.detach(), truth.detach()
    if not net.training:
        scores, moves = net(image, rois)
        left = best(rcnn.moved(rois, moves), scores, 6, 17, -1.0, 0.3)
        named = dict(zip(("boxes", "class_labels", "confidences", "keep"), left, strict=True))
        return {"class_scores": scores, **named}
    full = torch.where(valid[..., None], truth, rois[:, :1])  # an empty slot needs a place
    scores, moves = net(image, torch.cat([rois, full], 1))
    every = torch.cat([rois, truth], 1)
    return {
        "class_scores": scores,
        "class_loss": rcnn.svm_loss(net.machines, scores, rois, truth, labels, valid),
        "box_loss": rcnn.ridge_loss(net.regressions, moves, every, truth, labels, valid),
    }


def _detector(places: dict[str, Any]) -> Case:
    return Case(
        f"sppnet_detector-{len(places)}", "sppnet", "sppnet_detector",
        {**SMALL, "hidden": 8, "classes": 3, "candidates": 6, "most": 17, **places},
        lambda rate: reference.Detector(3, WIDTHS, 8, [3, 2, 1], **places), (), regions, _whole,
    )  # fmt: skip


CASES = [
    Case(
        "sppnet_features", "sppnet", "sppnet_features", SMALL,
        lambda rate: reference.Classifier(0, WIDTHS, 8, [3, 2, 1]), (), images,
    ),
    Case(
        "sppnet", "sppnet", "sppnet", {**SMALL, "hidden": 8, "classes": 5},
        lambda rate: reference.Classifier(5, WIDTHS, 8, [3, 2, 1], rate), (), images, rates=("rate",),
    ),
    Case(
        "sppnet_finetuned", "sppnet", "sppnet_finetuned", {**SMALL, "hidden": 8, "classes": 4},
        lambda rate: reference.Detector(4, WIDTHS, 8, [3, 2, 1], rate, classifying=True), (),
        lambda: {**images(), "rois": regions()["rois"], "targets": torch.randint(4, (2, 6))}, _classified, ("rate",),
    ),
    _detector({}), _detector(PLACES),
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


def test_other_places_are_noticed() -> None:
    """What the comparison is worth: windows as the released code has them hold other features."""
    with pytest.raises(AssertionError):
        check_numbers(replace(CASES[3], settings=CASES[4].settings))


@pytest.mark.parametrize("size", [(224, 224), (180, 257), (688, 917)])
def test_the_vector_has_one_length(size: tuple[int, int]) -> None:
    """12,800 numbers, as the released layers have them, from images of all sizes."""
    assert spec("sppnet")["sppnet_features"].shape("out", H=size[0], W=size[1]) == (1, 12_800)


def test_figures() -> None:
    """Of the released layers, which count 77.0 M; the convolutions alone 3.7 M."""
    widths = [96, 256, 384, 384, 256]
    with torch.device("meta"):
        convolutions = reference.convolutions(widths)
        whole = reference.Classifier(1000, widths, 4096, [6, 3, 2, 1])
    params, macs = counted(convolutions, (1, 3, 224, 224))
    ours = spec("sppnet")
    macs -= 9 * (96 * 110**2 + 256 * 26**2)  # the norms of the reference are convolutions
    assert (ours["sppnet_features"].params, ours["sppnet_features"].macs()) == (3_726_464, macs)
    assert params == 3_726_464
    assert ours["sppnet"].params == sum(p.numel() for p in whole.parameters()) == 77_037_672
