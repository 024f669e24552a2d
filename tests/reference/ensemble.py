"""Several networks in plain PyTorch, asked one after the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Together(nn.Module):
    """The mean of probabilities; each network's loss is its own."""

    def __init__(self, *nets: nn.Module) -> None:
        super().__init__()
        self.members = nn.ModuleList(nets)

    def forward(self, image: Tensor, label: Tensor) -> dict[str, Tensor]:
        answers = [net(image) for net in self.members]
        held = sum((answer.softmax(1) for answer in answers), torch.zeros(())) / len(answers)
        right = torch.tensor([float(int(p.argmax()) == int(k)) for p, k in zip(held, label, strict=True)])
        outputs = {"probabilities": held, "right": right.to(image.dtype).mean()}
        if self.training:
            outputs["loss"] = sum((F.cross_entropy(a, label) for a in answers), torch.zeros(()))
        return outputs
