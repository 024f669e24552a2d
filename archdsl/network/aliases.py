"""Models under other names: an alias stands for a model with some of its parameters given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archdsl.network import errors
from archdsl.network.arguments import given
from archdsl.network.blocks import bind, parameter_value, positional
from archdsl.network.builder import RegionBuilder
from archdsl.network.context import Context, Failed, Session
from archdsl.network.program import ModelDefinition, model_key
from archdsl.network.values import NO_WIRE, UNKNOWN, BlockRecipe, Scope, describe
from archdsl.syntax.tree import Call, Definition, Expression, Name


def target(model: ModelDefinition, session: Session) -> tuple[Definition, Scope, dict[str, Any]]:
    """The model that an alias stands for, with the arguments the aliases on the way give."""
    definition, scope, arguments = model.definition, model.scope, dict[str, Any]()
    for _ in range(session.limits.depth):
        if definition.alias is None:
            return definition, scope, arguments
        ctx = top_context(definition, scope, session)
        node = definition.alias
        function = node.function if isinstance(node, Call) else node
        recipe = _model_named(function, scope)
        if recipe is UNKNOWN:
            raise Failed
        if not isinstance(recipe, BlockRecipe) or recipe.definition.keyword != "model":
            if isinstance(function, Name) and recipe is None:
                ctx.fail(errors.unknown_name(function.name, function.span, scope.visible()))
            ctx.fail(
                errors.wrong_kind("a model's alias", "a model with arguments", describe(recipe), node.span)
            )
        aimed = recipe.definition
        if aimed.alias is None and isinstance(node, Call):
            call_arguments = given(node.arguments, ctx)
            loose = replace(
                aimed,
                parameters=tuple(
                    replace(p, default=p.default or Name(p.span, "none")) for p in aimed.parameters
                ),
            )
            known = (
                bind(loose, call_arguments, NO_WIRE, ctx, node)
                if positional(aimed) == positional(loose)
                else bind(aimed, call_arguments, NO_WIRE, ctx, node)
            )
            arguments = {**known, **arguments}
        elif isinstance(node, Call) and node.arguments:
            known_names = _alias_parameters(aimed, recipe.scope)
            extra = {a.name: a for a in given(node.arguments, ctx)}
            for name, argument in extra.items():
                parameter = known_names.get(name or "")
                if parameter is None:
                    ctx.fail(errors.unknown_argument(aimed.name, name or "", argument.span, known_names))
                arguments.setdefault(
                    parameter.name, parameter_value(parameter, argument, NO_WIRE, aimed, ctx)
                )
        definition, scope = aimed, recipe.scope
    session.report(errors.endless_recursion([model.name], model.definition.name_span))
    raise Failed


def _model_named(function: Expression, scope: Scope) -> Any:
    if not isinstance(function, Name):
        return None
    return scope.find(model_key(function.name)) or scope.find(function.name)


def _alias_parameters(definition: Definition, scope: Scope) -> dict[str, Any]:
    """The parameters of the model an alias ends at."""
    for _ in range(20):
        if definition.alias is None:
            return {p.name: p for p in definition.parameters}
        function = definition.alias.function if isinstance(definition.alias, Call) else definition.alias
        recipe = _model_named(function, scope)
        if not isinstance(recipe, BlockRecipe):
            break
        definition, scope = recipe.definition, recipe.scope
    return {}


def top_context(definition: Definition, scope: Scope, session: Session) -> Context:
    builder = RegionBuilder(definition.name, "model", definition, definition.span)
    return Context(session, builder, scope, session.place(definition, scope.static, True), top_level=True)
