"""The temporal convolutional network (Bai et al., 2018) in plain PyTorch: padded on both sides, and the future cut off."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class Block(nn.Module):
    """Two dilated convolutions whose ends are cut, and the way around them."""

    def __init__(self, inputs: int, c: int, kernel_size: int, dilation: int, rate: float) -> None:
        super().__init__()
        self.reach = (kernel_size - 1) * dilation
        self.conv1, self.conv2 = (
            weight_norm(nn.Conv1d(width, c, kernel_size, padding=self.reach, dilation=dilation))
            for width in (inputs, c)
        )
        self.drop = nn.Dropout(rate)
        self.side = nn.Conv1d(inputs, c, 1) if inputs != c else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in (self.conv1, self.conv2):
            y = self.drop(torch.relu(conv(y)[:, :, : x.shape[2]]))
        return torch.relu(y + self.side(x))


class TCN(nn.Module):
    """For a digit's pixels: the answer is read off the last step."""

    def __init__(self, channels: int, classes: int, widths: list[int], kernel_size: int, rate: float) -> None:
        super().__init__()
        pairs = zip([channels, *widths], widths, strict=False)
        self.blocks = nn.Sequential(*(Block(a, b, kernel_size, 2**i, rate) for i, (a, b) in enumerate(pairs)))
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(x)[:, :, -1])


class WordTCN(nn.Module):
    """For words: scores at every step, from the same table that reads them."""

    def __init__(self, vocab: int, d: int, widths: list[int], kernel_size: int, rate: float) -> None:
        super().__init__()
        self.words = nn.Embedding(vocab, d)
        self.drop = nn.Dropout(rate)
        pairs = zip([d, *widths], widths, strict=False)
        self.blocks = nn.Sequential(*(Block(a, b, kernel_size, 2**i, rate) for i, (a, b) in enumerate(pairs)))
        self.bias = nn.Parameter(torch.zeros(vocab))

    def forward(self, tokens: Tensor) -> Tensor:
        found = self.blocks(self.drop(self.words(tokens)).transpose(1, 2))
        return found.transpose(1, 2) @ self.words.weight.T + self.bias
