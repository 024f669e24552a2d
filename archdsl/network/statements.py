"""Statements: a body is a wire, each pipe taking what the last one left; a mistake costs one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import archdsl.network.expectations as expectations
import archdsl.network.expressions as expressions
import archdsl.network.layers as layers
from archdsl.dims import Size
from archdsl.network import errors
from archdsl.network.builder import name_value
from archdsl.network.context import Context, Failed
from archdsl.network.operators import claim_path
from archdsl.network.types import RawTensorNode, Value
from archdsl.network.values import NO_WIRE, UNKNOWN, BlockRecipe, LateNumber, describe, is_number, is_recipe
from archdsl.ops import errors as operator_errors
from archdsl.ops.errors import OperatorError
from archdsl.ops.initializers import Initializer
from archdsl.syntax.tree import (
    Assign,
    Body,
    Definition,
    Expect,
    Expression,
    ExpressionStatement,
    If,
    Input,
    Name,
    Output,
    RawTensor,
    Statement,
)
from archdsl.tensors import DTYPE_NAMES, TensorType


def run_body(body: Body, wire: Any, ctx: Context, given_inputs: Mapping[str, Any] | None = None) -> Any:
    """The wire after the statements of a body. ``given_inputs`` are a model's, where it is used as a block."""
    several = sum(isinstance(s, Input) for s in body.statements) > 1
    for statement in body.statements:
        try:
            wire = run(statement, wire, ctx, given_inputs or {}, several)
        except Failed:
            wire = after_failure(statement, wire, ctx)
    return wire


def after_failure(statement: Statement, wire: Any, ctx: Context) -> Any:
    """What a mistake leaves: unknown names or an unknown wire, so that nothing follows from it."""
    match statement:
        case Assign():
            ctx.scope.names.update(dict.fromkeys(statement.targets, UNKNOWN))
        case Output() | RawTensor() | Definition():
            ctx.scope.names[statement.name] = UNKNOWN
        case Expect():
            pass
        case Input():
            ctx.scope.names[statement.name] = UNKNOWN
            for name, _ in model_sizes(statement):
                if ctx.scope.find(name) is None:
                    ctx.scope.names[name] = UNKNOWN
            return UNKNOWN
        case _:
            return UNKNOWN
    return wire


def run(statement: Statement, wire: Any, ctx: Context, given: Mapping[str, Any], several: bool) -> Any:
    """One statement; returns the wire after it."""
    ctx.step(statement.span)
    match statement:
        case ExpressionStatement():
            value = expressions.evaluate(statement.value, wire, ctx)
            if wire is UNKNOWN and not isinstance(value, Value | tuple):
                raise Failed
            return value
        case Assign():
            _assign(statement, wire, ctx)
        case Definition():
            _define(statement, ctx)
        case Input():
            return _input(statement, wire, ctx, given, several)
        case Output():
            _output(statement, wire, ctx)
        case RawTensor():
            _raw_tensor(statement, wire, ctx)
        case If():
            if expressions.condition(statement.condition, wire, ctx):
                return run_body(statement.then, wire, ctx)
            if statement.otherwise is not None:
                return run_body(statement.otherwise, wire, ctx)
        case Expect():
            expectations.check(statement, wire, ctx)
        case _:
            word = type(statement).__name__.lower()
            ctx.fail(
                errors.misplaced(word, "inside a body", statement.span, "write it at the top of the file")
            )
    return wire


def _assign(node: Assign, wire: Any, ctx: Context) -> None:
    if isinstance(node.value, Name) and node.value.name not in ("id", "training"):
        value = expressions.find(node.value, ctx)
        if is_recipe(value) and wire is NO_WIRE:
            ctx.fail(errors.recipe_as_value(describe(value), node.value.span))
    value = expressions.evaluate(node.value, wire, ctx)
    for name in node.targets:
        if is_recipe(ctx.scope.names.get(name)):
            ctx.fail(errors.duplicate_name(name, node.span, "recipe"))
        if name in ("id", "training"):
            ctx.fail(errors.duplicate_name(name, node.span, "word of the language"))
    if len(node.targets) == 1:
        values: tuple[Any, ...] = (value,)
    elif isinstance(value, tuple) and len(value) == len(node.targets):
        values = value
    else:
        ctx.fail(errors.unpack_mismatch(len(node.targets), describe(value), node.span))
    for name, item in zip(node.targets, values, strict=True):
        ctx.scope.names[name] = item
        if isinstance(item, Value):
            name_value(item, name)


def _define(node: Definition, ctx: Context) -> None:
    if node.keyword == "model":
        ctx.fail(errors.misplaced("model", "inside a body", node.span, "write it at the top of the file"))
    if node.name in ctx.scope.names:
        ctx.fail(errors.duplicate_name(node.name, node.name_span, "name"))
    if node.keyword == "layer":
        why = expressions.errors_for_label(node.name)
        if why is not None:
            ctx.fail(errors.bad_label(node.name, why, node.name_span))
        layers.declare(node, ctx)
    else:
        ctx.scope.names[node.name] = BlockRecipe(node, ctx.scope)


def dtype_of(written: str | None, node: Statement, ctx: Context) -> str:
    if written is None:
        return "float32"
    if written not in DTYPE_NAMES:
        ctx.fail(errors.unknown_name(written, node.span, DTYPE_NAMES))
    return DTYPE_NAMES[written]


def _input(node: Input, wire: Any, ctx: Context, given: Mapping[str, Any], several: bool) -> Any:
    """An input of a block (or of a model used as one): names the wire, checks its rank, binds and checks sizes."""
    tensor = given.get(node.name, wire if not several else UNKNOWN)
    if ctx.builder.kind == "round":
        ctx.fail(errors.misplaced("input", "inside a loop", node.span))
    if tensor is UNKNOWN and several:
        ctx.fail(errors.missing_argument(ctx.builder.name, node.name, node.span))
    if not isinstance(tensor, Value):
        if tensor is UNKNOWN:
            raise Failed
        ctx.fail(
            errors.wrong_kind(f"the input `{node.name}`", "a tensor on the wire", describe(tensor), node.span)
        )
    want = f"{len(node.shape)} dims" if len(node.shape) != 1 else "one dim"
    if tensor.type.rank != len(node.shape):
        ctx.refuse(operator_errors.wrong_rank(f"the input `{node.name}`", want, tensor.type), node.span)
    dtype = dtype_of(node.dtype, node, ctx)
    if node.dtype is not None and dtype != tensor.type.dtype:
        ctx.refuse(operator_errors.wrong_dtype(f"the input `{node.name}`", dtype, tensor.type), node.span)
    for dimension, size in zip(node.shape, tensor.type.shape, strict=True):
        if isinstance(dimension.size, Name) and ctx.scope.find(dimension.size.name) is None:
            ctx.scope.names[dimension.size.name] = size
            continue
        declared = expressions.evaluate(dimension.size, tensor, ctx)
        declared = ctx.builder.demand(declared) if is_number(declared) else declared
        if not isinstance(declared, int | Size):
            ctx.fail(errors.wrong_kind("a size", "a number", describe(declared), dimension.span))
        try:
            ctx.session.checker.equal(size, declared, f"a size of the input `{node.name}`")
        except OperatorError as error:
            ctx.refuse(error, dimension.span)
    ctx.scope.names[node.name] = tensor
    return NO_WIRE if several else tensor


def _output(node: Output, wire: Any, ctx: Context) -> None:
    if ctx.builder.kind == "round" or not (ctx.top_level or ctx.builder.kind == "block"):
        ctx.fail(
            errors.misplaced(
                "output", "inside a loop", node.span, "assign a name and declare the output after it"
            )
        )
    if node.value is None:
        value = ctx.scope.names.get(node.name)
        if value is None:
            ctx.fail(errors.unknown_name(node.name, node.name_span, ctx.scope.visible()))
        if value is UNKNOWN:
            raise Failed
    else:
        value = expressions.evaluate(node.value, wire, ctx)
    if not isinstance(value, Value):
        ctx.fail(errors.wrong_kind(f"the output `{node.name}`", "a tensor", describe(value), node.span))
    if node.name in ctx.builder.outputs:
        ctx.fail(errors.duplicate_name(node.name, node.name_span, "output"))
    name_value(value, node.name)
    ctx.scope.names[node.name] = value
    ctx.builder.outputs[node.name] = value


def _raw_tensor(node: RawTensor, wire: Any, ctx: Context) -> None:
    """``param gamma: [] = 0`` and ``buffer steps: int[n] = arange(n)``."""
    why = expressions.errors_for_label(node.name)
    if why is not None:
        ctx.fail(errors.bad_label(node.name, why, node.name_span))
    if node.name in ctx.scope.names:
        ctx.fail(errors.duplicate_name(node.name, node.name_span, "name"))
    dtype = dtype_of(node.dtype, node, ctx)
    shape = []
    for size in node.shape:
        value = expressions.evaluate(size, wire, ctx)
        value = ctx.builder.demand(value) if is_number(value) else value
        if isinstance(value, Size):
            ctx.refuse(operator_errors.free_weight_size(f"a size of `{node.name}`", value), size.span)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            ctx.fail(errors.wrong_kind("a size of a tensor", "a whole number", describe(value), size.span))
        shape.append(value)
    if node.keyword == "param" and dtype not in ("float32", "float64", "float16", "bfloat16"):
        ctx.fail(errors.wrong_kind("a param", "a type that can be trained", dtype, node.span))
    type = TensorType(tuple(shape), dtype)
    initial = _initial(node, type, ctx)
    output = ctx.builder.value(type, node.name)
    path = (*ctx.prefix, node.name)
    claim_path(path, node.initial or _as_name(node), ctx)
    ctx.scope.names[node.name] = output
    ctx.builder.nodes.append(RawTensorNode(node.keyword, output, path, initial, node.span, ctx.frozen))


def _as_name(node: RawTensor) -> Expression:
    return Name(node.name_span, node.name)


def _initial(node: RawTensor, type: TensorType, ctx: Context) -> Any:
    """A number, an initialiser, or a region without inputs that computes the constant."""
    from archdsl.network.builder import RegionBuilder

    if node.initial is None:
        return None
    builder = RegionBuilder(node.name, "recipe", node, node.span)
    inner = Context(
        ctx.session, builder, ctx.scope, ctx.session.place(node.initial, ctx.scope.static), top_level=False
    )
    value = expressions.evaluate(node.initial, NO_WIRE, inner)
    if isinstance(value, LateNumber):
        value = ctx.builder.demand(value)
    if isinstance(value, Initializer) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, Value):
        _check_constant(builder.nodes, node, ctx)
        if value.type.shape != type.shape:
            ctx.refuse(
                operator_errors.shape_mismatch(f"the initial value of `{node.name}`", value.type, type),
                node.initial.span,
            )
        region, _, _ = builder.finish([value], 0)
        return region
    ctx.fail(
        errors.wrong_kind(
            "an initial value",
            "a number, an initialiser or a constant tensor",
            describe(value),
            node.initial.span,
        )
    )


def _check_constant(nodes: list[Any], node: RawTensor, ctx: Context) -> None:
    """A constant is computed from constants: nothing from outside its own expression, and no weights."""
    made: set[Value] = set()
    for n in nodes:
        made.update(getattr(n, "outputs", ()))
        if any(v not in made for v in getattr(n, "inputs", ())):
            assert node.initial is not None
            ctx.fail(
                errors.wrong_kind(
                    "an initial value", "constants only", "a tensor that is computed", node.initial.span
                )
            )


def model_sizes(node: Input) -> list[tuple[str, Any]]:
    """The names of sizes that an input declares, with their default expressions."""
    return [(d.size.name, d.default) for d in node.shape if isinstance(d.size, Name)]
