"""Residual Shuffle-Exchange networks: numbers against plain PyTorch, the shuffle itself, training."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from archdsl import api
from archdsl.analysis.weights import model_weights, numel
from tests.reference.shuffle_exchange import ShuffleExchange, rotated
from tests.zoo.compare import Case, spec
from tests.zoo.keymaps import SAME
from tests.zoo.sequence_support import agrees, compiles, trains


def case(front: list[int], dim: int, bits: int = 4) -> Case:
    return Case(
        f"shuffle_exchange-{len(front)}-{dim}", "shuffle_exchange", "shuffle_exchange",
        {"bits": bits, "m": 6, "notes": 5, "front": front, "norm_dim": dim},
        lambda _: ShuffleExchange(bits, 6, 2, 5, front, dim), SAME,
        lambda: {"sound": torch.randn(2, 2 ** (bits + len(front)), dtype=torch.float64)},
    )  # fmt: skip


PUBLISHED, RELEASED = case([12], -1), case([3, 12], 1, bits=3)


@pytest.mark.parametrize("case", [PUBLISHED, RELEASED], ids=str)
def test_numbers(case: Case) -> None:
    agrees(case)


def test_training() -> None:
    torch.manual_seed(0)
    target = (torch.rand(2, 16, 5, dtype=torch.float64) < 0.3).double()
    trains(PUBLISHED, lambda found, _: F.binary_cross_entropy_with_logits(found["out"], target))


def test_every_position_hears_of_every_other() -> None:
    """After one Benes network; its first half alone reaches but half of them."""
    ours, _ = agrees(PUBLISHED)
    sound = torch.randn(1, 32, dtype=torch.float64, requires_grad=True)
    for place in range(16):
        (gradient,) = torch.autograd.grad(ours.eval()(sound)[0, place].sum(), sound)
        assert gradient.count_nonzero() == 32


def test_shuffle_rotates_bits() -> None:
    """What the spec writes as a rearrangement is the rotation of the index's digits."""
    text = 'model net { input x: [B, 16, 1]\n rearrange("b (n two) m -> b (two n) m", two=2) }'
    net = api.parse(text)["net"].module()
    found = net(torch.arange(16.0)[None, :, None]).flatten().tolist()
    assert found == [rotated(i, 4, left=True) for i in range(16)]


def test_one_unit() -> None:
    """16 m^2 + 8 m, section 3 of the paper: Z, the norm's bias, W and its bias, and the residual's weights."""
    weights = model_weights(spec("shuffle_exchange")["shuffle_exchange"].network)
    assert sum(numel(o.weight) for o in weights if o.path[0] == "last") == 591_360


@pytest.mark.slow
def test_compiles() -> None:
    compiles(PUBLISHED)
