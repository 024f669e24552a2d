"""``expect params == 25_557_032``: figures measured, and what differs said with both numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from archdsl.analysis.exports import total, total_without_sizes
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Summary, summarise
from archdsl.diagnostics import Diagnostic
from archdsl.dims import Size, evaluate
from archdsl.network.types import FigureExpectation, Network
from archdsl.source import Span
from archdsl.syntax import tree

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "min": min, "max": max, "sum": sum, "len": len, "sqrt": math.sqrt, "abs": abs,
}  # fmt: skip


class _Unanswered(Exception):
    """The expectation can't be decided; holds the diagnostic, or None where something else has been reported."""

    def __init__(self, diagnostic: Diagnostic | None) -> None:
        super().__init__()
        self.diagnostic = diagnostic


def differs(text: str, left: str, right: str, difference: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0711",
        f"`{text}` does not hold: measured {left}, expected {right}{difference}",
        span,
        help=("correct the model, or the figure",),
    )


def no_figure(name: str, why: str, span: Span) -> Diagnostic:
    return Diagnostic("E0712", f"the figure `{name}` is not there: {why}", span)


def no_sizes(reason: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0713", f"the figure can't be measured: {reason}", span, help=("give the size a default: `T=64`",)
    )


def not_understood(message: str, span: Span) -> Diagnostic:
    return Diagnostic("E0714", message, span, help=("compare figures with numbers: `expect params < 1e9`",))


def check_expectations(
    expectations: tuple[FigureExpectation, ...], networks: Mapping[str, Network], known: frozenset[str]
) -> list[Diagnostic]:
    """Measure what is expected of figures. ``known`` are all models: one that is there and failed has been reported."""
    found: list[Diagnostic] = []
    summaries: dict[str, Summary] = {}

    sizeless: dict[str, Mapping[str, Any]] = {}

    def network(name: str, span: Span) -> Network:
        if name not in networks:
            said = None if name in known else not_understood(f"there is no model `{name}`", span)
            raise _Unanswered(said)
        return networks[name]

    def without_sizes(name: str, span: Span) -> Mapping[str, Any]:
        if name not in sizeless:
            sizeless[name] = total_without_sizes(network(name, span))
        return sizeless[name]

    def figures(name: str, span: Span) -> Summary:
        if name not in summaries:
            try:
                summaries[name] = summarise(network(name, span))
            except SizesError as error:
                raise _Unanswered(no_sizes(str(error).partition(": give")[0], span)) from None
        return summaries[name]

    for item in expectations:
        try:
            found.extend(_Measure(item, figures, without_sizes).check(item.condition))
        except _Unanswered as reason:
            if reason.diagnostic is not None:
                found.append(reason.diagnostic)
    return found


class _Measure:
    """Evaluates one condition."""

    def __init__(
        self,
        item: FigureExpectation,
        figures: Callable[[str, Span], Summary],
        without_sizes: Callable[[str, Span], Mapping[str, Any]],
    ) -> None:
        self.item, self.figures, self.without_sizes = item, figures, without_sizes

    def check(self, node: tree.Expression) -> list[Diagnostic]:
        """What does not hold: each part of a conjunction on its own."""
        if isinstance(node, tree.Binary) and node.operator == "and":
            return self.check(node.left) + self.check(node.right)
        text, holds = node.span.one_line, self.value(node)
        if not isinstance(holds, bool):
            raise _Unanswered(not_understood(f"`{text}` is {_shown(holds)}, and no claim", node.span))
        if holds:
            return []
        if isinstance(node, tree.Binary) and node.operator in _COMPARE:
            left, right = self.value(node.left), self.value(node.right)
            sign: str = node.operator
            if isinstance(node.left, tree.Number):  # `1e9 > macs`: the number is what is expected
                left, right, sign = right, left, sign.translate(str.maketrans("<>", "><"))
            wanted = _shown(right) if sign == "==" else f"{sign} {_shown(right)}"
            return [differs(text, _shown(left), wanted, _difference(left, right), node.span)]
        return [Diagnostic("E0711", f"`{text}` does not hold", node.span)]

    def value(self, node: tree.Expression) -> Any:
        match node:
            case tree.Number() | tree.String() | tree.Boolean():
                return node.value
            case tree.NoneLiteral():
                return None
            case tree.Name():
                return self.name(node)
            case tree.Attribute(value=tree.Name(name=model)) if model not in self.item.names:
                return self.figure(model, node.name, node.span)
            case tree.ListLiteral():
                return [self.value(item) for item in node.items]
            case tree.Unary():
                operand = self.value(node.operand)
                return not operand if node.operator == "not" else self._try(operator.neg, node, operand)
            case tree.Index():
                return self._try(operator.getitem, node, self.value(node.value), self.value(node.index))
            case tree.Call(function=tree.Name(name=name)) if name in _FUNCTIONS:
                return self._try(_FUNCTIONS[name], node, *(self.value(a.value) for a in node.arguments))
            case tree.Binary():
                return self.binary(node)
        raise _Unanswered(not_understood("this is nothing that figures can be compared with", node.span))

    def binary(self, node: tree.Binary) -> Any:
        if node.operator == "and":
            return self.value(node.left) and self.value(node.right)
        if node.operator == "or":
            return self.value(node.left) or self.value(node.right)
        left, right = self.value(node.left), self.value(node.right)
        if node.operator == "**":
            small = isinstance(right, int | float) and abs(right) <= 64
            return self._try(operator.pow, node, left, right if small else None)
        if node.operator in _COMPARE:
            return self._try(_COMPARE[node.operator], node, left, right)
        if node.operator in _ARITHMETIC:
            return self._try(_ARITHMETIC[node.operator], node, left, right)
        raise _Unanswered(not_understood(f"`{node.operator}` means nothing between figures", node.span))

    def _try(self, function: Callable[..., Any], node: tree.Expression, *values: Any) -> Any:
        try:
            return function(*values)
        except (TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
            said = f"`{node.span.one_line}` can't be worked out"
            raise _Unanswered(not_understood(said, node.span)) from None

    def name(self, node: tree.Name) -> Any:
        if node.name in self.item.names:
            value = self.item.names[node.name]
            if isinstance(value, Size):
                return evaluate(value, self.figures(self.item.model, node.span).sizes)
            return list(value) if isinstance(value, tuple) else value
        if not self.item.model:
            said = f"a figure needs its model here: `resnet50.{node.name}`"
            raise _Unanswered(not_understood(said, node.span))
        return self.figure(self.item.model, node.name, node.span)

    def figure(self, model: str, name: str, span: Span) -> Any:
        measured = self.without_sizes(model, span)
        if name not in measured:
            summary = self.figures(model, span)
            measured = total(summary, memory=False)
            if name not in measured and "bytes" in name:
                measured = total(summary)
            if name in summary.sizes and name not in measured:
                return summary.sizes[name]
        if name not in measured:
            raise _Unanswered(no_figure(name, f"there are {', '.join(measured)}", span))
        if measured[name] is None:
            raise _Unanswered(no_figure(name, "nothing in the model looks at a neighbourhood", span))
        value = measured[name]
        if isinstance(value, list) and len(set(value)) == 1 and name in ("receptive_field", "output_stride"):
            return _Square(value)
        return value


class _Square(list[Any]):
    """A figure per spatial dim, all equal: may be compared with one number too."""

    def __eq__(self, other: object) -> bool:
        return self[0] == other if isinstance(other, int | float) else list(self) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return bool(self[0] < other if isinstance(other, int | float) else list(self) < other)

    def __le__(self, other: Any) -> bool:
        return bool(self < other or self == other)

    def __gt__(self, other: Any) -> bool:
        return not self <= other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    __hash__ = None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e16 else f"{value:g}"
    return str(value)


def _difference(left: Any, right: Any) -> str:
    if isinstance(left, bool) or isinstance(right, bool):
        return ""
    if isinstance(left, int | float) and isinstance(right, int | float) and left != right:
        more = "more" if left > right else "less"
        return f" ({_shown(abs(left - right))} {more})"
    return ""
