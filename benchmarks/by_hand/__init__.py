"""What a person would write in torch, for benchmarks to measure against: a GPT and a residual network."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GPT = """
block layer_(heads) {{
  id + (layer_norm as n1 -> mha(heads, mask=causal) as attention)
  id + (layer_norm as n2 -> linear(4 * {d}) as up -> gelu -> linear({d}) as down)
}}
model gpt {{
  input tokens: int[B={batch}, T={length}]
  embedding(1000, {d}) as tok
  repeat {depth} {{ layer_({heads}) }} as layers
  layer_norm as norm -> linear(1000) as head
}}
"""

CONV = """
block unit(c, stride=1) {{
  y = conv(c, 3, stride, bias=false) as c1 -> batch_norm as n1 -> relu -> conv(c, bias=false) as c2 -> batch_norm as n2
  y + (conv(c, 1, stride, bias=false) as shortcut if id.shape[1] != c or stride != 1 else id) -> relu
}}
model net {{
  input image: [B={batch}, 3, H={size}, W={size}]
  conv(64, 7, 2, bias=false) as stem -> batch_norm as norm -> relu
  for c in [64, 128, 256] {{ for j in range({depth}) {{ unit(c, stride = 2 if j == 0 else 1) }} as units }} as stages
  global_avg_pool -> linear(1000) as head
}}
"""


class Layer(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.query, self.key, self.value, self.out = (nn.Linear(d, d) for _ in range(4))
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x: Tensor) -> Tensor:
        y = self.n1(x)
        q, k, v = (
            f(y).unflatten(2, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value)
        )
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.n2(x))))


class Gpt(nn.Module):
    def __init__(self, d: int, heads: int, depth: int) -> None:
        super().__init__()
        self.tok = nn.Embedding(1000, d)
        self.layers = nn.ModuleList(Layer(d, heads) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, 1000)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tok(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


class Unit(nn.Module):
    def __init__(self, a: int, c: int, stride: int) -> None:
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(a, c, 3, stride, 1, bias=False), nn.BatchNorm2d(c)
        self.c2, self.n2 = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        self.shortcut = nn.Conv2d(a, c, 1, stride, bias=False) if a != c or stride != 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.n2(self.c2(F.relu(self.n1(self.c1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class Conv(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        widths = [64, 64, 128, 256]
        self.stages = nn.ModuleList(
            nn.ModuleList(Unit(a if j == 0 else c, c, 2 if j == 0 else 1) for j in range(depth))
            for a, c in itertools.pairwise(widths)
        )
        self.head = nn.Linear(256, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        for stage in self.stages:
            for unit in stage:
                x = unit(x)
        return self.head(x.mean((2, 3)))


def latency(net: nn.Module, inputs: tuple[Tensor, ...], repeats: int) -> float:
    """The best of several calls in seconds, without gradients."""
    import time

    best = float("inf")
    cuda = inputs[0].is_cuda
    with torch.no_grad():
        net(*inputs)
        for _ in range(repeats):
            if cuda:
                torch.cuda.synchronize()
            start = time.perf_counter()
            net(*inputs)
            if cuda:
                torch.cuda.synchronize()
            best = min(best, time.perf_counter() - start)
    return best
