"""``expect``: assumptions over a model's declared sizes, claims proved for every allowed size, figures for later."""

from __future__ import annotations

from typing import Any

import archdsl.network.expressions as expressions
from archdsl.dims import Size, symbols
from archdsl.network import errors, model_errors
from archdsl.network.arithmetic import compare_verdict
from archdsl.network.context import Context
from archdsl.network.names import free_names
from archdsl.network.operators import concrete
from archdsl.network.types import FigureExpectation, Value
from archdsl.network.values import NO_WIRE, LateNumber, describe
from archdsl.sizes.assumptions import Contradiction, Relation, Unusable, Verdict
from archdsl.syntax.tree import Binary, Expect, Expression, Unary

# What a figure expectation may speak of: the totals of the summary.
FIGURES = frozenset(
    [
        "params",
        "params_trainable",
        "buffers",
        "macs",
        "macs_attention_full",
        "macs_attention_masked",
        "elementwise",
        "weight_bytes",
        "saved_for_backward_bytes",
        "peak_inference_bytes",
        "gradient_bytes",
        "optimizer_bytes",
        "key_value_cache_bytes",
        "training_bytes",
        "inference_bytes",
        "params_frozen",
        "params_tied",
        "flops",
        "receptive_field",
        "output_stride",
    ]
)


def is_figure(node: Expression, ctx: Context) -> bool:
    """Whether an expectation speaks of figures (and of no value that has a figure's name)."""
    return any(name in FIGURES and ctx.scope.find(name) is None for name in free_names(node))


def check(node: Expect, wire: Any, ctx: Context) -> None:
    """One ``expect`` in a body."""
    if is_figure(node.condition, ctx):
        if not ctx.top_level:
            ctx.fail(
                errors.misplaced(
                    "expect", "about figures inside a block", node.span, "write it in the model or at the top"
                )
            )
        names = {name: concrete(v, ctx) for name, v in ctx.scope.visible().items() if _is_constant(v)}
        if ctx.session.figures_apply:
            ctx.session.expectations.append(FigureExpectation(node.condition, names, ctx.session.model))
        return
    if node in ctx.session.assumed:
        return  # taken in before the body ran
    verdict, left, right = truth(node.condition, wire, ctx)
    if verdict.kind == "always":
        return
    if verdict.kind == "undecided":
        ctx.fail(
            model_errors.undecided_condition(node.condition.span.one_line, None, verdict.reason, node.span)
        )
    ctx.fail(
        model_errors.claim_fails(
            node.condition.span.one_line, left, right, verdict.condition, verdict.reason, node.span
        )
    )


def _is_constant(value: Any) -> bool:
    return isinstance(value, int | float | str | bool | Size | LateNumber | tuple)


def truth(node: Expression, wire: Any, ctx: Context) -> tuple[Verdict, str, str]:
    """Whether a claim holds for every allowed size, with its two sides for the message."""
    if isinstance(node, Binary) and node.operator == "and":
        verdict, left, right = truth(node.left, wire, ctx)
        return truth(node.right, wire, ctx) if verdict.kind == "always" else (verdict, left, right)
    if isinstance(node, Binary) and node.operator in expressions.COMPARISONS:
        a, b = expressions.evaluate(node.left, wire, ctx), expressions.evaluate(node.right, wire, ctx)
        verdict_or = compare_verdict(node.operator, a, b, node, ctx)
        if isinstance(verdict_or, Value):
            ctx.fail(
                errors.wrong_kind(
                    "`expect`", "something known before anything runs", describe(verdict_or), node.span
                )
            )
        if isinstance(verdict_or, bool):
            verdict_or = Verdict("always" if verdict_or else "never", None, None)
        return verdict_or, shown(a), shown(b)
    value = expressions.evaluate(node, wire, ctx)
    if not isinstance(value, bool):
        ctx.fail(errors.wrong_kind("`expect`", "a condition", describe(value), node.span))
    return Verdict("always" if value else "never", None, None), "", ""


def shown(value: Any) -> str:
    from archdsl.network.values import written

    return str(value.type) if isinstance(value, Value) else written(value)


def is_assumption(node: Expression, ctx: Context) -> bool:
    """Whether an expectation is over the model's declared sizes alone (and constants)."""
    names = free_names(node)
    speaks = False
    for name in names:
        value = ctx.session.symbols.get(name)
        if name in ("id", "training"):
            return False
        if isinstance(value, Size):
            speaks = True
        elif value is None:
            known = ctx.scope.find(name)
            if isinstance(known, Size):
                if not symbols(known) <= ctx.session.sizes:
                    return False
                speaks = True
            elif not isinstance(known, int | float | LateNumber) or isinstance(known, bool):
                return False
    return speaks and not isinstance(node, Unary)


def assume(node: Expect, ctx: Context) -> list[Relation]:
    """Takes an assumption in: from now on proofs use it. Returns the relations for the built module to enforce."""
    relations = _relations(node.condition, ctx)
    ctx.session.assumed.add(node)
    for relation in relations:
        text = node.condition.span.one_line
        try:
            ctx.session.checker.assumptions = ctx.session.checker.assumptions.assume(relation)
        except Unusable as reason:
            ctx.fail(model_errors.unusable_assumption(text, str(reason), node.span))
        except Contradiction:
            ctx.fail(model_errors.contradiction(text, node.span))
    return relations


def _relations(node: Expression, ctx: Context) -> list[Relation]:
    if isinstance(node, Binary) and node.operator == "and":
        return _relations(node.left, ctx) + _relations(node.right, ctx)
    if not isinstance(node, Binary) or node.operator not in expressions.COMPARISONS:
        ctx.fail(
            model_errors.unusable_assumption(
                node.span.one_line, "say comparisons, joined with `and`", node.span
            )
        )
    sides = [ctx.builder.demand(expressions.evaluate(side, NO_WIRE, ctx)) for side in (node.left, node.right)]
    for side in sides:
        if not isinstance(side, int | Size):
            ctx.fail(
                model_errors.unusable_assumption(node.span.one_line, "sizes are whole numbers", node.span)
            )
    return [Relation(sides[0], node.operator, sides[1])]  # type: ignore[arg-type]
