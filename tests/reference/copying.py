"""Recurrent sequence-to-sequence models in plain PyTorch: step by step, word by word, from the papers' formulas."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


class Cell(nn.Module):
    """Elman, Cho et al. or Hochreiter and Schmidhuber, written out; weights named as torch does."""

    def __init__(self, kind: str, d: int, layers: int) -> None:
        super().__init__()
        self.kind, self.d, self.layers, rows = kind, d, layers, GATES[kind] * d
        for k in range(layers):
            for name in ("weight_ih", "weight_hh"):
                setattr(self, f"{name}_l{k}", nn.Parameter(torch.randn(rows, d) / math.sqrt(d)))
            for name in ("bias_ih", "bias_hh"):
                setattr(self, f"{name}_l{k}", nn.Parameter(torch.randn(rows) / 4))

    def step(self, k: int, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        a = x @ getattr(self, f"weight_ih_l{k}").T + getattr(self, f"bias_ih_l{k}")
        b = h @ getattr(self, f"weight_hh_l{k}").T + getattr(self, f"bias_hh_l{k}")
        if self.kind == "rnn":
            return torch.tanh(a + b), c
        a, b = a.split(self.d, -1), b.split(self.d, -1)
        if self.kind == "gru":
            r, z = torch.sigmoid(a[0] + b[0]), torch.sigmoid(a[1] + b[1])
            return (1 - z) * torch.tanh(a[2] + r * b[2]) + z * h, c
        i, f, o = (torch.sigmoid(a[n] + b[n]) for n in (0, 1, 3))
        c = f * c + i * torch.tanh(a[2] + b[2])
        return o * torch.tanh(c), c

    def forward(self, x: Tensor, state: list[tuple[Tensor, Tensor]] | None) -> tuple[Tensor, list]:
        zero = torch.zeros_like(x[:, 0])
        state = [(zero, zero)] * self.layers if state is None else state
        after = []
        for k in range(self.layers):
            (h, c), rows = state[k], []
            for t in range(x.shape[1]):
                h, c = self.step(k, x[:, t], h, c)
                rows.append(h)
            x = torch.stack(rows, 1)
            after.append((h, c))
        return x, after


class Held(nn.Module):
    """A module under a name."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class Seq2Seq(nn.Module):
    """Luong et al. (2015), section 3.1: score h_t W h_s, context, tanh(W [c; h]), words."""

    def __init__(self, kind: str, vocab: int, d: int, layers: int) -> None:
        super().__init__()
        self.source_words, self.target_words = nn.Embedding(vocab, d), nn.Embedding(vocab, d)
        self.encoder, self.decoder = (Held(cell=Cell(kind, d, layers)) for _ in range(2))
        self.attention = Held(key=nn.Linear(d, d, bias=False))
        self.combine, self.head = nn.Linear(2 * d, d, bias=False), nn.Linear(d, vocab)

    def states(self, src: Tensor, tgt: Tensor) -> tuple[Tensor, Tensor]:
        memory, state = self.encoder.cell(self.source_words(src), None)
        states, _ = self.decoder.cell(self.target_words(tgt), state)
        found, weights = [], []
        for t in range(states.shape[1]):
            scores = [
                (states[:, t] * self.attention.key(memory[:, s])).sum(-1) for s in range(memory.shape[1])
            ]
            weights.append(torch.stack(scores, -1).softmax(-1))
            context = sum(weights[-1][:, s, None] * memory[:, s] for s in range(memory.shape[1]))
            found.append(torch.tanh(self.combine(torch.cat([context, states[:, t]], -1))))
        return torch.stack(found, 1), torch.stack(weights, 1)

    def forward(self, src: Tensor, tgt: Tensor) -> dict[str, Tensor]:
        found, weights = self.states(src, tgt)
        return {"logits": self.head(found), "weights": weights}


class CopyHead(nn.Module):
    """See et al. (2017), equation 9, in OpenNMT's form: words and copies side by side through a map of the source."""

    def __init__(self, vocab: int, extra: int, d: int) -> None:
        super().__init__()
        self.words, self.copy, self.size = nn.Linear(d, vocab), nn.Linear(d, 1), vocab + extra

    def forward(self, hidden: Tensor, weights: Tensor, source: Tensor) -> Tensor:
        p = torch.sigmoid(self.copy(hidden))
        words = torch.softmax(self.words(hidden), -1) * (1 - p)
        where = torch.nn.functional.one_hot(source, self.size).to(weights)
        copies = (weights * p) @ where
        return torch.cat([words + copies[..., : words.shape[-1]], copies[..., words.shape[-1] :]], -1)


def guided(weights: Tensor, g: float) -> Tensor:
    """Tachibana et al. (2017), section 4.1, number by number."""
    batch, queries, keys = weights.shape
    total = weights.new_zeros(())
    for t in range(queries):
        for n in range(keys):
            penalty = 1 - math.exp(-((n / keys - t / queries) ** 2) / (2 * g**2))
            total = total + penalty * weights[:, t, n].sum()
    return total / (batch * queries * keys)


class PointerGenerator(Seq2Seq):
    """The same with one table of words, a bias where the context comes in, and copying."""

    def __init__(self, kind: str, vocab: int, extra: int, d: int, layers: int, g: float) -> None:
        super().__init__(kind, vocab, d, layers)
        self.words = self.source_words
        del self.source_words, self.target_words, self.head
        self.combine = nn.Linear(2 * d, d)
        self.generator, self.g = CopyHead(vocab, extra, d), g

    source_words = target_words = property(lambda self: self.words)  # type: ignore[assignment]

    def forward(self, src: Tensor, copied: Tensor, tgt: Tensor, labels: Tensor) -> dict[str, Tensor]:
        found, weights = self.states(src, tgt)
        p = self.generator(found, weights, copied)
        outputs = {"probabilities": p}
        if self.training:
            outputs["loss"] = -p.gather(-1, labels[..., None]).log().mean()
            outputs["guide_loss"] = guided(weights, self.g)
        return outputs
