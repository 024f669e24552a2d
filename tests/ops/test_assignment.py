"""linear_sum_assignment against all permutations, and what it leaves alone."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch import Tensor

from archdsl import api
from archdsl.diagnostics import DiagnosticError

TEXT = "model m {{ input cost: [B, {}, {}]\n linear_sum_assignment }}"


def _least(cost: Tensor) -> float:
    rows, columns = cost.shape
    return min(
        sum(float(cost[r, c]) for c, r in enumerate(chosen)) for chosen in permutations(range(rows), columns)
    )


def _sums(cost: Tensor, chosen: Tensor) -> Tensor:
    assert all(len(set(row)) == len(row) for row in chosen.tolist())
    return cost.gather(1, chosen[:, None]).squeeze(1).sum(-1)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (4, 4), (6, 3), (6, 6), (7, 5)])
@pytest.mark.parametrize("kind", ["random", "ties", "negative", "wide"])
def test_the_cheapest_of_all(shape: tuple[int, int], kind: str) -> None:
    net = api.parse(TEXT.format(*shape))["m"].module()
    torch.manual_seed(0)
    cost = torch.rand(6, *shape, dtype=torch.float64)
    cost = {"random": cost, "ties": (3 * cost).round(), "negative": -cost, "wide": torch.exp(30 * cost)}[kind]
    found = _sums(cost, net(cost))
    wanted = torch.tensor([_least(one) for one in cost], dtype=torch.float64)
    torch.testing.assert_close(found, wanted)
    # the greedy choice is dearer somewhere, so the test can fail
    if shape == (6, 6) and kind == "random":
        greedy = cost.clone()
        taken = []
        for c in range(6):
            row = greedy[:, :, c].argmin(1)
            greedy[torch.arange(6), row] = torch.inf
            taken.append(row)
        assert bool((_sums(cost, torch.stack(taken, 1)) > wanted + 1e-6).any())


def test_padding_takes_what_is_left() -> None:
    """Columns of one cost everywhere change nothing for the others."""
    torch.manual_seed(1)
    cost = torch.rand(5, 8, 3)
    padded = torch.cat([cost, torch.zeros(5, 8, 4)], 2)
    real = api.parse(TEXT.format(8, 3))["m"].module()(cost)
    more = api.parse(TEXT.format(8, 7))["m"].module()(padded)
    torch.testing.assert_close(_sums(cost, more[:, :3]), _sums(cost, real))
    assert all(sorted(set(row)) == sorted(row) for row in more.tolist())


def test_compiled_it_is_one_graph() -> None:
    net = api.parse(TEXT.format(9, 5))["m"].module()
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    for seed in range(3):
        torch.manual_seed(seed)
        cost = torch.rand(4, 9, 5, requires_grad=True)
        assert torch.equal(compiled(cost), net(cost))
        assert not net(cost).requires_grad


def test_what_is_no_number_ends() -> None:
    net = api.parse(TEXT.format(4, 4))["m"].module()
    found = net(torch.full((2, 4, 4), torch.nan))
    assert bool(((found >= 0) & (found < 4)).all())


def test_more_columns_than_rows_are_refused() -> None:
    with pytest.raises(DiagnosticError, match="E0410"):
        api.parse(TEXT.format(3, 4))
