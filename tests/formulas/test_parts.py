"""Published and hand-counted figures of parts of networks: modules, pyramids, offsets, stacked kernels, tables."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl import api
from archdsl.analysis.receptive_field import receptive_field


def model(body: str, before: str = "") -> api.Model:
    return api.parse(f"{before}model m {{\n  input x: {body}\n}}\n")["m"]


# Inception v3: the table of the notes, by the names of the paper's figures 5, 6 and 7, and the two reductions.
@pytest.mark.parametrize(
    ("block", "channels", "size", "params", "out"),
    [
        ("inception_a(32)", 192, 35, 255_904, (256, 35)),
        ("inception_b(128)", 768, 17, 1_297_408, (768, 17)),
        ("inception_c", 1280, 8, 5_044_608, (2048, 8)),
        ("reduction_a", 288, 35, 1_153_280, (768, 17)),
        ("reduction_b", 768, 17, 1_698_304, (1280, 8)),
    ],
)
def test_modules_of_inception_v3(
    block: str, channels: int, size: int, params: int, out: tuple[int, int]
) -> None:
    name = block.partition("(")[0]
    found = model(
        f"[B, {channels}, H={size}, W={size}]\n  {block}", f'use {name} from "zoo:inception.arch"\n'
    )
    assert found.params == params
    assert found.shape("out") == (1, out[0], out[1], out[1])


def _inception_v1(c: int, c1: int, r3: int, c3: int, r5: int, c5: int, pool: int) -> int:
    """Six convolutions with biases, written out."""
    return (c + 1) * (c1 + r3 + r5 + pool) + (9 * r3 + 1) * c3 + (25 * r5 + 1) * c5


@pytest.mark.parametrize("widths", [(192, 64, 96, 128, 16, 32, 32), (832, 384, 192, 384, 48, 128, 128)])
def test_module_of_googlenet(widths: tuple[int, ...]) -> None:
    """The first and the last of the nine, 3a and 5b of the paper's table 1."""
    c, *rest = widths
    found = model(f"[B, {c}, H=28, W=28]\n  inception({', '.join(map(str, rest))})")
    assert found.params == _inception_v1(*widths)
    assert found.shape("out")[1] == rest[0] + rest[2] + rest[4] + rest[5]


def test_bottleneck_convolution_saves() -> None:
    """Compress, convolve, restore: 256 to 64 to 256 against 3x3 on all 256."""
    narrow = model("[B, 256, H=14, W=14]\n  conv(64, 1) -> conv(64, 3) -> conv(256, 1)")
    wide = model("[B, 256, H=14, W=14]\n  conv(256, 3)")
    assert narrow.params == 257 * 64 + (9 * 64 + 1) * 64 + 65 * 256
    assert wide.params == (9 * 256 + 1) * 256
    assert narrow.macs() == 14 * 14 * (256 * 64 + 9 * 64 * 64 + 64 * 256)


def test_depthwise_and_pointwise() -> None:
    """k^2 C + C, then C C' + C': groups as many as channels."""
    found = model("[B, 32, H=9, W=9]\n  conv(32, 3, groups=32) -> conv(64, 1)")
    assert found.params == (9 * 32 + 32) + (32 * 64 + 64)
    assert found.macs() == 81 * (9 * 32 + 32 * 64)


PYRAMID = "cat([adaptive_max_pool(n) -> flatten for n in [6, 3, 2, 1]], dim=1)"


@pytest.mark.parametrize(("height", "width"), [(13, 13), (24, 17), (40, 61)])
def test_a_spatial_pyramid_has_fifty_bins(height: int, width: int) -> None:
    """36 + 9 + 4 + 1 bins of 256 channels are 12,800 numbers, whatever the size; torch pools the same."""
    found = model(f"[B, 256, H=13, W=13]\n  expect H > 5\n  expect W > 5\n  {PYRAMID}")
    assert found.shape("out", H=height, W=width, B=2) == (2, 50 * 256) == (2, 12_800)
    assert found.params == 0
    net = found.module(dtype=torch.float64)
    torch.manual_seed(0)
    x = torch.randn(2, 256, height, width, dtype=torch.float64)
    wanted = torch.cat([F.adaptive_max_pool2d(x, n).flatten(1) for n in (6, 3, 2, 1)], 1)
    torch.testing.assert_close(net(x), wanted)


@pytest.mark.parametrize(("groups", "params"), [(4, 331_848), (1, 82_962)])
def test_convolution_for_offsets(groups: int, params: int) -> None:
    """2 k^2 numbers for each group of channels: (9 * 512 + 1) * 18 groups, on ResNet's 512 channels."""
    before = 'use deformable from "zoo:deformable.arch"\n'
    plain = model("[B, 512, H=14, W=14]\n  conv(512, 3, bias=false)")
    found = model(f"[B, 512, H=14, W=14]\n  deformable(512, groups={groups})", before)
    assert found.params - plain.params == params == (9 * 512 + 1) * 18 * groups


def test_attention_of_sagan() -> None:
    """1.25 C^2 + 1 with the released halves of channels: 81,921 at 256."""
    before = 'use self_attention from "zoo:sagan.arch"\n'
    for c in (64, 256):
        assert model(f"[B, {c}, H=16, W=16]\n  self_attention", before).params == 5 * c * c // 4 + 1
    assert 5 * 256 * 256 // 4 + 1 == 81_921


@pytest.mark.parametrize(("stack", "side"), [(2, 5), (3, 7)])
def test_stacked_threes_see_what_one_large_kernel_sees(stack: int, side: int) -> None:
    """Two 3x3 see 5x5, three see 7x7, with 18 C^2 weights for 25, 27 for 49."""
    many = model(f"[B, 8, H=32, W=32]\n  repeat {stack} {{ conv(8, 3, bias=false) }}")
    one = model(f"[B, 8, H=32, W=32]\n  conv(8, {side}, bias=false)")
    fields = [receptive_field(found.network) for found in (many, one)]
    assert [found.field for found in fields if found is not None] == [(side, side)] * 2
    assert (many.params, one.params) == (9 * stack * 64, side * side * 64)


def test_a_claim_on_the_receptive_field() -> None:
    """`expect receptive_field >= 96` is checked, and refused where the network sees less."""
    text = "[B, 3, H=256, W=256]\n  repeat {} {{ conv(8) -> max_pool(2) }}\n  expect receptive_field >= 96"
    # each pair sees 3 j more: 1 + 3 (1 + 2 + ... + 2^(n-1)) = 3 * 2^n - 2, so five see 94 and six see 190
    assert model(text.format(6)).params
    with pytest.raises(api.DiagnosticError, match="E0711"):
        model(text.format(5))


def test_heads_that_do_not_divide_the_width() -> None:
    with pytest.raises(api.DiagnosticError, match="E0407"):
        model("[B, T=8, 64]\n  mha(7)")


def test_a_learned_position_is_a_one_hot_vector_times_a_matrix() -> None:
    """l d parameters; the row of the table that a one-hot vector picks."""
    found = model("[B, T=5, 6]\n  id + (arange(T) -> embedding(9, 6) as places)")
    assert found.params == 9 * 6
    net = found.module(dtype=torch.float64, seed=0)
    table = net.state_dict()["places.weight"]
    picked = torch.eye(9, dtype=torch.float64)[:5] @ table
    torch.testing.assert_close(net(torch.zeros(2, 5, 6, dtype=torch.float64)), picked.expand(2, 5, 6))


@pytest.mark.parametrize(
    ("body", "params"),
    [("prelu", 1), ("prelu(8)", 8), ("global_avg_pool", 0), ("layer_norm(elementwise_affine=false)", 0)],
)
def test_parameters_of_small_parts(body: str, params: int) -> None:
    assert model(f"[B, 8, H=6, W=6]\n  {body}").params == params


def test_unshared_kernels() -> None:
    """H W k^2 Ci Co: a kernel of its own for every place, and a bias."""
    found = model("[B, 3, 8, 9]\n  locally_connected(4, 3, bias=false)")
    _, channels, height, width = found.shape("out")
    assert found.params == height * width * 9 * 3 * channels


def test_alexnet_without_groups() -> None:
    """Ungrouped AlexNet has 62,378,344 parameters where Caffe's has 60,965,224."""
    grouped = api.load("zoo:alexnet")["alexnet"].params
    assert grouped == 60_965_224
    # conv2, conv4 and conv5 have two groups: as many weights again without
    more = 5 * 5 * 48 * 256 + 3 * 3 * 192 * 384 + 3 * 3 * 192 * 256
    assert grouped + more == 62_378_344
    assert more == sum(
        p.weight.numel() for p in (nn.Conv2d(48, 256, 5), nn.Conv2d(192, 384, 3), nn.Conv2d(192, 256, 3))
    )
