"""The simplest networks against sums written out: numbers, figures, training, compiling."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from archdsl.backend.module import module
from tests.reference.regression import Linear, Logistic, Sigmoids, Softmax
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

LINE = (rule("(weight|bias)", r"line.\1"),)
TWO = (rule("(inner|outer)_(.+)", r"\1.\2"),)


def _points() -> Tensors:
    x = torch.randn(12, 5, dtype=torch.float64)
    return {"x": x, "y": x.sum(1) + 0.1 * torch.randn(12, dtype=torch.float64)}


def _sides() -> Tensors:
    x = torch.randn(12, 5, dtype=torch.float64)
    return {"x": x, "y": (x.sum(1) > 0).double()}


def _kinds() -> Tensors:
    x = torch.randn(12, 5, dtype=torch.float64)
    return {"x": x, "label": x[:, :4].argmax(1)}


def _curve() -> Tensors:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64).unsqueeze(1)
    return {"x": x, "y": x**2}


CASES = [
    Case("linear_regression", "regression", "linear_regression", {"features": 5}, lambda _: Linear(5), LINE, _points, lambda net, given: net(**given)),
    Case("logistic_regression", "regression", "logistic_regression", {"features": 5}, lambda _: Logistic(5), LINE, _sides, lambda net, given: net(**given)),
    Case(
        "softmax_regression", "regression", "softmax_regression", {"features": 5, "classes": 4},
        lambda _: Softmax(5, 4), (rule("(.+)", r"lines.\1"),), _kinds, lambda net, given: net(**given),
    ),
    Case("sum_of_sigmoids", "regression", "sum_of_sigmoids", {"hidden": 6}, lambda _: Sigmoids(1, 6), TWO, _curve, lambda net, given: net(**given)),
    Case(
        "sum_of_hard_sigmoids", "regression", "sum_of_hard_sigmoids", {"hidden": 6},
        lambda _: Sigmoids(1, 6, hard=True), TWO, _curve, lambda net, given: net(**given),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numbers(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    return outputs["loss"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss, steps=20, rate=0.05)


@pytest.mark.parametrize("case", CASES[2:4], ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_figures() -> None:
    """d + 1; (d + 1) classes; n h + h + h + 1."""
    found = spec("regression")
    for d in (1, 3, 20):
        assert found.model("linear_regression", features=d).params == d + 1
        assert found.model("logistic_regression", features=d).params == d + 1
        assert found.model("softmax_regression", features=d, classes=7).params == 7 * (d + 1)
        for h in (1, 4, 32):
            assert found.model("sum_of_sigmoids", features=d, hidden=h).params == d * h + h + h + 1
    assert found["sum_of_sigmoids"].shape("prediction", B=5) == (5, 1)


def test_the_line_that_least_squares_finds() -> None:
    """Trained to its end, the regression is where the normal equations say, and explains what they explain."""
    given = _points()
    x, y = given["x"], given["y"]
    columns = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], 1)
    best = torch.linalg.lstsq(columns, y).solution
    net = module(
        spec("regression").model("linear_regression", features=5).network, dtype=torch.float64
    ).train()
    optimiser = torch.optim.LBFGS(net.parameters(), max_iter=100, tolerance_grad=1e-12, tolerance_change=0)

    def again() -> Tensor:
        optimiser.zero_grad()
        loss: Tensor = net(**given).loss
        loss.backward()
        return loss

    optimiser.step(again)
    torch.testing.assert_close(torch.cat([net.line.weight[0], net.line.bias]), best, rtol=1e-6, atol=1e-8)
    left = float((y - columns @ best).square().sum())
    with torch.no_grad():
        found = net(**given)
    assert abs(float(found.sse) - left) < 1e-9
    assert abs(float(found.fit) - (1 - left / float((y - y.mean()).square().sum()))) < 1e-9


def test_figures_of_merit_on_known_answers() -> None:
    """Four of five right; class 1 taken for 2 once; a fit of nothing but the mean explains nothing."""
    net = module(spec("regression").model("softmax_regression", features=3, classes=3).network).eval()
    with torch.no_grad():
        net.lines.weight.copy_(torch.eye(3))
        net.lines.bias.zero_()
    found = net(torch.eye(3)[[0, 1, 2, 2, 2]], torch.tensor([0, 1, 1, 2, 2]))
    assert abs(float(found.right) - 0.8) < 1e-6
    assert found.confusion.tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 2]]
    line = module(spec("regression").model("linear_regression", features=1).network).eval()
    with torch.no_grad():
        line.line.weight.zero_()
        line.line.bias.fill_(2.0)
    found = line(torch.zeros(3, 1), torch.tensor([1.0, 2.0, 3.0]))
    assert (float(found.sse), float(found.fit)) == (2.0, 0.0)
