"""Auto-encoders in plain PyTorch, from their descriptions."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class AutoEncoder(nn.Module):
    """A perceptron to a code and one back to [0, 1]; with ``classes``, both also read a vector for the label."""

    def __init__(self, size: int, hidden: int, latent: int, classes: int = 0) -> None:
        super().__init__()
        self.label = nn.Embedding(classes, latent) if classes else None
        extra = latent if classes else 0
        self.encoder = nn.Sequential(nn.Linear(size + extra, hidden), nn.ReLU(), nn.Linear(hidden, latent))
        self.decoder = nn.Sequential(nn.Linear(latent + extra, hidden), nn.ReLU(), nn.Linear(hidden, size))

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        given = [] if self.label is None or label is None else [self.label(label)]
        code = self.encoder(torch.cat([x, *given], dim=1))
        return torch.sigmoid(self.decoder(torch.cat([code, *given], dim=1)))


class ConvAutoEncoder(nn.Module):
    """The notes' encoder-decoder: a first convolution, (relu, conv, norm)s, a 1x1 code, the mirror image, tanh."""

    def __init__(self, width: int, latent: int, channels: int = 3) -> None:
        super().__init__()
        w = [width, 2 * width, 4 * width, 8 * width]
        down = [
            layer
            for a, b in pairwise(w)
            for layer in (nn.ReLU(), nn.Conv2d(a, b, 4, 2, 1), nn.BatchNorm2d(b))
        ]
        up = [
            layer
            for a, b in pairwise(reversed(w))
            for layer in (nn.ReLU(), nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b))
        ]
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), *down, nn.ReLU(), nn.Conv2d(w[3], latent, 2)
        )
        self.decoder = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(latent, w[3], 2), nn.BatchNorm2d(w[3]),
            *up, nn.ReLU(), nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        return self.decoder(self.encoder(image))
