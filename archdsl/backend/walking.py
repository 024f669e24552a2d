"""Going through generated code: what is in it, and the same with something replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from archdsl.backend.code import (
    Assign,
    Attr,
    Binary,
    Call,
    Dict,
    Do,
    Expr,
    For,
    Generator,
    If,
    Index,
    Items,
    New,
    Range,
    Return,
    Rounds,
    SizeExpression,
    Star,
    Stmt,
    Unary,
    Var,
)


def parts(node: Expr) -> tuple[Expr, ...]:
    """The expressions right below one."""
    match node:
        case Attr(base=base):
            return (base,)
        case Index(base=base, item=item):
            return (base, item)
        case Range():
            return tuple(x for x in (node.start, node.stop, node.step) if x is not None)
        case Call():
            return (node.function, *node.args, *(v for _, v in node.kwargs))
        case Binary():
            return (node.left, node.right)
        case Unary() | Star():
            return (node.operand,)
        case Items():
            return node.items
        case Dict():
            return tuple(v for _, v in node.items)
        case Generator():
            return (node.element, *node.targets, node.iterable)
        case SizeExpression():
            return tuple(v for _, v in node.symbols)
        case New():
            return tuple(v for _, v in node.late)
        case _:
            return ()


def rebuilt(node: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with everything for which ``change`` gives another replaced, from the top."""
    changed = change(node)
    if changed is not None:
        return changed

    def go(part: Expr) -> Expr:
        return rebuilt(part, change)

    def named(items: tuple[tuple[str, Expr], ...]) -> tuple[tuple[str, Expr], ...]:
        return tuple((name, go(value)) for name, value in items)

    match node:
        case Attr():
            return replace(node, base=go(node.base))
        case Index():
            return replace(node, base=go(node.base), item=go(node.item))
        case Range():
            start, stop, step = (None if x is None else go(x) for x in (node.start, node.stop, node.step))
            return Range(start, stop, step)
        case Call():
            return Call(go(node.function), tuple(go(a) for a in node.args), named(node.kwargs))
        case Binary():
            return replace(node, left=go(node.left), right=go(node.right))
        case Unary() | Star():
            return replace(node, operand=go(node.operand))
        case Items():
            return replace(node, items=tuple(go(x) for x in node.items))
        case Dict():
            return Dict(named(node.items))
        case Generator():
            return Generator(go(node.element), tuple(go(t) for t in node.targets), go(node.iterable))
        case SizeExpression():
            return replace(node, symbols=named(node.symbols))
        case New():
            return New(node.unit, tuple((slot, go(value)) for slot, value in node.late))
        case _:
            return node


def walk(node: Expr) -> Iterator[Expr]:
    """An expression and everything in it, in the order in which it is written."""
    yield node
    for part in parts(node):
        yield from walk(part)


def own_expressions(stmt: Stmt) -> tuple[Expr, ...]:
    """The expressions of a statement itself, not of the statements inside it."""
    match stmt:
        case Assign() | Return() | Do():
            return (stmt.value,)
        case For():
            return tuple(iterable for _, iterable in stmt.header)
        case Rounds():
            container = () if stmt.container is None else (stmt.container,)
            return (*container, *(e for _, e in stmt.inputs), *(e for _, e in stmt.header))
        case If():
            return (stmt.condition,)
        case _:
            return ()


def blocks(stmt: Stmt) -> tuple[list[Stmt], ...]:
    """The lists of statements inside a statement."""
    match stmt:
        case For() | Rounds():
            return (stmt.body,)
        case If():
            return (stmt.body, stmt.otherwise)
        case _:
            return ()


def all_expressions(statements: list[Stmt]) -> Iterator[Expr]:
    """Every expression in statements, those inside loops and branches too, each with what is in it."""
    for stmt in statements:
        for expression in own_expressions(stmt):
            yield from walk(expression)
        for inner in blocks(stmt):
            yield from all_expressions(inner)


def change_all(
    statements: list[Stmt], change: Callable[[Expr], Expr | None], targets: Mapping[Var, Var]
) -> None:
    """Replace in place: expressions by ``change``, assigned variables by ``targets``."""
    for stmt in statements:
        match stmt:
            case Assign():
                stmt.value = rebuilt(stmt.value, change)
                stmt.targets = tuple(None if t is None else targets.get(t, t) for t in stmt.targets)
            case Return() | Do():
                stmt.value = rebuilt(stmt.value, change)
            case If():
                stmt.condition = rebuilt(stmt.condition, change)
            case For():
                stmt.header = [(v, rebuilt(i, change)) for v, i in stmt.header]
        for inner in blocks(stmt):
            change_all(inner, change, targets)
