"""Recurrence over time: a step that takes and returns ``[x, state]``, run along dim 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import archdsl.network.calls as calls
import archdsl.network.expressions as expressions
from archdsl.network import errors
from archdsl.network.arguments import GivenArgument
from archdsl.network.context import Context
from archdsl.network.regions import Inside, Left, Text, enter, replaced, tensors_in, use
from archdsl.network.types import CallNode, Path, Value
from archdsl.network.values import Closure, describe
from archdsl.syntax.tree import Expression


def scan(arguments: list[GivenArgument], wire: Any, ctx: Context, path: Path, node: Expression) -> Any:
    """``scan(step, state=s)`` on ``[B, T, ...]``: gives ``[ys, state]``, ys ``[B, T, ...]``, with one set of weights.

    The step sees ``[x, state]`` with x ``[B, ...]`` as its wire and must return ``[y, state]``, the state as it was
    in shape and type.
    """
    given = {a.name or ("step", "state")[i] if i < 2 else a.name: a for i, a in enumerate(arguments)}
    for argument in arguments:
        if argument.name not in (None, "step", "state"):
            ctx.fail(
                errors.unknown_argument("scan", argument.name or "", argument.name_span, ("step", "state"))
            )
    for name in ("step", "state"):
        if name not in given:
            ctx.fail(errors.missing_argument("scan", name, node.span))
    if not isinstance(wire, Value) or wire.type.rank < 2:
        ctx.fail(errors.wrong_kind("`scan`", "a sequence [B, T, ...] on the wire", describe(wire), node.span))
    state = given["state"].value(wire)
    if not tensors_in(state):
        ctx.fail(
            errors.wrong_argument("scan", "state", "a tensor or a list of them", describe(state), node.span)
        )
    length = wire.type.shape[1]
    type = replace(wire.type, shape=(wire.type.shape[0], *wire.type.shape[2:]))
    step = expressions.as_recipe(given["step"].expression, given["step"].context)
    expression = given["step"].expression
    current = Value(
        -1, type, "x"
    )  # stands for one time step while the key is made; it is no value of this region

    def run(inside: Inside) -> Left:
        place = ctx.session.place(expression, inside.scope.static)
        inner = Context(ctx.session, inside.builder, inside.scope, place)
        before = inside.pieces["state"]
        recipe = inside.pieces["step"]
        pair = (inside.wire, before)
        if isinstance(recipe, Closure):
            after = expressions.evaluate(
                recipe.expression, pair, inner.at(recipe.expression, (), recipe.scope)
            )
        else:
            after = calls.apply(recipe, [], pair, inner, (), node, "step")
        if not isinstance(after, tuple) or len(after) != 2 or not isinstance(after[0], Value):
            inner.fail(
                errors.changing_loop(
                    f"the step of `scan` must return [x, state], and returns {describe(after)}", node.span
                )
            )
        _same_types(before, after[1], inner, node)
        return Left(after, {})

    text = Text(expression, given["step"].context.scope, "scan", "round", node.span)
    entry, boundary = enter(text, current, {"state": state, "step": step}, ctx, run, node.span)
    boundary.values[boundary.values.index(current)] = wire
    used = use(entry, boundary, ctx)
    region = entry.region
    if region is None:
        ctx.fail(errors.changing_loop("the step of `scan` computes nothing", node.span))
    y, after = entry.result
    inner_before = tensors_in(replaced_state(state, boundary.values, entry.inner_inputs))
    carry = tuple(
        (region.outputs.index(new), region.inputs.index(old))
        for new, old in zip(tensors_in(after), inner_before, strict=True)
        if old in region.inputs
    )
    outputs = list(used.outputs)
    position = region.outputs.index(y)
    shape = y.type.shape
    stacked = ctx.builder.value(replace(y.type, shape=(shape[0], length, *shape[1:])))
    if y in tensors_in(after):
        ctx.fail(
            errors.changing_loop(
                "the step of `scan` returns one tensor as x and as state: add `+ 0` to one", node.span
            )
        )
    outputs[position] = stacked
    scanned = tuple(i for i, v in enumerate(region.inputs) if v is entry.inner_inputs[0])
    ctx.builder.nodes.append(
        CallNode(
            kind="scan",
            region=region,
            inputs=used.inputs,
            outputs=tuple(outputs),
            path=path,
            span=node.span,
            written="scan",
            layers=used.layers,
            count=length,
            carry=carry,
            scanned=scanned,
            stacked=(position,),
            late=(used.late,) if used.late else (),
            frozen=ctx.frozen,
        )
    )
    return stacked, replaced(after, used.mapping)


def replaced_state(state: Any, outer: list[Value], inner: tuple[Any, ...]) -> Any:
    """The state on the inner side of the boundary."""
    return replaced(state, dict(zip(outer, inner, strict=True)))


def _same_types(before: Any, after: Any, ctx: Context, node: Expression) -> None:
    old, new = tensors_in(before), tensors_in(after)
    alike = len(old) == len(new) and isinstance(before, tuple) == isinstance(after, tuple)
    for a, b in zip(old, new, strict=False):
        same = a.type.dtype == b.type.dtype and a.type.rank == b.type.rank
        alike = (
            alike
            and same
            and all(ctx.session.checker.same(x, y) for x, y in zip(a.type.shape, b.type.shape, strict=True))
        )
    if not alike:
        ctx.fail(
            errors.changing_loop(
                f"the state of `scan` must keep its shape: {', '.join(str(t.type) for t in old)} goes in and "
                f"{', '.join(str(t.type) for t in new)} comes out",
                node.span,
            )
        )
