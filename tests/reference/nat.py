"""The non-autoregressive Transformer in plain PyTorch: sentence by sentence, copies made in a loop."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.reordered import FeedForward, Sublayer
from tests.reference.sequences import sinusoids


class Attention(nn.Module):
    """Queries, keys and values each from where they come; who sees nothing gets zeros, before the last matrix."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x: Tensor, query: Tensor | None, key: Tensor | None, seen: Tensor) -> Tensor:
        """``x`` is looked at, and gives what isn't given."""
        q, k, v = (
            f(x if y is None else y).unflatten(-1, (self.heads, -1))
            for f, y in ((self.query, query), (self.key, key), (self.value, key if query is None else None))
        )
        scores = torch.einsum("bqhe,bkhe->bhqk", q, k) / math.sqrt(q.shape[-1])
        weights = torch.exp(scores - scores.amax(-1, keepdim=True)) * seen[:, None]
        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-30)
        return self.out(torch.einsum("bhqk,bkhe->bqhe", weights, v).flatten(-2))


class Layer(nn.Module):
    def __init__(self, d: int, heads: int, hidden: int, decoder: bool) -> None:
        super().__init__()
        names = ("attention", "positions", "cross") if decoder else ("attention",)
        for name in names:
            setattr(self, name, Sublayer(d, Attention(d, heads), first=False))
        self.feed_forward = Sublayer(d, FeedForward(d, hidden), first=False)


def up_to(lengths: Tensor, queries: int, keys: int) -> Tensor:
    return torch.stack([(torch.arange(keys) < n).expand(queries, keys) for n in lengths.tolist()])


class Nat(nn.Module):
    """Gu et al. (2017), section 3, without noisy parallel decoding."""

    def __init__(
        self, vocab: int, d: int, heads: int, hidden: int, layers: int, fertilities: int, longest: int
    ) -> None:
        super().__init__()
        self.tok, self.fertility, self.longest = nn.Embedding(vocab, d), nn.Linear(d, fertilities), longest
        self.encoder = nn.ModuleList(Layer(d, heads, hidden, decoder=False) for _ in range(layers))
        self.decoder = nn.ModuleList(Layer(d, heads, hidden, decoder=True) for _ in range(layers))

    def forward(self, src: Tensor, lengths: Tensor, counts: Tensor, labels: Tensor) -> dict[str, Tensor]:
        batch, length = src.shape
        d, n = self.tok.embedding_dim, self.longest
        words = math.sqrt(d) * self.tok(src)
        memory = words + sinusoids(length, d)
        for layer in self.encoder:
            memory = layer.attention(memory, None, None, up_to(lengths, length, length))
            memory = layer.feed_forward(memory)
        fertility = self.fertility(memory)
        if not self.training:
            counts = fertility.argmax(-1)
        copies, made = [], []
        for b in range(batch):
            row = [words[b, s] for s in range(int(lengths[b])) for _ in range(int(counts[b, s]))][:n]
            made.append(len(row))
            copies.append(torch.stack(row + [words[b, -1]] * (n - len(row))))
        x = torch.stack(copies) + sinusoids(n, d)
        real = up_to(torch.tensor(made), n, n)
        others = real & ~torch.eye(n, dtype=torch.bool)
        places = sinusoids(n, d).expand(batch, n, d)
        for layer in self.decoder:
            x = layer.attention(x, None, None, others)
            x = layer.positions(x, places, places, real)
            x = layer.cross.norm(x + layer.cross.f(memory, x, memory, up_to(lengths, n, length)))
            x = layer.feed_forward(x)
        outputs = {
            "fertility": fertility, "logits": x @ self.tok.weight.T,
            "words_made": torch.tensor(made, dtype=x.dtype),
        }  # fmt: skip
        if self.training:
            inside = torch.arange(length) < lengths[:, None]
            outputs["loss"] = F.cross_entropy(outputs["logits"][labels >= 0], labels[labels >= 0]) + (
                F.cross_entropy(fertility[inside], counts[inside])
            )
        return outputs
