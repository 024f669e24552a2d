"""Nodes of a graph as expressions: functions of torch, Python's operators, sizes, constants."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx

from archdsl.backend.code import (
    Attr,
    Binary,
    Call,
    Expr,
    Index,
    Items,
    Lit,
    Name,
    Range,
    SizeExpression,
    Unary,
)
from archdsl.backend.graphs import SizeFunction
from archdsl.backend.helpers import Helpers

_BINARY = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@", operator.and_: "&", operator.or_: "|",
    operator.xor: "^", operator.eq: "==", operator.ne: "!=", operator.lt: "<", operator.le: "<=",
    operator.gt: ">", operator.ge: ">=",
}  # fmt: skip
_UNARY = {operator.neg: "-", operator.invert: "~", operator.pos: "+"}


def function_code(
    node: fx.Node, args: tuple[Expr, ...], kwargs: tuple[tuple[str, Expr], ...], helpers: Helpers
) -> Expr:
    """A ``call_function`` node; helpers are entered in the list of what the file needs."""
    target: Any = node.target
    if target is getattr:
        return Attr(args[0], node.args[1])  # type: ignore[arg-type]
    if target is operator.getitem:
        return Index(args[0], args[1])
    if isinstance(target, SizeFunction):
        return SizeExpression(target.size, tuple(zip(target.symbols, args, strict=True)))
    if target in _BINARY and len(args) == 2:
        return Binary(_BINARY[target], *args)
    if target in _UNARY:
        return Unary(_UNARY[target], *args)
    written = node.meta.get("target", target)
    if isinstance(written, str):
        return Call(Name(written.replace("operator.", "")), args, kwargs)
    return Call(helpers.function(written), args, kwargs)


def expression(value: Any, env: Mapping[fx.Node, Expr]) -> Expr:
    """An argument of a graph's node as code."""
    match value:
        case fx.Node():
            return env[value]
        case tuple() | list():
            items = tuple(expression(v, env) for v in value)
            return Items(items, "tuple" if isinstance(value, tuple) else "list")
        case slice():
            parts = (None if x is None else expression(x, env) for x in (value.start, value.stop, value.step))
            return Range(*parts)
        case torch.dtype() | torch.device():
            return Name(str(value))
        case types if types is Ellipsis:
            return Name("...")
        case _:
            return Lit(value)


def is_view(node: fx.Node) -> bool:
    """Shapes, sizes, devices and members: written where they are used."""
    return (
        node.op == "get_attr"
        or "size" in node.meta
        or (node.target is getattr and "type" not in node.meta)
        or node.target is torch.get_default_dtype
    )
