"""Numbers kept within limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.ops import errors
from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel
from archdsl.tensors import TensorType, Values


@operator
@dataclass(frozen=True)
class Clamp(Operator):
    """``min`` where ``x`` is smaller, ``max`` where it is larger, else ``x`` (``torch.clamp``).

    Any shape, unchanged; floats, or integers with whole limits. One limit is enough. ``elementwise`` counts output
    elements.

        input x: [B, 64]
        clamp(0, 6)
    """

    name: ClassVar[str] = "clamp"
    role: ClassVar[Role] = "activation"

    min: float | None = argument("float", None)
    max: float | None = argument("float", None)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if self.min is None and self.max is None:
            raise errors.bad_argument("min", "clamp needs min, max or both")
        if x.dtype == "bool":
            raise errors.wrong_dtype("clamp", "numbers", x)
        if x.is_float:
            return x
        for name, limit in (("min", self.min), ("max", self.max)):
            if isinstance(limit, float) and not limit.is_integer():
                raise errors.bad_argument(
                    name,
                    f"clamp keeps {x.dtype} whole, and {name}={limit} is not",
                    "write a whole number, or cast",
                )
        return replace(x, values=self._values(x.values))

    def _limits(self, x: TensorType) -> tuple[Any, Any]:
        """``min`` and ``max``; whole numbers for integers, which would become floats otherwise."""
        given = (self.min, self.max)
        return given if x.is_float else tuple(None if limit is None else int(limit) for limit in given)  # type: ignore[return-value]

    def _values(self, before: Values | None) -> Values:
        """What is known of integers that have been clamped: both their ends, clamped (by min first, then max)."""
        before = before if before is not None and before.input is None else Values()
        low, high = (None if limit is None else int(limit) for limit in (self.min, self.max))

        def limited(value: Any) -> Any:
            if value is not None and low is not None:
                value = max(value, low)
            return value if value is None or high is None else min(value, high)

        smallest = limited(before.low if isinstance(before.low, int) else low)
        largest = limited(before.high - 1 if isinstance(before.high, int) else high)
        return Values(smallest, None if largest is None else largest + 1)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        limits = dict(zip(("min", "max"), self._limits(inputs[0]), strict=True))
        return Fn(".clamp", (Slot(0),), {name: value for name, value in limits.items() if value is not None})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 5, 8), features="last")
        yield Sample((x,), {"min": 0})
        yield Sample((x,), {"max": 0.5})
        yield Sample((x,), {"min": -1.5, "max": 6})
        yield Sample((TensorType((2, 5), "int32"),), {"min": 0, "max": 3})
        yield Sample((TensorType((2, 5), "float16"),), {"min": 0})
        yield Sample((x,), {}, "E0501")
        yield Sample((TensorType((2, 5), "int64"),), {"max": 0.5}, "E0501")
        yield Sample((TensorType((2, 5), "bool"),), {"max": 1}, "E0405")
