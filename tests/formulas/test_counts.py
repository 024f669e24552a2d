"""Formulas of sizes, parameters and receptive fields: closed forms against what the language counts and torch makes."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from archdsl import api


def model(body: str, name: str = "m", **settings: Any) -> api.Model:
    text = f"model m {{\n  input x: {body}\n}}\n" if not body.startswith(("block", "use", "model")) else body
    return api.parse(text).model(name, **settings)


# Convolution: H' = floor((H + 2p - d (k - 1) - 1) / s) + 1, (k^2 Cin / g + 1) Cout parameters; the notes' short form
# (H - k + 2p) / s + 1 and (k^2 Cin + 1) Cout hold for d = 1, exact division, and g = 1.


@pytest.mark.parametrize(("k", "s", "d"), product((1, 2, 3, 5), (1, 2, 3), (1, 2, 4)))
def test_size_and_parameters_of_a_convolution(k: int, s: int, d: int) -> None:
    for p, g in ((0, 1), (2, 3)):
        found = model(f"[B, 6, H=40, W=37]\n  conv(9, {k}, {s}, padding={p}, dilation={d}, groups={g})")
        size = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n in (40, 37)]
        assert list(found.shape("out", B=2)) == [2, 9, *size]
        assert found.params == (k * k * 6 // g + 1) * 9
        assert found.macs(B=2) == 2 * k * k * 6 // g * 9 * size[0] * size[1]
        net = nn.Conv2d(6, 9, k, s, p, d, g, device="meta")
        assert list(net(torch.empty(2, 6, 40, 37, device="meta")).shape) == [2, 9, *size]
        if d == 1 and (40 - k + 2 * p) % s == 0:
            assert size[0] == (40 - k + 2 * p) / s + 1


def test_the_notes_counts_of_convolutions() -> None:
    assert model("[B, 3, 8, 8]\n  conv(1)").params == 27 + 1
    assert model("[B, 96, 27, 27]\n  conv(256, 5, groups=2)").params == 307_456


@pytest.mark.parametrize(("k", "s", "p", "d", "o"), [(3, 1, 0, 1, 0), (3, 2, 1, 1, 1), (4, 2, 1, 1, 0), (2, 2, 0, 1, 0), (3, 2, 0, 2, 0)])  # fmt: skip
def test_size_of_a_transposed_convolution(k: int, s: int, p: int, d: int, o: int) -> None:
    """(H - 1) s - 2p + d (k - 1) + o + 1; the notes' example makes 4 of 2 with a kernel of 3."""
    found = model(
        f"[B, 4, H=7, W=7]\n  conv_transpose(5, {k}, stride={s}, padding={p}, dilation={d}, output_padding={o})"
    )
    for h in (2, 7, 12):
        assert found.shape("out", H=h)[2] == (h - 1) * s - 2 * p + d * (k - 1) + o + 1
    assert found.params == k * k * 4 * 5 + 5
    assert model("[B, 4, H=2, W=2]\n  conv_transpose(5, 3)").shape("out")[2] == 4


@pytest.mark.parametrize(("k", "s", "p", "h"), [(3, 2, 0, 6), (3, 2, 1, 112), (2, 2, 0, 7), (3, 2, 0, 7)])
def test_size_of_a_pool_rounded_up(k: int, s: int, p: int, h: int) -> None:
    """As a convolution's; with ceil_mode rounded up, but no window may begin beyond the image."""
    for ceil in (False, True):
        found = model(
            f"[B, 4, H={h}, W={h}]\n  max_pool({k}, {s}, padding={p}, ceil_mode={str(ceil).lower()})"
        )
        size = -((h + 2 * p - k) // -s) + 1 if ceil else (h + 2 * p - k) // s + 1
        size -= ceil and (size - 1) * s >= h + p
        assert found.shape("out")[2] == size


@pytest.mark.parametrize(("k", "rate"), product((2, 3, 5), (1, 2, 4, 12)))
def test_kernel_of_a_dilated_convolution(k: int, rate: int) -> None:
    """k + (r - 1) (k - 1): how far it reaches; 3 at rate 12 reaches 25."""
    found = model(f"[B, 3, H=64, W=64]\n  conv(4, {k}, padding=0, dilation={rate})")
    assert model(f"[B, 3, H=64, W=64]\n  conv(4, {k}, padding=0, dilation={rate})\n  expect receptive_field == {k + (rate - 1) * (k - 1)}")  # fmt: skip
    assert found.shape("out")[2] == 64 - (k + (rate - 1) * (k - 1)) + 1


# ERFNet's blocks, biases in and norms out; w0 is the width inside: w, or w / 4 of the bottleneck.
BLOCKS = """
model non_bottleneck(w=64) {
  input x: [B, w, H=16, W=16]
  id + (conv(w, 3) as a -> relu -> conv(w, 3) as b) -> relu
}
model bottleneck_block(w=64) {
  input x: [B, w, H=16, W=16]
  id + (conv(w // 4, 1) as a -> relu -> conv(w // 4, 3) as b -> relu -> conv(w, 1) as c) -> relu
}
model one_d(w=64) {
  input x: [B, w, H=16, W=16]
  y = conv(w, [3, 1]) as a -> relu -> conv(w, [1, 3]) as b -> relu
  id + (y -> conv(w, [3, 1]) as c -> relu -> conv(w, [1, 3]) as d) -> relu
}
"""


@pytest.mark.parametrize("w", [16, 64, 128])
def test_blocks_of_erfnet(w: int) -> None:
    spec = api.parse(BLOCKS)
    assert spec.model("non_bottleneck", w=w).params == 18 * w**2 + 2 * w
    assert 16 * spec.model("bottleneck_block", w=w).params == 17 * w**2 + 24 * w
    assert spec.model("one_d", w=w).params == 12 * w**2 + 4 * w
    # at one inner width w0: 18 w0^2 + 2 w0, 17 w0^2 + 6 w0, 12 w0^2 + 4 w0
    assert spec.model("bottleneck_block", w=4 * w).params == 17 * w**2 + 6 * w


def test_blocks_of_erfnet_at_64() -> None:
    spec = api.parse(BLOCKS)
    found = [spec.model(name).params for name in ("non_bottleneck", "bottleneck_block", "one_d")]
    assert found == [73_856, 4_448, 49_408]
    assert spec.model("bottleneck_block", w=256).params == 70_016


# Receptive fields: r += (k_e - 1) j; j *= s.


def _along(layers: list[tuple[int, int, int]]) -> int:
    r, j = 1, 1
    for k, s, d in layers:
        r, j = r + d * (k - 1) * j, j * s
    return r


@pytest.mark.parametrize(
    "layers",
    [
        [(3, 1, 1)] * 5,
        [(3, 2, 1)] * 4,
        [(3, 1, 1), (3, 1, 2), (3, 1, 4), (3, 1, 8)],
        [(7, 2, 1), (3, 2, 1), (1, 1, 1), (5, 1, 3)],
    ],
)
def test_receptive_field_of_a_chain(layers: list[tuple[int, int, int]]) -> None:
    pipe = " -> ".join(f"conv(4, {k}, {s}, padding={d * (k - 1) // 2}, dilation={d})" for k, s, d in layers)
    assert model(f"[B, 3, H=256, W=256]\n  {pipe}\n  expect receptive_field == {_along(layers)}")


@pytest.mark.parametrize(
    ("file", "name", "side"),
    [("alexnet", "alexnet", 195), ("vgg", "vgg16", 212), ("resnet", "resnet50", 427), ("resnet", "resnet101", 971),
     ("resnet", "resnet152", 1451)],
)  # fmt: skip
def test_receptive_fields_of_networks(file: str, name: str, side: int) -> None:
    assert _field(f'use {name} from "zoo:{file}.arch"\nmodel m = {name}()\n') == side


# Where the stride is decides how far it sees: ResNet's first version has it in the first 1x1, as the recipe says.
EARLY = """use resnet from "zoo:resnet.arch"
block early(c, stride=1) {
  y = conv_norm(c, 1, stride) as conv1 -> conv_norm(c, 3) as conv2 -> conv_norm(4 * c, 1, activation=id) as conv3
  y + (conv_norm(4 * c, 1, stride, activation=id) as shortcut if id.shape[1] != 4 * c or stride != 1 else id) -> relu
}
"""


@pytest.mark.parametrize(
    ("layers", "side", "params"),
    [([3, 4, 6, 3], 483, 25_557_032), ([3, 4, 23, 3], 1027, 44_549_160), ([3, 8, 36, 3], 1507, 60_192_808)],
)
def test_receptive_fields_with_an_early_stride(layers: list[int], side: int, params: int) -> None:
    assert _field(EARLY + f"model m = resnet(unit=early, layers={layers})\n") == side
    assert model(EARLY + f"model m = resnet(unit=early, layers={layers})\n").params == params


@cache
def _field(text: str) -> int:
    from archdsl.analysis.receptive_field import receptive_field

    found = receptive_field(model(text).network)
    assert found is not None
    assert len(set(found.field)) == 1
    return found.field[0]


# Attention: 4 (d^2 + d), whatever the heads; recurrence: g (h (i + h) + 2 h); feed-forward: 2 d f + f + d.


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_parameters_of_attention(heads: int) -> None:
    assert model(f"[B, T=8, 64]\n  mha({heads})").params == 4 * (64**2 + 64) == 16_640


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_parameters_of_recurrence(name: str, gates: int) -> None:
    assert model(f"[B, T=8, 12]\n  {name}(20)").params == gates * (20 * (12 + 20) + 2 * 20)


@pytest.mark.parametrize(
    ("body", "params"),
    [
        ("[B, T=8, 512]\n  ffn(2048)", 2 * 512 * 2048 + 2048 + 512),
        ("[B, 12]\n  linear(7)", (12 + 1) * 7),
        ("[B, 8, H=6, W=6]\n  batch_norm", 2 * 8),
        ("[B, T=8, 64]\n  layer_norm", 2 * 64),
        ("[B, 8, H=6, W=6]\n  prelu", 1),
        ("[B, T=8, 512]\n  encoder_layer(8, 2048)", 3_152_384),
    ],
)
def test_parameters_of_layers(body: str, params: int) -> None:
    assert model(body).params == params
