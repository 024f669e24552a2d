"""An argument on its way to whoever is called: the expression, where it stands, and its value once asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archdsl.source import Span
from archdsl.syntax.tree import Argument, Expression

if TYPE_CHECKING:
    from archdsl.network.context import Context

_UNSET = object()


@dataclass(eq=False)
class GivenArgument:
    """One argument of one call. ``value`` evaluates it once, in its own scope, with the wire it is given."""

    name: str | None
    expression: Expression
    context: Context
    span: Span
    _value: Any = field(default=_UNSET, repr=False)

    @property
    def name_span(self) -> Span:
        if self.name is None:
            return self.span
        return Span(self.span.source, self.span.start, self.span.start + len(self.name))

    def value(self, wire: Any) -> Any:
        if self._value is _UNSET:
            from archdsl.network.expressions import evaluate

            self._value = evaluate(self.expression, wire, self.context)
        return self._value


def given(arguments: tuple[Argument, ...], context: Context) -> list[GivenArgument]:
    """The arguments of a call as written."""
    return [GivenArgument(a.name, a.value, context, a.span) for a in arguments]
