"""Calling a block: parameters filled, the body run as a region of its own, defaults evaluated where the body stands."""

from __future__ import annotations

from typing import Any

import archdsl.network.calls as calls
import archdsl.network.expressions as expressions
import archdsl.network.statements as statements
from archdsl.network import errors
from archdsl.network.arguments import GivenArgument
from archdsl.network.context import Context
from archdsl.network.naming import uses
from archdsl.network.operators import claim_path
from archdsl.network.regions import Inside, Left, Text, add_call, enter, known, replaced, use
from archdsl.network.types import Path, Value
from archdsl.network.values import NONE, BlockRecipe, Closure, Scope, describe, is_recipe
from archdsl.syntax.tree import Call, Definition, Expression, Input, Name, NoneLiteral, Parameter


def call_block(
    recipe: BlockRecipe,
    arguments: list[GivenArgument],
    wire: Any,
    ctx: Context,
    path: Path,
    node: Expression,
    written: str,
) -> Any:
    """A block (or a model, used as one) on the wire, with its weights at ``path``."""
    definition = recipe.definition
    if definition.alias is not None and (arguments or isinstance(definition.alias, Name | Call)):
        closure = Closure(definition.alias, recipe.scope)
        return calls.apply(closure, arguments, wire, ctx, path, node, written)
    takes_tensor = any(p.kind == "tensor" and p.default is None for p in definition.parameters)
    first_is_block = bool(positional(definition)) and positional(definition)[0].kind == "block"
    if not first_is_block or _is_tensor_name(arguments):
        wire, arguments = calls.wire_of_first_tensor(arguments, wire, takes_tensor)
    pieces = bind(definition, arguments, wire, ctx, node)
    text = Text(definition, recipe.scope, definition.name, "block", definition.span, docstring_of(definition))
    entry, boundary = enter(text, wire, pieces, ctx, lambda inside: _run(definition, inside, ctx), node.span)
    used = use(entry, boundary, ctx)
    if entry.region is not None and next(
        uses(definition, ctx.session.static_names(definition, recipe.scope.static, recipe.scope.top())), None
    ):
        claim_path(path, node, ctx)
    add_call(used, "call", path, node, written, ctx)
    return known(replaced(entry.result, used.mapping))


def _is_tensor_name(arguments: list[GivenArgument]) -> bool:
    """A bare name or ``id`` that is a tensor stands in first place: then it is the wire, not a recipe."""
    if not arguments or arguments[0].name is not None or not isinstance(arguments[0].expression, Name):
        return False
    name = arguments[0].expression.name
    return name == "id" or isinstance(arguments[0].context.scope.find(name), Value)


def positional(definition: Definition) -> list[Parameter]:
    """The parameters that arguments fill in order: all but those of kind tensor or block that have a default."""
    return [p for p in definition.parameters if p.kind == "value" or p.default is None]


def docstring_of(definition: Definition) -> str | None:
    return definition.body.docstring if definition.body is not None else None


def bind(
    definition: Definition, arguments: list[GivenArgument], wire: Any, ctx: Context, node: Expression
) -> dict[str, Any]:
    """The values of the parameters that are given, by name, in the order of the definition."""
    in_order = positional(definition)
    known = {p.name: p for p in definition.parameters}
    inputs = _input_names(definition)
    found: dict[str, Any] = {}
    count = 0
    for argument in arguments:
        if argument.name is None:
            if count >= len(in_order):
                ctx.fail(errors.too_many_arguments(definition.name, len(in_order), argument.span))
            parameter = in_order[count]
            count += 1
        elif argument.name in known:
            parameter = known[argument.name]
        elif argument.name in inputs:
            found[argument.name] = parameter_value(
                Parameter(argument.span, argument.name, "tensor", None), argument, wire, definition, ctx
            )
            continue
        else:
            ctx.fail(errors.unknown_argument(definition.name, argument.name, argument.name_span, known))
        if parameter.name in found:
            ctx.fail(errors.repeated_argument(definition.name, parameter.name, argument.span))
        found[parameter.name] = parameter_value(parameter, argument, wire, definition, ctx)
    for parameter in definition.parameters:
        if parameter.default is None and parameter.name not in found:
            ctx.fail(errors.missing_argument(definition.name, parameter.name, node.span))
    return {name: found[name] for name in [*known, *inputs] if name in found}


def _input_names(definition: Definition) -> list[str]:
    if definition.keyword != "model" or definition.body is None:
        return []
    return [s.name for s in definition.body.statements if isinstance(s, Input)]


def parameter_value(
    parameter: Parameter, argument: GivenArgument, wire: Any, definition: Definition, ctx: Context
) -> Any:
    """An argument as its parameter's kind decides: a recipe unapplied, a tensor or a value with the caller's wire."""
    if parameter.kind == "block":
        return expressions.as_recipe(argument.expression, argument.context)
    value = argument.value(wire)
    optional = isinstance(parameter.default, NoneLiteral) and value is NONE
    if parameter.kind == "tensor" and not isinstance(value, Value) and not optional:
        ctx.fail(
            errors.wrong_argument(definition.name, parameter.name, "a tensor", describe(value), argument.span)
        )
    if is_recipe(value):
        ctx.fail(
            errors.wrong_argument(definition.name, parameter.name, "a value", describe(value), argument.span)
        )
    return value


def _run(definition: Definition, inside: Inside, outer: Context) -> Left:
    """The body of a block, inside its region."""
    top = inside.scope.top()
    static = outer.session.static_names(definition, inside.scope.static, top)
    scope = Scope(static, inside.scope)
    at_top = top.names.get(definition.name)
    if not (
        isinstance(at_top, BlockRecipe) and at_top.definition is definition
    ):  # a local block may call itself
        scope.names[definition.name] = BlockRecipe(definition, inside.scope)
    scope.names.update(inside.pieces)
    inside.builder.arguments.update(
        {
            p.name: inside.pieces[p.name]
            for p in definition.parameters
            if p.kind == "value" and p.name in inside.pieces
        }
    )
    ctx = Context(
        outer.session,
        inside.builder,
        scope,
        outer.session.place(definition, static, definition.alias is None),
        frozen=False,
    )
    for parameter in definition.parameters:
        if parameter.default is not None and parameter.name not in inside.pieces:
            fill_default(parameter, inside.wire, ctx)
    if definition.alias is not None:
        return Left(expressions.evaluate(definition.alias, inside.wire, ctx), {})
    assert definition.body is not None
    given_inputs = {name: inside.pieces[name] for name in _input_names(definition) if name in inside.pieces}
    wire = statements.run_body(definition.body, inside.wire, ctx, given_inputs)
    outputs = tuple(inside.builder.outputs.values())
    return Left(outputs[0] if len(outputs) == 1 else outputs or wire, {})


def fill_default(parameter: Parameter, wire: Any, ctx: Context) -> None:
    """A default, evaluated in the callee with its wire."""
    assert parameter.default is not None
    if parameter.kind == "block":
        ctx.scope.names[parameter.name] = expressions.as_recipe(parameter.default, ctx)
        return
    value = expressions.evaluate(parameter.default, wire, ctx)
    ctx.scope.names[parameter.name] = value
    if parameter.kind == "value":
        ctx.builder.arguments[parameter.name] = value
