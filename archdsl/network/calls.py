"""Calls: what is called decides how its arguments are taken; a recipe handed over keeps its own scope."""

from __future__ import annotations

from typing import Any

import archdsl.network.blocks as blocks
import archdsl.network.expressions as expressions
import archdsl.network.functions as functions
import archdsl.network.layers as layers
from archdsl.network import errors
from archdsl.network.arguments import GivenArgument, given
from archdsl.network.context import Context
from archdsl.network.operators import apply_operator
from archdsl.network.types import LayerValue, Path, Value
from archdsl.network.values import (
    BlockRecipe,
    Closure,
    FunctionRecipe,
    OperatorRecipe,
    describe,
    is_recipe,
)
from archdsl.syntax.tree import Call, Expression, Name


def call(node: Call, wire: Any, ctx: Context) -> Any:
    """``f(...)`` on the wire."""
    if not isinstance(node.function, Name):
        ctx.fail(errors.not_a_recipe("this", node.function.span))
    recipe = _callee(node.function, ctx)
    return apply(recipe, given(node.arguments, ctx), wire, ctx, ctx.path(node), node, node.function.name)


def _callee(function: Name, ctx: Context) -> Any:
    if function.name in ("id", "training"):
        ctx.fail(errors.not_a_recipe(f"`{function.name}`", function.span))
    recipe = expressions.find(function, ctx)
    if not is_recipe(recipe):
        ctx.fail(errors.not_a_recipe(f"`{function.name}` is {describe(recipe)} and", function.span))
    return recipe


def apply(
    recipe: Any,
    arguments: list[GivenArgument],
    wire: Any,
    ctx: Context,
    path: Path,
    node: Expression,
    written: str,
) -> Any:
    """A recipe with its arguments on the wire; ``path`` is where its weights go, ``written`` its name in the text."""
    match recipe:
        case OperatorRecipe():
            if functions.folds(recipe.name, arguments, wire):
                return functions.fold(recipe.name, arguments, wire, ctx, node)
            return apply_operator(recipe.operator, arguments, wire, ctx, path, node)
        case FunctionRecipe():
            return functions.apply_function(recipe.name, arguments, wire, ctx, path, node)
        case BlockRecipe():
            return blocks.call_block(recipe, arguments, wire, ctx, path, node, written)
        case LayerValue():
            return layers.use_layer(recipe, arguments, wire, ctx, node)
        case Closure():
            return _apply_closure(recipe, arguments, wire, ctx, path, node, written)
    raise AssertionError(recipe)


def _apply_closure(
    closure: Closure,
    arguments: list[GivenArgument],
    wire: Any,
    ctx: Context,
    path: Path,
    node: Expression,
    written: str,
) -> Any:
    """An expression handed over: evaluated here, with its own scope, in a place of its own."""
    expression = closure.expression
    inner = ctx.at(expression, path, closure.scope)
    if arguments and isinstance(expression, Call | Name):
        function = expression.function if isinstance(expression, Call) else expression
        if isinstance(function, Name) and function.name not in ("id", "training"):
            recipe = _callee(function, inner)
            own = given(expression.arguments, inner) if isinstance(expression, Call) else []
            return apply(
                recipe, own + arguments, wire, inner, inner.path(expression), expression, function.name
            )
    if arguments:
        first = arguments[0].value(wire)
        if len(arguments) == 1 and arguments[0].name is None and isinstance(first, Value):
            return expressions.evaluate(expression, first, inner)
        ctx.fail(errors.too_many_arguments(written, 0, arguments[0].span))
    return expressions.evaluate(expression, wire, inner)


def wire_of_first_tensor(
    arguments: list[GivenArgument], wire: Any, takes_tensor: bool
) -> tuple[Any, list[GivenArgument]]:
    """A tensor in first place, where no tensor is taken there, is the wire."""
    if arguments and arguments[0].name is None and not takes_tensor:
        first = arguments[0].value(wire)
        if isinstance(first, Value):
            return first, arguments[1:]
    return wire, arguments
