"""Code compared: equal up to the names of variables and, if wanted, up to constants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from archdsl.backend.code import Assign, Expr, For, If, Lit, New, Stmt, Var
from archdsl.backend.walking import blocks


def skeleton(
    node: Expr | Stmt | Sequence[Any], *, literals: bool, variables: dict[Var, int] | None = None,
    holes: list[Lit] | None = None, outer: bool = False,
) -> object:  # fmt: skip
    """A value that is equal for equal code. Without ``literals`` constants count by type only, and land in ``holes``.

    With ``outer`` a variable that the code doesn't assign itself stands for nothing but itself.
    """
    known: dict[Var, int] = {} if variables is None else variables
    if outer:
        known = dict(known)
        for var in assigned_in(node):
            known.setdefault(var, len(known))

    def go(x: Any) -> object:
        match x:
            case Var():
                if outer and x not in known:
                    return ("var", "outer", id(x))
                return ("var", known.setdefault(x, len(known)))
            case Lit(value=value):
                if holes is not None:
                    holes.append(x)
                if not literals and isinstance(value, int | float):  # bool too: an argument
                    return ("literal", type(value).__name__)
                return ("literal", type(value).__name__, value)
            case New():
                return ("new", id(x.unit.inference), id(x.unit.training), go(x.late))
            case list() | tuple():
                return tuple(go(item) for item in x)
            case str() | int() | float() | None:
                return x
            case _ if hasattr(x, "__dataclass_fields__") and type(x).__module__ == "archdsl.backend.code":
                return (type(x).__name__, *(go(getattr(x, f.name)) for f in fields(x) if f.name != "types"))
            case _:
                return x

    return go(node)


def assigned_in(node: Any) -> Iterator[Var]:
    """The variables that statements assign, in order."""
    if isinstance(node, list | tuple):
        for item in node:
            yield from assigned_in(item)
    elif isinstance(node, Assign):
        yield from (t for t in node.targets if t is not None)
    elif isinstance(node, For | If):
        if isinstance(node, For):
            yield from (v for v, _ in node.header if v is not None)
        for inner in blocks(node):
            yield from assigned_in(inner)
