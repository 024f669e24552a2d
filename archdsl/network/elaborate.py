"""From a program to typed networks: a model is elaborated once per mode, with its sizes as symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import archdsl.network.expectations as expectations
from archdsl.assumptions import Assumptions, Relation
from archdsl.diagnostics import Diagnostic
from archdsl.dims import Size, symbol
from archdsl.network import errors, liveness
from archdsl.network.arguments import given
from archdsl.network.blocks import bind, fill_default, parameter_value, positional, static_names
from archdsl.network.builder import RegionBuilder, plain
from archdsl.network.context import Context, Failed, Session, TooMuch, cached_place
from archdsl.network.expressions import evaluate
from archdsl.network.names import free_names
from archdsl.network.program import ModelDefinition, Program, model_key
from archdsl.network.statements import dtype_of, run
from archdsl.network.types import ModelInput, Network, Region, Value
from archdsl.network.values import NO_WIRE, UNKNOWN, BlockRecipe, Scope, describe, is_number
from archdsl.ops.checker import Checker
from archdsl.source import Source, Span
from archdsl.syntax.tree import Assign, Call, Definition, Expect, Expression, Input, Name
from archdsl.tensors import FLOATS, TensorType, Values


@dataclass(frozen=True, eq=False)
class Pass:
    """A model elaborated in one mode."""

    region: Region
    inputs: tuple[ModelInput, ...]
    defaults: Mapping[str, int]
    assumed: tuple[Relation, ...]
    session: Session
    parameters: Mapping[str, Any]
    declared_outputs: bool


def check(program: Program) -> tuple[dict[str, Network], tuple[Diagnostic, ...]]:
    """Every model of a program that is not a template, elaborated, and all that is to be said about it."""
    networks: dict[str, Network] = {}
    found: list[Diagnostic] = list(program.diagnostics)
    for name, model in program.models.items():
        if not model.template:
            network, diagnostics = elaborate(program, name, {})
            found.extend(d for d in diagnostics if d not in found)
            if network is not None:
                networks[name] = network
    return networks, tuple(found)


def elaborate(
    program: Program, model_name: str, settings: Mapping[str, Any]
) -> tuple[Network | None, tuple[Diagnostic, ...]]:
    """One model with some of its parameters set. The network is None where there are errors."""
    model = program.models[model_name]
    found: list[Diagnostic] = []
    seen: set[tuple[str, Span]] = set()
    try:
        inference = _pass(program, model, settings, False, found, seen)
        training = inference
        if inference is not None and inference.session.asked_training:
            training = _pass(program, model, settings, True, found, seen)
    except (TooMuch, RecursionError) as error:
        if isinstance(error, RecursionError):
            found.append(
                errors.limit_reached("nested too deeply", program.limits.depth, "depth", model.definition.name_span)
            )
        return None, tuple(found)
    if inference is None or training is None or any(d.severity == "error" for d in found):
        return None, tuple(found)
    found.extend(_waste(inference, training, model))
    if any(d.severity == "error" for d in found):
        return None, tuple(found)
    bounds = list(dict.fromkeys((*inference.session.checker.bounds, *training.session.checker.bounds)))
    value_bounds = (*inference.session.checker.value_bounds, *training.session.checker.value_bounds)
    return (
        Network(
            name=model_name,
            inputs=inference.inputs,
            inference=inference.region,
            training=training.region,
            assumptions=inference.session.checker.assumptions,
            defaults=inference.defaults,
            assumed=inference.assumed,
            bounds=tuple(bounds),
            value_bounds=tuple(dict.fromkeys(value_bounds)),
            parameters=inference.parameters,
            expectations=tuple(inference.session.expectations),
            docstring=inference.region.docstring,
            span=model.definition.span,
        ),
        tuple(found),
    )


def _pass(
    program: Program,
    model: ModelDefinition,
    settings: Mapping[str, Any],
    training: bool,
    found: list[Diagnostic],
    seen: set[tuple[str, Span]],
) -> Pass | None:
    session = Session(Checker(Assumptions.empty()), training, program.limits, found, seen=seen, model=model.name)
    count = len(found)
    try:
        return _run_model(model, settings, session)
    except Failed:
        assert len(found) > count or any(d.severity == "error" for d in found), "a failure nobody reported"
        return None


def _target(model: ModelDefinition, session: Session) -> tuple[Definition, Scope, dict[str, Any]]:
    """The model that an alias stands for, with the arguments the aliases on the way give."""
    definition, scope, arguments = model.definition, model.scope, dict[str, Any]()
    for _ in range(session.limits.depth):
        if definition.alias is None:
            return definition, scope, arguments
        ctx = _top_context(definition, scope, session)
        node = definition.alias
        function = node.function if isinstance(node, Call) else node
        recipe = _model_named(function, scope)
        if not isinstance(recipe, BlockRecipe) or recipe.definition.keyword != "model":
            if isinstance(function, Name) and recipe is None:
                ctx.fail(errors.unknown_name(function.name, function.span, scope.visible()))
            ctx.fail(errors.wrong_kind("a model's alias", "a model with arguments", describe(recipe), node.span))
        target = recipe.definition
        if target.alias is None and isinstance(node, Call):
            call_arguments = given(node.arguments, ctx)
            loose = replace(target, parameters=tuple(replace(p, default=p.default or Name(p.span, "none")) for p in target.parameters))
            known = bind(loose, call_arguments, NO_WIRE, ctx, node) if positional(target) == positional(loose) else bind(target, call_arguments, NO_WIRE, ctx, node)
            arguments = {**known, **arguments}
        elif isinstance(node, Call) and node.arguments:
            known_names = _alias_parameters(target, recipe.scope)
            extra = {a.name: a for a in given(node.arguments, ctx)}
            for name, argument in extra.items():
                parameter = known_names.get(name or "")
                if parameter is None:
                    ctx.fail(errors.unknown_argument(target.name, name or "", argument.span, known_names))
                arguments.setdefault(parameter.name, parameter_value(parameter, argument, NO_WIRE, target, ctx))
        definition, scope = target, recipe.scope
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


def _top_context(definition: Definition, scope: Scope, session: Session) -> Context:
    builder = RegionBuilder(definition.name, "model", definition, definition.span)
    return Context(session, builder, scope, cached_place(definition, scope.static, True), top_level=True)


def _run_model(model: ModelDefinition, settings: Mapping[str, Any], session: Session) -> Pass:
    definition, top, arguments = _target(model, session)
    assert definition.body is not None
    static = static_names(definition, top.static, top)
    scope = Scope(static, top)
    builder = RegionBuilder(
        model.name, "model", definition, definition.span, definition.body.docstring
    )
    ctx = Context(session, builder, scope, cached_place(definition, static, True), top_level=True)
    _parameters(model, definition, arguments, settings, ctx)
    inputs, defaults = _inputs(definition, ctx)
    assumed = _assumptions(definition, ctx)
    # Assumptions may have solved sizes for others: the inputs' types follow.
    normal = session.checker.assumptions.normal
    inputs = [replace(i, type=replace(i.type, shape=tuple(normal(d) for d in i.type.shape))) for i in inputs]
    values = {i.name: builder.add_input(i.type, i.name) for i in inputs}
    wire: Any = next(iter(values.values())) if len(values) == 1 else NO_WIRE
    scope.names.update(values)
    declared = False
    for statement in definition.body.statements:
        if isinstance(statement, Input):
            continue
        try:
            wire = run(statement, wire, ctx, {}, False)
        except Failed:
            from archdsl.network.statements import _after_failure

            wire = _after_failure(statement, wire, ctx)
    if any(d.severity == "error" for d in session.diagnostics):
        raise Failed
    outputs, declared = _outputs(model, definition, wire, ctx)
    region, _, _ = builder.finish(outputs, 0)
    return Pass(region, tuple(inputs), defaults, tuple(assumed), session, dict(region.arguments), declared)


def _parameters(
    model: ModelDefinition, definition: Definition, arguments: Mapping[str, Any], settings: Mapping[str, Any], ctx: Context
) -> None:
    known = [p.name for p in definition.parameters]
    for name in settings:
        if name not in known:
            ctx.fail(errors.wrong_setting(model.name, name, known, definition.name_span))
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


def _inputs(definition: Definition, ctx: Context) -> tuple[list[ModelInput], dict[str, int]]:
    """The declared inputs: every bare name that is no parameter is a size, free unless an ``expect`` says more."""
    assert definition.body is not None
    declared = [s for s in definition.body.statements if isinstance(s, Input)]
    if not declared:
        ctx.fail(errors.no_input(definition.name, definition.name_span))
    constants = _leading_constants(definition, ctx)
    defaults: dict[str, int] = {}
    for node in declared:
        for position, dimension in enumerate(node.shape):
            if isinstance(dimension.size, Name) and dimension.size.name not in (*ctx.scope.names, *constants):
                name = dimension.size.name
                ctx.session.symbols.setdefault(name, symbol(name))
                if dimension.default is not None:
                    default = evaluate(dimension.default, NO_WIRE, ctx)
                    number = ctx.builder.demand(default) if is_number(default) else None
                    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                        ctx.fail(errors.wrong_kind("the default of a size", "a whole number, at least 1", describe(default), dimension.span))
                    if defaults.get(name, number) != number:
                        ctx.fail(errors.duplicate_name(name, dimension.span, "default of the size"))
                    defaults[name] = number
                elif position == 0:
                    ctx.session.symbols[name] = symbol(name)
            elif dimension.default is not None:
                ctx.fail(errors.wrong_kind("a default", "a free size's name before it", "a known number", dimension.span))
    for node in declared:
        first = node.shape[0].size if node.shape else None
        if isinstance(first, Name) and first.name in ctx.session.symbols:
            defaults.setdefault(first.name, 1)
    ctx.scope.names.update(ctx.session.symbols)
    ctx.session.sizes = frozenset(ctx.session.symbols)
    inputs = []
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
    return is_number(value) or isinstance(value, bool | tuple | str) or name in ("len", "range", "sum", "min", "max", "sqrt")


def _input_type(node: Input, ctx: Context) -> TensorType:
    shape = []
    for dimension in node.shape:
        size = evaluate(dimension.size, NO_WIRE, ctx)
        size = ctx.builder.demand(size) if is_number(size) else size
        if not isinstance(size, int | Size) or isinstance(size, bool):
            ctx.fail(errors.wrong_kind("a size", "a whole number or a name", describe(size), dimension.span))
        if isinstance(size, int) and not 1 <= size < 2**31:
            ctx.fail(errors.out_of_range(node.name, "a size", "between 1 and 2^31 - 1", size, dimension.span))
        shape.append(size)
    dtype = dtype_of(node.dtype, node, ctx)
    values = Values(input=node.name) if dtype not in (*FLOATS, "bool") else None
    return TensorType(tuple(shape), dtype, values=values)


def _assumptions(definition: Definition, ctx: Context) -> list[Relation]:
    """Expectations over declared sizes hold for the whole model, wherever they stand."""
    assert definition.body is not None
    relations = []
    for statement in definition.body.statements:
        if isinstance(statement, Expect) and not expectations.is_figure(statement.condition, ctx):
            try:
                if expectations.is_assumption(statement.condition, ctx):
                    relations.extend(expectations.assume(statement, ctx))
            except Failed:
                continue
    if any(d.severity == "error" for d in ctx.session.diagnostics):
        raise Failed
    return relations


def _outputs(model: ModelDefinition, definition: Definition, wire: Any, ctx: Context) -> tuple[dict[str, Value], bool]:
    """The declared outputs; where only training declares some, the last wire stays an output beside them."""
    from archdsl.syntax.tree import Output

    declared = dict(ctx.builder.outputs)
    assert definition.body is not None
    always = any(isinstance(s, Output) for s in definition.body.statements) or (declared and not ctx.session.training)
    if always:
        return declared, True
    if wire is UNKNOWN:
        raise Failed
    if not isinstance(wire, Value):
        what = describe(wire) if wire is not NO_WIRE else "no wire"
        ctx.fail(errors.no_output(model.name, what, definition.name_span))
    return {"out": wire, **declared}, False


def _waste(inference: Pass, training: Pass, model: ModelDefinition) -> list[Diagnostic]:
    """Weights that reach no output in either mode, layers never used, inputs nothing depends on."""
    live: list[liveness.Liveness] = []
    for one in dict.fromkeys((inference.region, training.region)):
        marks = liveness.Liveness()
        marks.region(one, frozenset(range(len(one.outputs))))
        live.append(marks)
    spans = {node.span for marks in live for node in marks.live}
    found: dict[tuple[str, Span], Diagnostic] = {}
    holds: dict[Region, bool] = {}
    for one, marks in zip(dict.fromkeys((inference.region, training.region)), live, strict=True):
        for node in liveness.dead(one, marks, holds, set()):
            if node.span not in spans:
                found[("E0801", node.span)] = errors.unreachable_weights(liveness.describe(node), node.span)
    unused = [
        {d.span: d for d in liveness.unused_layers(p.region, set())} for p in (inference, training)
    ]
    for span, declaration in unused[0].items():
        if span in unused[1]:
            found[("E0802", span)] = errors.unused_layer(declaration.value.name, span)
    inputs = [marks.region(p.region, frozenset(range(len(p.region.outputs)))) for p, marks in _modes(inference, training, live)]
    for i, declared in enumerate(inference.inputs):
        if not any(i in used for used in inputs):
            found[("E0807", declared.span)] = Diagnostic(
                "E0807",
                f"the input `{declared.name}` reaches no output",
                declared.span,
                help=("use it, or leave it out",),
            )
    return list(found.values())


def _modes(inference: Pass, training: Pass, live: list[liveness.Liveness]) -> list[tuple[Pass, liveness.Liveness]]:
    return list(zip((inference, training), live, strict=False)) if len(live) > 1 else [(inference, live[0])]


def setting_value(text: str) -> Any:
    """A parameter's value from the command line, written as in a program: ``12``, ``0.1``, ``[3, 4]``, ``true``, a name.

    Raises ValueError where it can't be read.
    """
    from archdsl.network.program import load

    program = load(Source("--set", f"block b(x={text}) {{ id }}"))
    definition = program.scope.names.get("b")
    if program.diagnostics or not isinstance(definition, BlockRecipe):
        raise ValueError(text)
    session = Session(Checker(Assumptions.empty()), False, program.limits, [])
    default: Expression | None = definition.definition.parameters[0].default
    ctx = _top_context(definition.definition, program.scope, session)
    assert default is not None
    try:
        if isinstance(default, Name) and program.scope.find(default.name) is not None:
            from archdsl.network.expressions import as_recipe

            return as_recipe(default, ctx)
        return evaluate(default, NO_WIRE, ctx)
    except Failed:
        raise ValueError(text) from None


__all__ = ["check", "elaborate", "plain", "setting_value"]
