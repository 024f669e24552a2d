"""Applying an operator: arguments checked against its fields, tensors collected, types asked for, a node made."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, replace
from typing import Any

from archdsl.dims import Size
from archdsl.network import errors
from archdsl.network.arguments import GivenArgument
from archdsl.network.context import Context
from archdsl.network.naming import LOOP_WORDS, refuse_label
from archdsl.network.types import OpNode, Path, Value
from archdsl.network.values import DType, LateNumber, NoneValue, describe, is_number
from archdsl.ops.base import Late, Operator, Slot, arguments_of
from archdsl.ops.errors import OperatorError
from archdsl.ops.initializers import Initializer
from archdsl.ops.masks import Mask, TensorMask
from archdsl.ops.registry import find as find_operator
from archdsl.syntax.tree import Expression

WANTED = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text",
    "pattern": "a pattern in quotes",
    "ints": "a whole number or a list of them", "floats": "a number or a list of them", "dim": "a size",
    "dims": "a size or a list of sizes", "dtype": "a dtype", "tensor": "a tensor", "tensors": "a list of tensors",
    "operand": "a tensor or a number", "mask": "a mask", "initializer": "a number or an initialiser",
    "lambda": "numbers",
}  # fmt: skip


def apply_named(
    name: str,
    values: Mapping[str, Any],
    ctx: Context,
    node: Expression,
    wire: Any = None,
    path: Path | None = None,
) -> Any:
    """An operator with its arguments known: what infix operators and attributes stand for."""
    cls = find_operator(name)
    assert cls is not None, name
    inputs: list[Value] = [wire] if cls.takes_wire else []
    late: dict[str, Any] = {}
    fields = {f.name: f for f in arguments_of(cls)}
    bound = {key: convert(cls, fields[key], value, inputs, late, ctx, node) for key, value in values.items()}
    return make_node(cls, bound, inputs, late, ctx, ctx.prefix if path is None else path, node, {})


def apply_operator(
    cls: type[Operator], given: list[GivenArgument], wire: Any, ctx: Context, path: Path, node: Expression
) -> Any:
    """``conv(64, stride=2)`` on the wire. A tensor in first place where none is taken there is the wire."""
    fields = arguments_of(cls)
    positional = [f for f in fields if not f.metadata["keyword_only"]]
    given = list(given)
    if cls.takes_wire and given and given[0].name is None:
        kind = positional[0].metadata["kind"] if positional else None
        if kind not in ("tensor", "tensors", "operand", "mask") or _required_are_given(positional, given):
            first = given[0].value(wire)
            if isinstance(first, Value):
                wire, given = first, given[1:]
    extra = cls.extra_keywords
    bound_arguments: dict[str, GivenArgument] = {}
    axes: list[tuple[str, Any]] = []
    known = [f.name for f in fields if f.name != extra]
    for argument in given:
        if argument.name is None:
            free = [f for f in positional if f.name != extra]
            used = sum(1 for a in bound_arguments.values() if a.name is None)
            if used >= len(free):
                ctx.fail(errors.too_many_arguments(cls.name, len(free), argument.span))
            name = free[used].name
        elif argument.name in known:
            name = argument.name
        elif extra is not None:
            if any(axis == argument.name for axis, _ in axes):
                ctx.fail(errors.repeated_argument(cls.name, argument.name, argument.span))
            axes.append((argument.name, _axis_size(cls, argument, wire, ctx)))
            continue
        else:
            ctx.fail(errors.unknown_argument(cls.name, argument.name, argument.name_span, known))
        if name in bound_arguments:
            ctx.fail(errors.repeated_argument(cls.name, name, argument.span))
        bound_arguments[name] = argument
    inputs: list[Value] = []
    if cls.takes_wire:
        if not isinstance(wire, Value):
            _refuse_wire(cls, wire, ctx, node)
        inputs.append(wire)
    values: dict[str, Any] = {extra: tuple(axes)} if extra is not None and axes else {}
    late: dict[str, Any] = {}
    for field in fields:
        argument_given = bound_arguments.get(field.name)
        if argument_given is not None:
            value = argument_given.value(wire)
            values[field.name] = convert(cls, field, value, inputs, late, ctx, argument_given.expression)
        elif field.default is MISSING and field.name not in values:
            if not cls.takes_wire and field.metadata["kind"] in ("tensor", "tensors") and _fills(field, wire):
                values[field.name] = convert(cls, field, wire, inputs, late, ctx, node)
            else:
                ctx.fail(errors.missing_argument(cls.name, field.name, node.span))
    return make_node(cls, values, inputs, late, ctx, path, node, bound_arguments)


def _required_are_given(positional: list[Field[Any]], given: list[GivenArgument]) -> bool:
    """``where(x, a, b)`` fills its tensors; ``clamp(x, 0, 1)`` has one argument more than fields: the wire."""
    return sum(1 for g in given if g.name is None) > len(positional)


def _fills(field: Field[Any], wire: Any) -> bool:
    if field.metadata["kind"] == "tensors":
        return isinstance(wire, tuple) and bool(wire) and all(isinstance(v, Value) for v in wire)
    return isinstance(wire, Value)


def _refuse_wire(cls: type[Operator], wire: Any, ctx: Context, node: Expression) -> None:
    from archdsl.network.expressions import need_wire

    need_wire(wire, ctx, node)
    if isinstance(wire, Initializer):
        ctx.fail(errors.initialiser_on_wire(wire.name, node.span))
    diagnostic = errors.wrong_kind(f"`{cls.name}`", "a tensor on the wire", describe(wire), node.span)
    help = ("join them first: `cat(dim=1)`, `stack(dim=1)` or `f ++ g`",) if isinstance(wire, tuple) else ()
    ctx.fail(replace(diagnostic, help=help))


def _axis_size(cls: type[Operator], argument: GivenArgument, wire: Any, ctx: Context) -> Any:
    value = argument.value(wire)
    if not is_number(value) or isinstance(number := ctx.builder.demand(value), float):
        ctx.fail(
            errors.wrong_argument(cls.name, argument.name or "", "a size", describe(value), argument.span)
        )
    return number


def make_node(
    cls: type[Operator],
    values: Mapping[str, Any],
    inputs: list[Value],
    late: dict[str, Any],
    ctx: Context,
    path: Path,
    node: Expression,
    given: Mapping[str, GivenArgument],
) -> Any:
    """Asks the operator for its types and adds the node; several outputs come back as a list."""
    types = tuple(value.type for value in inputs)
    try:
        op = cls(**values)
        found = op.shape(types, ctx.session.checker)
        outputs = found if isinstance(found, tuple) else (found,)
        weights = op.weights(types)
    except OperatorError as error:
        span = (
            given[error.argument].span
            if error.argument is not None and error.argument in given
            else node.span
        )
        ctx.refuse(error, span)
    ctx.step(node.span, 10 + len(weights) + len(outputs))
    normal = ctx.session.checker.assumptions.normal
    results = tuple(ctx.builder.value(replace(t, shape=tuple(normal(d) for d in t.shape))) for t in outputs)
    if weights:
        claim_path(path, node, ctx)
    ctx.builder.nodes.append(OpNode(op, tuple(inputs), results, path, node.span, late, ctx.frozen))
    return results if isinstance(found, tuple) else results[0]


def claim_path(path: Path, node: Expression, ctx: Context) -> None:
    """Weights are about to be stored at ``path``: no other may be there, above it or below it."""
    for component in path:
        why = None if component in LOOP_WORDS or component.isdigit() else refuse_label(component)
        if why is not None:
            ctx.fail(errors.bad_label(component, why, node.span))
    if not ctx.builder.claim(path):
        ctx.fail(errors.duplicate_path(".".join(path), node.span))


def convert(
    cls: type[Operator],
    field: Field[Any],
    value: Any,
    inputs: list[Value],
    late: dict[str, Any],
    ctx: Context,
    node: Expression,
) -> Any:
    """A value as the field wants it: numbers within their limits, tensors as Slots."""
    meta, kind = field.metadata, field.metadata["kind"]

    def slot(tensor: Value) -> Slot:
        inputs.append(tensor)
        return Slot(len(inputs) - 1)

    def wrong() -> Any:
        ctx.fail(errors.wrong_argument(cls.name, field.name, WANTED[kind], describe(value), node.span))

    def within(number: Any) -> Any:
        if isinstance(number, int | float) and not isinstance(number, bool):
            check_limits(cls, field, number, ctx, node)
        return number

    if isinstance(value, NoneValue):
        return None if meta["optional"] else wrong()
    if isinstance(value, LateNumber):
        if meta["late"] and kind == "float":
            within(value.value)
            late[field.name] = ctx.builder.late_expression(value)
            return Late(repr(late[field.name]))
        value = ctx.builder.demand(value)
    if isinstance(value, tuple):
        value = concrete(value, ctx)
    match kind:
        case "int":
            return within(value) if _is_int(value) else wrong()
        case "float":
            return within(float(value)) if _is_real(value) else wrong()
        case "bool":
            return value if isinstance(value, bool) else wrong()
        case "str" | "pattern":
            if not isinstance(value, str):
                return wrong()
            if meta["choices"] and value not in meta["choices"]:
                ctx.fail(errors.bad_choice(cls.name, field.name, value, meta["choices"], node.span))
            return value
        case "ints" | "floats":
            accepts = _is_int if kind == "ints" else _is_real
            if isinstance(value, tuple):
                return tuple(within(v) for v in value) if all(accepts(v) for v in value) else wrong()
            return within(value) if accepts(value) else wrong()
        case "dim":
            return within(value) if _is_int(value) or isinstance(value, Size) else wrong()
        case "dims":
            items = value if isinstance(value, tuple) else (value,)
            return (
                tuple(within(v) for v in items)
                if all(_is_int(v) or isinstance(v, Size) for v in items)
                else wrong()
            )
        case "dtype":
            return value.name if isinstance(value, DType) else wrong()
        case "tensor":
            return slot(value) if isinstance(value, Value) else wrong()
        case "tensors":
            if not isinstance(value, tuple) or not all(isinstance(v, Value) for v in value):
                return wrong()
            return tuple(slot(v) for v in value)
        case "operand":
            if isinstance(value, Value):
                return slot(value)
            return within(value) if _is_real(value) or isinstance(value, Size | bool) else wrong()
        case "mask":
            if isinstance(value, Value):
                value = TensorMask(value)
            if not isinstance(value, Mask):
                return wrong()
            return value.map(
                lambda inside: slot(inside) if isinstance(inside, Value) else ctx.builder.demand(inside)
            )
        case "initializer":
            return value if _is_real(value) or isinstance(value, Initializer) else wrong()
        case "lambda":
            return value
    raise AssertionError(kind)


def concrete(value: Any, ctx: Context) -> Any:
    """A list with every late number in it asked for."""
    if isinstance(value, tuple):
        return tuple(concrete(v, ctx) for v in value)
    return ctx.builder.demand(value) if isinstance(value, LateNumber) else value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_limits(
    cls: type[Operator], field: Field[Any], number: int | float, ctx: Context, node: Expression
) -> None:
    meta = field.metadata
    limits: list[tuple[float | None, Callable[[float, float], bool], str]] = [
        (meta["at_least"], python.ge, "at least"),
        (meta["above"], python.gt, "more than"),
        (meta["at_most"], python.le, "at most"),
        (meta["below"], python.lt, "less than"),
    ]
    for bound, holds, words in limits:
        if bound is not None and not holds(number, bound):
            ctx.fail(errors.out_of_range(cls.name, field.name, f"{words} {bound:g}", number, node.span))
    if isinstance(number, int) and abs(number) >= 2**31:
        ctx.fail(errors.out_of_range(cls.name, field.name, "less than 2^31", number, node.span))
