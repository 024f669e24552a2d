"""How modules and raw tensors are made, as code; rates that differ between instances are filled in by their class."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from archdsl.backend import interpret
from archdsl.backend.code import Binary, Call, Expr, Items, Lit, Name, SlotValue, Unary
from archdsl.backend.errors import BackendError
from archdsl.backend.graphs import OpMember
from archdsl.backend.regions import evaluated
from archdsl.network.types import LateExpression, RawTensorNode
from archdsl.ops.base import Fn, Late, Mod

# What is known of a region's late slots where its members are made: an expression, or one for each round of a loop.
Rates = Mapping[int, "Expr | list[Expr]"]


def rate(expression: LateExpression, rates: Rates) -> Expr | list[Expr]:
    """A late expression as code."""
    if not isinstance(expression, tuple):
        return Lit(expression)
    operator, *operands = expression
    if operator == "slot":
        return rates.get(operands[0], SlotValue(operands[0]))
    values = [rate(x, rates) for x in operands]
    length = next((len(v) for v in values if isinstance(v, list)), None)
    if length is None:
        return _arithmetic(operator, values)  # type: ignore[arg-type]
    rows = [[v[i] if isinstance(v, list) else v for v in values] for i in range(length)]
    return [_arithmetic(operator, row) for row in rows]


def _arithmetic(operator: str, values: list[Expr]) -> Expr:
    if operator in ("min", "max"):
        return Call(Name(operator), tuple(values))
    if len(values) == 1:
        return Unary(operator, values[0])
    left, right = values
    if isinstance(left, Lit) and isinstance(right, Lit):
        return Lit(evaluated((operator, left.value, right.value), {}))
    return Binary(operator, left, right)


def raw(node: RawTensorNode) -> Expr:
    """``nn.Parameter(torch.empty(...))``: its start is written in ``reset_parameters``."""
    type = node.output.type
    if any(not isinstance(d, int) for d in type.shape):
        raise BackendError(f"{'.'.join(node.path)}: a weight can't have a free size")
    keywords = (("dtype", Name(f"torch.{type.dtype}")),) if type.dtype != "float32" else ()
    shape = Items(tuple(Lit(d, f"size{i}") for i, d in enumerate(type.shape)))
    empty = Call(Name("torch.empty"), shape.items if len(shape.items) else (shape,), keywords)
    more = (("requires_grad", Lit(False)),) if node.keyword == "param" and not type.is_float else ()
    return Call(Name("nn.Parameter" if node.keyword == "param" else "nn.Buffer"), (empty,), more)


def constant_code(value: Any, member: OpMember, rates: Rates, hint: str = "") -> Any:
    """An argument of a module as code; a list where it differs from round to round."""
    match value:
        case Late(key=key):
            for name in member.node.late:
                if getattr(member.op, name) == value:
                    return rate(member.node.late[name], rates)
            raise BackendError(f"{member.op.name}: an unknown rate {key}")
        case tuple() | list():
            items = tuple(constant_code(v, member, rates, hint) for v in value)
            return Items(items, "tuple" if isinstance(value, tuple) else "list")
        case Fn(target=str(target), args=(), kwargs=kwargs) if not kwargs and target not in (
            "device",
            "dtype",
        ):
            interpret.function(target)
            return Name(target)
        case bool() | int() | float() | str() | None:
            return Lit(value, hint)
    raise BackendError(f"{member.op.name}: {type(value).__name__} can't be an argument of a module")


@cache
def parameter_names(cls: type) -> tuple[str, ...]:
    """The names of a module's arguments in order."""
    try:
        return tuple(inspect.signature(cls).parameters)
    except (TypeError, ValueError):
        return ()


def module_code(mod: Mod, function: Expr, cls: type, member: OpMember, rates: Rates) -> Expr | list[Expr]:
    """The call that makes a module; a list of calls where a rate differs from round to round."""
    names = parameter_names(cls)
    args = [
        constant_code(v, member, rates, names[i] if i < len(names) else f"argument{i}")
        for i, v in enumerate(mod.arguments)
    ]
    kwargs = [(k, constant_code(v, member, rates, k)) for k, v in mod.keywords.items()]
    length = next((len(v) for v in (*args, *(v for _, v in kwargs)) if isinstance(v, list)), None)

    def one(i: int) -> Expr:
        pick = [v[i] if isinstance(v, list) else v for v in args]
        named = [(k, v[i] if isinstance(v, list) else v) for k, v in kwargs]
        made = Call(function, tuple(pick), tuple(named))
        if mod.around is None:
            return made
        interpret.function(mod.around)
        return Call(Name(mod.around), (made,))

    return one(0) if length is None else [one(i) for i in range(length)]
