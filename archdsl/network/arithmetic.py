"""Arithmetic, comparison and logic: on numbers and sizes at once, on tensors as operators, on masks as masks."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable
from typing import Any

from archdsl.dims import Size, render
from archdsl.network import errors, model_errors
from archdsl.network.context import Context
from archdsl.network.limits import listed, mask_fits, rate_fits, sizes_fit, text
from archdsl.network.operators import apply_named
from archdsl.network.types import Value
from archdsl.network.values import LateNumber, NoneValue, describe, is_number
from archdsl.ops.masks import Combined, Mask, Negated, TensorMask
from archdsl.sizes.assumptions import Relation, Verdict
from archdsl.syntax.tree import Expression

OPERATORS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide", "%": "remainder",
    "**": "power", "@": "matmul", "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal",
    ">": "greater", ">=": "greater_equal",
}  # fmt: skip

PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "+": python.add, "-": python.sub, "*": python.mul, "/": python.truediv, "//": python.floordiv, "%": python.mod,
    "**": python.pow, "==": python.eq, "!=": python.ne, "<": python.lt, "<=": python.le, ">": python.gt,
    ">=": python.ge,
}  # fmt: skip

ALWAYS, NEVER = Verdict("always", None, None), Verdict("never", None, None)


def binary(operator: str, left: Any, right: Any, node: Expression, ctx: Context) -> Any:
    """``left operator right``. Lists add up; a tensor on either side makes an operator."""
    if isinstance(left, Value) or isinstance(right, Value):
        if all(isinstance(v, Value) or is_number(v) for v in (left, right)):
            return apply_named(OPERATORS[operator], {"left": left, "right": right}, ctx, node)
    elif is_number(left) and is_number(right):
        if operator == "@":
            ctx.fail(errors.bad_operands(operator, describe(left), describe(right), node.span))
        return _numbers(operator, left, right, node, ctx)
    elif operator == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        return listed(left + right, ctx, node)
    elif operator == "*" and isinstance(left, tuple) and isinstance(right, int | LateNumber):
        times = ctx.builder.demand(right)
        if isinstance(times, int):
            return listed(left * min(times, ctx.session.limits.items + 1), ctx, node)
    elif operator == "+" and isinstance(left, str) and isinstance(right, str):
        return text(left + right, ctx, node)
    ctx.fail(errors.bad_operands(operator, describe(left), describe(right), node.span))


def _numbers(operator: str, left: Any, right: Any, node: Expression, ctx: Context) -> Any:
    late = isinstance(left, LateNumber) or isinstance(right, LateNumber)
    if isinstance(left, Size) or isinstance(right, Size):
        return _sizes(operator, ctx.builder.demand(left), ctx.builder.demand(right), node, ctx)
    a = left.value if isinstance(left, LateNumber) else left
    b = right.value if isinstance(right, LateNumber) else right
    result = _constants(operator, a, b, node, ctx)
    if not late:
        return result
    if isinstance(a, int) and isinstance(b, int) and operator in ("/", "**"):
        # Whether these are whole must be checked for each instance.
        ctx.builder.demand(left)
        ctx.builder.demand(right)
        return result
    expression = (operator, _expression(left), _expression(right))
    if not rate_fits(expression):
        ctx.builder.demand(left)
        ctx.builder.demand(right)
        return result
    return LateNumber(result, expression)


def _expression(number: int | float | LateNumber) -> Any:
    return number.expression if isinstance(number, LateNumber) else number


def _constants(operator: str, a: int | float, b: int | float, node: Expression, ctx: Context) -> int | float:
    if operator in ("/", "//", "%") and b == 0:
        ctx.fail(errors.bad_operands(operator, describe(a), "zero", node.span))
    if operator == "/" and isinstance(a, int) and isinstance(b, int):
        if a % b:
            text = f"{a} / {b}"
            ctx.fail(
                errors.not_whole(
                    text, node.span, f"write `//` for the floor, or `{a} / {b}.0` for a real number"
                )
            )
        return a // b
    if operator == "**" and isinstance(b, int | float) and (abs(b) > 10_000 or (abs(a) > 2 and abs(b) > 512)):
        ctx.fail(errors.bad_operands(operator, describe(a), f"so large a power, {b}", node.span))
    try:
        result = PYTHON[operator](a, b)
    except (OverflowError, ZeroDivisionError):
        ctx.fail(errors.bad_operands(operator, describe(a), describe(b), node.span))
    if isinstance(result, complex) or (isinstance(result, int) and result.bit_length() > 4096):
        ctx.fail(errors.bad_operands(operator, describe(a), describe(b), node.span))
    if isinstance(result, float) and not math.isfinite(result):
        ctx.fail(errors.bad_operands(operator, describe(a), describe(b), node.span))
    assert isinstance(result, int | float)
    return result


def _sizes(operator: str, left: Any, right: Any, node: Expression, ctx: Context) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        ctx.fail(errors.bad_operands(operator, describe(left), describe(right), node.span))
    if operator in ("/", "//", "%"):
        if not isinstance(right, int) or right <= 0:
            ctx.fail(
                errors.bad_operands(
                    operator, describe(left), f"{describe(right)}: sizes are divided by numbers", node.span
                )
            )
        if operator == "/":
            verdict = ctx.session.checker.assumptions.compare(Relation(left % right, "==", 0))
            if verdict.kind != "always":
                text = f"{render(left)} / {right}"
                ctx.fail(model_errors.inexact_division(text, verdict.condition, right, node.span))
            operator = "//"
    if operator == "**" and (not isinstance(right, int) or not 0 <= right <= 16):
        ctx.fail(errors.bad_operands(operator, describe(left), describe(right), node.span))
    if not sizes_fit(operator, left, right):
        ctx.fail(errors.bad_operands(operator, "a size", "another so long", node.span))
    return ctx.session.checker.assumptions.normal(PYTHON[operator](left, right))


def negate(value: Any, node: Expression, ctx: Context) -> Any:
    """``-value``."""
    if isinstance(value, Value):
        return apply_named("negative", {}, ctx, node, wire=value)
    if isinstance(value, LateNumber):
        return LateNumber(-value.value, ("-", 0, value.expression))
    if is_number(value):
        return -value
    ctx.fail(errors.bad_operands("-", "nothing", describe(value), node.span))


def compare_verdict(
    operator: str, left: Any, right: Any, node: Expression, ctx: Context
) -> Verdict | bool | Value:
    """A comparison: a tensor of bools where a tensor is compared, else whether it holds for all allowed sizes."""
    if isinstance(left, Value) or isinstance(right, Value):
        if all(isinstance(v, Value) or is_number(v) for v in (left, right)):
            result = apply_named(OPERATORS[operator], {"left": left, "right": right}, ctx, node)
            assert isinstance(result, Value)
            return result
    elif is_number(left) and is_number(right):
        a, b = ctx.builder.demand(left), ctx.builder.demand(right)
        if isinstance(a, Size) or isinstance(b, Size):
            if isinstance(a, float) or isinstance(b, float):
                ctx.fail(errors.bad_operands(operator, describe(a), describe(b), node.span))
            return ctx.session.checker.assumptions.compare(Relation(a, operator, b))
        return bool(PYTHON[operator](a, b))
    elif operator in ("==", "!="):
        verdict = _equal(left, right, node, ctx)
        if operator == "==" or isinstance(verdict, Value):
            return verdict
        return not verdict if isinstance(verdict, bool) else _opposite(verdict)
    ctx.fail(errors.bad_operands(operator, describe(left), describe(right), node.span))


def _equal(left: Any, right: Any, node: Expression, ctx: Context) -> Verdict | bool | Value:
    if not isinstance(left, tuple) or not isinstance(right, tuple):
        if isinstance(left, str | bool | NoneValue) or isinstance(right, str | bool | NoneValue):
            return bool(left == right)
        return bool(left is right or left == right)
    if len(left) != len(right):
        return False
    result: Verdict = ALWAYS
    conditions: list[str] = []
    for a, b in zip(left, right, strict=True):
        verdict = compare_verdict("==", a, b, node, ctx)
        if isinstance(verdict, bool):
            verdict = ALWAYS if verdict else NEVER
        if isinstance(verdict, Value):
            ctx.fail(errors.bad_operands("==", describe(left), describe(right), node.span))
        if verdict.kind == "never":
            return verdict
        if verdict.kind != "always":
            result = verdict
            if verdict.condition and verdict.condition not in conditions:
                conditions.append(verdict.condition)
    if len(conditions) > 1:
        return Verdict(result.kind, " and ".join(conditions), result.reason)
    return result


def _opposite(verdict: Verdict) -> Verdict:
    flipped = {"always": NEVER, "never": ALWAYS}.get(verdict.kind)
    return flipped or Verdict(verdict.kind, None, verdict.reason)


def as_mask(value: Any) -> Mask | None:
    """A mask, or a bool tensor as one."""
    if isinstance(value, Mask):
        return value
    if isinstance(value, Value) and value.type.dtype == "bool":
        return TensorMask(value)
    return None


def logic(operator: str, left: Any, right: Any, node: Expression, ctx: Context) -> Any:
    """``and``, ``or``, ``not`` of masks, bool tensors and bools that stand beside them."""
    if operator == "not":
        if isinstance(left, Mask):
            return Negated(left)
        if isinstance(left, Value):
            return apply_named("logical_not", {}, ctx, node, wire=left)
        ctx.fail(errors.bad_operands("not", "nothing", describe(left), node.span))
    if isinstance(left, NoneValue):
        return right
    if isinstance(right, NoneValue):
        return left
    if isinstance(left, Value) and isinstance(right, Value):
        return apply_named(f"logical_{operator}", {"left": left, "right": right}, ctx, node)
    first, second = as_mask(left), as_mask(right)
    if first is None or second is None:
        ctx.fail(errors.bad_operands(operator, describe(left), describe(right), node.span))
    combined = Combined("and" if operator == "and" else "or", first, second)
    if not mask_fits(combined):
        ctx.fail(errors.bad_operands(operator, "a mask", "another of so many parts", node.span))
    return combined
