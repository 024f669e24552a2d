"""Generated code as text: expressions on one line where they fit, split at brackets as a formatter would."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from archdsl.backend.code import (
    Attr,
    Binary,
    Call,
    Dict,
    Expr,
    Generator,
    Index,
    Items,
    Lit,
    Name,
    Range,
    SizeExpression,
    Star,
    Unary,
    Var,
)
from archdsl.dims import to_python

WIDTH = 100
_STRENGTH = {
    "or": 1,
    "and": 2,
    "not": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "==": 4,
    "!=": 4,
    "|": 5,
    "^": 6,
    "&": 7,
}
_STRENGTH |= {"+": 9, "-": 9, "*": 10, "/": 10, "//": 10, "%": 10, "@": 10, "unary": 11, "**": 12}
_ATOM = 20

Names = Callable[[Var], str]


def literal(value: Any) -> str:
    """A constant as Python source; only harmless types."""
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return repr(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return repr(value)
        return "math.nan" if math.isnan(value) else ("math.inf" if value > 0 else "-math.inf")
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(literal(v) for v in value)}]"
    raise TypeError(f"{type(value).__name__} can't be written as a constant")


def quoted(text: str) -> str:
    """A string in double quotes where ``repr`` would take single ones, as formatters like it."""
    shown = ascii(text)
    if shown.startswith("'") and '"' not in shown:
        return f'"{shown[1:-1]}"'
    return shown


def flat(node: Expr, names: Names) -> str:
    """An expression on one line."""
    return _flat(node, names)[0]


def _flat(node: Expr, names: Names) -> tuple[str, int]:
    match node:
        case Var():
            return names(node), _ATOM
        case Name(text=text):
            return text, _ATOM
        case Lit(value=value):
            text = literal(value)
            return text, _STRENGTH["unary"] if text.startswith("-") else _ATOM
        case Attr(base=base, name=name):
            return f"{_at_least(base, _ATOM, names)}.{name}", _ATOM
        case Index(base=base, item=item):
            inside = _bare(item, names) if isinstance(item, Items) and item.items else flat(item, names)
            return f"{_at_least(base, _ATOM, names)}[{inside}]", _ATOM
        case Range(start=start, stop=stop, step=step):
            text = ":".join("" if x is None else flat(x, names) for x in (start, stop))
            return text if step is None else f"{text}:{flat(step, names)}", 0
        case Call():
            return f"{_at_least(node.function, _ATOM, names)}({', '.join(arguments(node, names))})", _ATOM
        case Binary(operator=operator, left=left, right=right):
            strength = _STRENGTH[operator]
            power = operator == "**"
            chained = strength == _STRENGTH["<"]  # Python reads a < b < c as another thing
            text_left = _at_least(left, strength + (power or chained), names)
            text_right = _at_least(right, strength + (not power), names)
            simple = power and text_left.replace(".", "").isidentifier() and text_right.isdigit()
            return (
                f"{text_left}{operator}{text_right}" if simple else f"{text_left} {operator} {text_right}",
                strength,
            )
        case Unary(operator=operator, operand=operand):
            strength = _STRENGTH["not" if operator == "not" else "unary"]
            space = " " if operator == "not" else ""
            return f"{operator}{space}{_at_least(operand, strength, names)}", strength
        case Items(kind="list"):
            return f"[{_bare(node, names)}]", _ATOM
        case Items(kind="bare"):
            return _bare(node, names), 0
        case Items(items=items):
            text = _bare(node, names)
            return f"({text},)" if len(items) == 1 else f"({text})", _ATOM
        case Dict(items=pairs):
            return "{" + ", ".join(f"{quoted(k)}: {flat(v, names)}" for k, v in pairs) + "}", _ATOM
        case Star(operand=operand):
            return f"*{_at_least(operand, _ATOM, names)}", 0
        case Generator():
            targets = ", ".join(flat(t, names) for t in node.targets)
            return f"({flat(node.element, names)} for {targets} in {flat(node.iterable, names)})", _ATOM
        case SizeExpression():
            text = to_python(node.size, {name: flat(value, names) for name, value in node.symbols})
            return text, 9 if any(c in text for c in " *+-") else _ATOM
    raise TypeError(f"{type(node).__name__} should have been resolved before printing")


def _at_least(node: Expr, strength: int, names: Names) -> str:
    text, has = _flat(node, names)
    if strength == _ATOM and isinstance(node, Lit) and not isinstance(node.value, tuple | str):
        return f"({text})"
    return text if has >= strength else f"({text})"


def _bare(node: Items, names: Names) -> str:
    return ", ".join(flat(x, names) for x in node.items)


def arguments(node: Call, names: Names) -> list[str]:
    """The arguments of a call; a lone generator goes without brackets of its own."""
    found = [flat(a, names) for a in node.args]
    if len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], Generator):
        return [found[0][1:-1]]
    return found + [f"{k}={flat(v, names)}" for k, v in node.kwargs]


def lines(before: str, node: Expr, names: Names, indent: int, after: str = "") -> list[str]:
    """``before node after`` at an indent, over several lines where one is too narrow."""
    pad = " " * indent
    text = f"{pad}{before}{flat(node, names)}{after}"
    if len(text) <= WIDTH:
        return [text]
    match node:
        case Call(args=(Generator() as lone,), kwargs=()):
            opened = f"{before}{flat(node.function, names)}("
            targets = ", ".join(flat(t, names) for t in lone.targets)
            one = f"{pad}    {flat(lone, names)[1:-1]}"
            if len(one) <= WIDTH:
                return [f"{pad}{opened}", one, f"{pad}){after}"]
            inner = lines("", lone.element, names, indent + 4)
            inner += lines(f"for {targets} in ", lone.iterable, names, indent + 4)
            return [f"{pad}{opened}", *inner, f"{pad}){after}"]
        case Call() if node.args or node.kwargs:
            items = [("", a) for a in node.args] + [(f"{k}=", v) for k, v in node.kwargs]
            return _split(f"{before}{flat(node.function, names)}(", items, f"){after}", names, indent)
        case Items(kind="list", items=items):
            return _split(f"{before}[", [("", x) for x in items], f"]{after}", names, indent)
        case Items(items=items) if len(items) > 1:
            return _split(f"{before}(", [("", x) for x in items], f"){after}", names, indent)
        case Dict(items=pairs):
            return _split(
                f"{before}{{", [(f"{quoted(k)}: ", v) for k, v in pairs], f"}}{after}", names, indent
            )
        case Binary():
            return [f"{pad}{before}(", *_operands(node, names, indent + 4), f"{pad}){after}"]
    return [text]


def _split(opened: str, items: list[tuple[str, Expr]], closed: str, names: Names, indent: int) -> list[str]:
    pad = " " * indent
    together = f"{pad}    {', '.join(f'{k}{flat(v, names)}' for k, v in items)}"
    if len(together) <= WIDTH:
        return [f"{pad}{opened}", together, f"{pad}{closed}"]
    if len(items) == 1:  # nothing to put a comma after
        ((key, value),) = items
        return [f"{pad}{opened}", *lines(key, value, names, indent + 4), f"{pad}{closed}"]
    inner = [line for key, value in items for line in lines(key, value, names, indent + 4, ",")]
    return [f"{pad}{opened}", *inner, f"{pad}{closed}"]


def _operands(node: Binary, names: Names, indent: int) -> list[str]:
    chain: list[tuple[str, Expr]] = []
    left: Expr = node
    strength = _STRENGTH[node.operator]
    while isinstance(left, Binary) and (left is node or _joins(left, strength)):
        chain.append((f"{left.operator} ", left.right))
        left = left.left
    chained = _joins(node, strength)
    found = (
        lines("", left, names, indent) if chained else [" " * indent + _at_least(left, strength + 1, names)]
    )
    for before, operand in reversed(chain):
        text = _at_least(operand, strength + 1, names)
        found += [f"{' ' * indent}{before}{text}"]
    return found


def _joins(node: Binary, strength: int) -> bool:
    """Whether a chain of operators may be written without parentheses: not one of comparisons, nor of powers."""
    return _STRENGTH[node.operator] == strength and strength not in (_STRENGTH["<"], _STRENGTH["**"])
