"""Operators with numbers for all that may still be open in them: symbolic sizes, and rates that all instances share."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from archdsl.dims import Size, evaluate
from archdsl.network.types import CallNode, LateExpression, OpNode, Region
from archdsl.ops.base import Late, Operator

Number = int | float
_ARITHMETIC: Mapping[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "min": min, "max": max,
}  # fmt: skip


class _Differs:
    """A rate that is another one in another instance."""


DIFFERS = _Differs()


class Settled:
    """Operators of a network at given sizes. Rates are followed from region to region until nothing new is known."""

    def __init__(self, sizes: Mapping[str, int], *roots: Region) -> None:
        self.sizes = sizes
        self._rates: dict[Region, dict[int, Number | _Differs]] = {}
        self._operators: dict[OpNode, Operator] = {}
        waiting = list(roots)
        for root in roots:
            self._rates[root] = {}
        while waiting:
            region = waiting.pop()
            for inner, slots in self._uses(region):
                if self._join(inner, slots):
                    waiting.append(inner)

    def operator(self, node: OpNode, region: Region) -> Operator:
        """The operator of a node with numbers put in."""
        if node not in self._operators:
            known: dict[str, Any] = {}
            for field in fields(node.op):
                value = getattr(node.op, field.name)
                if isinstance(value, Late):
                    rate = _evaluated(node.late.get(field.name), self._rates.get(region, {}))
                    if isinstance(rate, int | float):
                        known[field.name] = rate
                elif (number := self._number(value)) is not value:
                    known[field.name] = number
            self._operators[node] = replace(node.op, **known) if known else node.op
        return self._operators[node]

    def _number(self, value: Any) -> Any:
        """A field's value with numbers for its sizes; the same object where it has none."""
        if isinstance(value, Size):
            return evaluate(value, self.sizes)
        if isinstance(value, tuple):
            found = tuple(self._number(item) for item in value)
            return found if any(a is not b for a, b in zip(found, value, strict=True)) else value
        if is_dataclass(value) and not isinstance(value, type):
            parts = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
            changed = {name: n for name, part in parts.items() if (n := self._number(part)) is not part}
            return replace(value, **changed) if changed else value
        return value

    def _uses(self, region: Region) -> Iterator[tuple[Region, Mapping[int, Number | _Differs]]]:
        rates = self._rates[region]
        for declaration in region.layers:
            if declaration.region is not None and not declaration.region.late_slots:
                yield declaration.region, {}
        for node in region.nodes:
            if isinstance(node, CallNode):
                for late in node.late or ({},):
                    yield (
                        node.region,
                        {slot: _evaluated(late.get(slot), rates) for slot in node.region.late_slots},
                    )

    def _join(self, region: Region, slots: Mapping[int, Number | _Differs]) -> bool:
        """Take another use into account; whether that changed anything."""
        known = self._rates.get(region)
        if known is None:
            self._rates[region] = dict(slots)
            return True
        changed = False
        for slot, value in slots.items():
            old = known.get(slot, DIFFERS)
            if old is not DIFFERS and old != value:
                known[slot] = DIFFERS
                changed = True
        return changed


def _evaluated(
    expression: LateExpression | None, slots: Mapping[int, Number | _Differs]
) -> Number | _Differs:
    if expression is None:
        return DIFFERS
    if not isinstance(expression, tuple):
        return expression
    name, *operands = expression
    if name == "slot":
        return slots.get(operands[0], DIFFERS)
    values = [_evaluated(operand, slots) for operand in operands]
    if any(isinstance(value, _Differs) for value in values):
        return DIFFERS
    if len(values) == 1:
        return -values[0] if name == "-" else values[0]  # type: ignore[operator]
    found: Number = _ARITHMETIC[name](*values)
    return found
