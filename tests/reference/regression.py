"""Regressions and sums of sigmoids in plain PyTorch, and their figures of merit counted one by one."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """y = b + w x, the errors' squares, and the part of the variance that is explained."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, features))
        self.bias = nn.Parameter(torch.randn(1))

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        found = self.bias + (self.weight * x).sum(1)
        errors = sum(((y[i] - found[i]) ** 2 for i in range(len(y))), torch.zeros(()))
        mean = sum(y) / len(y)
        around = sum(((value - mean) ** 2 for value in y), torch.zeros(()))
        outputs = {"prediction": found, "sse": errors, "fit": 1 - errors / around}
        return outputs | ({"loss": errors / len(y)} if self.training else {})


class Logistic(Linear):
    """The same through 1 / (1 + e^-z), with the cross-entropy of two classes."""

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        p = 1 / (1 + torch.exp(-(self.bias + (self.weight * x).sum(1))))
        loss = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
        return {"probability": p} | ({"loss": loss} if self.training else {})


class Softmax(nn.Module):
    """Several classes: each prediction is counted by hand."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, features))
        self.bias = nn.Parameter(torch.randn(classes))

    def forward(self, x: Tensor, label: Tensor) -> dict[str, Tensor]:
        z = x @ self.weight.T + self.bias
        p = z.exp() / z.exp().sum(1, keepdim=True)
        table = torch.zeros(z.shape[1], z.shape[1], dtype=x.dtype)
        for row, true in zip(z.tolist(), label.tolist(), strict=True):
            table[true, row.index(max(row))] += 1
        outputs = {"probabilities": p, "right": table.trace() / len(x), "confusion": table}
        loss = -sum(p[i, k].log() for i, k in enumerate(label.tolist())) / len(x)
        return outputs | ({"loss": loss} if self.training else {})


class Sigmoids(nn.Module):
    """b + sum over i of c_i f(b_i + sum over j of w_ij x_j), summed as it is written."""

    def __init__(self, features: int, hidden: int, hard: bool = False) -> None:
        super().__init__()
        self.inner_weight = nn.Parameter(torch.randn(hidden, features))
        self.inner_bias = nn.Parameter(torch.randn(hidden))
        self.outer_weight = nn.Parameter(torch.randn(1, hidden))
        self.outer_bias = nn.Parameter(torch.randn(1))
        self.hard = hard

    def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        found = self.outer_bias
        for c, b, w in zip(self.outer_weight[0], self.inner_bias, self.inner_weight, strict=True):
            z = b + (w * x).sum(1)
            bent = (z / 6 + 0.5).clamp(0, 1) if self.hard else 1 / (1 + torch.exp(-z))
            found = found + c * bent
        found = found.unsqueeze(1)
        return {"prediction": found} | ({"loss": ((found - y) ** 2).mean()} if self.training else {})
