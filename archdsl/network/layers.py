"""Layers: one set of weights, used as often as it is mentioned, wherever it can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import archdsl.network.calls as calls
import archdsl.network.expressions as expressions
from archdsl.network import errors, model_errors
from archdsl.network.arguments import GivenArgument
from archdsl.network.builder import LayerState
from archdsl.network.context import Context
from archdsl.network.regions import Inside, Left, Text, add_call, enter, known, replaced, use
from archdsl.network.types import (
    CallNode,
    LayerDeclaration,
    LayerValue,
    OpNode,
    Path,
    RawTensorNode,
    Region,
    WeightNode,
)
from archdsl.network.values import Closure
from archdsl.syntax.tree import Definition, Expression
from archdsl.tensors import TensorType


def declare(node: Definition, ctx: Context) -> None:
    """``layer e = embedding(v, d)``: a name, a place, and weights as the first use will need them."""
    assert node.alias is not None
    closure = Closure(node.alias, ctx.scope)
    layer = ctx.builder.new_layer(LayerState(node.name, node.name_span, closure))
    object.__setattr__(layer, "closure", closure)
    ctx.scope.names[node.name] = layer
    path = (*ctx.prefix, node.name)
    from archdsl.network.operators import claim_path

    claim_path(path, node.alias, ctx)
    ctx.builder.layers.append(LayerDeclaration(layer, path, None, node.name_span, ctx.frozen))


def use_layer(
    layer: LayerValue, arguments: list[GivenArgument], wire: Any, ctx: Context, node: Expression
) -> Any:
    """A layer on the wire."""
    wire, arguments = calls.wire_of_first_tensor(arguments, wire, takes_tensor=False)
    if arguments:
        ctx.fail(errors.too_many_arguments(layer.name, 0, arguments[0].span))
    closure, state = layer.closure, layer.state
    assert isinstance(closure, Closure)
    assert isinstance(state, LayerState)

    def run(inside: Inside) -> Left:

        place = ctx.session.place(closure.expression, inside.scope.static)
        inner = Context(ctx.session, inside.builder, inside.scope, place)
        return Left(expressions.evaluate(closure.expression, inside.wire, inner), {})

    text = Text(closure.expression, closure.scope, layer.name, "recipe", state.span)
    entry, boundary = enter(text, wire, {}, ctx, run, node.span)
    used = use(entry, boundary, ctx)
    if entry.region is not None:
        _remember(state, entry.region, ctx, node)
    add_call(used, "layer", (), node, layer.name, ctx, layer)
    return known(replaced(entry.result, used.mapping))


def _remember(state: LayerState, region: Region, ctx: Context, node: Expression) -> None:
    if state.region is None:
        state.region = region
    elif state.region is not region:
        first, now = dict(weights_of(state.region)), dict(weights_of(region))
        for path in [*first, *now]:
            if first.get(path) != now.get(path):
                details = (
                    f"{'.'.join(path)}: {first.get(path, 'none')} at first, {now.get(path, 'none')} here"
                )
                ctx.fail(model_errors.different_weights(state.name, details, node.span))


def weights_of(region: Region) -> Iterator[tuple[Path, object]]:
    """The weights of a region by path, each loop's rounds once: enough to tell whether two regions need the same."""
    for node in region.nodes:
        match node:
            case OpNode():
                for weight in node.op.weights(node.input_types):
                    yield (*node.path, weight.name), list(weight.shape)
            case RawTensorNode():
                yield node.path, list(node.output.type.shape)
            case CallNode() if node.kind != "layer":
                rounds = (str(node.first), f"x{node.count}") if node.kind in ("loop", "until") else ()
                for path, shape in weights_of(node.region):
                    yield (*node.path, *rounds, *path), shape
            case _:
                pass
    for declaration in region.layers:
        if declaration.region is not None:
            for path, shape in weights_of(declaration.region):
                yield (*declaration.path, *path), shape


def weight(layer: LayerValue, name: str, node: Expression, ctx: Context) -> Any:
    """``tok.weight``: a weight of a layer as a tensor."""
    state = layer.state
    assert isinstance(state, LayerState)
    known = (
        {path[0]: shape for path, shape in weights_of(state.region) if len(path) == 1} if state.region else {}
    )
    if name not in known:
        ctx.fail(model_errors.no_such_weight(layer.name, name, node.span, sorted(known)))
    shape = known[name]
    assert isinstance(shape, list)
    output = ctx.builder.value(TensorType(tuple(shape)), f"{layer.name}_{name}")
    ctx.builder.nodes.append(WeightNode(layer, name, output, node.span))
    return output
