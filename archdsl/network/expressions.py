"""Evaluating expressions: each is a function of the wire, and its value a number, a tensor, a list, a mask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import archdsl.network.calls as calls
import archdsl.network.layers as layers
import archdsl.network.loops as loops
from archdsl.network import errors, model_errors
from archdsl.network.arithmetic import binary, compare_verdict, logic, negate
from archdsl.network.context import Context, Failed
from archdsl.network.limits import listed
from archdsl.network.operators import apply_named
from archdsl.network.types import LayerValue, Value
from archdsl.network.values import (
    NO_WIRE,
    NONE,
    UNKNOWN,
    Closure,
    LateNumber,
    Scope,
    describe,
    is_recipe,
)
from archdsl.ops.initializers import Initializer
from archdsl.syntax.tree import (
    Attribute,
    Binary,
    Boolean,
    Call,
    Comprehension,
    Conditional,
    Expression,
    For,
    Index,
    Labelled,
    ListLiteral,
    Name,
    NoneLiteral,
    Number,
    Pipe,
    Repeat,
    String,
    Unary,
)

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def evaluate(node: Expression, wire: Any, ctx: Context) -> Any:
    """The value of an expression for a wire. Raises Failed where a mistake was reported."""
    ctx.step(node.span)
    match node:
        case Number() | String() | Boolean():
            return node.value
        case NoneLiteral():
            return NONE
        case Name():
            return _name(node, wire, ctx)
        case Call():
            return calls.call(node, wire, ctx)
        case Pipe():
            for step in node.steps:
                wire = evaluate(step, wire, ctx)
                if isinstance(wire, Initializer):
                    ctx.fail(errors.initialiser_on_wire(wire.name, step.span))
            return wire
        case Labelled():
            return _labelled(node, wire, ctx)
        case Binary(operator="->"):
            raise AssertionError("pipes have a node of their own")
        case Binary():
            return _binary(node, wire, ctx)
        case Unary(operator="-"):
            return negate(evaluate(node.operand, wire, ctx), node, ctx)
        case Unary():
            value = evaluate(node.operand, wire, ctx)
            return (not value) if isinstance(value, bool) else logic("not", value, None, node, ctx)
        case Conditional():
            chosen = node.then if condition(node.condition, wire, ctx) else node.otherwise
            return evaluate(chosen, wire, ctx)
        case ListLiteral():
            return listed(tuple(evaluate(item, wire, ctx) for item in node.items), ctx, node)
        case Comprehension():
            return _comprehension(node, wire, ctx)
        case Attribute():
            return _attribute(node, wire, ctx)
        case Index():
            return _index(node, wire, ctx)
        case Repeat():
            return loops.repeat(node, wire, ctx)
        case For():
            return loops.run_for(node, wire, ctx)
        case _:
            raise AssertionError(node)


def _name(node: Name, wire: Any, ctx: Context) -> Any:
    if node.name == "id":
        return need_wire(wire, ctx, node)
    if node.name == "training":
        ctx.session.asked_training = True
        return ctx.session.training
    value = find(node, ctx)
    if is_recipe(value):
        return calls.apply(value, [], wire, ctx, ctx.path(node), node, node.name)
    return value


def find(node: Name, ctx: Context) -> Any:
    """What a name stands for. Raises Failed for unknown names, and silently for what a mistake left unknown."""
    value = ctx.scope.find(node.name)
    if value is None:
        ctx.fail(
            errors.unknown_name(
                node.name, node.span, [*(n for n in ctx.scope.visible() if " " not in n), "id", "training"]
            )
        )
    if value is UNKNOWN:
        raise Failed
    return value


def need_wire(wire: Any, ctx: Context, node: Expression) -> Any:
    if wire is NO_WIRE:
        ctx.fail(errors.no_wire(node.span))
    if wire is UNKNOWN:
        raise Failed
    return wire


def condition(node: Expression, wire: Any, ctx: Context) -> bool:
    """The truth of an ``if``: decided for all allowed sizes, or an error that says what to add."""
    value = evaluate(node, wire, ctx)
    if isinstance(value, bool):
        return value
    if isinstance(value, LateNumber | int | float):
        ctx.fail(errors.wrong_kind("a condition", "true or false", describe(value), node.span))
    help = "a tensor's elements are chosen with `where(condition, a, b)`" if isinstance(value, Value) else ""
    diagnostic = errors.wrong_kind("a condition", "true or false", describe(value), node.span)
    ctx.fail(replace(diagnostic, help=(help,) if help else ()))


def _labelled(node: Labelled, wire: Any, ctx: Context) -> Any:
    why = errors_for_label(node.label)
    if why is not None:
        ctx.fail(errors.bad_label(node.label, why, node.label_span))
    return evaluate(node.value, wire, ctx.at(node.value, (*ctx.prefix, node.label)))


def errors_for_label(label: str) -> str | None:
    from archdsl.network.naming import refuse_label

    return refuse_label(label)


def _binary(node: Binary, wire: Any, ctx: Context) -> Any:
    if node.operator in ("and", "or"):
        left = evaluate(node.left, wire, ctx)
        if isinstance(left, bool):
            if left is (node.operator == "or"):
                return left
            return evaluate(node.right, wire, ctx)
        return logic(node.operator, left, evaluate(node.right, wire, ctx), node, ctx)
    if node.operator == "++":
        parts = [evaluate(part, wire, ctx) for part in _concatenated(node)]
        for part in parts:
            if not isinstance(part, Value):
                ctx.fail(errors.wrong_kind("`++`", "tensors on both sides", describe(part), node.span))
        return apply_named("concatenate", {"tensors": tuple(parts)}, ctx, node)
    left, right = evaluate(node.left, wire, ctx), evaluate(node.right, wire, ctx)
    if node.operator in COMPARISONS:
        verdict = compare_verdict(node.operator, left, right, node, ctx)
        if isinstance(verdict, bool | Value):
            return verdict
        if verdict.kind in ("always", "never"):
            return verdict.kind == "always"
        ctx.fail(
            model_errors.undecided_condition(node.span.one_line, verdict.condition, verdict.reason, node.span)
        )
    return binary(node.operator, left, right, node, ctx)


def _concatenated(node: Expression) -> list[Expression]:
    parts: list[Expression] = []
    while isinstance(node, Binary) and node.operator == "++":
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def items_of(value: Any, ctx: Context) -> tuple[Any, ...] | None:
    return value if isinstance(value, tuple) else None


def bind_targets(targets: tuple[str, ...], value: Any, scope: Scope, node: Expression, ctx: Context) -> None:
    """``a`` or ``a, b`` of a loop take one item."""
    if len(targets) == 1:
        scope.names[targets[0]] = value
        return
    if not isinstance(value, tuple) or len(value) != len(targets):
        ctx.fail(errors.unpack_mismatch(len(targets), describe(value), node.span))
    scope.names.update(zip(targets, value, strict=True))


def _comprehension(node: Comprehension, wire: Any, ctx: Context) -> Any:
    items = items_of(evaluate(node.iterable, wire, ctx), ctx)
    if items is None:
        ctx.fail(errors.not_a_list(describe(evaluate(node.iterable, wire, ctx)), node.iterable.span))
    component = ctx.path(node)
    holds = node in ctx.place.components
    results = []
    for i, item in enumerate(items):
        scope = Scope(ctx.scope.static, ctx.scope)
        bind_targets(node.targets, item, scope, node.iterable, ctx)
        prefix = (*component, str(i)) if holds else ctx.prefix
        inner = ctx.at(node.body, prefix, scope) if holds else replace(ctx, scope=scope)
        if node.condition is not None and not condition(node.condition, wire, inner):
            continue
        results.append(evaluate(node.body, wire, inner))
    return listed(tuple(results), ctx, node)


def _attribute(node: Attribute, wire: Any, ctx: Context) -> Any:
    if isinstance(node.value, Name) and node.name not in ("T", "shape"):
        value = ctx.scope.find(node.value.name)
        if isinstance(value, LayerValue):
            return layers.weight(value, node.name, node, ctx)
    value = evaluate(node.value, wire, ctx)
    if isinstance(value, Value):
        if node.name == "shape":
            return value.type.shape
        if node.name == "T":
            return apply_named("transpose", {"dim0": -2, "dim1": -1}, ctx, node, wire=value)
    ctx.fail(errors.bad_attribute(node.name, describe(value), node.span))


def _index(node: Index, wire: Any, ctx: Context) -> Any:
    value, index = evaluate(node.value, wire, ctx), evaluate(node.index, wire, ctx)
    if isinstance(value, Value):
        ctx.fail(
            errors.bad_index(
                "tensors aren't indexed with `[ ]`",
                node.span,
                "`select(i, dim)` takes one position, `narrow(start, length, dim)` a stretch",
            )
        )
    if not isinstance(value, tuple):
        ctx.fail(errors.bad_index(f"{describe(value)} can't be indexed", node.span))
    position = ctx.builder.demand(index) if isinstance(index, int | LateNumber) else None
    if not isinstance(position, int) or isinstance(position, bool):
        ctx.fail(
            errors.bad_index(f"an index is a whole number, and this is {describe(index)}", node.index.span)
        )
    if not -len(value) <= position < len(value):
        ctx.fail(errors.bad_index(f"the list has {len(value)} items and no item {position}", node.index.span))
    return value[position]


def as_recipe(node: Expression, ctx: Context) -> Any:
    """An expression handed over unapplied: a recipe's bare name is that recipe, anything else a closure."""
    if isinstance(node, Name) and node.name not in ("id", "training"):
        value = find(node, ctx)
        if is_recipe(value):
            return value
    return Closure(node, ctx.scope)
