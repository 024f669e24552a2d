"""Which names a piece of the tree reads from outside and which it assigns: what a region boundary must carry."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.syntax.remember import by_node
from archdsl.syntax.tree import (
    Argument,
    Assign,
    Attribute,
    Binary,
    Body,
    Call,
    Comprehension,
    Conditional,
    Definition,
    Expect,
    Expression,
    ExpressionStatement,
    For,
    If,
    Index,
    Input,
    Labelled,
    ListLiteral,
    Name,
    Node,
    Output,
    Pipe,
    RawTensor,
    Repeat,
    Statement,
    Unary,
)


def children(node: Node) -> Iterable[Node]:
    """The direct parts of an expression, in the order of the text."""
    match node:
        case Call():
            yield node.function
            yield from (a.value for a in node.arguments)
        case Argument():
            yield node.value
        case Attribute() | Labelled() | ExpressionStatement():
            yield node.value
        case Index():
            yield node.value
            yield node.index
        case ListLiteral():
            yield from node.items
        case Unary():
            yield node.operand
        case Binary():
            yield node.left
            yield node.right
        case Conditional():
            yield node.then
            yield node.condition
            yield node.otherwise
        case Pipe():
            yield from node.steps
        case _:
            return


@by_node
def free_names(node: Node) -> tuple[str, ...]:
    """Names that ``node`` may read from outside, in the order of the text. Assigned-before-read names are not free."""
    found: dict[str, None] = {}
    _walk(node, frozenset(), found)
    return tuple(found)


@by_node
def assigned_names(body: Body) -> tuple[str, ...]:
    """Names that the statements of a body assign, those in its loops and branches included."""
    found: dict[str, None] = {}
    _assigned(body, found)
    return tuple(found)


def _assigned(node: Node, found: dict[str, None]) -> None:
    match node:
        case Body():
            for statement in node.statements:
                _assigned(statement, found)
        case Assign():
            found.update(dict.fromkeys(node.targets))
            _assigned(node.value, found)
        case Output() | RawTensor():
            if isinstance(node, Output) and node.value is not None:
                found[node.name] = None
                _assigned(node.value, found)
        case If():
            _assigned(node.then, found)
            if node.otherwise is not None:
                _assigned(node.otherwise, found)
        case Repeat():
            _assigned(node.body, found)
        case For():
            found.update(dict.fromkeys(node.targets))
            _assigned(node.body, found)
        case _:
            for child in children(node):
                _assigned(child, found)


def _walk(node: Node, bound: frozenset[str], found: dict[str, None]) -> frozenset[str]:
    """Adds the free names of ``node`` to ``found``; returns what is bound for what follows it."""
    match node:
        case Name():
            if node.name not in bound:
                found[node.name] = None
            return bound
        case Body():
            for statement in node.statements:
                bound = _walk(statement, bound, found)
            return bound
        case Statement():
            return _walk_statement(node, bound, found)
        case Comprehension():
            _walk(node.iterable, bound, found)
            inner = bound | set(node.targets)
            if node.condition is not None:
                _walk(node.condition, inner, found)
            _walk(node.body, inner, found)
            return bound
        case Repeat():
            _walk(node.count, bound, found)
            if node.until is not None:
                _walk(node.until, bound, found)
            _walk(node.body, bound, found)
            return bound
        case For():
            _walk(node.iterable, bound, found)
            _walk(node.body, bound | set(node.targets), found)
            return bound
        case _:
            for child in children(node):
                _walk(child, bound, found)
            return bound


def _walk_statement(node: Statement, bound: frozenset[str], found: dict[str, None]) -> frozenset[str]:
    def maybe(expression: Expression | None) -> None:
        if expression is not None:
            _walk(expression, bound, found)

    match node:
        case Assign():
            maybe(node.value)
            return bound | set(node.targets)
        case Output():
            if node.value is None and node.name not in bound:
                found[node.name] = None
            maybe(node.value)
            return bound | {node.name}
        case Input():
            for dimension in node.shape:
                maybe(dimension.size)
                maybe(dimension.default)
            return bound | {node.name}
        case RawTensor():
            for size in node.shape:
                maybe(size)
            maybe(node.initial)
            return bound | {node.name}
        case If():
            maybe(node.condition)
            _walk(node.then, bound, found)
            if node.otherwise is not None:
                _walk(node.otherwise, bound, found)
            return bound
        case Definition():
            inner = bound | {node.name} | {p.name for p in node.parameters}
            for parameter in node.parameters:
                if parameter.default is not None:
                    _walk(parameter.default, inner, found)
            if node.body is not None:
                _walk(node.body, inner, found)
            if node.alias is not None:
                _walk(node.alias, bound, found)
            return bound | {node.name}
        case Expect():
            maybe(node.condition)
            return bound
        case ExpressionStatement():
            maybe(node.value)
            return bound
        case _:
            return bound


__all__ = ["assigned_names", "children", "free_names"]
