"""einops's three: dims split, joined and put in another order; reduced; added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.dims import Dim, symbol
from archdsl.ops import keeping_layers
from archdsl.ops.axes import numel
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.pattern_steps import steps
from archdsl.ops.patterns import Kind, Solved, parse, solve
from archdsl.ops.reducing import Reduction
from archdsl.ops.registry import find, operator
from archdsl.tensors import Features, TensorType

Axes = tuple[tuple[str, Dim], ...]

_REDUCTIONS = ("mean", "sum", "max", "min", "prod")


class Patterned(Operator):
    """An operator whose shapes an einops pattern describes; keywords give sizes of axes."""

    role: ClassVar[Role] = "shape"
    kind: ClassVar[Kind]
    # Keywords that are no field are collected there, as pairs.
    extra_keywords: ClassVar[str | None] = "axes"

    pattern: str
    axes: Axes

    def solved(self, x: TensorType, sizes: Checker | None = None) -> Solved:
        """The pattern on ``x``."""
        return solve(self.kind, parse(self.pattern, self.kind), x, self.axes, sizes)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        solved = self.solved(x, sizes)
        return TensorType(solved.shape(), x.dtype, _features(x, solved), x.values)

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return steps(self.solved(inputs[0]))

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"{self.name} {self.pattern}"


def _features(x: TensorType, solved: Solved) -> Features:
    """The dim of the right side that consists of the axes in which the features were."""
    if x.features is None or x.rank < (2 if x.features == "first" else 1):
        return None
    home = solved.left[1 if x.features == "first" else -1]
    found: list[Features] = []
    if len(solved.right) > 1 and solved.right[1] == home:
        found.append("first")
    if solved.right and solved.right[-1] == home:
        found.append("last")
    if not home or not found:
        return None
    return x.features if x.features in found else found[0]


@operator
@dataclass(frozen=True)
class Rearrange(Patterned):
    """Dims split, joined and put in another order, as the pattern shows (``einops.rearrange``).

    Shapes: those of the pattern. Sizes of axes that don't follow from the input are given as keywords.

        input x: [B, T=16, 64]
        rearrange("b t (h d) -> b h t d", h=8)
    """

    name: ClassVar[str] = "rearrange"
    kind: ClassVar[Kind] = "rearrange"

    pattern: str = argument("pattern")
    axes: Axes = argument("lambda", ())

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        def use(pattern: str, *shape: Dim, code: str | None = None, **axes: Dim) -> Sample:
            x = TensorType(tuple(shape), features="last")
            return Sample((x,), {"pattern": pattern, "axes": tuple(axes.items())}, code=code)

        yield use("b s (h d) -> b h s d", 2, 5, 12, h=3)
        yield use("b h s d -> b s (h d)", 2, 3, 5, 4)
        yield use("b c h w -> b (h w) c", 2, 3, 4, 5)
        yield use("b (h w) c -> b c h w", 2, 20, 3, h=4, w=5)
        yield use("b c (h p) (w q) -> b (h w) (p q c)", 2, 3, 4, 6, p=2, q=3)
        yield use("b ... c -> b c ...", 2, 3, 4, 5)
        yield use("b ... -> b (...)", 2, 3, 4)
        yield use("... c -> c (...)", 2, 3, 4)
        yield use("c ... -> (...) c", 2)
        yield use("b 1 c -> c b", 2, 1, 5)
        yield use("a b -> a 1 b ()", 2, 3)
        yield use("1 a b -> a 1 b", 1, 2, 3)
        yield use("(a b) c -> a (b c)", 6, 5, a=2)
        yield use("b c -> b c", 2, 3)
        yield use("b s (h d) -> b h s d", 2, 5, 510, h=8, code="E0407")
        yield use("b s (h d) -> b h s d", 2, 5, 12, h=3, d=5, code="E0401")
        yield use("b 1 -> b", 2, 3, code="E0401")
        for pattern in (
            "b c",
            "b c -> b",
            "b -> b c",
            "b b -> b",
            "b c -> b (c",
            "b c -> b c)",
            "b ((c)) -> b c",
        ):
            yield use(pattern, 2, 3, code="E0502")
        for pattern in (
            "b c! -> c! b",
            "b c -> ... b c",
            "(b ...) c -> b c",
            "b 2 -> 2 b",
            "b 0 -> b",
            "b -> b",
        ):
            yield use(pattern, 2, 3, code="E0502")
        yield use("b (h d) -> b h d", 2, 12, code="E0502")
        yield use("b c -> c b", 2, 12, h=3, code="E0502")
        yield use("b (h w) -> b h w", 2, symbol("H") * symbol("W"), h=symbol("V"), code="E0407")


@operator
@dataclass(frozen=True)
class Reduce(Patterned):
    """Axes that are missing on the right side are reduced, the others rearranged (``einops.reduce``).

    Shapes: those of the pattern. ``op``: mean (floats only), sum, max, min or prod.

        input x: [B, 64, H=8, W=8]
        reduce("b c h w -> b c", "mean")
    """

    name: ClassVar[str] = "reduce"
    kind: ClassVar[Kind] = "reduce"
    kept = keeping_layers.spread

    pattern: str = argument("pattern")
    op: str = argument("str", choices=_REDUCTIONS)
    axes: Axes = argument("lambda", ())

    def _reduction(self, dims: tuple[int, ...], keep: bool) -> Reduction:
        operator_class: Any = find(self.op)
        found: Reduction = operator_class(dims, keep)
        return found

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        found = super().shape(inputs, sizes)
        return TensorType(found.shape, self._reduction((), False).dtype(inputs[0]), found.features)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element that is read."""
        return numel(inputs[0])

    def reach(self, inputs: Types) -> Reach:
        solved = self.solved(inputs[0])
        kept = {axis for dim in solved.right for axis in dim}
        spatial = {axis for dim in solved.left[2:] for axis in dim}
        return Reach("none" if spatial <= kept else "whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        def reducer(out: Lowered, rank: int, dims: tuple[int, ...], keep: bool) -> Lowered:
            x = TensorType((1,) * rank, inputs[0].dtype)
            called: Lowered = _on(self._reduction(dims, keep).lower((x,), outputs), out)
            return called

        return steps(self.solved(inputs[0]), reducer)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        def use(pattern: str, op: str, *shape: Dim, code: str | None = None, **axes: Dim) -> Sample:
            x = TensorType(tuple(shape), features="first")
            return Sample((x,), {"pattern": pattern, "op": op, "axes": tuple(axes.items())}, code=code)

        for op in _REDUCTIONS:
            yield use("b c h w -> b c", op, 2, 3, 4, 5)
        yield use("b c h w -> b c 1 1", "mean", 2, 3, 4, 5)
        yield use("b c (h 2) (w 2) -> b c h w", "max", 2, 3, 4, 6)
        yield use("b c (h p) (w q) -> b h w c", "mean", 2, 3, 4, 6, p=2, q=3)
        yield use("b ... -> b", "prod", 2, 3, 4)
        yield use("a b ->", "sum", 2, 3)
        yield use("a b -> b a", "sum", 2, 3)
        yield use("a (b c) d -> d 1", "max", 2, 6, 4, b=2)
        yield use("b c -> b c d", "sum", 2, 3, code="E0502")
        yield use("b c -> b 2", "sum", 2, 3, code="E0502")
        yield use("b (h 4) -> b h", "max", 2, 6, code="E0407")
        ints = TensorType((2, 3), dtype="int32")
        yield Sample((ints,), {"pattern": "a b -> a", "op": "sum"})
        yield Sample((ints,), {"pattern": "a b -> a", "op": "mean"}, code="E0405")


@operator
@dataclass(frozen=True)
class Expand(Patterned):
    """New axes on the right side repeat what is there; the others are rearranged (``einops.repeat``).

    Shapes: those of the pattern. Sizes of new axes are given as keywords, or stand in the pattern as numbers.

        input x: [B, 64]
        expand("b c -> b t c", t=16)
    """

    name: ClassVar[str] = "expand"
    kind: ClassVar[Kind] = "expand"

    pattern: str = argument("pattern")
    axes: Axes = argument("lambda", ())

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        def use(pattern: str, *shape: Dim, code: str | None = None, **axes: Dim) -> Sample:
            x = TensorType(tuple(shape), features="last")
            return Sample((x,), {"pattern": pattern, "axes": tuple(axes.items())}, code=code)

        yield use("b c -> b t c", 2, 3, t=4)
        yield use("b c h w -> b c (h 2) (w 2)", 2, 3, 4, 5)
        yield use("c -> b 1 c", 3, b=2)
        yield use("1 1 c -> b 1 c", 1, 1, 3, b=2)
        yield use("b (h d) -> d (b n) h m", 2, 6, h=3, n=4, m=5)
        yield use("... -> n ...", 2, 3, n=2)
        yield use("-> a", code=None, a=3)
        yield use("b c -> c b", 2, 3)
        yield use("b c -> b t c", 2, 3, code="E0502")
        yield use("b c -> b t", 2, 3, t=4, code="E0502")
        yield use("b 3 -> b 3", 2, 3, code="E0502")
        yield use("b c -> b t c", 2, 3, t=0, code="E0406")


def _on(lowered: Any, out: Lowered) -> Any:
    """``lowered``, written for ``Slot(0)``, of another expression."""
    if lowered == Slot(0):
        return out
    if isinstance(lowered, Fn):
        return Fn(lowered.target, tuple(_on(a, out) for a in lowered.args), lowered.kwargs)
    return lowered
