"""Scaled dot-product attention with masks, score biases and grouped queries."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.dims import Dim, product
from archdsl.ops import errors, keeping_products, passing
from archdsl.ops.base import Fn, Lowered, Macs, Mod, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.mask_tensors import check_mask, check_scores, lower_mask, never_empty
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
    allowed_pairs,
    describe,
)
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F


@operator
@dataclass(frozen=True)
class Attention(Operator):
    """``softmax(q k^T * scale + bias) v``, each query over the keys that the mask lets it see (Vaswani et al., 2017;
    ``torch.nn.functional.scaled_dot_product_attention``). ``scale`` is ``1 / sqrt(d)`` where it isn't given.

    Shapes: ``q [B, heads, Q, d]``, ``k [B, heads, K, d]``, ``v [B, heads, K, e]`` to ``[B, heads, Q, e]``; without
    heads ``[B, Q, d]`` and so on. Keys and values may have fewer heads, a divisor of the queries' (grouped queries).
    ``mask``: ``causal``, ``window(n)``, ``prefix(k)``, ``document(ids)``, ``padding(lengths)``, a bool tensor, joined
    with ``and or not``; a query with nothing to look at gives zeros. ``bias`` is added to the scores and broadcasts to
    ``[B, heads, Q, K]``. ``dropout`` is that of the attention weights, while training.

        input x: [B, T=16, 64]
        attention(id, id, id, mask=causal)
    """

    name: ClassVar[str] = "attention"
    role: ClassVar[Role] = "attention"
    takes_wire: ClassVar[bool] = False
    kept = keeping_products.attention
    inside = passing.scores

    q: Slot = argument("tensor")
    k: Slot = argument("tensor")
    v: Slot = argument("tensor")
    mask: Mask | None = argument("mask", None)
    bias: Slot | None = argument("tensor", None)
    scale: float | None = argument("float", None, keyword_only=True)
    dropout: float = argument("float", 0.0, at_least=0, at_most=1, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        q, k, v = self._operands(inputs)
        for one in (q, k, v):
            if one.rank < 3:
                raise errors.wrong_rank(
                    "attention", "[B, heads, length, features] or [B, length, features]", one
                )
            if not one.is_float:
                raise errors.wrong_dtype("attention", "floats", one)
        for name, one in (("k", k), ("v", v)):
            if one.rank != q.rank:
                raise errors.wrong_rank("attention", f"as many dims in {name} as in q, {q.rank}", one)
            if one.dtype != q.dtype:
                raise errors.wrong_dtype("attention", f"{name} of q's type, {q.dtype}", one)
        # The dims before the heads, or before the sequence where there are no heads, are a batch.
        for dim in range(max(1, q.rank - 3)):
            sizes.equal(q.shape[dim], k.shape[dim], f"dim {dim} of attention's q and k")
            sizes.equal(k.shape[dim], v.shape[dim], f"dim {dim} of attention's k and v")
        if q.rank > 3:
            self._check_heads(q.shape[-3], k.shape[-3], v.shape[-3], sizes)
        sizes.equal(q.shape[-1], k.shape[-1], "the features of attention's q and k")
        sizes.equal(k.shape[-2], v.shape[-2], "the lengths of attention's k and v")
        scores = (*q.shape[:-1], k.shape[-2])
        if self.mask is not None:
            check_mask(self.mask, scores, inputs, sizes)
        if self.bias is not None:
            bias = inputs[self.bias.index]
            if bias.dtype != q.dtype:
                raise errors.wrong_dtype("attention", f"a bias of q's type, {q.dtype}", bias)
            check_scores("bias", bias, scores, sizes)
        return TensorType((*q.shape[:-1], v.shape[-1]), q.dtype, "last")

    def _check_heads(self, queries: Dim, keys: Dim, values: Dim, sizes: Checker) -> None:
        sizes.equal(keys, values, "the heads of attention's k and v")
        if isinstance(queries, int) and isinstance(keys, int):
            if queries % keys:
                raise errors.not_divisible(
                    "the heads of attention's q over those of k", queries, keys, argument="q"
                )
            return
        sizes.equal(queries, keys, "the heads of attention's q and k")

    def _operands(self, inputs: Types) -> tuple[TensorType, TensorType, TensorType]:
        return inputs[self.q.index], inputs[self.k.index], inputs[self.v.index]

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        q, k, v = self._operands(inputs)
        queries, keys = q.shape[-2], k.shape[-2]
        each = product((*q.shape[:-2], q.shape[-1] + v.shape[-1]))
        assert isinstance(queries, int)
        assert isinstance(keys, int)
        assert isinstance(each, int)
        pairs = queries * keys if self.mask is None else allowed_pairs(self.mask, queries, keys)
        return Macs(attention_full=each * queries * keys, attention_masked=each * pairs)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        q, k, _ = self._operands(inputs)
        tensors: tuple[Any, ...] = (self.q, self.k, self.v)
        keywords: dict[str, Any] = {}
        if isinstance(self.mask, Causal) and self.bias is None:
            keywords["is_causal"] = True
        if self.scale is not None:
            keywords["scale"] = self.scale
        if q.rank > 3 and q.shape[-3] != k.shape[-3]:
            keywords["enable_gqa"] = True
        mask: Any = None
        empty_rows = self.mask is not None and not never_empty(self.mask, q.shape[-2], k.shape[-2])
        if self.mask is not None and "is_causal" not in keywords:
            mask = lower_mask(self.mask, self.q, self.k)
        if empty_rows:
            tensors += (mask,) if self.bias is None else (mask, self.bias)
            if self.dropout:
                return Mod(masked_attention_with_dropout, (self.dropout,), keywords, tensors)
            return Fn(masked_attention, tensors, keywords)
        if mask is not None and self.bias is not None:
            mask = Fn(masked_bias, (mask, self.bias))
        elif mask is None:
            mask = self.bias
        if self.dropout:
            return Mod(
                attention_with_dropout,
                (self.dropout,),
                keywords,
                tensors if mask is None else (*tensors, mask),
            )
        return Fn(
            "F.scaled_dot_product_attention",
            tensors,
            keywords if mask is None else {"attn_mask": mask, **keywords},
        )

    def caption(self, inputs: Types, outputs: Types) -> str:
        return "attention" if self.mask is None else f"attention {describe(self.mask)}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        q, k, v = TensorType((2, 4, 5, 8)), TensorType((2, 4, 7, 8)), TensorType((2, 4, 7, 6))
        self_ = (TensorType((2, 4, 5, 8)),) * 3
        flat = (TensorType((2, 5, 8)), TensorType((2, 7, 8)), TensorType((2, 7, 8)))
        slots = {"q": Slot(0), "k": Slot(1), "v": Slot(2)}
        one = {"q": Slot(0), "k": Slot(0), "v": Slot(0)}
        ids, lengths = TensorType((2, 5), "int64"), TensorType((2,), "int64")
        seen = TensorType((5, 7), "bool")
        yield Sample((q, k, v), slots)
        yield Sample((TensorType((2, 5, 8)),), one)
        yield Sample(flat, {**slots, "mask": Causal(), "scale": 0.5})
        yield Sample((TensorType((2, 8, 5, 8)), k, v), slots)
        yield Sample((TensorType((2, 8, 5, 8)), k, v), {**slots, "mask": Causal()})
        yield Sample((TensorType((3, 2, 4, 5, 8)),), {**one, "mask": Window(1)})
        yield Sample((q, k, v), {**slots, "mask": Window(2)})
        yield Sample((q, k, v), {**slots, "mask": Prefix(3)})
        yield Sample((q, k, v, lengths), {**slots, "mask": Prefix(Slot(3))}, high=7)
        yield Sample((q, k, v, lengths), {**slots, "mask": Padding(Slot(3))}, high=7)
        yield Sample((*flat, lengths), {**slots, "mask": Negated(Padding(Slot(3)))}, high=7)
        yield Sample((*self_, ids), {**slots, "mask": Combined("and", Causal(), Document(Slot(3)))})
        yield Sample((*self_, ids), {**slots, "mask": Combined("or", Window(1), Document(Slot(3)))})
        yield Sample((q, k, v, seen), {**slots, "mask": TensorMask(Slot(3))})
        yield Sample((q, k, v, TensorType((4, 5, 7))), {**slots, "bias": Slot(3)})
        yield Sample((*self_, TensorType((1, 4, 5, 5))), {**slots, "mask": Causal(), "bias": Slot(3)})
        both = {**slots, "mask": TensorMask(Slot(3)), "bias": Slot(4)}
        yield Sample((q, k, v, seen, TensorType((2, 1, 1, 7))), both)
        yield Sample((q, k, v), {**slots, "dropout": 0.5}, training_differs=True)
        yield Sample(self_, {**slots, "mask": Causal(), "dropout": 0.5}, training_differs=True)
        yield Sample(
            (q, k, v, seen), {**slots, "mask": TensorMask(Slot(3)), "dropout": 0.1}, training_differs=True
        )
        yield Sample((q, k, TensorType((2, 4, 6, 8))), slots, code="E0401")
        yield Sample((q, TensorType((2, 4, 7, 9)), v), slots, code="E0401")
        yield Sample((q, TensorType((1, 4, 7, 8)), TensorType((1, 4, 7, 8))), slots, code="E0401")
        yield Sample((TensorType((2, 6, 5, 8)), k, v), slots, code="E0407")
        yield Sample((TensorType((5, 8)),), one, code="E0404")
        yield Sample((q, k, TensorType((2, 7, 8))), slots, code="E0404")
        yield Sample((TensorType((2, 5, 8), "int64"),), one, code="E0405")
        yield Sample((q, k, TensorType((2, 4, 7, 6), "bfloat16")), slots, code="E0405")
        yield Sample((q, k, v), {**slots, "mask": Window(-1)}, code="E0501")
        yield Sample((q, k, v, ids), {**slots, "mask": Document(Slot(3))}, code="E0401")
        yield Sample((q, k, v, ids), {**slots, "mask": Padding(Slot(3))}, code="E0404")
        yield Sample((q, k, v, TensorType((2,))), {**slots, "mask": Padding(Slot(3))}, code="E0405")
        yield Sample((q, k, v, TensorType((5, 7))), {**slots, "mask": TensorMask(Slot(3))}, code="E0405")
        yield Sample(
            (q, k, v, TensorType((7,), "bool")), {**slots, "mask": TensorMask(Slot(3))}, code="E0404"
        )
        yield Sample(
            (q, k, v, TensorType((5, 5), "bool")), {**slots, "mask": TensorMask(Slot(3))}, code="E0401"
        )
        yield Sample((q, k, v, TensorType((5, 7), "float64")), {**slots, "bias": Slot(3)}, code="E0405")
        yield Sample((q, k, v, TensorType((2, 5, 7))), {**slots, "bias": Slot(3)}, code="E0401")


# ------------------------------------------------------------------------------------- helpers of the emitted source


def masked_bias(mask: Tensor, bias: Tensor) -> Tensor:
    """``bias`` where the mask is true, and minus infinity elsewhere."""
    return torch.where(mask, bias, -math.inf)


def masked_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor,
    bias: Tensor | None = None,
    dropout: float = 0.0,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention in which a query that sees nothing gives zeros."""
    sees = mask.any(dim=-1, keepdim=True)
    # The softmax of an empty row has no value or gradient: let it look at everything, and erase what it saw.
    mask = mask | ~sees
    out = F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=mask if bias is None else torch.where(mask, bias, -math.inf),
        dropout_p=dropout,
        scale=scale,
        enable_gqa=enable_gqa,
    )
    return out.masked_fill(~sees, 0.0)


def attention_with_dropout() -> type[nn.Module]:
    """A module, because dropout depends on its mode."""

    class AttentionWithDropout(nn.Module):
        def __init__(
            self,
            dropout: float,
            is_causal: bool = False,
            scale: float | None = None,
            enable_gqa: bool = False,
        ) -> None:
            super().__init__()
            self.dropout, self.is_causal, self.scale, self.enable_gqa = dropout, is_causal, scale, enable_gqa

        def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
            return F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                dropout_p=self.dropout if self.training else 0.0,
                is_causal=self.is_causal,
                scale=self.scale,
                enable_gqa=self.enable_gqa,
            )

    return AttentionWithDropout


def masked_attention_with_dropout() -> type[nn.Module]:
    """The same, where a query may see nothing."""

    class MaskedAttentionWithDropout(nn.Module):
        def __init__(self, dropout: float, scale: float | None = None, enable_gqa: bool = False) -> None:
            super().__init__()
            self.dropout, self.scale, self.enable_gqa = dropout, scale, enable_gqa

        def forward(
            self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, bias: Tensor | None = None
        ) -> Tensor:
            dropout = self.dropout if self.training else 0.0
            return masked_attention(q, k, v, mask, bias, dropout, self.scale, self.enable_gqa)

    return MaskedAttentionWithDropout
