"""Deformable DETR from its paper, in plain PyTorch: places are looked up pixel by pixel, without grid_sample."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.detr import Backbone, FeedForward, positions, smaller


def bilinear(map: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """[B, h, w, e] at [B, ...] places in pixels, whose middles are at halves; nothing outside."""
    b, h, w, e = map.shape
    x, y = x - 0.5, y - 0.5
    left, top = x.floor(), y.floor()
    total = map.new_zeros(*x.shape, e)
    batch = torch.arange(b).view(-1, *[1] * (x.dim() - 1))
    for column in (left, left + 1):
        for row in (top, top + 1):
            inside = (column >= 0) & (column < w) & (row >= 0) & (row < h)
            share = (1 - (x - column).abs()) * (1 - (y - row).abs()) * inside
            picked = map[batch, row.clamp(0, h - 1).long(), column.clamp(0, w - 1).long()]
            total = total + share[..., None] * picked
    return total


class DeformableAttention(nn.Module):
    def __init__(self, d: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.offsets = nn.Linear(d, heads * levels * points * 2)
        self.weights = nn.Linear(d, heads * levels * points)
        self.value, self.out = nn.Linear(d, d), nn.Linear(d, d)

    def forward(
        self, query: Tensor, memory: Tensor, seen: Tensor, where: Tensor, sizes: list[tuple[int, int]]
    ) -> Tensor:
        b, n, d = query.shape
        value = (self.value(memory) * seen[..., None]).view(b, -1, self.heads, d // self.heads)
        offsets = self.offsets(query).view(b, n, self.heads, self.levels, self.points, 2)
        weights = self.weights(query).view(b, n, self.heads, -1).softmax(-1)
        weights = weights.view(b, n, self.heads, self.levels, self.points)
        heads = []
        for m in range(self.heads):
            total, start = query.new_zeros(b, n, d // self.heads), 0
            for i, (h, w) in enumerate(sizes):
                map = value[:, start : start + h * w, m].reshape(b, h, w, -1)
                start += h * w
                for p in range(self.points):
                    off = offsets[:, :, m, i, p]
                    if where.shape[-1] == 2:  # offsets in pixels
                        x, y = where[:, :, i, 0] * w + off[..., 0], where[:, :, i, 1] * h + off[..., 1]
                    else:  # in halves of the box, shared among the points
                        half = where[:, :, i, 2:] / 2 * off / self.points
                        x = (where[:, :, i, 0] + half[..., 0]) * w
                        y = (where[:, :, i, 1] + half[..., 1]) * h
                    total = total + weights[:, :, m, i, p, None] * bilinear(map, x, y)
            heads.append(total)
        return self.out(torch.cat(heads, -1))


class Encoder(nn.Module):
    def __init__(self, d: int, heads: int, points: int, hidden: int, rate: float) -> None:
        super().__init__()
        self.attention = DeformableAttention(d, heads, 4, points)
        self.norm1, self.ffn, self.norm2 = nn.LayerNorm(d), FeedForward(d, hidden, rate), nn.LayerNorm(d)
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor, places: Tensor, *looked: object) -> Tensor:
        x = self.norm1(x + self.drop(self.attention(x + places, x, *looked)))
        return self.norm2(x + self.drop(self.ffn(x)))


class Decoder(nn.Module):
    def __init__(self, d: int, heads: int, points: int, hidden: int, rate: float) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(d, heads, rate, batch_first=True)
        self.norm1 = nn.LayerNorm(d)
        self.cross = DeformableAttention(d, heads, 4, points)
        self.norm2, self.ffn, self.norm3 = nn.LayerNorm(d), FeedForward(d, hidden, rate), nn.LayerNorm(d)
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor, queries: Tensor, *looked: object) -> Tensor:
        told = x + queries
        x = self.norm1(x + self.drop(self.attend(told, told, x)[0]))
        x = self.norm2(x + self.drop(self.cross(x + queries, *looked)))
        return self.norm3(x + self.drop(self.ffn(x)))


def logit(x: Tensor) -> Tensor:
    return (x.clamp(1e-5, 1) / (1 - x).clamp(1e-5, 1)).log()


class DeformableDETR(nn.Module):
    def __init__(
        self, classes: int, slots: int, d: int, heads: int, points: int, hidden: int, depth: int, layers: list[int],
        width: int, groups: int, rate: float = 0.0, refine: bool = False, two_stage: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.d, self.refine, self.two_stage, self.slots = d, refine, two_stage, slots
        self.backbone = Backbone(width, layers)
        self.scales = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width * 4 * 2**i, d, 1), nn.GroupNorm(groups, d)) for i in (1, 2, 3)
        )
        self.coarse = nn.Sequential(nn.Conv2d(width * 32, d, 3, 2, 1), nn.GroupNorm(groups, d))
        self.level_embed = nn.Parameter(torch.randn(4, d))
        self.encoder = nn.ModuleList(Encoder(d, heads, points, hidden, rate) for _ in range(depth))
        if two_stage:
            self.propose, self.settle = nn.Linear(d, d), nn.Linear(2 * d, 2 * d)
            self.propose_norm, self.settle_norm = nn.LayerNorm(d), nn.LayerNorm(2 * d)
        else:
            self.queries = nn.Parameter(torch.randn(slots, d))
            self.targets = nn.Parameter(torch.randn(slots, d))
            self.reference = nn.Linear(d, 2)
        self.decoder = nn.ModuleList(Decoder(d, heads, points, hidden, rate) for _ in range(depth))
        answering = depth + two_stage if refine else 1
        self.classify = nn.ModuleList(nn.Linear(d, classes) for _ in range(answering))
        self.locate = nn.ModuleList(
            nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 4))
            for _ in range(answering)
        )

    def forward(self, image: Tensor, valid: Tensor) -> dict[str, Tensor]:
        b = len(image)
        taps = self.backbone(image)
        maps = [scale(tap) for scale, tap in zip(self.scales, taps[1:], strict=True)] + [
            self.coarse(taps[-1])
        ]
        masks = [smaller(valid, map) for map in maps]
        sizes = [(map.shape[2], map.shape[3]) for map in maps]
        extents = [torch.stack([m[:, 0].sum(1), m[:, :, 0].sum(1)], -1).double() for m in masks]  # w, h
        ratios = torch.stack([e / e.new_tensor([w, h]) for e, (h, w) in zip(extents, sizes, strict=True)], 1)
        x = torch.cat([map.flatten(2).transpose(1, 2) for map in maps], 1)
        seen = torch.cat([m.flatten(1) for m in masks], 1)
        waves = [positions(m, self.d, -0.5).to(x.dtype).flatten(1, 2) for m in masks]
        places = torch.cat([w + e for w, e in zip(waves, self.level_embed, strict=True)], 1)
        centres = []
        for e, (h, w) in zip(extents, sizes, strict=True):
            rows, columns = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            centres.append(torch.stack([columns, rows], -1).flatten(0, 1)[None] / e[:, None])
        looked = (torch.cat(centres, 1)[:, :, None] * ratios[:, None]).to(x.dtype)
        ratios = ratios.to(x.dtype)
        for layer in self.encoder:
            x = layer(x, places, seen, looked, sizes)
        memory, logits, boxes, found = x, [], [], {}
        if self.two_stage:
            queries, x, where, found = self.proposed(memory, seen, centres)
        else:
            queries, x = self.queries.expand(b, -1, -1), self.targets.expand(b, -1, -1)
            where = self.reference(queries).sigmoid()
        for i, layer in enumerate(self.decoder):
            scale = torch.cat([ratios] * (where.shape[-1] // 2), -1)
            x = layer(x, queries, memory, seen, where[:, :, None] * scale[:, None], sizes)
            said = self.locate[i if self.refine else 0](x)
            said = said + F.pad(logit(where), (0, 4 - where.shape[-1]))
            boxes.append(said.sigmoid())
            logits.append(self.classify[i if self.refine else 0](x))
            if self.refine:
                where = boxes[-1].detach()
        found |= {"logits": logits[-1], "boxes": boxes[-1]}
        if self.training:
            found |= {"aux_logits": torch.stack(logits[:-1], 1), "aux_boxes": torch.stack(boxes[:-1], 1)}
        return found

    def proposed(
        self, memory: Tensor, seen: Tensor, centres: list[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """Queries, what they start with, and their boxes: the positions that most look like an object."""
        grid = torch.cat(
            [torch.cat([c, torch.full_like(c, 0.05 * 2**i)], -1) for i, c in enumerate(centres)], 1
        )
        usable = (((grid > 0.01) & (grid < 0.99)).all(-1) & seen)[..., None]
        stage = self.propose_norm(self.propose(memory * usable))
        scores = self.classify[-1](stage)
        boxes = self.locate[-1](stage) + (grid / (1 - grid)).log().masked_fill(~usable, torch.inf).to(
            memory.dtype
        )
        best = scores[..., 0].topk(self.slots, 1).indices
        where = torch.stack([row[index] for row, index in zip(boxes, best, strict=True)]).detach().sigmoid()
        waves = []
        for number in range(4):
            for i in range(self.d // 4):
                angle = where[..., number] * 2 * torch.pi / 10000 ** (4 * i / self.d)
                waves += [angle.sin(), angle.cos()]
        queries, start = self.settle_norm(self.settle(torch.stack(waves, -1))).split(self.d, -1)
        found = {"first_logits": scores, "first_places": boxes.sigmoid()} if self.training else {}
        return queries, start, where, found
