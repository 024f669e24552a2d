"""The head of a model: its parameters, its inputs with their free sizes, and what is assumed of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import archdsl.network.expectations as expectations
import archdsl.network.expressions as expressions
from archdsl.dims import Size, symbol
from archdsl.network import errors, model_errors
from archdsl.network.blocks import fill_default
from archdsl.network.context import Context, Failed
from archdsl.network.names import free_names
from archdsl.network.program import ModelDefinition
from archdsl.network.statements import dtype_of, run
from archdsl.network.types import ModelInput
from archdsl.network.values import NO_WIRE, describe, is_number
from archdsl.sizes.assumptions import Relation
from archdsl.syntax.tree import Assign, Definition, Expect, Input, Name
from archdsl.tensors import FLOATS, TensorType, Values


def fill_parameters(
    model: ModelDefinition,
    definition: Definition,
    arguments: Mapping[str, Any],
    settings: Mapping[str, Any],
    ctx: Context,
) -> None:
    known = [p.name for p in definition.parameters]
    for name in settings:
        if name not in known:
            ctx.fail(model_errors.wrong_setting(model.name, name, known, definition.name_span))
    for parameter in definition.parameters:
        if parameter.name in settings:
            ctx.scope.names[parameter.name] = settings[parameter.name]
        elif parameter.name in arguments:
            ctx.scope.names[parameter.name] = arguments[parameter.name]
        elif parameter.default is not None:
            fill_default(parameter, NO_WIRE, ctx)
        else:
            ctx.fail(errors.missing_argument(model.name, parameter.name, definition.name_span))
        value = ctx.scope.names[parameter.name]
        if parameter.kind == "value":
            ctx.builder.arguments[parameter.name] = value
    ctx.session.figures_apply = not settings and not arguments


def declare_inputs(definition: Definition, ctx: Context) -> tuple[list[ModelInput], dict[str, int]]:
    """The declared inputs: every bare name that is no parameter is a size, free unless an ``expect`` says more."""
    assert definition.body is not None
    declared = [s for s in definition.body.statements if isinstance(s, Input)]
    if not declared:
        ctx.fail(model_errors.no_input(definition.name, definition.name_span))
    constants = _leading_constants(definition, ctx)
    defaults: dict[str, int] = {}
    for node in declared:
        for position, dimension in enumerate(node.shape):
            if isinstance(dimension.size, Name) and dimension.size.name not in (*ctx.scope.names, *constants):
                name = dimension.size.name
                ctx.session.symbols.setdefault(name, symbol(name))
                if dimension.default is not None:
                    default = expressions.evaluate(dimension.default, NO_WIRE, ctx)
                    number = ctx.builder.demand(default) if is_number(default) else None
                    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                        ctx.fail(
                            errors.wrong_kind(
                                "the default of a size",
                                "a whole number, at least 1",
                                describe(default),
                                dimension.span,
                            )
                        )
                    if defaults.get(name, number) != number:
                        ctx.fail(errors.duplicate_name(name, dimension.span, "default of the size"))
                    defaults[name] = number
                elif position == 0:
                    ctx.session.symbols[name] = symbol(name)
            elif dimension.default is not None:
                ctx.fail(
                    errors.wrong_kind(
                        "a default", "a free size's name before it", "a known number", dimension.span
                    )
                )
    for node in declared:
        first = node.shape[0].size if node.shape else None
        if isinstance(first, Name) and first.name in ctx.session.symbols:
            defaults.setdefault(first.name, 1)
    ctx.scope.names.update(ctx.session.symbols)
    ctx.session.sizes = frozenset(ctx.session.symbols)
    inputs: list[ModelInput] = []
    for node in declared:
        if any(i.name == node.name for i in inputs) or node.name in ctx.scope.names:
            ctx.fail(errors.duplicate_name(node.name, node.name_span, "name"))
        inputs.append(ModelInput(node.name, _input_type(node, ctx), node.name_span))
    return inputs, defaults


def _leading_constants(definition: Definition, ctx: Context) -> list[str]:
    """Names that plain arithmetic before the inputs assigns: they are numbers, not free sizes."""
    assert definition.body is not None
    names: list[str] = []
    for statement in definition.body.statements:
        if isinstance(statement, Assign) and all(_is_plain(n, ctx) for n in free_names(statement.value)):
            run(statement, NO_WIRE, ctx, {}, False)
            names.extend(statement.targets)
        elif not isinstance(statement, Input | Expect | Assign):
            break
    return names


def _is_plain(name: str, ctx: Context) -> bool:
    value = ctx.scope.find(name)
    return (
        is_number(value)
        or isinstance(value, bool | tuple | str)
        or name in ("len", "range", "sum", "min", "max", "sqrt")
    )


def _input_type(node: Input, ctx: Context) -> TensorType:
    shape = []
    for dimension in node.shape:
        size = expressions.evaluate(dimension.size, NO_WIRE, ctx)
        size = ctx.builder.demand(size) if is_number(size) else size
        if not isinstance(size, int | Size) or isinstance(size, bool):
            ctx.fail(errors.wrong_kind("a size", "a whole number or a name", describe(size), dimension.span))
        if isinstance(size, int) and not 1 <= size < 2**31:
            ctx.fail(errors.out_of_range(node.name, "a size", "between 1 and 2^31 - 1", size, dimension.span))
        shape.append(size)
    dtype = dtype_of(node.dtype, node, ctx)
    values = Values(input=node.name) if dtype not in (*FLOATS, "bool") else None
    return TensorType(tuple(shape), dtype, values=values)


def assumptions(definition: Definition, ctx: Context) -> list[Relation]:
    """Expectations over declared sizes hold for the whole model, wherever they stand."""
    assert definition.body is not None
    relations, failed = [], False
    for statement in definition.body.statements:
        if isinstance(statement, Expect) and not expectations.is_figure(statement.condition, ctx):
            try:
                if expectations.is_assumption(statement.condition, ctx):
                    relations.extend(expectations.assume(statement, ctx))
            except Failed:
                failed = True
    if failed:
        raise Failed
    return relations
