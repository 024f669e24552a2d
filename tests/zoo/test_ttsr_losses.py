"""TTSR with its losses, and its critic, against plain PyTorch: numbers, training, what stays frozen, figures."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.backend.module import module
from tests.reference.ttsr_losses import Critic, Distance, Eyes, TTSRWithLosses
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

SMALL: dict[str, Any] = {"width": 4, "blocks": [1, 1, 1, 1], "size": 8, "judge": 2, "eye": 2}


def _pictures() -> Tensors:
    reference = 2 * torch.rand(2, 3, 12, 16, dtype=torch.float64) - 1
    target = 2 * torch.rand(2, 3, 32, 32, dtype=torch.float64) - 1
    low = F.avg_pool2d(target, 4)
    blurred = F.interpolate(F.avg_pool2d(reference, 4), scale_factor=4, mode="bicubic")
    enlarged = F.interpolate(low, scale_factor=4, mode="bicubic")
    return {
        "low": low, "low_enlarged": enlarged, "reference": reference, "reference_blurred": blurred, "target": target,
    }  # fmt: skip


def _two() -> Tensors:
    return {
        "image": torch.randn(3, 3, 64, 64, dtype=torch.float64),
        "drawn": 0.1 * torch.randn(3, 3, 64, 64, dtype=torch.float64),
    }


def _with_losses(alone: bool) -> Case:
    return Case(
        f"ttsr_with_losses-{alone}", "ttsr", "ttsr_with_losses", SMALL | {"only_reconstruction": alone},
        lambda _: TTSRWithLosses(**SMALL, alone=alone), (), _pictures, lambda net, given: net(**given),
    )  # fmt: skip


CRITIC = Case(
    "ttsr_critic", "ttsr", "ttsr_critic", {"width": 3, "size": 64}, lambda _: Distance(3, 64), (), _two,
    lambda net, given: net(**given),
)  # fmt: skip
CASES = [_with_losses(False), _with_losses(True), CRITIC]


@pytest.mark.parametrize(
    "case", [*(pytest.param(c, marks=pytest.mark.slow) for c in CASES[:2]), CRITIC], ids=str
)
def test_numbers(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    return outputs["loss"]


@pytest.mark.parametrize("case", [CASES[0], CRITIC], ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss, steps=4)


@pytest.mark.slow
@pytest.mark.parametrize("case", [CASES[0], CASES[2]], ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_eyes_and_critic_stay_what_they_are() -> None:
    net = module(CASES[0].network(), seed=0)
    held = {name.split(".")[0] for name, p in net.named_parameters() if not p.requires_grad}
    moved = {name.split(".")[0] for name, p in net.named_parameters() if p.requires_grad}
    assert (held, moved) == ({"eyes", "critic"}, {"extractor", "main"})


def test_figures() -> None:
    """Counted from the released discriminator, and from VGG-19 to relu5_1."""
    with torch.device("meta"):
        critic, eyes = (sum(p.numel() for p in net.parameters()) for net in (Critic(32, 160), Eyes(64)))
    assert (critic, eyes) == (17_821_473, 12_944_960)
    assert spec("ttsr")["ttsr_critic"].params == critic
    assert spec("ttsr")["ttsr_with_losses"].params == spec("ttsr")["ttsr"].params + critic + eyes
