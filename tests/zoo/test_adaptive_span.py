"""The adaptive span against sums written out number by number; what it learns; that it compiles."""

from __future__ import annotations

import torch
from torch import Tensor

from archdsl import api

TEXT = """
model m {{
  input scores: [B, 3, {queries}, 7]
  w, reach = softmax(scores) -> adaptive_span(6, ramp=2, start=0.3) as span
  output w
  output reach
}}
"""


def _by_hand(weights: Tensor, span: Tensor) -> Tensor:
    out = torch.empty_like(weights)
    batch, heads, queries, keys = weights.shape
    for b in range(batch):
        for h in range(heads):
            z = 6 * min(max(float(span[h]), 0.0), 1.0)
            for q in range(queries):
                row = []
                for k in range(keys):
                    far = abs(q + keys - queries - k)
                    row.append(float(weights[b, h, q, k]) * min(max((2 + z - far) / 2, 0.0), 1.0))
                out[b, h, q] = torch.tensor(row, dtype=weights.dtype) / (sum(row) + 1e-8)
    return out


def test_against_sums() -> None:
    for queries in (7, 4):
        net = api.parse(TEXT.format(queries=queries))["m"].module(dtype=torch.float64)
        (span,) = net.parameters()
        with torch.no_grad():
            span.copy_(torch.tensor([0.0, 0.35, 1.4], dtype=torch.float64).view(3, 1, 1))
        torch.manual_seed(0)
        scores = torch.randn(2, 3, queries, 7, dtype=torch.float64)
        found = net(scores)
        torch.testing.assert_close(found.w, _by_hand(scores.softmax(-1), span.detach()))
        torch.testing.assert_close(found.reach, torch.tensor([0.0, 2.1, 6.0], dtype=torch.float64))


def test_it_learns_how_far_to_look() -> None:
    """Told to look 4 back, a head's span grows; told to look far less, it shrinks; in one graph."""
    net = api.parse(TEXT.format(queries=7))["m"].module(dtype=torch.float64)
    (span,) = net.parameters()
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    place = torch.arange(7)
    distance = (place[:, None] - place).abs()
    scores = torch.zeros(1, 3, 7, 7, dtype=torch.float64)
    optimiser = torch.optim.SGD([span], lr=0.5)
    for _ in range(10):
        optimiser.zero_grad()
        w = compiled(scores).w
        torch.testing.assert_close(w, net(scores).w)
        (w[0, 2, distance == 0].mean() - w[0, 0, distance == 0].mean()).backward()
        optimiser.step()
    near, same, far = span.detach().flatten().tolist()
    assert far > 0.3 > near
    assert same == 0.3
