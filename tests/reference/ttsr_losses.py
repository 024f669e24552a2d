"""TTSR's losses in plain PyTorch: what VGG-19 sees, textures, a critic; as the paper's section 3.3 has them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.ttsr import TTSR, conv, search_and_transfer


class Critic(nn.Module):
    """Ten convolutions, every second one with a stride, and two dense layers."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        channels = [3, *(width << i // 2 for i in range(10))]
        self.convs = nn.ModuleList(conv(channels[i], channels[i + 1], 3, 1 + i % 2) for i in range(10))
        self.dense = nn.ModuleList(
            [nn.Linear(channels[-1] * (size // 32) ** 2, 32 * width), nn.Linear(32 * width, 1)]
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.convs:
            x = F.leaky_relu(layer(x), 0.2)
        return self.dense[1](F.leaky_relu(self.dense[0](x.flatten(1)), 0.2))


class Distance(nn.Module):
    """What a critic is trained towards, but for the penalty."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.score = Critic(width, size)

    def forward(self, image: Tensor, drawn: Tensor) -> dict[str, Tensor]:
        real = self.score(image)
        return {"real": real} | ({"loss": self.score(drawn).mean() - real.mean()} if self.training else {})


class Eyes(nn.Module):
    """VGG-19 to relu5_1; an M is a pool."""

    def __init__(self, width: int) -> None:
        super().__init__()
        order = ["1", "1", "M", "2", "2", "M", "4", "4", "4", "4", "M", "8", "8", "8", "8", "M", "8"]
        self.layers, before = nn.ModuleList(), 3
        for word in order:
            if word == "M":
                self.layers.append(nn.MaxPool2d(2))
            else:
                self.layers.append(nn.Sequential(conv(before, int(word) * width), nn.ReLU()))
                before = int(word) * width

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = (
            x.new_tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )
        x = ((x + 1) / 2 - mean) / deviation
        for layer in self.layers:
            x = layer(x)
        return x


class TTSRWithLosses(TTSR):
    """1 for pixels, 0.01 for what is seen, 0.01 for textures, 0.001 for the critic; the last three after a while."""

    def __init__(self, width: int, blocks: list[int], size: int, judge: int, eye: int, alone: bool) -> None:
        super().__init__(width, blocks)
        self.alone = alone
        if not alone:
            self.eyes = Eyes(eye).requires_grad_(False)
            self.critic = Critic(judge, 4 * size).requires_grad_(False)

    def forward(  # type: ignore[override]
        self, low: Tensor, low_enlarged: Tensor, reference: Tensor, reference_blurred: Tensor, target: Tensor
    ) -> dict[str, Tensor]:
        query, key = self.extractor(low_enlarged)[2], self.extractor(reference_blurred)[2]
        confidence, textures = search_and_transfer(query, key, self.extractor(reference))
        image = self.main(low, confidence, textures)
        outputs = {"image": image, "confidence": confidence}
        if not self.training:
            return outputs
        loss = (image - target).abs().mean()
        if not self.alone:
            loss = loss + 0.01 * ((self.eyes(image) - self.eyes(target)) ** 2).mean()
            for own, transferred, scale in zip(self.extractor(image), textures, (4, 2, 1), strict=True):
                size = [scale * n for n in confidence.shape[2:]]
                sure = torch.sigmoid(
                    F.interpolate(confidence, size=size, mode="bicubic") if scale > 1 else confidence
                )
                loss = loss + 0.01 / 3 * ((sure * (own - transferred)) ** 2).mean()
            loss = loss - 0.001 * self.critic(image).mean()
        return outputs | {"loss": loss}
