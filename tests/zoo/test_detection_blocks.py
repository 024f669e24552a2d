"""The standard blocks of detection by themselves: against torchvision's functions where it has them, else by counting."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archdsl
from tests.reference import torchvision_detection


@cache
def program(text: str) -> nn.Module:
    return archdsl.parse(text)["m"].module(dtype=torch.float64)


def boxes(*shape: int, most: float = 80.0) -> Tensor:
    corner = most * torch.rand(*shape, 2, dtype=torch.float64)
    return torch.cat([corner, corner + 2 + most * torch.rand(*shape, 2, dtype=torch.float64)], -1)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("stride", "sizes", "ratios"), [(16, [128, 256, 512], [0.5, 1.0, 2.0]), (4, [32], [1.0, 0.3])]
)
def test_anchors_are_those_of_torchvision(stride: int, sizes: list[int], ratios: list[float]) -> None:
    torchvision_detection.ready()
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList

    net = program(f"""model m {{
      input x: [B, 1, h=3, w=5]
      output out = anchor_boxes(h, w, {stride}, {sizes}, {ratios})
      output seen = x
    }}""")
    image = torch.zeros(1, 3, 3 * stride, 5 * stride, dtype=torch.float64)
    map = torch.zeros(1, 1, 3, 5, dtype=torch.float64)
    generator = AnchorGenerator((tuple(sizes),), (tuple(ratios),))
    (wanted,) = generator(ImageList(image, [(3 * stride, 5 * stride)]), [map])
    torch.testing.assert_close(net(map).out, wanted.double(), rtol=0, atol=0)


def test_anchors_cover_what_the_paper_says() -> None:
    """Areas 128², 256², 512², ratios 1:1, 1:2, 2:1, all around the middle; about 20,000 of them for 1000x600."""
    net = program("""model m {
      input x: [B, 1, h=38, w=63]
      output out = anchor_boxes(h, w, 16, [128, 256, 512], [0.5, 1.0, 2.0], whole=false)
      output seen = x
    }""")
    found = net(torch.zeros(1, 1, 38, 63, dtype=torch.float64)).out
    assert len(found) == 38 * 63 * 9 == 21_546
    width, height = (found[:9, 2:] - found[:9, :2]).T
    torch.testing.assert_close((width * height).sqrt(), torch.tensor([128.0, 256, 512] * 3).double())
    torch.testing.assert_close(height / width, torch.tensor([0.5] * 3 + [1.0] * 3 + [2.0] * 3).double())
    middles = found.reshape(38, 63, 9, 4).unflatten(3, (2, 2)).mean(3)
    torch.testing.assert_close(middles[5, 7], torch.tensor([112.0, 80]).double().expand(9, 2))


def test_released_anchors() -> None:
    """The table that py-faster-rcnn quotes from the MATLAB code, which counts pixels from 1."""
    table = [[-83, -39, 100, 56], [-175, -87, 192, 104], [-359, -183, 376, 200], [-55, -55, 72, 72],
             [-119, -119, 136, 136], [-247, -247, 264, 264], [-35, -79, 52, 96], [-79, -167, 96, 184],
             [-167, -343, 184, 360]]  # fmt: skip
    net = program("""model m {
      input x: [B, 1, h=3, w=5]
      output out = pixel_anchors(h, w, 16, [128, 256, 512], [0.5, 1, 2])
      output seen = x
    }""")
    found = net(torch.zeros(1, 1, 3, 5, dtype=torch.float64)).out
    wanted = torch.tensor(table, dtype=torch.float64) - 1
    assert torch.equal(found[:9], wanted)
    assert torch.equal(found[-9:], wanted + torch.tensor([64.0, 32, 64, 32]))


MATCH = """model m {{
  input targets: [B, M=3, 4]
  input labels: int[B, M]
  input boxes: [N=40, 4]
  index, found, background = match_boxes(targets, labels > 0, boxes, 0.5, 0.3, best={best})
  output which = index
  output found = found
  output background = background
}}"""


@pytest.mark.reference
@pytest.mark.parametrize("best", [False, True])
def test_matching_is_that_of_torchvision(best: bool) -> None:
    """Ties and targets that overlap with little included; padded targets match nothing."""
    torchvision_detection.ready()
    from torchvision.models.detection._utils import Matcher
    from torchvision.ops import box_iou

    torch.manual_seed(0)
    net = program(MATCH.format(best=str(best).lower()))
    for _ in range(20):
        targets, candidates = boxes(2, 3), boxes(40)
        candidates[7] = candidates[3]
        candidates[5] = targets[0, 1]
        targets[1, 1, :2], targets[1, 1, 2:] = 160, 170
        labels = torch.tensor([[1, 2, 0], [3, 1, 0]])
        found = net(targets, labels, candidates)
        for i in range(2):
            overlap = box_iou(targets[i, :2], candidates)
            if overlap[1].max() == 0:
                overlap = overlap[:1]  # torchvision takes every box for the best of what nothing touches
            wanted = Matcher(0.5, 0.3, allow_low_quality_matches=best)(overlap)
            assert torch.equal(found.found[i], wanted >= 0)
            assert torch.equal(found.background[i], wanted == -1)
            assert torch.equal(found.which[i][wanted >= 0], wanted[wanted >= 0])


def test_an_image_without_targets_is_all_background() -> None:
    net = program(MATCH.format(best="true"))
    found = net(torch.zeros(1, 3, 4).double(), torch.zeros(1, 3, dtype=torch.int64), boxes(40))
    assert not found.found.any()
    assert found.background.all()


@pytest.mark.reference
@pytest.mark.parametrize("weights", [(1.0, 1.0), (10.0, 5.0)])
def test_moves_are_those_of_torchvision(weights: tuple[float, float]) -> None:
    torchvision_detection.ready()
    from torchvision.models.detection._utils import BoxCoder
    from torchvision.ops import clip_boxes_to_image

    net = program(f"""model m {{
      input moves: [B, N=50, 4]
      input anchors: [N, 4]
      input size: [B, 2]
      moved = moves -> moved_boxes(anchors, centre={weights[0]}, sides={weights[1]})
      output moved = moved
      output cut = moved -> clip_boxes(unsqueeze(size, 1))
      output back = encode_moves(moved, anchors, centre={weights[0]}, sides={weights[1]})
    }}""")
    torch.manual_seed(0)
    anchors = boxes(50)
    moves = torch.randn(2, 50, 4, dtype=torch.float64) * torch.tensor([2.0, 2, 3, 3]) * weights[1]
    size = torch.tensor([[60, 90], [120, 70]]).double()
    found = net(moves, anchors, size)
    coder = BoxCoder((weights[0], weights[0], weights[1], weights[1]))
    for i in range(2):
        wanted = coder.decode(moves[i], [anchors])[:, 0]
        torch.testing.assert_close(found.moved[i], wanted, rtol=1e-12, atol=1e-9)
        (cut,) = [clip_boxes_to_image(wanted, tuple(size[i].tolist()))]
        torch.testing.assert_close(found.cut[i], cut, rtol=1e-12, atol=1e-9)
        (back,) = coder.encode([found.moved[i]], [anchors])
        torch.testing.assert_close(found.back[i], back, rtol=1e-9, atol=1e-9)


@pytest.mark.reference
def test_suppression_by_class_is_that_of_torchvision() -> None:
    torchvision_detection.ready()
    from torchvision.ops import batched_nms

    net = program("""model m {
      input boxes: [B, N=120, 4]
      input scores: [B, N]
      input classes: int[B, N]
      batched_nms(boxes, scores, classes, 0.4)
    }""")
    torch.manual_seed(0)
    given, scores, classes = boxes(3, 120), torch.rand(3, 120).double(), torch.randint(1, 5, (3, 120))
    found = net(given, scores, classes)
    for i in range(3):
        wanted = torch.zeros(120, dtype=torch.bool)
        wanted[batched_nms(given[i], scores[i], classes[i], 0.4)] = True
        assert torch.equal(found[i], wanted)
        assert not found[i].all()


SAMPLE = """model m {
  input found: bool[B, N=200]
  input background: bool[B, N]
  taken, rest = balanced_sample(found, background, 32, 0.25)
  output taken = taken
  output rest = rest
}"""


@pytest.mark.parametrize(
    ("yes", "no", "taken", "rest"), [(50, 100, 8, 24), (3, 100, 3, 29), (50, 5, 8, 5), (0, 9, 0, 9)]
)
def test_samples_are_as_large_as_they_can_be(yes: int, no: int, taken: int, rest: int) -> None:
    """At most a quarter of 32 is found; background fills up what is left."""
    order = torch.randperm(200)
    found, background = torch.zeros(2, 1, 200, dtype=torch.bool)
    found[0, order[:yes]] = True
    background[0, order[yes : yes + no]] = True
    seen = torch.zeros(200, dtype=torch.int64)
    for seed in range(60):
        torch.manual_seed(seed)
        result = program(SAMPLE)(found, background)
        assert (int(result.taken.sum()), int(result.rest.sum())) == (taken, rest)
        assert not (result.taken & ~found).any()
        assert not (result.rest & ~background).any()
        seen += result.taken[0].long() + result.rest[0].long()
        torch.manual_seed(seed)
        assert torch.equal(program(SAMPLE)(found, background).taken, result.taken)
    assert (seen > 0).sum() == (yes if yes > taken else taken) + (
        no if no > rest else rest
    )  # all have their turn


def test_hard_negatives_are_three_for_each_positive() -> None:
    net = program("""model m {
      input loss: [B, N=50]
      input positive: bool[B, N]
      output hard = hard_negatives(loss, positive)
      output seen = loss
    }""")
    torch.manual_seed(0)
    loss, positive = torch.rand(3, 50).double(), torch.zeros(3, 50, dtype=torch.bool)
    positive[0, [3, 9]], positive[1, :20] = True, True
    found = net(loss, positive).hard
    for i, count in enumerate((6, 30, 0)):
        negatives = loss[i].masked_fill(positive[i], -1).argsort(descending=True)[:count]
        assert sorted(found[i].nonzero()[:, 0].tolist()) == sorted(negatives.tolist())


@pytest.mark.reference
@pytest.mark.parametrize("side", [7, 14])
def test_regions_of_a_pyramid_are_those_of_torchvision(side: int) -> None:
    torchvision_detection.ready()
    from torchvision.ops import MultiScaleRoIAlign

    net = program(f"""model m {{
      input a: [B, 4, 64, 96]
      input b: [B, 4, 32, 48]
      input c: [B, 4, 16, 24]
      input rois: [B, R=30, 4]
      pyramid_align([a, b, c], [4, 8, 16], rois, {side}, canonical=64, at=3)
    }}""")
    torch.manual_seed(0)
    maps = [torch.randn(2, 4, 64 // s, 96 // s, dtype=torch.float64) for s in (1, 2, 4)]
    rois = torch.stack([boxes(30, most=120), boxes(30, most=60)])
    rois[0, :10, 2:] = rois[0, :10, :2] + 150
    found = net(*maps, rois)
    pool = MultiScaleRoIAlign(["0", "1", "2"], side, 2, canonical_scale=64, canonical_level=3)
    wanted: Any = pool({str(i): m for i, m in enumerate(maps)}, list(rois), [(256, 384)] * 2)
    torch.testing.assert_close(found.flatten(0, 1), wanted, rtol=1e-10, atol=1e-12)
