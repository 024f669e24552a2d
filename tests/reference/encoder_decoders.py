"""U-Net with batch norm, and encoder-decoders with residuals or a condition, in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def twice(a: int, b: int) -> nn.Sequential:
    layers = nn.Sequential()
    for c in (a, b):
        layers.extend([nn.Conv2d(c, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()])
    return layers


class PaddedUNet(nn.Module):
    """By a list of levels, bottom last; ours is recursive."""

    def __init__(self, channels: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.down, self.up, self.merge = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for i in range(depth + 1):
            self.down.append(twice(channels if i == 0 else width << (i - 1), width << i))
        for i in reversed(range(depth)):
            self.up.append(nn.ConvTranspose2d(width << (i + 1), width << i, 2, 2))
            self.merge.append(twice(width << (i + 1), width << i))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = []
        for i, level in enumerate(self.down):
            x = level(x if i == 0 else F.max_pool2d(x, 2))
            seen.append(x)
        seen.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x, skip = up(x), seen.pop()
            h, w = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            x = merge(torch.cat([skip, F.pad(x, [w // 2, w - w // 2, h // 2, h - h // 2])], 1))
        return self.head(x)


class Add(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.f(x)


def encoder_decoder(width: int, depth: int, extra: int, rate: float) -> nn.Sequential:
    """The notes': a first convolution, (relu, conv, norm)s, (relu, conv transposed, norm, dropout)s, conv, tanh."""
    layers = nn.Sequential(nn.Conv2d(3, width, 3, padding=1))
    for i in range(depth):
        layers.extend(
            [nn.ReLU(), nn.Conv2d(width << i, width << (i + 1), 4, 2, 1), nn.BatchNorm2d(width << (i + 1))]
        )
        layers.extend(Add(width << (i + 1)) for _ in range(extra))
    for i in reversed(range(depth)):
        layers.extend([nn.ReLU(), nn.ConvTranspose2d(width << (i + 1), width << i, 4, 2, 1)])
        layers.extend(
            [nn.BatchNorm2d(width << i), nn.Dropout(rate), *(Add(width << i) for _ in range(extra))]
        )
    return layers.extend([nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1), nn.Tanh()])


class Conditional(nn.Module):
    def __init__(self, classes: int, width: int, latent: int) -> None:
        super().__init__()
        self.table = nn.Embedding(classes, latent)
        self.stem = nn.Conv2d(3 + latent, width, 4, 2, 1)
        self.down = nn.Sequential()
        for a in (width, 2 * width, 4 * width):
            self.down.extend([nn.ReLU(), nn.Conv2d(a, 2 * a, 4, 2, 1), nn.BatchNorm2d(2 * a)])
        self.code = nn.Conv2d(8 * width, latent, 2)
        self.up = nn.Sequential(nn.ConvTranspose2d(2 * latent, 8 * width, 2), nn.BatchNorm2d(8 * width))
        for a in (8 * width, 4 * width, 2 * width):
            self.up.extend([nn.ReLU(), nn.ConvTranspose2d(a, a // 2, 4, 2, 1), nn.BatchNorm2d(a // 2)])
        self.head = nn.ConvTranspose2d(width, 3, 4, 2, 1)

    def forward(self, image: Tensor, label: Tensor) -> dict[str, Tensor]:
        c = self.table(label)
        picture = torch.cat([image, c[:, :, None, None].expand(-1, -1, *image.shape[2:])], 1)
        code = self.code(F.relu(self.down(self.stem(picture))))
        drawn = torch.tanh(self.head(F.relu(self.up(F.relu(torch.cat([code, c[:, :, None, None]], 1))))))
        return {"drawn": drawn} | ({"loss": (drawn - image).square().mean()} if self.training else {})
