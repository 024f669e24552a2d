"""Fast R-CNN, Faster R-CNN on VGG and R-FCN against plain PyTorch: detections, losses, gradients; figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.reference.regions import Proposals
from tests.reference.two_stage import RFCN, FasterRCNN, FastRCNN
from tests.zoo.compare import Case, Tensors, pair, spec
from tests.zoo.test_faster_rcnn import LABELS, padded, total
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, in_order

SIZES = [(96, 128), (90, 110)]
TARGETS = torch.tensor([[[10.0, 12, 60, 70], [50, 20, 120, 90], [0, 0, 0, 0]],
                        [[20, 30, 100, 80], [0, 0, 0, 0], [0, 0, 0, 0]]], dtype=torch.float64)  # fmt: skip
CLASSES, ABOVE, MOST = 5, 0.15, 30
SHARED = {"classes": CLASSES, "above": ABOVE, "most": MOST}
BODY = {"depths": [1, 1, 1, 2, 1], "widths": [6, 8, 8, 10, 12], "hidden": 20}
ANCHORS = {"sizes": [24.0, 48.0], "ratios": [0.5, 1.0, 2.0], "before": [80, 70], "after": [60, 50]}
# As many anchors and regions as there can be: nothing is left to chance.
FAST: dict[str, Any] = {**SHARED, **BODY, "rate": 0, "proposals": 40, "regions": 43, "fraction": 1.0}
FASTER: dict[str, Any] = {
    **SHARED, **BODY, **ANCHORS, "rpn_hidden": 10, "rate": 0, "anchors": 100_000, "regions": 63, "fraction": 1.0,
}  # fmt: skip
FCN: dict[str, Any] = {
    **SHARED, **ANCHORS, "layers": [1, 2, 1, 2], "width": 4, "c": 12, "rpn_hidden": 10, "k": 3, "moves": 8,
    "anchors": 100_000, "hard": 20, "above": 0.42,
}  # fmt: skip


def images() -> Tensors:
    return {
        "image": torch.randn(2, 3, 96, 128, dtype=torch.float64),
        "size": torch.tensor(SIZES, dtype=torch.float64),
        "targets": TARGETS.clone(),
        "labels": LABELS.clone(),
    }


def with_regions() -> Tensors:
    """Regions of the first image and of the second, no two on the same positions of the map, a few of no extent."""
    spans = [[(a, b) for a in range(n) for b in range(a, n)] for n in (7, 5)]
    cells = torch.tensor([[x[0], y[0], x[1], y[1]] for x in spans[0] for y in spans[1]], dtype=torch.float64)
    rois = torch.stack([cells[torch.randperm(len(cells))[:40]] for _ in range(2)])
    rois = 16 * rois + 3 * torch.rand(2, 40, 4, dtype=torch.float64)
    rois[..., 2:] += 4
    rois[1, 35:] = 0
    found = images()
    return {"image": found.pop("image"), "rois": rois, **found}


def lively(net: nn.Module, factor: float = 60) -> nn.Module:
    """As they start, all scores are nearly alike."""
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.startswith("rpn"):
                weight.mul_(3)
            elif name.endswith(("cls_score.weight", "rfcn_cls.weight")):
                weight.mul_(factor)
    return net


def proposals(c: int) -> Proposals:
    return Proposals(c, 10, *(ANCHORS[name] for name in ("sizes", "ratios", "before", "after")))  # type: ignore[arg-type]


def fast(_: float) -> nn.Module:
    return lively(FastRCNN(CLASSES, above=ABOVE, most=MOST, **BODY))  # type: ignore[arg-type]


def faster(_: float) -> nn.Module:
    return lively(FasterRCNN(CLASSES, rpn=proposals(12), above=ABOVE, most=MOST, **BODY))  # type: ignore[arg-type]


def rfcn(moves: int) -> Callable[[float], nn.Module]:
    return lambda _: lively(
        RFCN(CLASSES, FCN["layers"], 4, 12, 3, moves, proposals(64), FCN["hard"], FCN["above"], MOST), 200
    )


def lists(inputs: Tensors) -> tuple[list[tuple[int, int]], list[Tensor], list[Tensor]]:
    sizes = [(int(h), int(w)) for h, w in inputs["size"].tolist()]
    there = inputs["labels"] > 0
    boxes = [t[k].detach() for t, k in zip(inputs["targets"], there, strict=True)]
    return sizes, boxes, [t[k] for t, k in zip(inputs["labels"], there, strict=True)]


def found_there(found: list[dict[str, Tensor]]) -> Tensors:
    outputs = {}
    outputs["boxes"], outputs["keep"] = padded([f["boxes"] for f in found], MOST)
    outputs["found_labels"], _ = padded([f["labels"] for f in found], MOST)
    outputs["scores"], _ = padded([f["scores"] for f in found], MOST)
    return outputs


NAMES = {"yes": "rpn_class_loss", "places": "rpn_box_loss", "hard": "roi_loss"}
NAMES |= {"class": "roi_class_loss", "box": "roi_box_loss"}


def two_stages(net: nn.Module, inputs: Tensors) -> Tensors:
    rois, found, losses = net(inputs["image"], *lists(inputs))
    pair = padded(rois, ANCHORS["after"][not net.training])  # type: ignore[arg-type]
    outputs = dict(zip(("proposals", "proposed_keep"), pair, strict=True))
    if net.training:
        return outputs | {NAMES[name]: value for name, value in losses.items()}
    return {k: v.double() for k, v in (outputs | dict(found_there(found))).items()}


def given_regions(net: nn.Module, inputs: Tensors) -> Tensors:
    """Scores and moves of regions at inference, how many there are in training: our order is another there."""
    there = inputs["rois"][..., 2] > inputs["rois"][..., 0]
    rois = [r[k].detach() if net.training else r[k] for r, k in zip(inputs["rois"], there, strict=True)]
    found, losses = net(inputs["image"], rois, *lists(inputs))
    if net.training:
        _, judged = padded([r[:, 0] for r in net.learned], FAST["regions"])
        return {f"{name}_loss": value for name, value in losses.items()} | {"judged": judged.double()}
    outputs = dict(found_there(found))
    outputs["class_scores"], outputs["judged"] = padded([f["logits"] for f in found], 40)
    outputs["class_moves"], _ = padded([f["moves"] for f in found], 40)
    return {k: v.double() for k, v in outputs.items()}


CASES = [
    Case("fast_rcnn", "fast_rcnn", "fast_rcnn", FAST, fast, (), with_regions, given_regions),
    Case("faster_rcnn_vgg16", "faster_rcnn", "faster_rcnn_vgg16", FASTER, faster, (), images, two_stages),
    Case("rfcn_r50_released", "rfcn", "rfcn_r50_released", FCN, rfcn(8), (), images, two_stages),
    Case("rfcn_r50", "rfcn", "rfcn_r50", FCN | {"moves": 4}, rfcn(4), (), images, two_stages),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_something_is_found_and_something_is_padding(case: Case) -> None:
    """Else there were nothing to compare."""
    _, net = pair(replace(case, rules=in_order(case)))
    torch.manual_seed(1)
    keep = case.call(net.eval(), case.inputs())["keep"]
    assert 0 < keep.sum() < keep.numel(), keep.sum(1)


def perturbed(name: str) -> Case:
    """The reference keeps fewer of what it finds."""
    case = next(case for case in CASES if case.name == name)

    def otherwise(rate: float) -> nn.Module:
        net = case.reference(rate)
        net.most = 10
        return net

    return replace(case, reference=otherwise)


@pytest.mark.parametrize("name", ["fast_rcnn", "rfcn_r50_released"])
def test_a_perturbed_limit_is_noticed(name: str) -> None:
    with pytest.raises(AssertionError, match="outputs"):
        check_numbers(perturbed(name))


LEARNED = [
    replace(case, settings=case.settings | {"anchors": 64, "regions": 24, "fraction": 0.5})
    if "fraction" in case.settings else replace(case, settings=case.settings | {"anchors": 64})
    for case in CASES
]  # fmt: skip
LEARNED[0] = replace(CASES[0], settings=FAST | {"regions": 24, "fraction": 0.5})


@pytest.mark.slow
@pytest.mark.parametrize("case", LEARNED, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


@pytest.mark.parametrize("case", LEARNED, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, total, steps=15, rate=3e-3)


def test_figures() -> None:
    """VGG-16 is 138,357,544, of which fc8 is 4,097,000; two heads of 21 and 84; a proposal network of 2,387,510."""
    vgg = 138_357_544 - 4_097_000 + 4097 * (21 + 84)
    assert spec("fast_rcnn")["fast_rcnn"].params == vgg == 134_690_729
    assert spec("faster_rcnn")["faster_rcnn_vgg16"].params == vgg + 2_387_510 == 137_078_239


@pytest.mark.parametrize(
    ("name", "moves", "layers", "wanted"),
    [("rfcn_r50_released", 8, [3, 4, 6, 3], 31_809_539), ("rfcn_r101_released", 8, [3, 4, 23, 3], 50_801_667),
     ("rfcn_r50", 4, [3, 4, 6, 3], None), ("rfcn_r101", 4, [3, 4, 23, 3], None)],
)  # fmt: skip
def test_figures_of_rfcn(name: str, moves: int, layers: list[int], wanted: int | None) -> None:
    with torch.device("meta"):
        rpn = Proposals(1024, 512, [128, 256, 512], [0.5, 1.0, 2.0], [6000] * 2, [300] * 2)
        reference = RFCN(21, layers, 64, 1024, 7, moves, rpn, 128, ABOVE, MOST)
    count = sum(p.numel() for p in reference.parameters())
    assert spec("rfcn")[name].params == count
    assert wanted in (None, count)
