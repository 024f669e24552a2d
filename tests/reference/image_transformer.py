"""The Image Transformer in plain PyTorch: full attention under a mask that is worked out pair by pair."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.reordered import Attention, FeedForward, Sublayer
from tests.reference.sequences import sinusoids


def order_1d(rows: int, columns: int) -> list[tuple[int, int]]:
    """Places in the order in which they are generated: row by row."""
    return [(y, x) for y in range(rows) for x in range(columns)]


def order_2d(rows: int, columns: int, tall: int, wide: int) -> list[tuple[int, int]]:
    """Block by block, row by row in each."""
    return sorted(order_1d(rows, columns), key=lambda p: (p[0] // tall, p[1] // wide, *p))


def seen_1d(places: list[tuple[int, int]], length: int) -> Tensor:
    n = len(places)
    return torch.tensor([[j <= i and j // length >= i // length - 1 for j in range(n)] for i in range(n)])


def seen_2d(places: list[tuple[int, int]], tall: int, wide: int, above: int, beside: int) -> Tensor:
    def one(i: int, j: int) -> bool:
        top, left = places[i][0] // tall * tall, places[i][1] // wide * wide
        y, x = places[j]
        if not (top - above <= y < top + tall and left - beside <= x < left + wide + beside):
            return False
        if y < top or x < left:
            return True
        return x < left + wide and j <= i

    return torch.tensor([[one(i, j) for j in range(len(places))] for i in range(len(places))])


class Layer(nn.Module):
    def __init__(self, d: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = Sublayer(d, Attention(d, heads, bias=False), first=False)
        self.feed_forward = Sublayer(d, FeedForward(d, hidden), first=False)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        return self.feed_forward(self.attention(x, None, seen))


class ImageTransformer(nn.Module):
    """Parmar et al. (2018), over the places in the order given, each over the places that ``seen`` lets it see."""

    def __init__(
        self, d: int, heads: int, hidden: int, layers: int, places: list[tuple[int, int]], seen: Tensor
    ) -> None:
        super().__init__()
        self.intensities, self.head = nn.Embedding(768, d), nn.Linear(d, 256)
        self.layers = nn.ModuleList(Layer(d, heads, hidden) for _ in range(layers))
        self.places, self.seen = places, seen

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        batch, height, width, _ = pixels.shape
        d = self.intensities.embedding_dim
        rows, columns = sinusoids(height, d // 2), sinusoids(3 * width, d // 2)
        x = [torch.zeros(batch, d, dtype=torch.float64)]
        for y, column in self.places[:-1]:
            x.append(self.intensities(pixels[:, y, column // 3, column % 3] + 256 * (column % 3)))
        where = torch.stack([torch.cat([rows[y], columns[column]]) for y, column in self.places])
        found = torch.stack(x, 1) + where
        for layer in self.layers:
            found = layer(found, self.seen)
        scores = self.head(found)
        logits = torch.empty(batch, height, width, 3, 256, dtype=torch.float64)
        for i, (y, column) in enumerate(self.places):
            logits[:, y, column // 3, column % 3] = scores[:, i]
        outputs = {"logits": logits}
        if self.training:
            outputs["loss"] = F.cross_entropy(logits.flatten(0, -2), pixels.flatten())
        return outputs
