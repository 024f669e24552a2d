"""Sequence models in plain PyTorch: torch's own Transformer and recurrent layers, put together as the papers do."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def sinusoids(length: int, dim: int) -> Tensor:
    """Section 3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i + 1) the cosine, written out number by number."""
    rows = [
        [(math.sin if k % 2 == 0 else math.cos)(position / 10000 ** ((k - k % 2) / dim)) for k in range(dim)]
        for position in range(length)
    ]
    return torch.tensor(rows, dtype=torch.float64)


class Transformer(nn.Module):
    """Vaswani et al. (2017) from torch's layers: norms after the sums, none at the end, one table for all uses."""

    def __init__(self, vocab: int, d: int, heads: int, hidden: int, layers: int, rate: float = 0.1) -> None:
        super().__init__()
        self.drop = nn.Dropout(rate)
        self.table = nn.Embedding(vocab, d)
        options = {"dropout": rate, "batch_first": True}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d, heads, hidden, **options), layers, enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d, heads, hidden, **options), layers)

    def embed(self, tokens: Tensor) -> Tensor:
        d = self.table.embedding_dim
        return self.drop(
            self.table(tokens) * math.sqrt(d) + sinusoids(tokens.shape[1], d).to(self.table.weight)
        )

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        later = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1], dtype=self.table.weight.dtype)
        memory = self.encoder(self.embed(src))
        found = self.decoder(self.embed(tgt), memory, tgt_mask=later)
        return found @ self.table.weight.T


class Recurrent(nn.Module):
    """Words to vectors, a recurrent layer of torch, and a score for every word or tag at every step.

    Dropout as in Zaremba et al. (2014): on what goes into a layer and out of the last, never from step to step.
    """

    def __init__(self, layer: nn.RNNBase, vocab: int, out: int, rate: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout(rate)
        self.words = nn.Embedding(vocab, layer.input_size)
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size * (2 if layer.bidirectional else 1), out)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.drop(self.layer(self.drop(self.words(tokens)))[0]))
