"""What each expression is made of when written: text, operands, and how loose an operand may be without parentheses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.syntax import tree

PIPE, CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, NEGATED, POWER, POSTFIX, ATOM = range(12)

_BINARY = {
    "or": (OR, OR, AND),
    "and": (AND, AND, NOT),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), (COMPARISON, SUM, SUM)),
    **dict.fromkeys(("+", "-", "++"), (SUM, SUM, PRODUCT)),
    **dict.fromkeys(("*", "/", "//", "%", "@"), (PRODUCT, PRODUCT, NEGATED)),
    "**": (POWER, POSTFIX, NEGATED),
}
"""Of each operator: its own level, and the loosest one that its left and its right side may have bare."""


Piece = str | None | tuple[tree.Expression, int]
"""Text, None for what cannot stand on one line, or a part with how loose it may be."""


def level(node: tree.Expression) -> int:
    match node:
        case tree.Pipe():
            return PIPE
        case tree.Conditional():
            return CONDITIONAL
        case tree.Binary():
            return _BINARY[node.operator][0]
        case tree.Unary():
            return NEGATED if node.operator == "-" else NOT
        case tree.Call() | tree.Index() | tree.Attribute() | tree.Labelled():
            return POSTFIX
    return ATOM


def quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def pieces(node: tree.Expression, flat_body: Callable[[tree.Body], str | None]) -> list[Piece]:
    """What an expression is made of on one line."""
    match node:
        case tree.Number():
            return [node.text]
        case tree.String():
            return [quote(node.value)]
        case tree.Boolean():
            return ["true" if node.value else "false"]
        case tree.NoneLiteral():
            return ["none"]
        case tree.Name():
            return [node.name]
        case tree.Pipe():
            return _joined([[(step, CONDITIONAL)] for step in node.steps], " -> ")
        case tree.Conditional():
            return [
                (node.then, OR),
                " if ",
                (node.condition, OR),
                " else ",
                (node.otherwise, CONDITIONAL),
            ]
        case tree.Binary():
            left, right = sides(node)
            return [(node.left, left), f" {node.operator} ", (node.right, right)]
        case tree.Unary():
            return ["-" if node.operator == "-" else "not ", (node.operand, level(node))]
        case tree.Call():
            return [
                (node.function, POSTFIX),
                "(",
                *_joined([_argument(a) for a in node.arguments], ", "),
                ")",
            ]
        case tree.Index():
            return [(node.value, POSTFIX), "[", (node.index, PIPE), "]"]
        case tree.Attribute():
            return [(node.value, POSTFIX), f".{node.name}"]
        case tree.Labelled():
            return [(node.value, POSTFIX), f" as {node.label}"]
        case tree.ListLiteral():
            return ["[", *_joined([[(item, PIPE)] for item in node.items], ", "), "]"]
        case tree.Comprehension():
            head = f" for {', '.join(node.targets)} in "
            condition: list[Piece] = [] if node.condition is None else [" if ", (node.condition, OR)]
            return ["[", (node.body, PIPE), head, (node.iterable, OR), *condition, "]"]
        case tree.Repeat():
            until: list[Piece] = [] if node.until is None else [" until ", (node.until, PIPE)]
            return ["repeat ", (node.count, PIPE), *until, " ", flat_body(node.body)]
        case tree.For():
            head = f"for {', '.join(node.targets)} in "
            return [head, (node.iterable, PIPE), " ", flat_body(node.body)]
    raise AssertionError(node)


def sides(node: tree.Binary) -> tuple[int, int]:
    """How loose the sides of an operator may be; `++` and `+ -` do not mix."""
    _, left, right = _BINARY[node.operator]
    inner = node.left.operator if isinstance(node.left, tree.Binary) else ""
    if inner in ("+", "-", "++") and (inner == "++") != (node.operator == "++"):
        left = PRODUCT
    return left, right


def _joined(parts: Sequence[Sequence[Piece]], between: str) -> list[Piece]:
    found: list[Piece] = []
    for part in parts:
        if found:
            found.append(between)
        found.extend(part)
    return found


def _argument(argument: tree.Argument) -> list[Piece]:
    name: list[Piece] = [] if argument.name is None else [f"{argument.name}="]
    return [*name, (argument.value, PIPE)]
