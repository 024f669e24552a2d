"""What keeps values small: lists, texts, sizes, masks and rates can double with every line, and each has a limit."""

from __future__ import annotations

from typing import Any

from archdsl.dims import Size
from archdsl.network import errors
from archdsl.network.context import Context
from archdsl.network.types import LateExpression
from archdsl.ops.masks import Combined, Mask, Negated
from archdsl.sizes.polynomials import FloorDiv
from archdsl.syntax.tree import Expression

MOST_TERMS = 256  # of a size written out
MOST_DEGREE = 64
MOST_NESTED = 16  # floor divisions inside each other: the proofs slow down with every one
MOST_PARTS = 256  # of a mask, or of a rate computed from others


def listed(items: tuple[Any, ...], ctx: Context, node: Expression) -> tuple[Any, ...]:
    """A list that was made just now; refused where it is too long, lists inside it counted."""
    most = ctx.session.limits.items
    length = len(items) if len(items) > most else count_items(items, most + 1)
    if length > most:
        ctx.fail(errors.limit_reached("a list too long", most, "items", node.span))
    ctx.step(node.span, length // 2)
    return items


def count_items(items: tuple[Any, ...], enough: int) -> int:
    """How many items there are, lists inside lists counted; never looks at more than ``enough``."""
    count, stack = 0, [iter(items)]
    while stack and count < enough:
        item = next(stack[-1], stack)
        if item is stack:
            stack.pop()
            continue
        count += 1
        if isinstance(item, tuple):
            stack.append(iter(item))
    return count


def text(value: str, ctx: Context, node: Expression) -> str:
    """A text that was put together just now."""
    if len(value) > ctx.session.limits.items:
        ctx.fail(errors.limit_reached("a text too long", ctx.session.limits.items, "items", node.span))
    return value


def sizes_fit(operator: str, left: int | Size, right: int | Size) -> bool:
    """Whether the result is a size of a length that can be computed with; asked before it is made."""
    (terms, degree, depth), (other_terms, other_degree, other_depth) = _extent(left), _extent(right)
    if operator == "**":
        power = right if isinstance(right, int) else MOST_TERMS
        return terms ** min(power, 16) <= MOST_TERMS and degree * power <= MOST_DEGREE
    if operator == "*":
        return terms * other_terms <= MOST_TERMS and degree + other_degree <= MOST_DEGREE
    return terms + other_terms <= MOST_TERMS and max(depth, other_depth) < MOST_NESTED


def _extent(size: int | Size) -> tuple[int, int, int]:
    """Terms, degree, and how deep floor divisions stand inside each other."""
    if isinstance(size, int):
        return 1, 0, 0
    degree = max((len(m) for m in size.terms), default=0)
    depth, level = 0, [atom for m in size.terms for atom in m if isinstance(atom, FloorDiv)]
    while level and depth <= MOST_NESTED:
        depth += 1
        inside = {a for d in level for m in d.numerator.terms for a in m if isinstance(a, FloorDiv)}
        level = list(inside)
    return len(size.terms), degree, depth


def mask_fits(mask: Mask) -> bool:
    """Whether a mask has a number of parts that can be written out."""
    count, stack = 0, [mask]
    while stack and count <= MOST_PARTS:
        part = stack.pop()
        count += 1
        if isinstance(part, Combined):
            stack += [part.left, part.right]
        elif isinstance(part, Negated):
            stack.append(part.mask)
    return count <= MOST_PARTS


def rate_fits(expression: LateExpression) -> bool:
    """Whether a rate computed from others is short enough to be kept as it is written."""
    count, stack = 0, [expression]
    while stack and count <= MOST_PARTS:
        part = stack.pop()
        count += 1
        if isinstance(part, tuple):
            stack += part[1:]
    return count <= MOST_PARTS
