"""TTSR against plain PyTorch that compares and copies its patches one by one; figures, training, compiling."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from tests.reference.ttsr import TTSR, Extractor, Main
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted


def _pictures() -> Tensors:
    reference = 2 * torch.rand(2, 3, 12, 20, dtype=torch.float64) - 1
    low = 2 * torch.rand(2, 3, 4, 3, dtype=torch.float64) - 1
    blurred = F.interpolate(F.avg_pool2d(reference, 4), scale_factor=4, mode="bicubic")
    enlarged = F.interpolate(low, scale_factor=4, mode="bicubic")
    return {"low": low, "low_enlarged": enlarged, "reference": reference, "reference_blurred": blurred}


CASE = Case(
    "ttsr", "ttsr", "ttsr", {"width": 4, "blocks": [1, 2, 1, 2]}, lambda _: TTSR(4, [1, 2, 1, 2]), (), _pictures,
    lambda net, inputs: net(*inputs.values()),
)  # fmt: skip


def test_against_plain_torch() -> None:
    check_numbers(CASE)


def _loss(outputs: Tensors) -> Tensor:
    torch.manual_seed(3)
    target = F.interpolate(2 * torch.rand(2, 3, 4, 3) - 1, scale_factor=4, mode="bicubic")
    return F.l1_loss(outputs["image"], target)


def test_trains() -> None:
    check_trains(CASE, _loss)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(CASE)


def test_figures() -> None:
    """Counted from the released configuration: 64 channels, 16 + 16 + 8 + 4 blocks."""
    with torch.device("meta"):
        parts = [sum(p.numel() for p in net.parameters()) for net in (Main(64, [16, 16, 8, 4]), Extractor())]
    assert parts == [6_174_275, 555_328]
    assert spec("ttsr")["ttsr"].params == sum(parts)
    assert spec("ttsr")["ttsr"].shape("image") == (1, 3, 160, 160)


def test_work_is_that_of_its_parts() -> None:
    """The drawing network's 32.9 G, three looks of the extractor, and 1600 x 1600 patches of 9 x 256 numbers."""
    extractor = counted(Extractor(), (1, 3, 160, 160))[1]
    textures = [torch.empty(1, c, n, n, device="meta") for c, n in ((64, 160), (128, 80), (256, 40))]
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        Main(64, [16, 16, 8, 4])(torch.empty(1, 3, 40, 40), torch.empty(1, 1, 40, 40), textures)
    main = counter.get_total_flops() // 2
    assert main == 32_858_419_200
    assert spec("ttsr")["ttsr"].macs() == main + 3 * extractor + 1600 * 1600 * 9 * 256
