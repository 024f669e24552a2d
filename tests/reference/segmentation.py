"""Networks for classification without dense layers and for segmentation, in plain PyTorch, from their papers."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class NIN(nn.Module):
    """Lin et al., 2013: each stage a convolution and two 1x1 ones; pools as Caffe's, which round up."""

    def __init__(
        self, stages: list[list[int]], shapes: list[tuple[int, int, int]], pools: str, rate: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for i, (widths, (kernel, stride, padding)) in enumerate(zip(stages, shapes, strict=True)):
            for j, c in enumerate(widths):
                layers += [
                    nn.Conv2d(channels, c, *((kernel, stride, padding) if j == 0 else (1,))),
                    nn.ReLU(),
                ]
                channels = c
            if i < len(stages) - 1:
                kind = nn.MaxPool2d if pools[i] in "mM" else nn.AvgPool2d
                layers.append(kind(3, 2, ceil_mode=True))
                layers += [nn.Dropout(rate)] if pools[i].isupper() else []
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(image).mean((2, 3))


def nin_cifar(classes: int = 10, rate: float = 0.5) -> NIN:
    stages = [[192, 160, 96], [192, 192, 192], [192, 192, classes]]
    return NIN(stages, [(5, 1, 2), (5, 1, 2), (3, 1, 1)], "MA", rate)


def nin_imagenet(classes: int = 1000, rate: float = 0.5) -> NIN:
    stages = [[96] * 3, [256] * 3, [384] * 3, [1024, 1024, classes]]
    return NIN(stages, [(11, 4, 0), (5, 1, 2), (3, 1, 1), (3, 1, 1)], "mmM", rate)


class Factorised(nn.Module):
    """Romera et al., 2017, fig. 2 (c)."""

    def __init__(self, w: int, dilation: int, rate: float) -> None:
        super().__init__()
        self.a = nn.Conv2d(w, w, (3, 1), padding=(1, 0))
        self.b = nn.Conv2d(w, w, (1, 3), padding=(0, 1))
        self.n1 = nn.BatchNorm2d(w, eps=1e-3)
        self.c = nn.Conv2d(w, w, (3, 1), padding=(dilation, 0), dilation=(dilation, 1))
        self.d = nn.Conv2d(w, w, (1, 3), padding=(0, dilation), dilation=(1, dilation))
        self.n2 = nn.BatchNorm2d(w, eps=1e-3)
        self.drop = nn.Dropout2d(rate)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.n1(self.b(F.relu(self.a(x)))))
        return F.relu(x + self.drop(self.n2(self.d(F.relu(self.c(y))))))


class Down(nn.Module):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(a, b - a, 3, 2, 1)
        self.norm = nn.BatchNorm2d(b, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(torch.cat([self.conv(x), F.max_pool2d(x, 2)], 1)))


class ERFNet(nn.Module):
    def __init__(self, classes: int, dilations: list[int], rate: float) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            Down(3, 16), Down(16, 64), *(Factorised(64, 1, rate) for _ in range(5)),
            Down(64, 128), *(Factorised(128, d, rate) for d in dilations),
        )  # fmt: skip
        self.decoder = nn.Sequential()
        for a, b in pairwise((128, 64, 16)):
            self.decoder.append(nn.ConvTranspose2d(a, b, 3, 2, 1, 1))
            self.decoder += nn.Sequential(nn.BatchNorm2d(b, eps=1e-3), nn.ReLU())
            self.decoder += nn.Sequential(Factorised(b, 1, 0), Factorised(b, 1, 0))
        self.decoder.append(nn.ConvTranspose2d(16, classes, 2, 2))
        self.coarse = nn.Conv2d(128, classes, 1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        y = self.encoder(image)
        return {"out": self.decoder(y)} | ({"coarse": self.coarse(y)} if self.training else {})


class ERFEncoder(ERFNet):
    def __init__(self, classes: int, dilations: list[int], rate: float) -> None:
        super().__init__(classes, dilations, rate)
        del self.decoder

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"out": self.coarse(self.encoder(image))}


def bilinear_kernel(factor: int) -> Tensor:
    """The tent of 2 factor numbers that enlarges by an even factor."""
    line = [(2 * factor - abs(2 * i + 1 - 2 * factor)) / (2 * factor) for i in range(2 * factor)]
    row = torch.tensor(line, dtype=torch.float64)
    return row[:, None] * row


class FCN(nn.Module):
    """Long et al., 2015: padding by 100, and cuts that undo it, as in the released prototxt files."""

    def __init__(
        self,
        factor: int,
        classes: int,
        widths: list[int],
        hidden: int,
        rate: float,
        scales: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.factor, self.classes, self.scales = factor, classes, scales
        self.stages = nn.ModuleList()
        channels = 3
        for n, c in zip([2, 2, 3, 3, 3], widths, strict=True):
            stage = nn.Sequential()
            for _ in range(n):
                stage.append(nn.Conv2d(channels, c, 3, padding=1 if len(stage) or len(self.stages) else 100))
                stage.append(nn.ReLU())
                channels = c
            self.stages.append(stage)
        self.fc = nn.Sequential(
            nn.Conv2d(channels, hidden, 7), nn.ReLU(), nn.Dropout(rate), nn.Conv2d(hidden, hidden, 1), nn.ReLU(),
            nn.Dropout(rate), nn.Conv2d(hidden, classes, 1),
        )  # fmt: skip
        self.skips = nn.ModuleList()
        for stage, least in ((3, 16), (2, 8)):
            if factor <= least:
                self.skips.append(self.larger(2))
                self.skips.append(nn.Conv2d(widths[stage], classes, 1))
        self.last = self.larger(factor)

    def larger(self, factor: int) -> nn.ConvTranspose2d:
        layer = nn.ConvTranspose2d(self.classes, self.classes, 2 * factor, factor, bias=False)
        layer.weight.data.zero_()
        for c in range(self.classes):
            layer.weight.data[c, c] = bilinear_kernel(factor)
        return layer.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        x, seen = image, []
        for stage in self.stages:
            x = F.max_pool2d(stage(x), 2, ceil_mode=True)
            seen.append(x)
        x = self.fc(x)
        for k, (tap, offset) in enumerate(((seen[3], 5), (seen[2], 9))):
            if 2 * k < len(self.skips):
                x = self.skips[2 * k](x)
                h, w = x.shape[2:]
                y = self.skips[2 * k + 1](tap * self.scales[k])
                x = x + y[:, :, offset : offset + h, offset : offset + w]
        cut = {32: 19, 16: 27, 8: 31}[self.factor]
        return self.last(x)[:, :, cut : cut + image.shape[2], cut : cut + image.shape[3]]


# ------------------------------------------------------------------------------------------------------- DeepLab


def large_field_of_view(
    classes: int, widths: list[int], hidden: int, rate: float, smooth: bool = True
) -> nn.Sequential:
    """DeepLab v1 on VGG-16; the caller enlarges."""
    layers, channels = nn.Sequential(), 3
    for n, c, stride, d in zip([2, 2, 3, 3, 3], widths, [2, 2, 2, 1, 1], [1, 1, 1, 1, 2], strict=True):
        for _ in range(n):
            layers.append(nn.Conv2d(channels, c, 3, padding=d, dilation=d))
            layers.append(nn.ReLU())
            channels = c
        layers.append(nn.MaxPool2d(3, stride, 1, ceil_mode=True))
    if smooth:
        layers.append(nn.AvgPool2d(3, 1, 1))
    return layers.extend([
        nn.Conv2d(channels, hidden, 3, padding=12, dilation=12), nn.ReLU(), nn.Dropout(rate),
        nn.Conv2d(hidden, hidden, 1), nn.ReLU(), nn.Dropout(rate), nn.Conv2d(hidden, classes, 1),
    ])  # fmt: skip


def unit(
    a: int, b: int, kernel: int = 1, stride: int = 1, dilation: int = 1, bend: bool = True
) -> nn.Sequential:
    conv = nn.Conv2d(a, b, kernel, stride, dilation * (kernel // 2), dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(b), *([nn.ReLU()] if bend else []))


class Residual(nn.Module):
    """He et al., 2015, with the stride in the first convolution, as in the authors' Caffe models."""

    def __init__(self, a: int, c: int, stride: int, dilation: int, project: bool) -> None:
        super().__init__()
        self.main = nn.Sequential(
            unit(a, c, 1, stride), unit(c, c, 3, 1, dilation), unit(c, 4 * c, bend=False)
        )
        self.side = unit(a, 4 * c, 1, stride, bend=False) if project else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.main(x) + self.side(x))


class Trunk(nn.Module):
    def __init__(self, width: int, layers: list[int], strides: list[int], dilations: list[list[int]]) -> None:
        super().__init__()
        self.stem = unit(3, width, 7, 2)
        self.stages = nn.ModuleList()
        a = width
        for i, n in enumerate(layers):
            stage = nn.Sequential()
            for j in range(n):
                stage.append(Residual(a, width << i, strides[i] if j == 0 else 1, dilations[i][j], j == 0))
                a = 4 * (width << i)
            self.stages.append(stage)

    def forward(self, image: Tensor) -> list[Tensor]:
        x, out = F.max_pool2d(self.stem(image), 3, 2, 1, ceil_mode=True), []
        for stage in self.stages:
            x = stage(x)
            out.append(x)
        return out


def resized(x: Tensor, like: Tensor, corners: bool = False) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=corners)


class DeepLabV2(nn.Module):
    def __init__(self, classes: int, width: int, layers: list[int], rates: list[int]) -> None:
        super().__init__()
        grids = [[d] * n for d, n in zip([1, 1, 2, 4], layers, strict=True)]
        self.trunk = Trunk(width, layers, [1, 2, 1, 1], grids)
        self.heads = nn.ModuleList(nn.Conv2d(32 * width, classes, 3, padding=r, dilation=r) for r in rates)

    def once(self, image: Tensor) -> Tensor:
        x = self.trunk(image)[-1]
        return torch.stack([head(x) for head in self.heads]).sum(0)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        full = self.once(image)
        sizes = (F.interpolate(image, scale_factor=s, mode="bilinear") for s in (0.75, 0.5))
        large, small = map(self.once, sizes)
        both = torch.stack([full, resized(large, full), resized(small, full)])
        found = {"logits": both.amax(0)}
        if self.training:
            found |= {"at_full": full, "at_three_quarters": large, "at_half": small}
        return found


def apart(a: int, b: int, dilation: int = 1) -> nn.Sequential:
    """A 3x3 convolution of v3+ as two: every channel by itself, then all of them, each with a norm and a bend."""
    alone = nn.Conv2d(a, a, 3, 1, dilation, dilation, groups=a, bias=False)
    return nn.Sequential(alone, nn.BatchNorm2d(a), nn.ReLU(), *unit(a, b))


class Pyramid(nn.Module):
    """The atrous spatial pyramid pooling of v3."""

    def __init__(self, a: int, c: int, rates: list[int], separable: bool = False) -> None:
        super().__init__()
        wide = [apart(a, c, r) if separable else unit(a, c, 3, 1, r) for r in rates]
        self.branches = nn.ModuleList([unit(a, c), *wide])
        self.pool = unit(a, c)
        self.project = unit(c * (len(rates) + 2), c)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.project(torch.cat([*(b(x) for b in self.branches), pooled], 1))


class DeepLabV3(nn.Module):
    """v3, and with ``low`` channels of early features v3+."""

    def __init__(
        self,
        classes: int,
        width: int,
        layers: list[int],
        stride: int,
        c: int,
        low: int = 0,
        separable: bool = False,
    ) -> None:
        super().__init__()
        strides, dilations = ([1, 2, 2, 1], [1, 1, 1, 2]) if stride == 16 else ([1, 2, 1, 1], [1, 1, 2, 4])
        grids = [[d] * n for d, n in zip(dilations, layers, strict=True)]
        grids[3] = [d * g for d, g in zip(grids[3], (1, 2, 4), strict=False)]
        self.trunk = Trunk(width, layers, strides, grids)
        self.pyramid = Pyramid(32 * width, c, [r * 16 // stride for r in (6, 12, 18)], separable)
        self.reduce = unit(4 * width, low) if low else None
        two = [apart(a, c) if separable else unit(a, c, 3) for a in (c + low, c)]
        self.decoder = nn.Sequential(*two) if low else nn.Identity()
        self.score = nn.Conv2d(c, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        early, *_, late = self.trunk(image)
        x = self.pyramid(late)
        if self.reduce is not None:
            x = torch.cat([resized(x, early), self.reduce(early)], 1)
        return resized(self.score(self.decoder(x)), image)
