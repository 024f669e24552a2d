"""Attention against the formula written out, row by row, in double precision."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

from archdsl.backend.interpret import Interpreter
from archdsl.dims import symbol
from archdsl.ops.attention import Attention
from archdsl.ops.base import Fn, Slot
from archdsl.ops.checker import Checker
from archdsl.ops.errors import OperatorError
from archdsl.ops.masks import (
    Causal,
    Combined,
    Document,
    Mask,
    Negated,
    Padding,
    Prefix,
    TensorMask,
    Window,
)
from archdsl.tensors import TensorType
from tests.ops.support import checker, interpreter

B, H, D = 2, 4, 8


def allowed(mask: Mask | None, b: int, i: int, j: int, given: torch.Tensor | None) -> bool:
    """The meaning of a mask, pair by pair, as LANGUAGE.md says it."""
    match mask:
        case None:
            return True
        case Causal():
            return j <= i
        case Window(size=size):
            return abs(i - j) <= size
        case Prefix(length=int(length)):
            return j < length
        case Combined(operator="and", left=left, right=right):
            return allowed(left, b, i, j, given) and allowed(right, b, i, j, given)
        case Combined(left=left, right=right):
            return allowed(left, b, i, j, given) or allowed(right, b, i, j, given)
        case Negated(mask=inner):
            return not allowed(inner, b, i, j, given)
    assert given is not None
    match mask:
        case Prefix() | Padding():
            return j < int(given[b])
        case Document():
            return bool(given[b, i] == given[b, j])
    return bool(given[i, j])


def written_out(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: Mask | None,
    given: Any,
    bias: Any,
    scale: float | None,
) -> torch.Tensor:
    q, k, v = (t.double() for t in (q, k, v))
    groups = q.shape[1] // k.shape[1]
    out = torch.zeros(*q.shape[:-1], v.shape[-1], dtype=torch.double)
    for b, h, i in itertools.product(*map(range, q.shape[:3])):
        keys = [j for j in range(k.shape[2]) if allowed(mask, b, i, j, given)]
        if not keys:
            continue
        scores = (
            k[b, h // groups, keys] @ q[b, h, i] * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
        )
        if bias is not None:
            scores = scores + bias.double().expand(*q.shape[:-1], k.shape[2])[b, h, i, keys]
        out[b, h, i] = scores.softmax(0) @ v[b, h // groups, keys]
    return out


MASKS: list[Mask | None] = [
    None,
    Causal(),
    Window(1),
    Prefix(2),
    Prefix(0),
    Prefix(Slot(3)),
    Padding(Slot(3)),
    Document(Slot(3)),
    TensorMask(Slot(3)),
    Negated(Causal()),
    Negated(Padding(Slot(3))),
    Combined("and", Causal(), Window(2)),
    Combined("and", Causal(), Padding(Slot(3))),
    Combined("and", Causal(), Document(Slot(3))),
    Combined("or", Causal(), Prefix(Slot(3))),
    Combined("and", Negated(Window(0)), TensorMask(Slot(3))),
]


def given_for(mask: Mask | None, queries: int, keys: int) -> torch.Tensor | None:
    kinds = [mask, *(getattr(mask, name, None) for name in ("left", "right", "mask"))]
    for kind in kinds:
        if isinstance(kind, Document):
            return torch.tensor([[0, 0, 1, 1, 2], [0, 1, 0, 1, 0]])[:, :queries]
        if isinstance(kind, Padding) or (isinstance(kind, Prefix) and isinstance(kind.length, Slot)):
            return torch.tensor([0, 3])
        if isinstance(kind, TensorMask):
            some = torch.arange(queries * keys).reshape(queries, keys) % 3 == 0
            some[1] = False
            return some
    return None


def case(mask: Mask | None, biased: bool, heads: int = H, keys: int | None = None) -> tuple[Any, ...]:
    torch.manual_seed(0)
    queries = 5
    keys = (
        queries
        if keys is None or isinstance(mask, Document) or isinstance(getattr(mask, "right", 0), Document)
        else keys
    )
    q, k, v = torch.randn(B, H, queries, D), torch.randn(B, heads, keys, D), torch.randn(B, heads, keys, 6)
    given = given_for(mask, queries, keys)
    bias = torch.randn(1, H, queries, keys) if biased else None
    tensors = [t for t in (q, k, v, given, bias) if t is not None]
    arguments: dict[str, Any] = {"q": Slot(0), "k": Slot(1), "v": Slot(2), "mask": mask}
    if bias is not None:
        arguments["bias"] = Slot(len(tensors) - 1)
    return tensors, arguments, given, bias


def types_of(tensors: list[torch.Tensor]) -> tuple[TensorType, ...]:
    return tuple(TensorType(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for t in tensors)


@pytest.mark.parametrize("mask", MASKS, ids=str)
@pytest.mark.parametrize("biased", [False, True], ids=["", "bias"])
@pytest.mark.parametrize(("heads", "keys"), [(H, 5), (1, 5), (2, 7), (H, 3)])
def test_agrees_with_the_formula(mask: Mask | None, biased: bool, heads: int, keys: int) -> None:
    tensors, arguments, given, bias = case(mask, biased, heads, keys)
    for scale, dropout in ((None, 0.0), (0.3, 0.0), (None, 0.9)):
        op = Attention(**arguments, scale=scale, dropout=dropout)
        out = interpreter(op, types_of(tensors))(*tensors)  # in inference, where nothing is dropped
        torch.testing.assert_close(
            out.double(), written_out(*tensors[:3], mask, given, bias, scale), atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("mask", MASKS, ids=str)
@pytest.mark.parametrize("biased", [False, True], ids=["", "bias"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_no_nan_forward_or_backward(mask: Mask | None, biased: bool, dtype: torch.dtype) -> None:
    tensors, arguments, _, _ = case(mask, biased)
    types = types_of(tensors)
    for dropout in (0.0, 0.5):
        leaves = [t.to(dtype).requires_grad_() if t.is_floating_point() else t for t in tensors]
        op = Attention(**arguments, dropout=dropout)
        out = interpreter(op, types, model=dtype, training=True)(*leaves)
        out.float().square().sum().backward()
        assert out.dtype == dtype
        assert out.isfinite().all()
        for leaf in leaves:
            if leaf.is_floating_point() and leaf.grad is not None:
                assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("mask", MASKS, ids=str)
def test_compiles_whole_for_any_length(mask: Mask | None) -> None:
    tensors, arguments, _, _ = case(mask, True)
    module = interpreter(Attention(**arguments), types_of(tensors))
    torch._dynamo.reset()
    compiled = torch.compile(module, backend="eager", fullgraph=True, dynamic=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(*tensors), module(*tensors))


def test_dropout_drops_while_training_only() -> None:
    tensors, arguments, _, _ = case(Causal(), False)
    op = Attention(**arguments, dropout=0.5)
    module = interpreter(op, types_of(tensors))
    assert torch.equal(module(*tensors), module(*tensors))
    module.train()
    assert not torch.equal(module(*tensors), module(*tensors))


def test_the_usual_lowerings_are_what_a_person_writes() -> None:
    x = TensorType((2, 4, 5, 8))
    one: dict[str, Any] = {"q": Slot(0), "k": Slot(0), "v": Slot(0)}
    slots = (Slot(0), Slot(0), Slot(0))
    sdpa = "F.scaled_dot_product_attention"
    assert Attention(**one).lower((x,), (x,)) == Fn(sdpa, slots)
    assert Attention(**one, mask=Causal()).lower((x,), (x,)) == Fn(sdpa, slots, {"is_causal": True})
    assert Attention(**one, bias=Slot(1)).lower((x, x), (x,)) == Fn(sdpa, slots, {"attn_mask": Slot(1)})


def test_free_lengths_and_batch() -> None:
    batch, queries, keys = symbol("B"), symbol("T"), symbol("S")
    q, k = TensorType((batch, 4, queries, 8)), TensorType((batch, 2, keys, 8))
    lengths = TensorType((batch,), "int64")
    op = Attention(Slot(0), Slot(1), Slot(1), mask=Combined("and", Causal(), Padding(Slot(2))))
    out = op.shape((q, k, lengths), checker())
    assert out == TensorType((batch, 4, queries, 8), features="last")
    lowered = op.lower((q, k, lengths), (out,))
    for t, s in ((3, 5), (6, 2)):
        tensors = torch.randn(2, 4, t, 8), torch.randn(2, 2, s, 8), torch.tensor([0, 2])
        expected = written_out(tensors[0], tensors[1], tensors[1], op.mask, tensors[2], None, None)
        torch.testing.assert_close(Interpreter(lowered)(*tensors).double(), expected, atol=1e-5, rtol=1e-5)
    documents = Attention(Slot(0), Slot(1), Slot(1), mask=Document(Slot(2)))
    with pytest.raises(OperatorError) as caught:
        documents.shape((q, k, TensorType((batch, queries), "int64")), checker())
    assert caught.value.code == "E0402"


def test_a_free_window_is_bounded() -> None:
    length = symbol("T")
    x = TensorType((1, 2, length, 8))
    sizes: Checker = checker()
    Attention(Slot(0), Slot(0), Slot(0), mask=Window(length - 4)).shape((x,), sizes)
    assert [b.relation.render() for b in sizes.bounds] == ["T >= 4"]


def test_what_the_mask_leaves_of_the_work() -> None:
    x = TensorType((2, 4, 100, 8))
    one: dict[str, Any] = {"q": Slot(0), "k": Slot(0), "v": Slot(0)}
    full = 2 * 4 * 100 * 100 * 16
    assert Attention(**one).macs((x,), (x,)).attention_masked == full
    half = Attention(**one, mask=Causal()).macs((x,), (x,))
    assert (half.attention_full, half.attention_masked) == (full, full * 101 // 200)
