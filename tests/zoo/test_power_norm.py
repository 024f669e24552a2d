"""PowerNorm over several steps of training, against algorithm 2 of the paper written out without autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from archdsl import api
from archdsl.backend.module import module

TEXT = "model net { input x: [B, T, 5]\n power_norm(alpha=0.8) }"


class ByHand:
    """Shen et al. (2020): forward and backward as the paper numbers them, number by number in the features."""

    def __init__(self, weight: Tensor, bias: Tensor, alpha: float, eps: float) -> None:
        self.weight, self.bias, self.alpha, self.eps = weight, bias, alpha, eps
        self.psi2, self.nu = torch.ones(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)

    def step(self, x: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
        rows, cotangents = x.flatten(0, 1), gradient.flatten(0, 1)
        n, a = len(rows), self.alpha
        psi = (self.psi2 + self.eps).sqrt()
        y, dx = torch.empty_like(rows), torch.empty_like(rows)
        dw, db = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
        for f in range(5):
            hat = [float(row[f] / psi[f]) for row in rows]
            g = [float(c[f] * self.weight[f]) for c in cotangents]
            for i in range(n):
                y[i, f] = hat[i] * self.weight[f] + self.bias[f]
                dx[i, f] = (g[i] - self.nu[f] * hat[i]) / psi[f]
                dw[f] += cotangents[i, f] * hat[i]
                db[f] += cotangents[i, f]
            gamma = sum(h * h for h in hat) / n
            lam = sum(h * c for h, c in zip(hat, g, strict=True)) / n
            self.nu[f] = self.nu[f] * (1 - (1 - a) * gamma) + (1 - a) * lam
        self.psi2 = a * self.psi2 + (1 - a) * (rows**2).mean(0)
        return y.view_as(x), dx.view_as(x), dw, db


def test_power_norm() -> None:
    torch.manual_seed(0)
    net = module(api.parse(TEXT)["net"].network, dtype=torch.float64)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.3 * torch.randn_like(p))
    weight, bias = net.parameters()
    other = ByHand(weight.detach(), bias.detach(), 0.8, 1e-5)
    net.train()
    for _ in range(4):
        x = (2 * torch.randn(3, 4, 5, dtype=torch.float64)).requires_grad_()
        gradient = torch.randn(3, 4, 5, dtype=torch.float64)
        y = net(x)
        mine = (y, *torch.autograd.grad(y, (x, weight, bias), gradient))
        for a, b in zip(mine, other.step(x.detach(), gradient), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    square, nu = net.buffers()
    torch.testing.assert_close(square, other.psi2, rtol=1e-9, atol=0)
    torch.testing.assert_close(nu, other.nu, rtol=1e-9, atol=1e-15)
    net.eval()
    x = torch.randn(3, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(net(x), x / (other.psi2 + 1e-5).sqrt() * other.weight + other.bias)


def test_training() -> None:
    """Two layers and a norm between learn to give their input back."""
    torch.manual_seed(0)
    text = "model net { input x: [B, T, 6]\n linear(12) -> power_norm -> relu -> linear(6) }"
    net = module(api.parse(text)["net"].network)
    x, optimizer = torch.randn(4, 5, 6), torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (net(x) - x).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0], losses


DEEP = "model net { input x: [B, T, 5]\n linear(5) -> power_norm(alpha=0.8) -> relu -> linear(5) -> power_norm -> tanh }"


@pytest.mark.parametrize("text", [TEXT, DEEP])
def test_compiled_training_is_training(text: str) -> None:
    """One graph, and nothing of what it left behind is read again on the way back; torch 2.13 does so unasked."""
    plain, other = (
        module(api.parse(text)["net"].network, dtype=torch.float64, seed=0).train() for _ in range(2)
    )
    torch.manual_seed(0)
    torch._dynamo.reset()
    compiled = torch.compile(other, backend="aot_eager", fullgraph=True)
    for _ in range(3):
        x = torch.randn(3, 4, 5, dtype=torch.float64)
        given = [x.clone().requires_grad_() for _ in range(2)]
        plain(given[0]).square().sum().backward()
        compiled(given[1]).square().sum().backward()
        torch.testing.assert_close(given[1].grad, given[0].grad)
    for (name, a), b in zip(plain.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, msg=name)
    for a, b in zip(plain.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(a, b)
    assert (
        float(plain.state_dict()[next(n for n in plain.state_dict() if n.endswith("gradient"))].abs().sum())
        > 0
    )
