"""Pieces of memory and the tensors that look into them, while a region is followed through one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from archdsl.analysis.sizes import concrete
from archdsl.network.types import Value
from archdsl.tensors import TensorType

ITEM_BYTES = {
    "float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2,
    "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip

Strides = tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """How a network runs: the dtype of its floats, its mode, and whether attention writes its scores down."""

    dtype: str = "float32"
    training: bool = False
    fused: bool = True


@dataclass(eq=False)
class Storage:
    """A piece of memory. ``source`` says whose it is: made in the region at hand, its n-th input, or a weight.

    ``kept`` is set once backward holds on to it, ``holders`` counts the variables that look into it.
    """

    bytes: int
    source: int | Literal["own", "weight"] = "own"
    kept: bool = False
    holders: int = 0


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor: the storage it looks into, how its elements lie there, and whether it asks for a gradient."""

    storage: Storage
    strides: Strides
    wanted: bool


@dataclass(frozen=True)
class Result:
    """One output of a region: an input's storage, a weight's, or the n-th of those that it leaves behind."""

    source: Literal["input", "own", "weight"]
    index: int
    strides: Strides
    wanted: bool


@dataclass(frozen=True)
class Outcome:
    """What one use of a region does to memory.

    ``left``: bytes of the storages that its outputs look into, and whether each is kept; ``kept``: bytes kept of all
    that was made inside; ``kept_inputs``: inputs whose storage is kept; ``peak``: the most that was there at once of
    what was made inside.
    """

    results: tuple[Result, ...]
    left: tuple[tuple[int, bool], ...]
    kept: int
    kept_inputs: frozenset[int]
    peak: int


class Types:
    """The types of values at given sizes, in the dtype of a run."""

    def __init__(self, sizes: Mapping[str, int], run: Run) -> None:
        self.sizes, self.run = sizes, run
        self._found: dict[TensorType, TensorType] = {}

    def of(self, value: Value) -> TensorType:
        """With a number for every size."""
        found = self._found.get(value.type)
        if found is None:
            found = concrete(value.type, self.sizes)
            if found.dtype == "float32" and self.run.dtype != "float32":
                found = replace(found, dtype=self.run.dtype)
            self._found[value.type] = found
        return found

    def all(self, values: tuple[Value, ...]) -> tuple[TensorType, ...]:
        return tuple(map(self.of, values))


def shape_of(x: TensorType) -> tuple[int, ...]:
    """The shape of a tensor whose sizes are numbers."""
    return tuple(dim for dim in x.shape if isinstance(dim, int))


def bytes_of(x: TensorType) -> int:
    """What a tensor of this type takes."""
    return prod(shape_of(x)) * ITEM_BYTES[x.dtype]
