"""Activations that bound or thin out their input: sigmoids, and what shrinks towards 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ops import errors, keeping
from archdsl.ops.base import argument
from archdsl.ops.pointwise import Pointwise
from archdsl.ops.registry import operator


@operator
@dataclass(frozen=True)
class Sigmoid(Pointwise):
    """``1 / (1 + exp(-x))`` (``torch.sigmoid``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> sigmoid
    """

    name: ClassVar[str] = "sigmoid"
    function: ClassVar[str] = "torch.sigmoid"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class LogSigmoid(Pointwise):
    """``log(sigmoid(x))``, without overflow (``torch.nn.functional.logsigmoid``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> logsigmoid
    """

    name: ClassVar[str] = "logsigmoid"
    function: ClassVar[str] = "F.logsigmoid"
    kept = keeping.wire_and_buffer


@operator
@dataclass(frozen=True)
class HardSigmoid(Pointwise):
    """``relu6(x + 3) / 6`` (``torch.nn.functional.hardsigmoid``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> hard_sigmoid
    """

    name: ClassVar[str] = "hard_sigmoid"
    function: ClassVar[str] = "F.hardsigmoid"


@operator
@dataclass(frozen=True)
class Tanh(Pointwise):
    """``(exp(x) - exp(-x)) / (exp(x) + exp(-x))`` (``torch.tanh``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> tanh
    """

    name: ClassVar[str] = "tanh"
    function: ClassVar[str] = "torch.tanh"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Hardtanh(Pointwise):
    """``min(max(x, min_val), max_val)`` (``torch.nn.functional.hardtanh``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> hardtanh(-2, 2)
    """

    name: ClassVar[str] = "hardtanh"
    function: ClassVar[str] = "F.hardtanh"
    uses = ({"min_val": -2.0, "max_val": 0.5},)
    misuses = ({"min_val": 2.0},)

    min_val: float = argument("float", -1.0)
    max_val: float = argument("float", 1.0)

    def check(self) -> None:
        if self.min_val > self.max_val:
            raise errors.bad_argument("min_val", f"min_val {self.min_val} is above max_val {self.max_val}")


@operator
@dataclass(frozen=True)
class Softsign(Pointwise):
    """``x / (1 + |x|)`` (``torch.nn.functional.softsign``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> softsign
    """

    name: ClassVar[str] = "softsign"
    function: ClassVar[str] = "F.softsign"
    kept = keeping.wire_and_buffer


@operator
@dataclass(frozen=True)
class Softshrink(Pointwise):
    """``x`` moved by ``lambd`` towards 0, and 0 within ``lambd`` of it (``torch.nn.functional.softshrink``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> softshrink(0.2)
    """

    name: ClassVar[str] = "softshrink"
    function: ClassVar[str] = "F.softshrink"
    uses = ({"lambd": 0.1},)

    lambd: float = argument("float", 0.5, at_least=0)


@operator
@dataclass(frozen=True)
class Hardshrink(Pointwise):
    """``x``, but 0 within ``lambd`` of 0 (``torch.nn.functional.hardshrink``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> hardshrink(0.2)
    """

    name: ClassVar[str] = "hardshrink"
    function: ClassVar[str] = "F.hardshrink"
    uses = ({"lambd": 0.1},)

    lambd: float = argument("float", 0.5)
