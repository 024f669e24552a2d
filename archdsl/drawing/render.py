"""A network's drawing as a file's content: SVG, DOT or PNG."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from archdsl.drawing.annotate import annotate
from archdsl.drawing.build import BOX_LIMIT, PlaceError, make_picture
from archdsl.drawing.dot import Direction, to_dot
from archdsl.drawing.engine import Engine, layout
from archdsl.drawing.picture import Picture
from archdsl.drawing.png import svg_to_png
from archdsl.drawing.svg import finish_svg
from archdsl.network.types import Network

__all__ = ["Direction", "Format", "PlaceError", "render", "render_picture"]

Format = Literal["svg", "dot", "png"]


def render(
    network: Network,
    *,
    format: Format = "svg",
    engine: Engine = "wasm",
    direction: Direction = "down",
    expand: Collection[str] = (),
    fold: Collection[str] = (),
    figures: Mapping[str, tuple[int, int]] | None = None,
    sizes: Mapping[str, int] | Literal["auto", "symbolic"] = "auto",
    mode: Literal["inference", "training"] = "inference",
    box_limit: int = BOX_LIMIT,
) -> str | bytes:
    """The drawing of ``network``: text, or for ``png`` bytes.

    ``expand`` and ``fold`` are places (``encoder.0``) to open or close against the rules of
    :mod:`archdsl.drawing.folding`; ``figures`` are (parameters, MACs) by place, for the titles of blocks; ``sizes`` as
    in :func:`archdsl.drawing.build.make_picture`. :class:`PlaceError` for a place that is not there, ``EngineError``
    for a drawing that is too large or cannot be laid out.
    """
    picture = make_picture(
        network,
        expand=expand,
        fold=fold,
        figures=figures,
        sizes=sizes,
        mode=mode,
        box_limit=box_limit,
    )
    return render_picture(picture, format=format, engine=engine, direction=direction)


def render_picture(
    picture: Picture, *, format: Format = "svg", engine: Engine = "wasm", direction: Direction = "down"
) -> str | bytes:
    """A picture that has been made already."""
    if format == "dot":
        return to_dot(picture, direction=direction)
    if format not in ("svg", "png"):
        raise ValueError(f"no drawing format {format!r}; there are svg, dot, png")
    laid_out = layout(to_dot(picture, direction=direction, with_legend=False), engine=engine)
    svg = finish_svg(
        annotate(laid_out, picture, direction), title=picture.name, description=picture.docstring
    )
    return svg if format == "svg" else svg_to_png(svg)
