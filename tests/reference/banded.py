"""A decoder whose layers look at everything before and at what is near in turn, from torch's own layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Banded(nn.Module):
    """Brown et al. (2020), section 2.1: norms before the sublayers, one table for words and scores."""

    def __init__(self, layers: int, d: int, heads: int, vocab: int, context: int, band: int) -> None:
        super().__init__()
        self.words, self.places, self.band = nn.Embedding(vocab, d), nn.Embedding(context, d), band
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                d,
                heads,
                4 * d,
                0.0,
                lambda x: F.gelu(x, approximate="tanh"),
                batch_first=True,
                norm_first=True,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        hidden = [
            [[not j <= i, not i - near <= j <= i] for j in range(length)]
            for i, near in ((i, self.band) for i in range(length))
        ]
        masks = torch.tensor(hidden).unbind(2)
        x = self.words(tokens) + self.places.weight[:length]
        for i, layer in enumerate(self.layers):
            x = layer(x, src_mask=masks[i % 2])
        return self.norm(x) @ self.words.weight.T
