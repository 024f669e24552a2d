"""Names that nothing mentions: assigned values, local blocks, parameters and used names, found in the text alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache

from archdsl.diagnostics import Diagnostic
from archdsl.network.broken import broken_names
from archdsl.network.model_errors import unused_value
from archdsl.source import Span
from archdsl.syntax.tree import Assign, Definition, Expect, File, Name, Node, Output, Use


@dataclass(frozen=True)
class Unused:
    """A name, where it stands, and the statement that makes it."""

    name: str
    span: Span
    within: Span


def unused_names(file: File, found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """A warning for each; none of a statement that holds an error, or of text whose syntax is wrong."""
    errors = [d for d in found if d.severity == "error" and d.span.source is file.source]
    broken = broken_names(file.source, (d for d in errors if d.code < "E03"))
    starts = [d.span.start for d in errors]
    return [
        unused_value(item.name, item.span)
        for item in _unused(file, broken)
        if not any(item.within.start <= start < item.within.end for start in starts)
    ]


@lru_cache(maxsize=16)
def _unused(file: File, broken: frozenset[str]) -> tuple[Unused, ...]:
    found: list[Unused] = []
    for statement in file.statements:
        if isinstance(statement, Definition) and statement.name not in broken:
            found += _in_definition(statement)
        elif isinstance(statement, Use) and not broken:
            known = _mentioned_in_file(file)
            found += [
                Unused(n, _name_span(n, statement.span), statement.span)
                for n in statement.names
                if n not in known
            ]
    return tuple(item for item in found if not item.name.startswith("_"))


def _in_definition(definition: Definition) -> Iterator[Unused]:
    known = mentioned(definition)
    yield from (Unused(p.name, p.span, p.span) for p in definition.parameters if p.name not in known)
    told = set(known)
    for node in descendants(definition):
        match node:
            case Assign():
                for name, span in zip(node.targets, node.target_spans, strict=True):
                    if name not in told:
                        told.add(name)
                        yield Unused(name, span, node.span)
            case Definition(keyword="block") if node is not definition:
                if node.name not in known:
                    yield Unused(node.name, node.name_span, node.span)
                yield from (
                    Unused(p.name, p.span, p.span) for p in node.parameters if p.name not in mentioned(node)
                )
            case _:
                pass


def _name_span(name: str, within: Span) -> Span:
    match = re.search(rf"\b{name}\b", within.text)
    assert match is not None
    return Span(within.source, within.start + match.start(), within.start + match.end())


def mentioned(node: Node) -> frozenset[str]:
    """Every name that is read somewhere in a text."""
    found = set()
    for part in descendants(node):
        if isinstance(part, Name) or (isinstance(part, Output) and part.value is None):
            found.add(part.name)
    return frozenset(found)


def _mentioned_in_file(file: File) -> frozenset[str]:
    parts = (s for s in file.statements if isinstance(s, Definition | Expect))
    return frozenset().union(*(mentioned(part) for part in parts))


def descendants(node: Node) -> Iterator[Node]:
    """A node and all that is in it, in the order of the text; no recursion, so depth does not matter."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        inner: list[Node] = []
        for field in fields(node):
            value = getattr(node, field.name)
            if isinstance(value, Node):
                inner.append(value)
            elif isinstance(value, tuple):
                inner.extend(item for item in value if isinstance(item, Node))
        stack.extend(reversed(inner))
