"""Reformer in plain PyTorch: hashing attention as sums over sets, every pair of places asked for one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.reordered import FeedForward


def hashed(qk: Tensor, values: Tensor, buckets: int, length: int, rounds: int) -> Tensor:
    """Kitaev et al. (2020), section 2: for [B, heads, T, e], round by round; what a place may look at is a set."""
    batch, heads, places, e = qk.shape
    rotations = torch.randn(heads, e, rounds, buckets // 2, dtype=qk.dtype)
    keys = qk / torch.sqrt((qk**2).mean(-1, keepdim=True) + 1e-6) / math.sqrt(e)
    out = torch.empty_like(values)
    for b in range(batch):
        for h in range(heads):
            found, totals = [], []
            for r in range(rounds):
                turned = qk[b, h].detach() @ rotations[h, :, r]
                bucket = torch.cat([turned, -turned], -1).argmax(-1).tolist()
                order = sorted(range(places), key=lambda i: (bucket[i], i))
                chunk = {place: s // length for s, place in enumerate(order)}
                rows, sums = [], []
                for i in range(places):
                    seen = [j for j in range(i) if chunk[i] - 1 <= chunk[j] <= chunk[i]]
                    scores = keys[b, h, seen] @ qk[b, h, i] if seen else qk.new_full((1,), -1e5)
                    seen = seen or [i]
                    sums.append(torch.logsumexp(scores, 0))
                    rows.append(scores.softmax(0) @ values[b, h, seen])
                found.append(torch.stack(rows))
                totals.append(torch.stack(sums))
            weights = torch.stack(totals).softmax(0)
            out[b, h] = sum(weights[r][:, None] * found[r] for r in range(rounds))
    return out


class Hashed(nn.Module):
    def __init__(self, d: int, heads: int, e: int, buckets: int, length: int, rounds: int) -> None:
        super().__init__()
        self.query, self.value = (nn.Linear(d, heads * e, bias=False) for _ in range(2))
        self.out = nn.Linear(heads * e, d, bias=False)
        self.heads, self.settings = heads, (buckets, length, rounds)

    def forward(self, x: Tensor) -> Tensor:
        q, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.value))
        return self.out(hashed(q, v, *self.settings).transpose(1, 2).flatten(2))


class Local(nn.Module):
    def __init__(self, d: int, heads: int, e: int, length: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(d, heads * e, bias=False) for _ in range(3))
        self.out = nn.Linear(heads * e, d, bias=False)
        self.heads, self.length = heads, length

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)) for f in (self.query, self.key, self.value))
        rows = []
        for i in range(x.shape[1]):
            seen = slice(max(0, (i // self.length - 1) * self.length), i + 1)
            scores = torch.einsum("bhe,bjhe->bhj", q[:, i], k[:, seen]) / math.sqrt(q.shape[-1])
            rows.append(torch.einsum("bhj,bjhe->bhe", scores.softmax(-1), v[:, seen]).flatten(1))
        return self.out(torch.stack(rows, 1))


class Layer(nn.Module):
    def __init__(self, d: int, hidden: int, attention: nn.Module) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(d), attention
        self.norm, self.feed_forward = nn.LayerNorm(d), FeedForward(d, hidden)


class Halves(torch.autograd.Function):
    """A reversible stack: nothing is kept but the last two streams; the others are worked out again, backwards."""

    @staticmethod
    def forward(ctx, layers, seeds, one, two, *weights):
        ctx.layers, ctx.seeds, ctx.weights = layers, seeds, weights
        with torch.no_grad():
            for layer in layers:
                seeds.append(torch.get_rng_state())
                one = one + layer.attention(layer.attention_norm(two))
                two = two + layer.feed_forward(layer.norm(one))
        ctx.save_for_backward(one, two)
        return one, two

    @staticmethod
    def backward(ctx, d_one, d_two):
        one, two = ctx.saved_tensors
        total = [torch.zeros_like(w) for w in ctx.weights]
        where = {w: i for i, w in enumerate(ctx.weights)}
        for layer, seed in zip(reversed(ctx.layers), reversed(ctx.seeds), strict=True):
            for kind in ("feed_forward", "attention"):
                norm = layer.norm if kind == "feed_forward" else layer.attention_norm
                half = getattr(layer, kind)
                source = (one if kind == "feed_forward" else two).detach().requires_grad_()
                with torch.enable_grad():
                    torch.set_rng_state(seed)
                    added = half(norm(source))
                own = [*half.parameters(), *norm.parameters()]
                out = d_two if kind == "feed_forward" else d_one
                d_source, *d_own = torch.autograd.grad(added, [source, *own], out)
                for weight, gradient in zip(own, d_own, strict=True):
                    total[where[weight]] += gradient
                if kind == "feed_forward":
                    two, d_one = two - added.detach(), d_one + d_source
                else:
                    one, d_two = one - added.detach(), d_two + d_source
        return None, None, d_one, d_two, *total


class Reformer(nn.Module):
    """The language model, its layers reversible in earnest: the backward pass starts from their last results alone."""

    def __init__(
        self,
        vocab: int,
        hidden: int,
        attentions: Sequence[nn.Module],
        rows: int,
        columns: int,
        split: Sequence[int],
    ) -> None:
        super().__init__()
        d = sum(split)
        self.row_places = nn.Parameter(torch.randn(rows, split[0]))
        self.column_places = nn.Parameter(torch.randn(columns, split[1]))
        self.words, self.columns = nn.Embedding(vocab, d), columns
        self.layers = nn.ModuleList(Layer(d, hidden, attention) for attention in attentions)
        self.norm, self.head = nn.LayerNorm(2 * d), nn.Linear(2 * d, vocab)

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        n = self.columns
        places = [
            torch.cat([self.row_places[i // n], self.column_places[i % n]]) for i in range(tokens.shape[1])
        ]
        shifted = torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], 1)
        x = self.words(shifted) + torch.stack(places)
        one, two = Halves.apply(list(self.layers), [], x, x, *self.layers.parameters())
        logits = self.head(self.norm(torch.cat([one, two], -1)))
        if not self.training:
            return {"logits": logits}
        return {"logits": logits, "loss": F.cross_entropy(logits.flatten(0, 1), tokens.flatten())}
