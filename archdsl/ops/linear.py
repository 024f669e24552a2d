"""The linear layer: a matrix product over the last dim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.ops import errors, keeping_products
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import require_model_float
from archdsl.tensors import TensorType


@operator
@dataclass(frozen=True)
class Linear(Operator):
    """``y = x W^T + b`` over the last dim (``torch.nn.Linear``).

    Shapes: ``[..., in_features]`` to ``[..., out_features]``; parameters ``(in_features + bias) * out_features``.

        input x: [B, 128]
        linear(64)
    """

    name: ClassVar[str] = "linear"
    role: ClassVar[Role] = "linear"
    kept = keeping_products.linear

    out_features: int = argument("int", at_least=1)
    bias: bool = argument("bool", True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < 1:
            raise errors.wrong_rank("linear", "a tensor with a last dim for the features", x)
        if not x.is_float:
            raise errors.wrong_dtype("linear", "floats", x)
        require_model_float("linear", x)
        sizes.constant(x.shape[-1], "the number of input features")
        return replace(x, shape=(*x.shape[:-1], self.out_features), features="last", values=None)

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        (x,) = inputs
        weight = Weight("weight", (self.out_features, int_size(x)), self.weight_init)
        return (weight, Weight("bias", (self.out_features,), self.bias_init)) if self.bias else (weight,)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        (x,), (y,) = inputs, outputs
        assert isinstance(y.numel, int)
        return Macs(matmul=y.numel * int_size(x))

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords = {} if self.bias else {"bias": False}
        return Mod("nn.Linear", (int_size(inputs[0]), self.out_features), keywords)

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"linear {self.out_features}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 5, 8))
        yield Sample((x,), {"out_features": 3})
        yield Sample((x,), {"out_features": 3, "bias": False})
        yield Sample((TensorType((8,)),), {"out_features": 3})
        yield Sample((TensorType(()),), {"out_features": 3}, code="E0404")
        yield Sample((TensorType((2, 8), dtype="int64"),), {"out_features": 3}, code="E0405")
        yield Sample((TensorType((2, 8), dtype="bfloat16"),), {"out_features": 3}, code="E0405")


def int_size(x: TensorType) -> int:
    """The last size of ``x``, known to be a number once ``shape`` has passed."""
    size = x.shape[-1]
    assert isinstance(size, int), size
    return size
