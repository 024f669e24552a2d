"""What is built in beside operators: functions of numbers and lists, masks, initialisers, wrappers and scan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import reduce
from typing import Any

import archdsl.network.expressions as expressions
import archdsl.network.scan as scan
from archdsl.dims import Size
from archdsl.network import errors
from archdsl.network.arguments import GivenArgument
from archdsl.network.arithmetic import binary
from archdsl.network.context import Context
from archdsl.network.limits import listed
from archdsl.network.operators import apply_named
from archdsl.network.types import OpNode, Path, Value
from archdsl.network.values import DType, FunctionRecipe, LateNumber, describe, is_number
from archdsl.ops.initializers import CHOICES, INITIALIZERS, Initializer
from archdsl.ops.masks import MASKS
from archdsl.ops.spectral_norm import SpectralNorm
from archdsl.ops.weight_norm import WeightNorm
from archdsl.ops.wrapped_weight import WrappedWeight
from archdsl.syntax.tree import Expression
from archdsl.tensors import DTYPE_NAMES

# Operators that are also functions of numbers: on numbers they are computed at once.
NUMERIC: dict[str, Callable[..., int | float]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "abs": abs, "floor": math.floor, "ceil": math.ceil,
    "round": round, "pow": pow, "sin": math.sin, "cos": math.cos, "sign": lambda x: (x > 0) - (x < 0),
}  # fmt: skip
AGGREGATES: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "prod": math.prod,
    "minimum": min,
    "maximum": max,
}
LISTS = ("len", "range", "zip", "reversed", "enumerate")
_OF_WEIGHTS: Mapping[str, type[WrappedWeight]] = {"spectral_norm": SpectralNorm, "weight_norm": WeightNorm}
WRAPPERS = ("frozen", *_OF_WEIGHTS)


def builtin_names() -> dict[str, Any]:
    """The names every program can see that are neither operators nor standard blocks."""
    names: dict[str, Any] = {name: DType(dtype) for name, dtype in DTYPE_NAMES.items()}
    for name, (kind, parameter) in MASKS.items():
        names[name] = FunctionRecipe(name) if parameter else kind()
    for name in (*LISTS, *WRAPPERS, "scan", *INITIALIZERS):
        names[name] = FunctionRecipe(name)
    return names


def folds(name: str, arguments: list[GivenArgument], wire: Any) -> bool:
    """Whether an operator's name is meant as a function of numbers or lists here."""
    if name not in NUMERIC and name not in AGGREGATES:
        return False
    positional = [a for a in arguments if a.name is None]
    if name == "pow" and len(arguments) == 1:  # an exponent for the wire
        return False
    if not positional:
        return not arguments and is_number(wire)
    first = positional[0].value(wire)
    if len(positional) > 1 and isinstance(positional[1].value(wire), Value):
        return False
    return is_number(first) or (name in AGGREGATES and isinstance(first, tuple))


def fold(name: str, arguments: list[GivenArgument], wire: Any, ctx: Context, node: Expression) -> Any:
    """``sqrt(512)``, ``max(a, b)``, ``sum(list)``: of numbers at once, of a list of tensors element by element."""
    values = [a.value(wire) for a in arguments] or [wire]
    named = [a for a in arguments if a.name is not None]
    if named:
        ctx.fail(errors.unknown_argument(name, named[0].name or "", named[0].name_span, ()))
    if name in AGGREGATES:
        items = list(values[0]) if len(values) == 1 and isinstance(values[0], tuple) else values
        return _aggregate(name, items, ctx, node)
    numbers = [ctx.builder.demand(v) if is_number(v) else v for v in values]
    for number in numbers:
        if isinstance(number, Size) or not isinstance(number, int | float):
            ctx.fail(errors.wrong_kind(f"`{name}`", "numbers", describe(number), node.span))
    try:
        result = NUMERIC[name](*numbers)
    except (ValueError, OverflowError, TypeError, ZeroDivisionError):
        ctx.fail(
            errors.wrong_kind(
                f"`{name}`", "numbers it is defined for", ", ".join(map(str, numbers)), node.span
            )
        )
    if isinstance(result, complex) or not math.isfinite(result):
        ctx.fail(
            errors.wrong_kind(
                f"`{name}`", "numbers it is defined for", ", ".join(map(str, numbers)), node.span
            )
        )
    return result


def _aggregate(name: str, items: list[Any], ctx: Context, node: Expression) -> Any:
    if items and all(isinstance(v, Value) for v in items):
        word = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}.get(name, name)
        return reduce(lambda a, b: apply_named(word, {"left": a, "right": b}, ctx, node), items)
    numbers = [ctx.builder.demand(v) if isinstance(v, LateNumber) else v for v in items]
    if not all(is_number(v) for v in numbers) or (not numbers and name not in ("sum", "prod")):
        ctx.fail(errors.wrong_kind(f"`{name}`", "numbers", describe(tuple(items)), node.span))
    if any(isinstance(v, Size) for v in numbers):
        if name not in ("sum", "prod"):
            ctx.fail(errors.wrong_kind(f"`{name}`", "plain numbers", "a list with free sizes", node.span))
        return reduce(lambda a, b: binary("+" if name == "sum" else "*", a, b, node, ctx), numbers)
    result: int | float = AGGREGATES[name](numbers)
    return result


def apply_function(
    name: str, arguments: list[GivenArgument], wire: Any, ctx: Context, path: Path, node: Expression
) -> Any:
    """A built-in function by name."""
    if name == "scan":
        return scan.scan(arguments, wire, ctx, path, node)
    if name in WRAPPERS:
        return _wrap(name, arguments, wire, ctx, node)
    if name in INITIALIZERS:
        return _initializer(name, arguments, wire, ctx)
    values = [a.value(wire) for a in arguments]
    for argument in arguments:
        if argument.name is not None:
            ctx.fail(errors.unknown_argument(name, argument.name, argument.name_span, ()))
    if name in MASKS:
        return _mask(name, values, ctx, node)
    return _list(name, values, ctx, node)


def _mask(name: str, values: list[Any], ctx: Context, node: Expression) -> Any:
    kind: Any = MASKS[name][0]
    (parameter,) = (f.name for f in fields(kind))
    if len(values) != 1:
        ctx.fail(
            errors.missing_argument(name, parameter, node.span)
            if not values
            else errors.too_many_arguments(name, 1, node.span)
        )
    value = values[0]
    if name in ("window", "prefix") and is_number(value):
        number = ctx.builder.demand(value)
        if isinstance(number, float) or (isinstance(number, int) and number < 0):
            ctx.fail(errors.out_of_range(name, parameter, "a whole number, at least 0", number, node.span))
        return kind(number)
    if name == "window" or not isinstance(value, Value) or value.type.dtype not in ("int64", "int32"):
        ctx.fail(
            errors.wrong_argument(name, parameter, "a tensor of whole numbers", describe(value), node.span)
        )
    rank = 2 if name == "document" else 1
    if value.type.rank != rank:
        ctx.fail(
            errors.wrong_argument(name, parameter, f"a tensor of {rank} dims", describe(value), node.span)
        )
    return kind(value)


def _list(name: str, values: list[Any], ctx: Context, node: Expression) -> Any:
    if name == "range":
        return _range(values, ctx, node)
    if name == "len" and len(values) == 1 and isinstance(values[0], str):
        return len(values[0])
    if not values or not all(isinstance(v, tuple) for v in values) or (name != "zip" and len(values) != 1):
        shown = ", ".join(describe(v) for v in values) or "nothing"
        ctx.fail(errors.wrong_kind(f"`{name}`", "lists" if name == "zip" else "one list", shown, node.span))
    if name == "len":
        return len(values[0])
    if name == "reversed":
        return listed(tuple(reversed(values[0])), ctx, node)
    if name == "enumerate":
        return listed(tuple(enumerate(values[0])), ctx, node)
    if len({len(v) for v in values}) > 1:
        lengths = ", ".join(str(len(v)) for v in values)
        ctx.fail(errors.wrong_kind("`zip`", "lists of one length", f"lists of lengths {lengths}", node.span))
    return listed(tuple(zip(*values, strict=True)), ctx, node)


def _range(values: list[Any], ctx: Context, node: Expression) -> tuple[int, ...]:
    numbers = [ctx.builder.demand(v) if is_number(v) else v for v in values]
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            ctx.fail(errors.wrong_kind("`range`", "whole numbers", describe(number), node.span))
    if not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] == 0):
        ctx.fail(
            errors.wrong_kind(
                "`range`", "one to three numbers, the step not 0", f"{len(numbers)} numbers", node.span
            )
        )
    found = range(*(int(n) for n in numbers))
    if len(found) > ctx.session.limits.items:
        ctx.fail(errors.limit_reached("a list too long", ctx.session.limits.items, "items", node.span))
    return listed(tuple(found), ctx, node)


def _initializer(name: str, arguments: list[GivenArgument], wire: Any, ctx: Context) -> Initializer:
    _, parameters = INITIALIZERS[name]
    names = list(parameters)
    found: dict[str, Any] = {}
    for i, argument in enumerate(arguments):
        key = argument.name or (names[i] if i < len(names) else None)
        if key is None:
            ctx.fail(errors.too_many_arguments(name, len(names), argument.span))
        if key not in parameters:
            ctx.fail(errors.unknown_argument(name, key, argument.name_span, names))
        if key in found:
            ctx.fail(errors.repeated_argument(name, key, argument.span))
        value = argument.value(wire)
        value = ctx.builder.demand(value) if is_number(value) else value
        if key in CHOICES:
            if value not in CHOICES[key]:
                ctx.fail(errors.bad_choice(name, key, str(value), CHOICES[key], argument.span))
        elif not isinstance(value, int | float) or isinstance(value, bool):
            ctx.fail(errors.wrong_argument(name, key, "a number", describe(value), argument.span))
        elif key == "std" and value < 0:
            ctx.fail(errors.out_of_range(name, key, "at least 0", value, argument.span))
        found[key] = value
    return Initializer(name, tuple((k, found[k]) for k in names if k in found and found[k] != parameters[k]))


def _wrap(name: str, arguments: list[GivenArgument], wire: Any, ctx: Context, node: Expression) -> Any:
    """``frozen(f)``: its weights not trained; ``spectral_norm(f)``, ``weight_norm(f)``. They add nothing to paths."""
    if len(arguments) != 1 or arguments[0].name is not None:
        ctx.fail(
            errors.missing_argument(name, "recipe", node.span)
            if not arguments
            else errors.too_many_arguments(name, 1, node.span)
        )
    argument = arguments[0]
    if name == "frozen":
        inner = replace(argument.context, builder=ctx.builder, frozen=True)
        return expressions.evaluate(argument.expression, wire, inner)
    nodes = ctx.builder.nodes
    before = len(nodes)
    result = expressions.evaluate(argument.expression, wire, replace(argument.context, builder=ctx.builder))
    if not _wrap_weights(_OF_WEIGHTS[name], nodes, before):
        wanted = "operators with a matrix of weights (conv, conv_transpose, linear, embedding)"
        ctx.fail(errors.wrong_kind(f"`{name}`", wanted, "none, or one inside a block", node.span))
    operators = [made.op for made in nodes[before:] if isinstance(made, OpNode)]
    if any(isinstance(op, WrappedWeight) and op.refuses(op.inner) for op in operators):
        wanted, given = "a weight that starts as torch starts it", "one with weight_init or padding_idx"
        ctx.fail(errors.wrong_kind(f"`{name}`", wanted, given, node.span))
    return result


def _wrap_weights(wrapper: type[WrappedWeight], nodes: list[Any], before: int) -> bool:
    """Wrap every operator since ``before``; false where there is none, or a block that hides some."""
    found = False
    for i in range(before, len(nodes)):
        made = nodes[i]
        if not isinstance(made, OpNode):
            return False
        outputs = tuple(value.type for value in made.outputs)
        if wrapper.fits(made.op, made.input_types, outputs):
            nodes[i] = replace(made, op=wrapper(made.op))
            found = True
    return found
