"""From a program to typed networks: a model is elaborated once per mode, with its sizes as symbols."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.network import errors, liveness, model_errors
from archdsl.network.aliases import target
from archdsl.network.builder import RegionBuilder
from archdsl.network.context import Context, Failed, Session, TooMuch
from archdsl.network.model_head import assumptions, declare_inputs, fill_parameters
from archdsl.network.program import ModelDefinition, Program, model_key
from archdsl.network.settings import setting_value
from archdsl.network.statements import after_failure, run
from archdsl.network.types import ModelInput, Network, Region, Value
from archdsl.network.unused import unused_names
from archdsl.network.values import NO_WIRE, UNKNOWN, Scope, describe
from archdsl.ops.checker import Checker
from archdsl.sizes.assumptions import Assumptions, Relation
from archdsl.source import Span
from archdsl.syntax.tree import Definition, Input

FRAMES = 8_000  # some 20 for each of the blocks that may stand inside another, and what expressions take


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
    said: set[tuple[str, Span]] = set()
    for name, model in program.models.items():
        if not model.template:
            with deep_recursion():
                network, diagnostics = _elaborate(program, name, {})
            found.extend(d for d in diagnostics if (d.code, d.span) not in said)
            said.update((d.code, d.span) for d in diagnostics)
            if network is not None:
                networks[name] = network
    return networks, (*found, *unused_names(program.file, found))


def elaborate(
    program: Program, model_name: str, settings: Mapping[str, Any]
) -> tuple[Network | None, tuple[Diagnostic, ...]]:
    """One model with some of its parameters set. The network is None where there are errors."""
    with deep_recursion():
        network, found = _elaborate(program, model_name, settings)
    return network, (*found, *unused_names(program.file, (*program.diagnostics, *found)))


def _elaborate(
    program: Program, model_name: str, settings: Mapping[str, Any]
) -> tuple[Network | None, tuple[Diagnostic, ...]]:
    model = program.models[model_name]
    if program.scope.names.get(model_key(model_name)) is UNKNOWN:
        return None, ()  # its text has a syntax error, which was said
    found: list[Diagnostic] = []
    seen: set[tuple[str, Span]] = set()
    try:
        inference, session = _pass(program, model, settings, False, found, seen)
        training = inference
        if session.asked_training:
            training, _ = _pass(program, model, settings, True, found, seen)
    except (TooMuch, RecursionError) as error:
        if isinstance(error, RecursionError):
            found.append(errors.too_deep(model.definition.name_span))
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


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Blocks may call each other as deep as the limit says, however deep the caller of this package stands itself."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _pass(
    program: Program,
    model: ModelDefinition,
    settings: Mapping[str, Any],
    training: bool,
    found: list[Diagnostic],
    seen: set[tuple[str, Span]],
) -> tuple[Pass | None, Session]:
    session = Session(
        Checker(Assumptions.empty()), training, program.limits, found, seen=seen, model=model.name
    )
    count = len(found)
    try:
        return _run_model(model, settings, session), session
    except Failed:
        said = (*found[count:], *(d for d in (*found, *program.diagnostics) if d.severity == "error"))
        assert said, "a failure nobody reported"
        return None, session


def _run_model(model: ModelDefinition, settings: Mapping[str, Any], session: Session) -> Pass:
    definition, top, arguments = target(model, session)
    assert definition.body is not None
    static = session.static_names(definition, top.static, top)
    scope = Scope(static, top)
    builder = RegionBuilder(model.name, "model", definition, definition.span, definition.body.docstring)
    ctx = Context(session, builder, scope, session.place(definition, static, True), top_level=True)
    fill_parameters(model, definition, arguments, settings, ctx)
    inputs, defaults = declare_inputs(definition, ctx)
    assumed = assumptions(definition, ctx)
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
            wire = after_failure(statement, wire, ctx)
    if any(d.severity == "error" for d in session.diagnostics):
        raise Failed
    outputs, declared = _outputs(model, definition, wire, ctx)
    region, _, _ = builder.finish(outputs, 0)
    return Pass(region, tuple(inputs), defaults, tuple(assumed), session, dict(region.arguments), declared)


def _outputs(
    model: ModelDefinition, definition: Definition, wire: Any, ctx: Context
) -> tuple[dict[str, Value], bool]:
    """The declared outputs; where only training declares some, the last wire stays an output beside them."""
    from archdsl.syntax.tree import Output

    declared = dict(ctx.builder.outputs)
    assert definition.body is not None
    always = any(isinstance(s, Output) for s in definition.body.statements) or (
        declared and not ctx.session.training
    )
    if always:
        return declared, True
    if wire is UNKNOWN:
        raise Failed
    if not isinstance(wire, Value):
        what = describe(wire) if wire is not NO_WIRE else "no wire"
        ctx.fail(model_errors.no_output(model.name, what, definition.name_span))
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
                found[("E0801", node.span)] = model_errors.unreachable_weights(
                    liveness.describe(node), node.span
                )
    unused = [{d.span: d for d in liveness.unused_layers(p.region, set())} for p in (inference, training)]
    for span, declaration in unused[0].items():
        if span in unused[1]:
            found[("E0802", span)] = model_errors.unused_layer(declaration.value.name, span)
    inputs = [
        marks.region(p.region, frozenset(range(len(p.region.outputs))))
        for p, marks in _modes(inference, training, live)
    ]
    for i, declared in enumerate(inference.inputs):
        if not any(i in used for used in inputs):
            found[("E0807", declared.span)] = Diagnostic(
                "E0807",
                f"the input `{declared.name}` reaches no output",
                declared.span,
                help=("use it, or leave it out",),
            )
    return list(found.values())


def _modes(
    inference: Pass, training: Pass, live: list[liveness.Liveness]
) -> list[tuple[Pass, liveness.Liveness]]:
    return list(zip((inference, training), live, strict=False)) if len(live) > 1 else [(inference, live[0])]


__all__ = ["check", "elaborate", "setting_value"]
