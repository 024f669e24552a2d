"""What an expression is evaluated in: the session (one mode of one model), the region being made, scope and place."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from archdsl.diagnostics import Diagnostic, Label
from archdsl.network.builder import RegionBuilder
from archdsl.network.naming import Place, StaticNames, place_of
from archdsl.network.types import FigureExpectation, Path, Region
from archdsl.network.values import Scope
from archdsl.ops.checker import Checker
from archdsl.ops.errors import OperatorError
from archdsl.source import Span
from archdsl.syntax.tree import Definition, Node


class Failed(Exception):
    """A statement came to nothing: what is wrong has been reported, or follows from a mistake that has."""


@dataclass(frozen=True)
class Limits:
    """What bounds the time and memory of a check. Every message that names one says how to raise it."""

    regions: int = 10_000
    depth: int = 70
    items: int = 20_000
    steps: int = 200_000
    files: int = 1_000


@dataclass(frozen=True, eq=False)
class Entry:
    """A region in the memo, and how to use it: what of the outside it keeps, and what it left behind.

    ``result`` is the wire at the end and ``assigned`` the names a round assigned, in terms of the region's own values.
    ``region`` is None where nothing in it runs (a block of numbers), or where it failed.
    """

    region: Region | None
    result: Any
    assigned: dict[str, Any]
    keep: tuple[int, ...]
    keep_layers: tuple[int, ...]
    demanded: dict[int, int | float]
    failed: bool = False
    inner_inputs: tuple[Any, ...] = ()
    stop: Any = None


@dataclass(eq=False)
class Session:
    """The mutable state of elaborating one model in one mode."""

    checker: Checker
    training: bool
    limits: Limits
    diagnostics: list[Diagnostic]
    memo: dict[Hashable, dict[tuple[int, ...], dict[tuple[Any, ...], Entry]]] = field(default_factory=dict)
    canonical: dict[Hashable, Entry] = field(default_factory=dict)
    running: set[Hashable] = field(default_factory=set)
    places: dict[tuple[Node, StaticNames, bool], Place] = field(default_factory=dict)
    statics: dict[tuple[Definition, StaticNames], StaticNames] = field(default_factory=dict)
    stack: list[tuple[str, Span]] = field(default_factory=list)
    asked_training: bool = False
    steps: int = 0
    regions: int = 0
    sizes: frozenset[str] = frozenset()
    symbols: dict[str, Any] = field(default_factory=dict)
    expectations: list[FigureExpectation] = field(default_factory=list)
    assumed: set[Node] = field(default_factory=set)
    model: str = ""
    figures_apply: bool = True
    seen: set[tuple[str, Span]] = field(default_factory=set)

    def place(self, root: Node, names: StaticNames, body_of_block: bool = False) -> Place:
        """The components of the uses in a place, decided once."""
        key = (root, names, body_of_block)
        if key not in self.places:
            self.places[key] = place_of(root, names, body_of_block=body_of_block)
        return self.places[key]

    def static_names(self, definition: Definition, parent: StaticNames, top: Scope) -> StaticNames:
        """What the names of a definition can be, decided once."""
        key = (definition, parent)
        if key not in self.statics:
            self.statics[key] = StaticNames.of(definition, parent, top)
        return self.statics[key]

    def report(self, diagnostic: Diagnostic) -> None:
        """Records a finding where the author can act: at the call, if the fault is inside a standard block."""
        span, labels = diagnostic.span, list(diagnostic.labels)
        callers = [(name, at) for name, at in reversed(self.stack)]
        if span.source.name.startswith("std:"):
            outside = next(
                (i for i, (_, at) in enumerate(callers) if not at.source.name.startswith("std:")), None
            )
            if outside is not None:
                labels.insert(0, Label(span, "in this standard block"))
                span = callers[outside][1]
                callers = callers[outside + 1 :]
        for name, at in callers[:4]:
            if at != span:
                labels.append(Label(at, f"in `{name}`, used here"))
        if (diagnostic.code, span) not in self.seen:
            self.seen.add((diagnostic.code, span))
            self.diagnostics.append(replace(diagnostic, span=span, labels=tuple(labels)))

    @contextmanager
    def inside(self, name: str, span: Span) -> Iterator[None]:
        """While a block's body runs: the chain of calls that messages show."""
        self.stack.append((name, span))
        try:
            yield
        finally:
            self.stack.pop()


@dataclass(frozen=True, eq=False)
class Context:
    """Where an expression stands: everything but the wire."""

    session: Session
    builder: RegionBuilder
    scope: Scope
    place: Place
    prefix: Path = ()
    frozen: bool = False
    top_level: bool = False

    def fail(self, diagnostic: Diagnostic) -> NoReturn:
        """Reports, and gives the statement up."""
        self.session.report(diagnostic)
        raise Failed

    def refuse(self, error: OperatorError, span: Span) -> NoReturn:
        """Turns an operator's refusal into a diagnostic at ``span``."""
        self.fail(
            Diagnostic(
                error.code, error.message, span, help=(error.help,) if error.help else (), notes=error.notes
            )
        )

    def path(self, node: Node) -> Path:
        """The path of the use that ``node`` is."""
        return self.prefix + self.place.component(node)

    def at(self, root: Node, prefix: Path, scope: Scope | None = None) -> Context:
        """The same region, inside another place (a label, a recipe handed over)."""
        scope = scope or self.scope
        return replace(self, place=self.session.place(root, scope.static), prefix=prefix, scope=scope)

    def step(self, span: Span, weight: int = 1) -> None:
        """Counts one evaluation, or what takes as long as ``weight`` of them, so that every check ends soon."""
        self.session.steps += weight
        if self.session.steps > self.session.limits.steps:
            from archdsl.network.errors import limit_reached

            self.session.steps = 0
            self.session.report(limit_reached("too many steps", self.session.limits.steps, "steps", span))
            raise TooMuch


class TooMuch(Exception):
    """A limit of the whole session was reached: nothing more is looked at."""
