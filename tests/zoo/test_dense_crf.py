"""The dense CRF against its equations, pixel by pixel and label by label; training; compiling."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from tests.zoo.compare import Case, Tensors
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains


class CRF(nn.Module):
    """Algorithm 1 of the paper with its sums written out: Potts, the update in terms of energies."""

    def __init__(self, rounds: int, smooth: float, place: float, colour: float, released: bool) -> None:
        super().__init__()
        self.smooth_weight, self.edge_weight = (
            nn.Parameter(torch.tensor(3.0)),
            nn.Parameter(torch.tensor(4.0)),
        )
        self.rounds, self.released = rounds, released
        self.smooth, self.place, self.colour = smooth, place, colour

    def kernels(self, colours: Tensor, width: int) -> list[Tensor]:
        n = len(colours)
        both = [colours.new_zeros(n, n), colours.new_zeros(n, n)]
        rows: list[list[list[Tensor]]] = [[], []]
        for i in range(n):
            line: list[list[Tensor]] = [[], []]
            for j in range(n):
                apart = (i // width - j // width) ** 2 + (i % width - j % width) ** 2
                shade = ((colours[i] - colours[j]) ** 2).sum()
                line[0].append(shade * 0 + math.exp(-apart / (2 * self.smooth**2)))
                line[1].append(torch.exp(-apart / (2 * self.place**2) - shade / (2 * self.colour**2)))
            for k in range(2):
                rows[k].append(line[k])  # type: ignore[arg-type]
        both = [torch.stack([torch.stack(line) for line in rows[k]]) for k in range(2)]  # type: ignore[arg-type]
        if self.released:
            return [k / (k.sum(0)[None] * k.sum(1)[:, None]).sqrt() for k in both]
        return [k - torch.diag(torch.diag(k)) for k in both]

    def forward(self, logits: Tensor, image: Tensor) -> dict[str, Tensor]:
        found = []
        for scores, picture in zip(logits, image, strict=True):
            unary = -scores.softmax(0).log().flatten(1)  # labels, pixels
            kernels = self.kernels(picture.flatten(1).T, image.shape[3])
            q = (-unary).softmax(0)
            for _ in range(self.rounds):
                energy = unary
                for weight, kernel in zip((self.smooth_weight, self.edge_weight), kernels, strict=True):
                    message = torch.einsum("ij,lj->li", kernel, q)
                    others = message.sum(0) - message  # Potts: what the other labels say
                    energy = energy + weight * others
                q = (-energy).softmax(0)
            found.append(q.unflatten(1, image.shape[2:]))
        # In memory as ours is, for cotangents are drawn in that order.
        return {"probability": torch.stack(found).contiguous(memory_format=torch.channels_last)}


def _inputs() -> Tensors:
    pictures = 255 * torch.rand(2, 3, 4, 5, dtype=torch.float64)
    return {"logits": torch.randn(2, 3, 4, 5, dtype=torch.float64), "image": pictures}


def _case(released: bool) -> Case:
    settings = {"classes": 3, "rounds": 3, "smooth": 0.5, "place": 1, "colour": 70, "released": released}
    return Case(
        f"dense_crf-{released}", "dense_crf", "dense_crf", settings, lambda _: CRF(3, 0.5, 1, 70, released), (),
        _inputs, lambda net, inputs: net(**inputs),
    )  # fmt: skip


CASES = [_case(False), _case(True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_the_equations(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    torch.manual_seed(5)
    target = torch.randint(3, (2, 4, 5))
    return nn.functional.nll_loss(outputs["probability"].contiguous().log(), target)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    """There are but the weights of the two kernels to learn."""
    check_trains(case, _loss, rate=0.05)


@pytest.mark.slow
def test_compiles() -> None:
    check_compiles(CASES[1])
