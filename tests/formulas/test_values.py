"""Formulas of values: positions, norms, attention, activations, losses and steps of optimisers, written by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from archdsl import api

TOLERANCE = {"rtol": 1e-10, "atol": 1e-12}


def run(body: str, **inputs: Tensor) -> Tensor:
    """A model of these inputs, its weights set by hand where it has any."""
    kinds = {
        name: f"{'' if value.is_floating_point() else 'int'}{list(value.shape)}"
        for name, value in inputs.items()
    }
    shapes = "".join(f"  input {name}: {kind}\n" for name, kind in kinds.items())
    net = api.parse(f"model m {{\n{shapes}  {body}\n}}\n")["m"].module(dtype=torch.float64).eval()
    found = net(**inputs)
    assert isinstance(found, Tensor)
    return found


def wire(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64)


def test_sinusoidal_positions() -> None:
    """sin(p / 10000^(2i/d)) at 2i, the cosine at 2i + 1."""
    found = run("0 * x + sinusoidal(50, 16)", x=wire(50, 16))
    for p in range(50):
        for i in range(8):
            angle = p / 10000 ** (2 * i / 16)
            assert abs(found[p, 2 * i] - math.sin(angle)) < 1e-7
            assert abs(found[p, 2 * i + 1] - math.cos(angle)) < 1e-7
    # PE(p + k) is a rotation of PE(p), whatever p is
    turn = torch.tensor(
        [[math.cos(3.0), math.sin(3.0)], [-math.sin(3.0), math.cos(3.0)]], dtype=torch.float64
    )
    torch.testing.assert_close(found[3:, :2], found[:-3, :2] @ turn.T, rtol=0, atol=1e-6)


def test_layer_norm() -> None:
    """(x - mean) / sqrt(var + eps), of each sample by itself, the variance divided by n."""
    x = wire(3, 5, 8)
    mean = x.sum(-1, keepdim=True) / 8
    variance = ((x - mean) ** 2).sum(-1, keepdim=True) / 8
    torch.testing.assert_close(run("layer_norm", x=x), (x - mean) / (variance + 1e-5) ** 0.5, **TOLERANCE)


def test_attention() -> None:
    """softmax(Q K^T / sqrt(d)) V, the softmax over the keys."""
    q, k, v = wire(2, 5, 8), wire(2, 7, 8) + 0.3, wire(2, 7, 6)
    scores = torch.einsum("bqd,bkd->bqk", q, k) / math.sqrt(8)
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    torch.testing.assert_close(run("attention(q, k, v)", q=q, k=k, v=v), weights @ v, **TOLERANCE)
    square = k[:, :5]
    seen = torch.ones(5, 5, dtype=torch.bool).tril()
    scores = (q @ square.transpose(1, 2) / math.sqrt(8)).masked_fill(~seen, -math.inf)
    found = run("attention(q, k, v, mask=causal)", q=q, k=square, v=v[:, :5])
    torch.testing.assert_close(found, scores.softmax(-1) @ v[:, :5], **TOLERANCE)


@pytest.mark.parametrize("size", [3, 5])
def test_local_response_norm(size: int) -> None:
    """x / (k + alpha / n * sum of squares over n channels) ** beta, at the border over those that there are."""
    x = wire(2, 7, 3, 3)
    found = run(f"local_response_norm({size}, alpha=0.3, beta=0.75, k=2.0)", x=x)
    for c in range(7):
        low, high = max(0, c - size // 2), min(7, c + size // 2 + 1)
        total = (x[:, low:high] ** 2).sum(1)
        torch.testing.assert_close(found[:, c], x[:, c] / (2 + 0.3 / size * total) ** 0.75, **TOLERANCE)


ACTIVATIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    "tanh": (
        lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)), lambda x: 1 - math.tanh(x) ** 2,
    ),
    "relu": (lambda x: max(0.0, x), lambda x: float(x > 0)),
    "leaky_relu(0.1)": (lambda x: x if x > 0 else 0.1 * x, lambda x: 1.0 if x > 0 else 0.1),
    "elu": (lambda x: x if x > 0 else math.exp(x) - 1, lambda x: 1.0 if x > 0 else math.exp(x)),
    "silu": (lambda x: x / (1 + math.exp(-x)), lambda x: (1 + math.exp(-x) * (1 + x)) / (1 + math.exp(-x)) ** 2),
    "gelu": (
        lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
        lambda x: (1 + math.erf(x / math.sqrt(2))) / 2 + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    ),
    "hard_sigmoid": (lambda x: min(1.0, max(0.0, x / 6 + 0.5)), lambda x: 1 / 6 if -3 < x < 3 else 0.0),
    "softplus": (lambda x: math.log(1 + math.exp(x)), lambda x: 1 / (1 + math.exp(-x))),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_derivatives(name: str) -> None:
    value, slope = ACTIVATIONS[name]
    x = torch.tensor([-4.0, -2.5, -0.7, 0.01, 0.3, 1.0, 3.5], dtype=torch.float64, requires_grad=True)
    found = run(name, x=x)
    found.sum().backward()
    assert x.grad is not None
    for here, y, dy in zip(x.tolist(), found.tolist(), x.grad.tolist(), strict=True):
        assert abs(y - value(here)) < 1e-9
        assert abs(dy - slope(here)) < 1e-8


def test_slope_of_the_sigmoid() -> None:
    """sigma (1 - sigma): 1/4 at most, at 0, and nothing far away, where the notes have it go to nothing at 0."""
    x = torch.linspace(-20, 20, 4001, dtype=torch.float64, requires_grad=True)
    run("sigmoid", x=x).sum().backward()
    assert x.grad is not None
    assert abs(float(x.grad.max()) - 0.25) < 1e-12
    assert abs(float(x.detach()[x.grad.argmax()])) < 1e-9
    assert float(x.grad[0]) < 1e-8 > float(x.grad[-1])


def test_softmax_and_cross_entropy() -> None:
    x, label = wire(5, 7), torch.tensor([0, 3, 6, 1, 1])
    p = x.exp() / x.exp().sum(-1, keepdim=True)
    torch.testing.assert_close(run("softmax", x=x), p, **TOLERANCE)
    wanted = -sum(math.log(p[i, c]) for i, c in enumerate(label.tolist())) / 5
    assert abs(float(run("cross_entropy(x, label)", x=x, label=label)) - wanted) < 1e-12
    # the softmax is bound in: given probabilities, it is taken twice, and the loss is another (W0501)
    assert abs(float(run("softmax(x) -> cross_entropy(id, label)", x=x, label=label)) - wanted) > 0.1


def test_dilated_is_a_special_deformable() -> None:
    """A convolution of rate 2 is one whose taps stand 2 apart: the same as sampling there by hand."""
    x, w = wire(1, 2, 9, 9), wire(3, 2, 3, 3)
    torch.manual_seed(0)
    net = api.parse(
        "model m {\n  input x: [B, 2, H=9, W=9]\n  conv(3, dilation=2, padding=0, bias=false)\n}\n"
    )["m"]
    built = net.module(dtype=torch.float64)
    next(built.parameters()).data.copy_(w)
    wanted = torch.zeros(1, 3, 5, 5, dtype=torch.float64)
    for i in range(3):
        for j in range(3):
            wanted += torch.einsum(
                "oc,bchw->bohw", w[:, :, i, j], x[:, :, 2 * i : 2 * i + 5, 2 * j : 2 * j + 5]
            )
    torch.testing.assert_close(built(x), wanted, **TOLERANCE)


# ----------------------------------------------------------------------------------------------------- steps

Step = Callable[[Tensor, Tensor, dict[str, Any], float], Tensor]


def _adam(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    """Algorithm 1 of Kingma and Ba (2014)."""
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = 0.9 * state.get("m", 0) + (1 - 0.9) * g
    state["v"] = 0.999 * state.get("v", 0) + (1 - 0.999) * g**2
    m, v = state["m"] / (1 - 0.9**t), state["v"] / (1 - 0.999**t)
    return x - lr * m / (v.sqrt() + 1e-8)


def _momentum(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    """torch's: v = mu v + g, x - lr v."""
    state["v"] = 0.9 * state.get("v", 0) + g
    return x - lr * state["v"]


def _notes_momentum(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    """The notes': m = lambda m - eta g, x + m; the rate is inside what is remembered."""
    state["m"] = 0.9 * state.get("m", 0) - lr * g
    return x + state["m"]


def _nesterov(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    state["v"] = 0.9 * state.get("v", 0) + g
    return x - lr * (g + 0.9 * state["v"])


def _adagrad(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    """Divided by the root of the sum of all squares so far."""
    state["s"] = state.get("s", 0) + g**2
    return x - lr * g / (state["s"].sqrt() + 1e-10)


def _rmsprop(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    """sigma_t = sqrt(alpha sigma^2 + (1 - alpha) g^2), from nothing."""
    state["s"] = 0.99 * state.get("s", 0) + (1 - 0.99) * g**2
    return x - lr * g / (state["s"].sqrt() + 1e-8)


def _sgd(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    return x - lr * g


def _decayed(x: Tensor, g: Tensor, state: dict[str, Any], lr: float) -> Tensor:
    """Weight decay: half of 0.1 times the squares is added to the loss."""
    return x - lr * (g + 0.1 * x)


OPTIMISERS: dict[str, tuple[Step, Callable[..., torch.optim.Optimizer]]] = {
    "gradient descent": (_sgd, torch.optim.SGD),
    "momentum": (_momentum, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    "momentum of the notes": (_notes_momentum, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    "nesterov": (_nesterov, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True)),
    "weight decay": (_decayed, lambda p, lr: torch.optim.SGD(p, lr, weight_decay=0.1)),
    "adagrad": (_adagrad, torch.optim.Adagrad),
    "rmsprop": (_rmsprop, torch.optim.RMSprop),
    "adam": (_adam, torch.optim.Adam),
}


def _trained(name: str, rates: list[float]) -> tuple[Tensor, Tensor]:
    """By hand and by torch, a linear regression of the language: y = w x, its loss the mean of squares."""
    step, make = OPTIMISERS[name]
    spec = "model m {\n  input x: [B, 3]\n  input y: [B, 2]\n  x -> linear(2, bias=false)\n  mse(id, y)\n}\n"
    net = api.parse(spec)["m"].module(dtype=torch.float64, seed=1)
    (weight,) = net.parameters()
    x, y = wire(8, 3), wire(8, 2) + 1
    hand, state = weight.detach().clone(), dict[str, Any]()
    optimiser = make([weight], lr=rates[0])
    for rate in rates:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        net(x, y).backward()
        optimiser.step()
        gradient = 2 * (x @ hand.T - y).T @ x / 16  # d/dw of the mean of (x w - y)^2
        hand = step(hand, gradient, state, rate)
    return hand, weight.detach()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_steps_of_optimisers(name: str) -> None:
    hand, ours = _trained(name, [0.05] * 6)
    torch.testing.assert_close(hand, ours, rtol=1e-9, atol=1e-11)


def test_the_two_momentums_part_when_the_rate_changes() -> None:
    hand, ours = _trained("momentum of the notes", [0.1, 0.01, 0.001])
    assert float((hand - ours).abs().max()) > 1e-3
    hand, ours = _trained("momentum", [0.1, 0.01, 0.001])
    torch.testing.assert_close(hand, ours, rtol=1e-9, atol=1e-11)
    # a gradient of 1 three times: -(0.1) - (0.09 + 0.01) - (0.09 + 0.001) ... against -(0.1 + 0.019 + 0.00271)
    x, v, theirs = torch.zeros(()), {}, {}
    a = b = x
    for rate in (0.1, 0.01, 0.001):
        a, b = _notes_momentum(a, torch.ones(()), v, rate), _momentum(b, torch.ones(()), theirs, rate)
    assert round(float(a), 3) == -0.291
    assert round(float(b), 4) == -0.1217
