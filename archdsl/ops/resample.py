"""Feature maps in another resolution, and samples of them at given points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import ClassVar

from archdsl.dims import Dim, render
from archdsl.ops import errors, keeping, keeping_layers
from archdsl.ops.axes import dims_tuple, need_float, numel
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.padding import target_sizes
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

# mode -> the numbers of spatial dims it is for
_MODES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3),
    "linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,),
}  # fmt: skip
_ALIGNING = ("linear", "bilinear", "bicubic", "trilinear")
# A scale of a larger denominator is a rounded decimal, for which floor(size * scale) depends on the rounding.
_LARGEST_DENOMINATOR = 1024


@operator
@dataclass(frozen=True)
class Interpolate(Operator):
    """Another resolution of the spatial dims (``F.interpolate``): ``size``, that of ``like``, or ``scale`` times this.

    Shapes: ``[B, C, H, W]`` to ``[B, C, floor(H * scale), floor(W * scale)]``, with one to three spatial dims. For a
    size that isn't a number, ``scale`` must be a whole number or a fraction like 0.5, 1.25.
    Modes: nearest, nearest-exact, area for all; linear for one spatial dim, bilinear and bicubic for two, trilinear for
    three. ``align_corners`` is for the latter four, ``antialias`` for bilinear and bicubic.

        input x: [B, 3, H=32, W=32]
        interpolate(scale=2, mode="bilinear")
    """

    name: ClassVar[str] = "interpolate"
    role: ClassVar[Role] = "resample"
    kept = keeping_layers.resized

    size: Dim | tuple[Dim, ...] | None = argument("dims", None, keyword_only=True)
    scale: float | tuple[float, ...] | None = argument("floats", None, above=0, keyword_only=True)
    like: Slot | None = argument("tensor", None)
    mode: str = argument("str", "nearest", choices=tuple(_MODES), keyword_only=True)
    align_corners: bool = argument("bool", False, keyword_only=True)
    antialias: bool = argument("bool", False, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x = inputs[0]
        if not 3 <= x.rank <= 5:
            raise errors.wrong_rank("interpolate", "[B, C, ...] with one to three spatial dims", x)
        if not (x.is_float or (x.dtype == "uint8" and self.mode in ("nearest", "nearest-exact"))):
            need_float(self.name, x)
        self._check_mode(x)
        if self.scale is None:
            wanted = target_sizes(self.name, x, self.size, self.like, inputs)
        elif self.size is not None or self.like is not None:
            raise errors.bad_argument("scale", "interpolate takes one of size=, scale= and like=")
        else:
            pairs = zip(x.shape[2:], self._scales(x), strict=True)
            wanted = tuple(_scaled(size, scale) for size, scale in pairs)
        for dim, size in enumerate(wanted, start=2):
            sizes.at_least(size, 1, f"interpolate: dim {dim} of the result")
        return replace(x, shape=(*x.shape[:2], *wanted), features=x.features, values=None)

    def _check_mode(self, x: TensorType) -> None:
        ranks = _MODES[self.mode]
        if x.rank - 2 not in ranks:
            fitting = ", ".join(m for m, r in _MODES.items() if x.rank - 2 in r)
            raise errors.bad_argument(
                "mode",
                f"interpolate: mode {self.mode!r} is not for {x.rank - 2} spatial dims",
                f"use one of {fitting}",
            )
        if self.align_corners and self.mode not in _ALIGNING:
            raise errors.bad_argument(
                "align_corners", f"interpolate: mode {self.mode!r} has no align_corners"
            )
        if self.antialias and self.mode not in ("bilinear", "bicubic"):
            raise errors.bad_argument("antialias", f"interpolate: mode {self.mode!r} has no antialias")

    def _scales(self, x: TensorType) -> tuple[float, ...]:
        assert self.scale is not None
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * (x.rank - 2)
        if len(scales) != x.rank - 2:
            message = f"interpolate: {len(scales)} scales for the {x.rank - 2} spatial dims of {x}"
            raise errors.bad_argument("scale", message)
        if any(scale <= 0 for scale in scales):
            raise errors.bad_argument("scale", "interpolate: a scale must be more than 0")
        return scales

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element of the result."""
        return numel(outputs[0])

    def reach(self, inputs: Types) -> Reach:
        """What a repeated neighbour sees; interpolation between neighbours adds one of them."""
        if self.scale is None:
            return Reach("whole" if self.mode == "area" else "pointwise")
        scales = self._scales(inputs[0])
        if all(scale >= 1 and scale == int(scale) for scale in scales):
            whole = tuple(int(scale) for scale in scales)
            return Reach("transposed", kernel=whole, stride=whole)
        steps = tuple(max(1, round(1 / scale)) for scale in scales)
        return Reach("window", kernel=steps, stride=steps)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords: dict[str, object] = {}
        if self.scale is not None:
            scale = self.scale if isinstance(self.scale, tuple) else (self.scale,)
            whole = tuple(int(s) if s == int(s) else s for s in scale)
            keywords["scale_factor"] = whole if isinstance(self.scale, tuple) else whole[0]
        elif self.like is not None:
            spatial = Fn("operator.getitem", (Fn(".shape", (self.like,)), slice(2, None)))
            keywords["size"] = spatial
        else:
            assert self.size is not None
            given = dims_tuple(self.size)
            keywords["size"] = given[0] if len(given) == 1 else given
        keywords |= {} if self.mode == "nearest" else {"mode": self.mode}
        keywords |= {"align_corners": True} if self.align_corners else {}
        keywords |= {"antialias": True} if self.antialias else {}
        return Fn("F.interpolate", (Slot(0),), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        line = TensorType((2, 3, 5), features="first")
        image = TensorType((2, 3, 5, 8), features="first")
        volume = TensorType((1, 2, 3, 4, 5), features="first")
        yield Sample((image,), {"scale": 2})
        yield Sample((image,), {"scale": 0.5, "mode": "bilinear", "align_corners": True})
        yield Sample((image,), {"scale": (1.5, 0.3), "mode": "bicubic"})
        yield Sample((image,), {"size": 7, "mode": "bilinear", "antialias": True})
        yield Sample((image,), {"size": (3, 9), "mode": "area"})
        yield Sample((image, TensorType((1, 9, 4, 6))), {"like": Slot(1), "mode": "nearest-exact"})
        yield Sample((line,), {"scale": 2.0, "mode": "linear"})
        yield Sample((volume,), {"scale": (1, 2, 3), "mode": "trilinear"})
        yield Sample((volume,), {"size": 2, "mode": "area"})
        yield Sample((TensorType((1, 3, 4, 4), dtype="uint8"),), {"scale": 2})
        yield Sample((image,), {}, code="E0501")
        yield Sample((image,), {"size": 3, "scale": 2}, code="E0501")
        yield Sample((image,), {"scale": (1, 2, 3)}, code="E0501")
        yield Sample((image,), {"scale": 2, "mode": "linear"}, code="E0501")
        yield Sample((image,), {"scale": 2, "align_corners": True}, code="E0501")
        yield Sample((image,), {"scale": 2, "mode": "area", "antialias": True}, code="E0501")
        yield Sample((image,), {"scale": 0.1}, code="E0406")
        yield Sample((TensorType((2, 3)),), {"scale": 2}, code="E0404")
        yield Sample((TensorType((1, 3, 4, 4), dtype="int64"),), {"scale": 2}, code="E0405")


def _scaled(size: Dim, scale: float) -> Dim:
    """``floor(size * scale)`` as torch computes it, in double precision."""
    if isinstance(size, int):
        return floor(float(size) * float(scale))
    exact = Fraction(scale)
    if exact.denominator > _LARGEST_DENOMINATOR:
        raise errors.OperatorError(
            "E0403",
            f"interpolate: floor({render(size)} * {scale}) depends on how {scale} is rounded",
            help="give size=, or a scale that is a whole number or an exact fraction (0.5, 1.25)",
            argument="scale",
        )
    return size * exact.numerator // exact.denominator


@operator
@dataclass(frozen=True)
class GridSample(Operator):
    """Values of the wire at the points of ``grid``, whose coordinates run from -1 to 1, x first (``F.grid_sample``).

    Shapes: ``[B, C, H, W]`` with a grid ``[B, h, w, 2]`` to ``[B, C, h, w]``; with three spatial dims and a grid
    ``[B, d, h, w, 3]`` likewise. ``padding_mode`` says what is outside; ``bicubic`` is for two spatial dims.

        input x: [B, 3, H=32, W=32]
        input grid: [B, 16, 16, 2]
        x -> grid_sample(grid)
    """

    name: ClassVar[str] = "grid_sample"
    role: ClassVar[Role] = "resample"
    kept = keeping.all_inputs

    grid: Slot = argument("tensor")
    mode: str = argument("str", "bilinear", choices=("bilinear", "nearest", "bicubic"))
    padding_mode: str = argument("str", "zeros", choices=("zeros", "border", "reflection"))
    align_corners: bool = argument("bool", False)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, grid = inputs[0], inputs[self.grid.index]
        if x.rank not in (4, 5):
            raise errors.wrong_rank("grid_sample", "[B, C, H, W] or [B, C, D, H, W]", x)
        if grid.rank != x.rank:
            raise errors.wrong_rank("grid_sample: the grid", f"as many dims as {x}", grid)
        need_float(self.name, x, grid)
        if grid.dtype != x.dtype:
            raise errors.wrong_dtype("grid_sample: the grid", f"{x.dtype}, as its input is", grid)
        if self.mode == "bicubic" and x.rank == 5:
            raise errors.bad_argument("mode", "grid_sample: mode 'bicubic' is for two spatial dims")
        sizes.equal(grid.shape[0], x.shape[0], f"grid_sample: the batch of the grid {grid} and of {x}")
        sizes.equal(grid.shape[-1], x.rank - 2, f"grid_sample: the coordinates in the grid {grid}")
        return TensorType((*x.shape[:2], *grid.shape[1:-1]), x.dtype, x.features)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element of the result."""
        return numel(outputs[0])

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords: dict[str, object] = {} if self.mode == "bilinear" else {"mode": self.mode}
        keywords |= {} if self.padding_mode == "zeros" else {"padding_mode": self.padding_mode}
        # Written out, False too: torch warns where it is left out.
        keywords["align_corners"] = self.align_corners
        return Fn("F.grid_sample", (Slot(0), self.grid), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, grid = TensorType((2, 3, 5, 6), features="first"), TensorType((2, 4, 7, 2))
        volume, points = TensorType((1, 2, 3, 4, 5)), TensorType((1, 2, 2, 2, 3))
        yield Sample((x, grid), {"grid": Slot(1)})
        yield Sample((x, grid), {"grid": Slot(1), "mode": "bicubic", "padding_mode": "border"})
        yield Sample((x, grid), {"grid": Slot(1), "padding_mode": "reflection", "align_corners": True})
        yield Sample((volume, points), {"grid": Slot(1), "mode": "nearest"})
        yield Sample((volume, points), {"grid": Slot(1), "mode": "bicubic"}, code="E0501")
        yield Sample((x, TensorType((3, 4, 7, 2))), {"grid": Slot(1)}, code="E0401")
        yield Sample((x, TensorType((2, 4, 7, 3))), {"grid": Slot(1)}, code="E0401")
        yield Sample((x, points), {"grid": Slot(1)}, code="E0404")
        yield Sample((TensorType((2, 3, 5)), grid), {"grid": Slot(1)}, code="E0404")
        yield Sample((x, TensorType((2, 4, 7, 2), dtype="float16")), {"grid": Slot(1)}, code="E0405")
