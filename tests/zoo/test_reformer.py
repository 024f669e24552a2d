"""Reformer: hashing attention pair by pair, layers reversible in earnest, and what may leak from the future."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archdsl import api
from archdsl.backend.module import module
from tests.reference.reformer import Hashed, Local, Reformer, hashed
from tests.zoo.compare import Case
from tests.zoo.keymaps import SAME, rule
from tests.zoo.sequence_support import agrees, compiles, trains

SMALL = {
    "vocab": 11, "d": 6, "layers": 3, "heads": 2, "head_dim": 4, "hidden": 7, "rows": 4, "columns": 6,
    "split": [2, 4], "local_length": 4, "buckets": 4, "length": 6, "rounds": 2, "chunks": 3,
    "kinds": ["local", "lsh"],
}  # fmt: skip
RULES = (
    rule(r"(layers\.1\.attention)\.(.+)", r"\1.lsh_attention.\2"),
    rule(r"(layers\.\d+\.attention)\.(.+)", r"\1.local_1d.\2"),
    rule(r"(layers\.\d+\.feed_forward)\.(.+)", r"\1.each.\2"),
    *SAME,
)


def _reference(_: float) -> nn.Module:
    attentions = [Local(6, 2, 4, 4), Hashed(6, 2, 4, 4, 6, 2), Local(6, 2, 4, 4)]
    return Reformer(11, 7, attentions, 4, 6, (2, 4))


CASE = Case(
    "reformer", "reformer", "reformer", SMALL, _reference, RULES,
    lambda: {"tokens": torch.randint(11, (2, 24))}, lambda net, inputs: net(**inputs), ("rate",),
)  # fmt: skip


def attend(rounds: int) -> nn.Module:
    text = f"""use lsh_attend from "zoo:reformer"
    model net {{ input q: [B, 2, T, 8]
      input v: [B, 2, T, 5]
      expect T % 4 == 0
      q -> lsh_attend(6, 4, {rounds}, values=v) }}"""
    return module(api.parse(text)["net"].network, dtype=torch.float64)


@pytest.mark.parametrize("rounds", [1, 3])
def test_hashing_attention(rounds: int) -> None:
    torch.manual_seed(0)
    q = torch.randn(2, 2, 20, 8, dtype=torch.float64, requires_grad=True)
    v = torch.randn(2, 2, 20, 5, dtype=torch.float64, requires_grad=True)
    results: list[tuple[Tensor, ...]] = []
    net = attend(rounds)
    for run in (lambda: net(q=q, v=v), lambda: hashed(q, v, 6, 4, rounds)):
        torch.manual_seed(1)
        found = run()
        torch.manual_seed(2)
        results.append(
            (found.detach(), *torch.autograd.grad((found * torch.randn_like(found)).sum(), (q, v)))
        )
    for mine, other in zip(*results, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


def test_rotations_follow_the_seed() -> None:
    net, q, v = attend(1), torch.randn(1, 2, 20, 8).double(), torch.randn(1, 2, 20, 5).double()

    def seeded(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return net(q=q, v=v)

    assert torch.equal(seeded(3), seeded(3))
    assert not torch.equal(seeded(3), seeded(4))


def test_later_values_change_nothing() -> None:
    """Of values alone: another later query moves the borders of chunks, and with them what earlier places see."""
    torch.manual_seed(0)
    net, q, v = attend(2), torch.randn(1, 2, 20, 8).double(), torch.randn(1, 2, 20, 5).double()

    def moved(q2: Tensor, v2: Tensor) -> list[bool]:
        found = []
        for given in ((q, v), (q2, v2)):
            torch.manual_seed(1)
            found.append(net(q=given[0], v=given[1]))
        return [not torch.equal(found[0][:, :, t], found[1][:, :, t]) for t in range(20)]

    other = v.clone()
    other[:, :, 9] += 1
    changed = moved(q, other)
    assert not any(changed[:10])
    assert any(changed[10:])
    turned = q.clone()
    turned[:, :, -1] *= -1
    assert any(moved(turned, v)[:-1])


def test_numbers() -> None:
    """The reference keeps no stream but the last: a plain stack gives what a reversible one gives, gradients too."""
    agrees(CASE)


def test_training() -> None:
    trains(CASE, lambda found, _: found["loss"], 20)


@pytest.mark.slow
def test_compiles() -> None:
    compiles(CASE)
