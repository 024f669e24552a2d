"""Abstract tensors: what is known of a value before anything runs: its shape, its type, where its features are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from archdsl.dims import Dim, product, render

FLOATS = ("float64", "float32", "float16", "bfloat16")
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
DTYPES = (*FLOATS, *INTEGERS, "bool")

# How dtypes may be written in a program; the first of each is torch's own name.
DTYPE_NAMES = {name: name for name in DTYPES} | {
    "int": "int64", "float": "float32", "half": "float16", "double": "float64", "long": "int64",
    "f16": "float16", "f32": "float32", "f64": "float64", "bf16": "bfloat16",
    "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8",
}  # fmt: skip

Features = Literal["first", "last"] | None


@dataclass(frozen=True)
class Values:
    """What integers a tensor can hold: ``low`` up to, not including, ``high``; or those of a model input."""

    low: Dim | None = None
    high: Dim | None = None
    input: str | None = None


@dataclass(frozen=True)
class TensorType:
    """Shape and dtype of a tensor.

    ``features`` says where the operator that made it put the features: ``first`` is dim 1, ``last`` the last dim.
    ``values`` bounds the contents of an integer tensor, where known.
    The dtype ``float32`` stands for the dtype the model is built in; others are fixed.
    """

    shape: tuple[Dim, ...]
    dtype: str = "float32"
    features: Features = None
    values: Values | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def numel(self) -> Dim:
        return product(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    def with_shape(self, shape: tuple[Dim, ...], features: Features = None) -> TensorType:
        """The same dtype and contents in another shape."""
        return replace(self, shape=shape, features=features)

    def __str__(self) -> str:
        prefix = "" if self.dtype == "float32" else self.dtype
        return f"{prefix}[{', '.join(render(d) for d in self.shape)}]"


_KIND = {"bool": 0} | dict.fromkeys(INTEGERS, 1) | dict.fromkeys(FLOATS, 2)
_ORDER = {
    name: i
    for i, name in enumerate(
        ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
    )
}


def promote(a: str, b: str) -> str:
    """The dtype torch gives to an operation on tensors of these two dtypes (``torch.promote_types``)."""
    if a == b:
        return a
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    if {a, b} == {"uint8", "int8"}:
        return "int16"
    return max(a, b, key=_ORDER.__getitem__)


def promote_scalar(tensor: str, scalar: bool | int | float) -> str:
    """The dtype of a tensor after an operation with a Python number: a number changes the kind only."""
    kind = 0 if isinstance(scalar, bool) else 1 if isinstance(scalar, int) else 2
    if kind <= _KIND[tensor]:
        return tensor
    return "int64" if kind == 1 else "float32"
