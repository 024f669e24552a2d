"""SAGAN's two networks against plain PyTorch, and trained against each other with hinge losses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.backend.module import module
from tests.reference import sagan as reference
from tests.zoo.compare import Case, pair, spec
from tests.zoo.keymaps import translate
from tests.zoo.vision_support import check_compiles, check_numbers, in_order

_G = {"classes": 3, "width": 8, "latent": 6, "multiples": [2, 1, 1], "attend": 1}
_D = {"classes": 3, "width": 8, "multiples": [1, 2], "attend": 0}

GENERATOR = Case(
    "sagan_generator", "sagan", "sagan_generator", _G, lambda _: reference.Generator(3, 8, 6, [2, 1, 1], 1), (),
    lambda: {"z": torch.randn(4, 6, dtype=torch.float64), "label": torch.tensor([0, 2, 1, 0])},
)  # fmt: skip
DISCRIMINATOR = Case(
    "sagan_discriminator", "sagan", "sagan_discriminator", _D, lambda _: reference.Discriminator(3, 8, [1, 2], 0), (),
    lambda: {"image": torch.randn(4, 3, 32, 32, dtype=torch.float64), "label": torch.tensor([0, 2, 1, 0])},
    lambda net, inputs: {"logit": net(**inputs)},
)  # fmt: skip


@pytest.mark.parametrize("case", [GENERATOR, DISCRIMINATOR], ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


def test_power_iteration_goes_on_from_use_to_use() -> None:
    """Three uses in training leave the vectors where the algorithm does, and then inference agrees."""
    case = replace(DISCRIMINATOR, rules=in_order(DISCRIMINATOR))
    ours, theirs = pair(case)
    for _ in range(3):
        inputs = case.inputs()
        ours(**inputs), theirs(**inputs)
    before = translate(theirs.state_dict(), case.rules)
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, before[name])
    inputs = case.inputs()
    torch.testing.assert_close(ours.eval()(**inputs), theirs.eval()(**inputs))


@pytest.mark.slow
@pytest.mark.parametrize("case", [GENERATOR, DISCRIMINATOR], ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_trains() -> None:
    """Each against the other as it is: the discriminator tells pictures from the generator's, which learns to pass."""
    torch.manual_seed(0)
    label = torch.tensor([0, 1, 2, 0])
    real = torch.rand(4, 3, 32, 32)
    g = module(GENERATOR.network(), seed=0)
    d = module(DISCRIMINATOR.network(), seed=1)
    of_d = torch.optim.Adam(d.parameters(), 4e-4, (0.0, 0.9))
    of_g = torch.optim.Adam(g.parameters(), 1e-4, (0.0, 0.9))
    z = torch.randn(4, 6)
    fake = g(z, label).detach()

    def step(optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    losses = [
        step(of_d, F.relu(1 - d(real, label)).mean() + F.relu(1 + d(fake, label)).mean()) for _ in range(12)
    ]
    print("discriminator", losses[0], losses[-1])
    assert losses[-1] < losses[0]
    d.requires_grad_(False).eval()
    losses = [step(of_g, -d(g(z, label), label).mean()) for _ in range(12)]
    print("generator", losses[0], losses[-1])
    assert losses[-1] < losses[0]


def test_figures() -> None:
    """Counted from the authors' code at width 64; the attention at 256 channels is 1.25 C^2 + 1."""
    with torch.device("meta"):
        nets: list[tuple[nn.Module, tuple[tuple[int, ...], ...]]] = [
            (reference.Generator(1000, 64, 128, [16, 8, 4, 2, 1], 2), ()),
            (reference.Discriminator(1000, 64, [1, 2, 4, 8, 16], 1), ()),
        ]
        assert sum(p.numel() for p in reference.Attention(256).parameters()) == 81_921
    figures = {"sagan_generator": 42_078_852, "sagan_discriminator": 39_463_618}
    for (name, params), (net, _) in zip(figures.items(), nets, strict=True):
        assert sum(p.numel() for p in net.parameters()) == params == spec("sagan")[name].params
