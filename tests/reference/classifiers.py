"""Image networks that no library has, in plain PyTorch, from the papers and from Caffe's reference models.

Caffe's are those of BVLC/caffe at 9b891540 (master, 2020); other commits of its forks differ, one lacks the groups.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference import torchvision_on_cpu


def _response_norm() -> nn.Module:
    """Caffe's ``norm1``, ``norm2``: local_size 5, alpha 0.0001, beta 0.75, k 1."""
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


class AlexNet(nn.Module):
    """BVLC/caffe models/bvlc_alexnet/train_val.prototxt, without its dropout when ``rate`` is 0."""

    def __init__(self, classes: int = 1000, hidden: int = 4096, rate: float = 0.5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.norm = _response_norm()
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)  # Caffe rounds up; at 227 nothing is left over
        self.fc6 = nn.Linear(256 * 6 * 6, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, classes)
        self.drop = nn.Dropout(rate)

    def forward(self, image: Tensor) -> Tensor:
        x = self.pool(self.norm(F.relu(self.conv1(image))))
        x = self.pool(self.norm(F.relu(self.conv2(x))))
        x = F.relu(self.conv4(F.relu(self.conv3(x))))
        x = self.pool(F.relu(self.conv5(x))).flatten(1)
        x = self.drop(F.relu(self.fc7(self.drop(F.relu(self.fc6(x))))))
        return self.fc8(x)


class Inception(nn.Module):
    """One module of table 1 of the paper: 1x1, 3x3 after a reduction, 5x5 after a reduction, pool and projection."""

    def __init__(self, cin: int, n1: int, r3: int, n3: int, r5: int, n5: int, proj: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(cin, n1, 1)
        self.three_reduce = nn.Conv2d(cin, r3, 1)
        self.three = nn.Conv2d(r3, n3, 3, padding=1)
        self.five_reduce = nn.Conv2d(cin, r5, 1)
        self.five = nn.Conv2d(r5, n5, 5, padding=2)
        self.proj = nn.Conv2d(cin, proj, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            (
                F.relu(self.one(x)),
                F.relu(self.three(F.relu(self.three_reduce(x)))),
                F.relu(self.five(F.relu(self.five_reduce(x)))),
                F.relu(self.proj(F.max_pool2d(x, 3, 1, padding=1))),
            ),
            dim=1,
        )


class GoogLeNetHead(nn.Module):
    """An auxiliary classifier: 5x5 average at stride 3 (to 4x4), 128 channels, 1024 units."""

    def __init__(self, cin: int, classes: int, rate: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, 128, 1)
        self.fc = nn.Linear(128 * 4 * 4, 1024)
        self.classifier = nn.Linear(1024, classes)
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(F.avg_pool2d(x, 5, 3, ceil_mode=True)))
        return self.classifier(self.drop(F.relu(self.fc(x.flatten(1)))))


TABLE_1 = {  # of the paper: channels of the input, #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    """BVLC/caffe models/bvlc_googlenet/train_val.prototxt: pools round up, local response norm, no batch norm."""

    def __init__(self, classes: int = 1000, rate: float = 0.4, head_rate: float = 0.7) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.conv2_reduce = nn.Conv2d(64, 64, 1)
        self.conv2 = nn.Conv2d(64, 192, 3, padding=1)
        self.inception = nn.ModuleDict({name: Inception(*row) for name, row in TABLE_1.items()})
        self.loss1 = GoogLeNetHead(512, classes, head_rate)
        self.loss2 = GoogLeNetHead(528, classes, head_rate)
        self.classifier = nn.Linear(1024, classes)
        self.norm = _response_norm()
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.drop = nn.Dropout(rate)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        tapped: dict[str, Tensor] = {}
        x = self.norm(self.pool(F.relu(self.conv1(image))))
        x = self.pool(self.norm(F.relu(self.conv2(F.relu(self.conv2_reduce(x))))))
        for name, module in self.inception.items():
            x = module(x)
            tapped[name] = x
            if name in ("3b", "4e"):
                x = self.pool(x)
        outputs = {"out": self.classifier(self.drop(F.avg_pool2d(x, 7).flatten(1)))}
        if self.training:
            outputs["aux1"] = self.loss1(tapped["4a"])
            outputs["aux2"] = self.loss2(tapped["4d"])
        return outputs


class UNet(nn.Module):
    """Figure 1 of Ronneberger et al. (2015): unpadded convolutions, the skips cropped to the middle."""

    def __init__(self, classes: int = 2, width: int = 64, depth: int = 4) -> None:
        super().__init__()
        channels = [width * 2**k for k in range(depth + 1)]

        def double(cin: int, cout: int) -> nn.Module:
            return nn.Sequential(nn.Conv2d(cin, cout, 3), nn.ReLU(), nn.Conv2d(cout, cout, 3), nn.ReLU())

        self.down = nn.ModuleList(
            double(cin, cout) for cin, cout in zip([1, *channels], channels, strict=False)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in channels[:-1])
        self.merge = nn.ModuleList(double(2 * c, c) for c in channels[:-1])
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        x, skips = image, []
        for level in self.down[:-1]:
            skips.append(level(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.down[-1](x)
        for k, skip in reversed(list(enumerate(skips))):
            x = self.up[k](x)
            (h, w), (big_h, big_w) = x.shape[2:], skip.shape[2:]
            top, left = (big_h - h) // 2, (big_w - w) // 2
            x = self.merge[k](torch.cat((skip[:, :, top : top + h, left : left + w], x), dim=1))
        return self.head(x)


def torchvision_model(name: str, **arguments: Any) -> nn.Module:
    """One of torchvision's classifiers with random weights."""
    torchvision_on_cpu.ready()
    from torchvision import models

    return getattr(models, name)(weights=None, **arguments)


def narrowed(net: nn.Module, hidden: int) -> nn.Module:
    """torchvision's AlexNet or VGG with ``hidden`` units where its classifier has 4096."""
    for index, layer in enumerate(net.classifier):
        if isinstance(layer, nn.Linear):
            cin, cout = (hidden if n == 4096 else n for n in (layer.in_features, layer.out_features))
            net.classifier[index] = nn.Linear(cin, cout)
    return net
