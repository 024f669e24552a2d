"""Sandwich and Universal Transformers in plain PyTorch, from the papers: sums written out, loops that end when done."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tests.reference.sequences import sinusoids


class Attention(nn.Module):
    """Multi-head attention, head by head; ``seen`` says which keys a query may look at."""

    def __init__(self, d: int, heads: int, bias: bool = True) -> None:
        super().__init__()
        self.heads, self.size = heads, d // heads
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=bias) for _ in range(4))

    def forward(self, x: Tensor, memory: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        memory = x if memory is None else memory
        q, k, v = self.query(x), self.key(memory), self.value(memory)
        found = []
        for h in range(self.heads):
            part = slice(h * self.size, (h + 1) * self.size)
            scores = torch.einsum("bqe,bke->bqk", q[..., part], k[..., part]) / math.sqrt(self.size)
            if seen is not None:
                scores = scores.masked_fill(~seen, -math.inf)
            found.append(torch.einsum("bqk,bke->bqe", scores.softmax(-1), v[..., part]))
        return self.out(torch.cat(found, -1))


class FeedForward(nn.Module):
    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, hidden), nn.Linear(hidden, d)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.relu(self.fc1(x)))


class Sublayer(nn.Module):
    """A sublayer beside its norm, and the sum around both."""

    def __init__(self, d: int, f: nn.Module, first: bool) -> None:
        super().__init__()
        self.f, self.norm, self.first = f, nn.LayerNorm(d), first

    def forward(self, x: Tensor, *args: Tensor | None) -> Tensor:
        return x + self.f(self.norm(x), *args) if self.first else self.norm(x + self.f(x, *args))


class Named(nn.Module):
    """One sublayer under its kind's name."""

    def __init__(self, kind: str, sublayer: Sublayer) -> None:
        super().__init__()
        self.add_module({"s": "attention", "f": "feed_forward"}[kind], sublayer)
        self.kind, self.run = kind, sublayer.forward


def earlier(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool).tril()


class Sandwich(nn.Module):
    """Press et al. (2020), section 3: the string names the sublayers from the bottom up."""

    def __init__(self, order: str, d: int, heads: int, hidden: int) -> None:
        super().__init__()
        made = [Attention(d, heads) if kind == "s" else FeedForward(d, hidden) for kind in order]
        self.sublayers = nn.ModuleList(
            Named(kind, Sublayer(d, f, first=True)) for kind, f in zip(order, made, strict=True)
        )
        self.norm = nn.LayerNorm(d)

    def forward(self, x: Tensor) -> Tensor:
        x = x + sinusoids(x.shape[1], x.shape[2])
        for sublayer in self.sublayers:
            x = sublayer.run(x, None, earlier(x.shape[1])) if sublayer.kind == "s" else sublayer.run(x)
        return self.norm(x)


class PastAttention(nn.Module):
    """Score of token j for token i: q_i (k_j + r_(i - j)), over the tokens before i; nothing for the first."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(d, d, bias=False) for _ in range(4))

    def forward(self, x: Tensor, distances: Tensor) -> Tensor:
        q, k, v = (
            f(x).unflatten(-1, (self.heads, -1)) for f in (self.query, self.key, self.value)
        )  # b t h e
        rows = [torch.zeros_like(x[:, 0])]
        for i in range(1, x.shape[1]):
            relative = torch.stack([distances[:, -(i - j)] for j in range(i)])  # j e
            scores = torch.einsum("bhe,bjhe->bhj", q[:, i], k[:, :i] + relative[:, None])
            weights = (scores / math.sqrt(q.shape[-1])).softmax(-1)
            rows.append(torch.einsum("bhj,bjhe->bhe", weights, v[:, :i]).flatten(1))
        return self.out(torch.stack(rows, 1))


class SandwichCharacters(nn.Module):
    """The same over characters, with learned vectors for distances and the norms after the sums."""

    def __init__(self, order: str, d: int, heads: int, hidden: int, span: int, vocab: int) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(vocab, d), nn.Linear(d, vocab)
        self.distances = nn.Parameter(torch.randn(d // heads, span))
        made = [PastAttention(d, heads) if kind == "s" else FeedForward(d, hidden) for kind in order]
        self.sublayers = nn.ModuleList(
            Named(kind, Sublayer(d, f, first=False)) for kind, f in zip(order, made, strict=True)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens)
        for sublayer in self.sublayers:
            x = sublayer.run(x, self.distances) if sublayer.kind == "s" else sublayer.run(x)
        return self.head(x)


class Layer(nn.Module):
    """Attention, attention to the memory where there is one, feed-forward: norms after the sums."""

    def __init__(self, d: int, heads: int, hidden: int, decoder: bool) -> None:
        super().__init__()
        self.attention = Sublayer(d, Attention(d, heads), first=False)
        if decoder:
            self.cross = Sublayer(d, Attention(d, heads), first=False)
        self.feed_forward = Sublayer(d, FeedForward(d, hidden), first=False)

    def forward(self, x: Tensor, memory: Tensor | None) -> Tensor:
        x = self.attention(x, None, earlier(x.shape[1]) if memory is not None else None)
        x = x if memory is None else self.cross(x, memory)
        return self.feed_forward(x)


class Halting(nn.Module):
    """Graves (2016) per position, number by number: rounds go on until every position has halted, or ``most``."""

    def __init__(self, d: int, threshold: float, most: int) -> None:
        super().__init__()
        self.unit, self.threshold, self.most = nn.Linear(d, 1), threshold, most

    def forward(self, state: Tensor, layer: Layer, memory: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, d = state.shape
        spent = [[torch.zeros((), dtype=state.dtype) for _ in range(length)] for _ in range(batch)]
        rest = [[torch.zeros((), dtype=state.dtype) for _ in range(length)] for _ in range(batch)]
        rounds = [[0 for _ in range(length)] for _ in range(batch)]
        done = [[False for _ in range(length)] for _ in range(batch)]
        total = torch.zeros_like(state)
        for step in range(self.most):
            if all(map(all, done)):
                break
            state = state + sinusoids(length, d) + sinusoids(self.most, d)[step]
            p = torch.sigmoid(self.unit(state))[..., 0]
            state = layer(state, memory)
            rows = []
            for b in range(batch):
                for t in range(length):
                    if done[b][t]:
                        rows.append(total[b, t])
                        continue
                    rounds[b][t] += 1
                    if spent[b][t] + p[b, t] > self.threshold:
                        done[b][t] = True
                        weight = rest[b][t] = 1 - spent[b][t]
                    else:
                        weight = p[b, t]
                        spent[b][t] = spent[b][t] + weight
                    rows.append(weight * state[b, t] + (1 - weight) * total[b, t])
            total = torch.stack(rows).view(batch, length, d)
        remainders = torch.stack([torch.stack(row) for row in rest])[..., None]
        return total, remainders, torch.tensor(rounds, dtype=state.dtype)[..., None]


class UniversalTransformer(nn.Module):
    """Dehghani et al. (2018) with dynamic halting; the table of words serves source, target and output."""

    def __init__(self, vocab: int, d: int, heads: int, hidden: int, most: int, threshold: float) -> None:
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.encoder, self.decoder = (Layer(d, heads, hidden, decoder) for decoder in (False, True))
        self.encoder_halting, self.decoder_halting = (Halting(d, threshold, most) for _ in range(2))

    def forward(self, src: Tensor, tgt: Tensor) -> dict[str, Tensor]:
        root = math.sqrt(self.tok.embedding_dim)
        memory, r1, n1 = self.encoder_halting(root * self.tok(src), self.encoder, None)
        found, r2, n2 = self.decoder_halting(root * self.tok(tgt), self.decoder, memory)
        outputs = {
            "logits": found @ self.tok.weight.T,
            "encoder_remainders": r1, "encoder_updates": n1, "decoder_remainders": r2, "decoder_updates": n2,
        }  # fmt: skip
        if self.training:
            outputs["ponder_loss"] = 0.01 * ((r1 + n1).mean() + (r2 + n2).mean())
        return outputs
