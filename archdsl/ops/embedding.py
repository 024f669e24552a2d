"""Embeddings: a table of vectors, looked up by whole numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping
from archdsl.ops.base import Lowered, Mod, Operator, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType, Values


@operator
@dataclass(frozen=True)
class Embedding(Operator):
    """``y[..] = weight[x[..]]``: a learned vector for each whole number below ``num_embeddings``
    (``torch.nn.Embedding``). The vector of ``padding_idx`` starts at zero and is not trained.

    Shapes: integers ``[...]`` to ``[..., embedding_dim]``; parameters ``num_embeddings * embedding_dim``.

        input tokens: int[B, T=16]
        embedding(1000, 64)
    """

    name: ClassVar[str] = "embedding"
    role: ClassVar[Role] = "embedding"
    kept = keeping.indices

    num_embeddings: int = argument("int", at_least=1)
    embedding_dim: int = argument("int", at_least=1)
    padding_idx: int | None = argument("int", None)
    weight_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.dtype not in ("int64", "int32"):
            raise errors.wrong_dtype("embedding", "whole numbers (int64 or int32)", x)
        rows, padding = self.num_embeddings, self.padding_idx
        if padding is not None and not -rows <= padding < rows:
            raise errors.bad_argument(
                "padding_idx", f"padding_idx={padding} is not among the {rows} embeddings"
            )
        sizes.values(x, 0, rows, f"what an embedding of {rows} reads")
        return TensorType((*x.shape, self.embedding_dim), features="last")

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        return (Weight("weight", (self.num_embeddings, self.embedding_dim), self.weight_init),)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords = {} if self.padding_idx is None else {"padding_idx": self.padding_idx}
        return Mod("nn.Embedding", (self.num_embeddings, self.embedding_dim), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 5), "int64")
        table = {"num_embeddings": 7, "embedding_dim": 4}
        yield Sample((x,), table, high=7)
        yield Sample((TensorType((2, 5), "int32"),), table, high=7)
        yield Sample((TensorType((), "int64"),), table, high=7)
        yield Sample((TensorType((2, 3, 5), "int64"),), {**table, "padding_idx": 0}, high=7)
        yield Sample((x,), {**table, "padding_idx": -1}, high=7)
        yield Sample((x,), {**table, "padding_idx": 7}, code="E0501")
        yield Sample((x,), {**table, "padding_idx": -8}, code="E0501")
        yield Sample((TensorType((2, 5)),), table, code="E0405")
        yield Sample((TensorType((2, 5), "uint8"),), table, code="E0405")
        yield Sample((TensorType((2, 5), "int64", values=Values(0, 8)),), table, code="E0410")
