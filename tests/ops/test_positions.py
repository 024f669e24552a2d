"""Positions and score biases against the papers' formulas and against other people's implementations."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from archdsl.dims import symbol
from archdsl.ops.errors import OperatorError
from archdsl.ops.positions import Rope, Sinusoidal, Sinusoidal2d
from archdsl.ops.score_biases import Alibi, RelativeBias
from archdsl.tensors import TensorType
from tests.ops.references import reference
from tests.ops.support import checker, interpreter


def result(op: Any, *tensors: torch.Tensor, model: torch.dtype = torch.float32) -> torch.Tensor:
    value: torch.Tensor = interpreter(op, tuple(TensorType(tuple(t.shape)) for t in tensors), model=model)(
        *tensors
    )
    return value


def test_rope_is_that_of_llama() -> None:
    llama = reference("transformers.models.llama.modeling_llama")
    config = llama.LlamaConfig(hidden_size=64, num_attention_heads=4, rope_theta=500.0)
    q, k = torch.randn(2, 4, 9, 16), torch.randn(2, 4, 9, 16)
    cos, sin = llama.LlamaRotaryEmbedding(config)(q, torch.arange(9)[None])
    for mine, theirs in zip((q, k), llama.apply_rotary_pos_emb(q, k, cos, sin), strict=True):
        torch.testing.assert_close(result(Rope(500.0), mine), theirs, atol=1e-5, rtol=1e-5)


def test_rope_interleaved_turns_complex_numbers() -> None:
    x = torch.randn(2, 3, 7, 12, dtype=torch.double)
    pairs = torch.view_as_complex(x.unflatten(-1, (6, 2)))
    turns = torch.tensor(
        [[p * 100.0 ** (-2 * i / 12) for i in range(6)] for p in range(7)], dtype=torch.double
    )
    expected = torch.view_as_real(pairs * torch.polar(torch.ones_like(turns), turns)).flatten(-2)
    torch.testing.assert_close(result(Rope(100.0, interleaved=True), x), expected)


@pytest.mark.parametrize("interleaved", [False, True])
def test_rope_of_some_features_leaves_the_others(interleaved: bool) -> None:
    x = torch.randn(2, 5, 10)
    part = result(Rope(dims=4, interleaved=interleaved), x)
    assert torch.equal(part[..., 4:], x[..., 4:])
    torch.testing.assert_close(part[..., :4], result(Rope(interleaved=interleaved), x[..., :4].contiguous()))


def test_rope_scores_depend_on_distance_only() -> None:
    q, k = torch.randn(16).double().expand(12, 16), torch.randn(16).double().expand(12, 16)
    for interleaved in (False, True):
        op = Rope(interleaved=interleaved)
        scores = result(op, q.contiguous()) @ result(op, k.contiguous()).T
        torch.testing.assert_close(scores[1:, 1:], scores[:-1, :-1])


def test_rope_tells_far_positions_apart_in_half_precision() -> None:
    x = torch.ones(3000, 8, dtype=torch.bfloat16)
    exact = result(Rope(), x.double())
    assert (result(Rope(), x).double() - exact).abs().max() < 0.02


def test_sinusoidal_is_the_formula() -> None:
    for length, dim in ((6, 8), (3, 7), (2, 1)):
        table = result(Sinusoidal(length, dim))
        for p in range(length):
            for feature in range(dim):
                angle = p / 10000 ** (2 * (feature // 2) / dim)
                expected = math.cos(angle) if feature % 2 else math.sin(angle)
                assert table[p, feature].item() == pytest.approx(expected, abs=1e-6)


def test_sinusoidal_2d_is_row_then_column() -> None:
    table = result(Sinusoidal2d(3, 5, 8))
    rows, columns = result(Sinusoidal(3, 4)), result(Sinusoidal(5, 4))
    for y in range(3):
        for x in range(5):
            assert torch.equal(table[y, x], torch.cat([rows[y], columns[x]]))


def test_alibi_is_that_of_mpt_and_bloom() -> None:
    mpt = reference("transformers.models.mpt.modeling_mpt")
    bloom = reference("transformers.models.bloom.modeling_bloom")
    seen = torch.ones(7, 7).tril().bool()
    for heads in range(1, 40):
        mine = result(Alibi(heads, 7, 7))
        theirs = bloom.build_alibi_tensor(torch.ones(1, 7), heads, torch.float32)
        # Bloom adds the key's position; where keys come before queries, softmax can't tell the difference.
        shifted = theirs - theirs.transpose(1, 2)
        torch.testing.assert_close(mine[0][:, seen], shifted[:, seen])
        if heads & (heads - 1) == 0:
            last = mpt.build_mpt_alibi_tensor(heads, 7)[:, 0]
            torch.testing.assert_close(mine[0, :, -1], last)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("buckets", "distance"), [(32, 128), (8, 20), (9, 50), (4, 10), (64, 33)])
def test_buckets_are_those_of_t5(bidirectional: bool, buckets: int, distance: int) -> None:
    t5 = reference("transformers.models.t5.modeling_t5")
    queries, keys, heads = 150, 170, 2
    op = RelativeBias(heads, buckets, distance, bidirectional, queries=queries, keys=keys)
    offset = torch.arange(keys) - torch.arange(queries)[:, None]
    their = t5.T5Attention._relative_position_bucket(offset, bidirectional, buckets, distance)
    module = interpreter(op, ())
    weight = module.own_parameters()["weight"]
    assert torch.equal(module(), weight[their].permute(2, 0, 1)[None])


def test_lengths_may_be_free() -> None:
    length = symbol("T")
    assert Sinusoidal(length, 8).shape((), checker()).shape == (length, 8)
    assert Alibi(4, length, length).shape((), checker()).shape == (1, 4, length, length)
    bias = RelativeBias(4, queries=length, keys=length + 1)
    assert bias.shape((), checker()).shape == (1, 4, length, length + 1)
    x = TensorType((symbol("B"), length, 8))
    assert Rope().shape((x,), checker()) == x
    with pytest.raises(OperatorError) as caught:
        Rope().shape((TensorType((3, length)),), checker())
    assert caught.value.code == "E0407"
