"""einops patterns: read, checked against a shape, solved for the sizes of their axes.

    "b (h p) (w q) c -> b (h w) (p q c)"

An axis is a name; parentheses hold the axes of one dim, the slowest first; ``...`` stands for any number of dims, ``1``
(or ``()``) for a dim of size 1, another number for an axis of that size without a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from archdsl.dims import Dim, product, render
from archdsl.ops import errors
from archdsl.ops.checker import Checker
from archdsl.ops.division import divide_axis, exact_quotient
from archdsl.tensors import TensorType

Kind = Literal["rearrange", "reduce", "expand"]
Dims = tuple[tuple[str, ...], ...]  # for each dim its axes; () for a dim of size 1

ELLIPSIS = "..."
_MANY = (
    ELLIPSIS,
    ELLIPSIS,
)  # a dim for each; alone in parentheses, ``(ELLIPSIS,)``, it is one dim of all of them
_TOKEN = re.compile(r"\s*(\.\.\.|[()]|[^\s().]+|\.)")


@dataclass(frozen=True)
class Pattern:
    """Both sides of a pattern. A number that is an axis is named ``"2#0"``: its size, and which one it is."""

    text: str
    left: Dims
    right: Dims

    def names(self, side: Dims) -> list[str]:
        """The axes of a side, in order."""
        return [axis for dim in side for axis in dim]


@dataclass(frozen=True)
class Solved:
    """A pattern on a shape: no ellipsis any more, every axis with its size.

    ``inferred`` are the axes whose size was computed from the shape, not given.
    """

    left: Dims
    right: Dims
    size: Mapping[str, Dim]
    inferred: frozenset[str]

    def shape(self) -> tuple[Dim, ...]:
        """The shape that the right side describes."""
        return tuple(product(self.size[axis] for axis in dim) for dim in self.right)


@lru_cache(maxsize=1024)
def parse(text: str, kind: Kind) -> Pattern:
    """The pattern, consistent in itself. Raises E0502."""
    sides = text.split("->")
    if len(sides) != 2:
        raise errors.bad_pattern(f"{kind}: {text!r} must have one ->, with the dims before it and after it")
    pattern = Pattern(text, _side(sides[0], text, kind, "left"), _side(sides[1], text, kind, "right"))
    _check_sides(pattern, kind)
    return pattern


def _side(side: str, text: str, kind: Kind, which: str) -> Dims:
    def fail(cause: str) -> errors.OperatorError:
        return errors.bad_pattern(f"{kind}: {text!r}: {cause}")

    dims: list[tuple[str, ...]] = []
    group: list[str] | None = None
    seen: set[str] = set()
    for token in _TOKEN.findall(side.strip()):
        if token == "(":
            if group is not None:
                raise fail("parentheses inside parentheses")
            group = []
            continue
        if token == ")":
            if group is None:
                raise fail("a ) without its (")
            dims.append(tuple(group))
            group = None
            continue
        if token == ELLIPSIS and group is not None and which == "left":
            raise fail("the left side can't have ... inside parentheses")
        if token.isdigit():
            if int(token) == 0:
                raise fail("0 is no size")
            axes = () if int(token) == 1 else (f"{int(token)}#{which}{len(seen)}",)
        elif token == ELLIPSIS or token.isidentifier():
            axes = (token,)
        else:
            raise fail(f"{token!r} is no name of an axis")
        if axes and axes[0] in seen:
            raise fail(f"{token!r} stands twice on the {which} side")
        seen.update(axes)
        if group is None:
            dims.append(_MANY if axes == (ELLIPSIS,) else axes)
        else:
            group.extend(axes)
    if group is not None:
        raise fail("a ( without its )")
    return tuple(dims)


def _check_sides(pattern: Pattern, kind: Kind) -> None:
    left, right = pattern.names(pattern.left), pattern.names(pattern.right)
    gone = [axis for axis in left if axis not in right]
    new = [axis for axis in right if axis not in left]
    if ELLIPSIS in new:
        cause = "... stands on the right side only"
    elif gone and kind != "reduce":
        cause = f"{shown(gone[0])} is missing on the right side"
        if kind == "rearrange":
            cause += " (rearrange drops nothing: reduce does)"
    elif new and kind != "expand":
        cause = f"{shown(new[0])} is not on the left side"
        if kind == "rearrange":
            cause += " (rearrange adds nothing: expand does)"
    else:
        return
    raise errors.bad_pattern(f"{kind}: {pattern.text!r}: {cause}")


def shown(axis: str) -> str:
    """An axis as it was written."""
    return axis.split("#")[0]


def solve(
    kind: Kind, pattern: Pattern, x: TensorType, axes: Sequence[tuple[str, Dim]], sizes: Checker | None
) -> Solved:
    """The sizes of all axes of the pattern on ``x``. Without a checker, what was proved before is not proved again."""
    left, right = _without_ellipsis(kind, pattern, x)
    where = f"{kind} {pattern.text!r} on {x}"
    size: dict[str, Dim] = {axis: int(shown(axis)) for dim in (*left, *right) for axis in dim if "#" in axis}
    mentioned = {axis for dim in (*left, *right) for axis in dim}
    for name, given in axes:
        if name not in mentioned:
            raise errors.bad_pattern(
                f"{where}: there is no axis {name}, whose size is given as {render(given)}"
            )
        if sizes is not None:
            sizes.at_least(given, 1, f"{where}: {name}")
        size[name] = given
    inferred: set[str] = set()
    for dim, length in zip(left, x.shape, strict=True):
        unknown = [axis for axis in dim if axis not in size]
        known = product(size[axis] for axis in dim if axis in size)
        if len(unknown) > 1:
            names = " and ".join(unknown)
            cause = f"the sizes of {names} in ({' '.join(map(shown, dim))}) can't both be inferred"
            raise errors.bad_pattern(f"{where}: {cause}", help=f"give all but one: {unknown[0]}=...")
        if unknown:
            size[unknown[0]] = _quotient(length, known, where, sizes)
            inferred.add(unknown[0])
        elif sizes is not None:
            of = f"({' '.join(map(shown, dim))})" if len(dim) != 1 else shown(dim[0])
            sizes.equal(known, length, f"{where}: the size of {of or '1'}")
    for axis in mentioned - size.keys():
        raise errors.bad_pattern(
            f"{where}: the size of the new axis {axis} is not known", help=f"give it: {axis}=..."
        )
    return Solved(left, right, size, frozenset(inferred))


def _quotient(length: Dim, by: Dim, where: str, sizes: Checker | None) -> Dim:
    if by == 1:
        return length
    if sizes is None:
        if isinstance(by, int):
            return length // by
        found = exact_quotient(length, by)
        assert found is not None
        return found
    what = f"{where}: can't divide an axis of length {render(length)} into chunks of {render(by)}"
    return divide_axis(length, by, what, sizes, "pattern")


def _without_ellipsis(kind: Kind, pattern: Pattern, x: TensorType) -> tuple[Dims, Dims]:
    fixed = [dim for dim in pattern.left if dim != _MANY]
    has_ellipsis = len(fixed) < len(pattern.left)
    if x.rank != len(fixed) and not (has_ellipsis and x.rank > len(fixed)):
        want = f"{len(fixed)} dims" + (" or more" if has_ellipsis else "")
        raise errors.bad_pattern(f"{kind} {pattern.text!r} wants {want}, and {x} has {x.rank}")
    rest = tuple(f"{ELLIPSIS}{i}" for i in range(x.rank - len(fixed)))
    left: list[tuple[str, ...]] = []
    for dim in pattern.left:
        left.extend([(axis,) for axis in rest] if dim == _MANY else [dim])
    right: list[tuple[str, ...]] = []
    for dim in pattern.right:
        if dim == _MANY:
            right.extend((axis,) for axis in rest)
        else:
            right.append(tuple(a for axis in dim for a in (rest if axis == ELLIPSIS else (axis,))))
    return tuple(left), tuple(right)
