"""A network's drawing as a file's content.

PNG, PDF and TikZ translate the one SVG, and DOT says the same places, so that all show the same; Mermaid, which lays
out itself, says the picture.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from archdsl.drawing.build import BOX_LIMIT, PlaceError, make_picture
from archdsl.drawing.dot import placed_as_dot
from archdsl.drawing.engine import layout
from archdsl.drawing.layout import lay_out
from archdsl.drawing.marks import read_marks
from archdsl.drawing.mermaid import to_mermaid
from archdsl.drawing.paging import for_a_page
from archdsl.drawing.pdf import to_pdf
from archdsl.drawing.picture import Picture, Use
from archdsl.drawing.placed import Direction, Placed
from archdsl.drawing.png import svg_to_png
from archdsl.drawing.shading import shaded
from archdsl.drawing.svg import finish_svg
from archdsl.drawing.theme import Theme, themed
from archdsl.drawing.tikz import to_tikz
from archdsl.drawing.write_svg import write_svg
from archdsl.network.types import Network

__all__ = ["Direction", "Engine", "Format", "PlaceError", "Theme", "laid_out", "render", "render_picture"]

Engine = Literal["own", "wasm", "system"]
"""Who draws what we laid out: we do, or Graphviz (the packaged one, the system's) from the pinned DOT text."""

Shade = tuple[Mapping[Use, float], str]
Format = Literal["svg", "png", "pdf", "dot", "mermaid", "tikz"]


def render(
    network: Network,
    *,
    format: Format = "svg",
    engine: Engine = "own",
    direction: Direction = "down",
    theme: Theme = "light",
    expand: Collection[str] = (),
    fold: Collection[str] = (),
    figures: Mapping[str, tuple[int, int]] | None = None,
    sizes: Mapping[str, int] | Literal["auto", "symbolic"] = "auto",
    mode: Literal["inference", "training"] = "inference",
    shade: Shade | None = None,
    box_limit: int = BOX_LIMIT,
) -> str | bytes:
    """The drawing of ``network``: text, or for ``png`` and ``pdf`` bytes.

    ``expand`` and ``fold`` are places (``encoder.0``) to open or close against the rules of
    :mod:`archdsl.drawing.folding`; ``figures`` are (parameters, MACs) by place, for the titles of blocks; ``sizes`` as
    in :func:`archdsl.drawing.build.make_picture`; ``shade`` colours by figures instead of roles: what each use has of a
    total, and what that is a total of. :class:`PlaceError` for a place that is not there, ``EngineError``
    for a drawing that is too large or cannot be laid out.
    """
    picture, placed = laid_out(
        network,
        direction=direction,
        expand=expand,
        fold=fold,
        figures=figures,
        sizes=sizes,
        mode=mode,
        shade=shade,
        box_limit=box_limit,
    )
    return _written(picture, placed, format, engine, direction, theme)


def laid_out(
    network: Network,
    *,
    direction: Direction = "down",
    expand: Collection[str] = (),
    fold: Collection[str] = (),
    figures: Mapping[str, tuple[int, int]] | None = None,
    sizes: Mapping[str, int] | Literal["auto", "symbolic"] = "auto",
    mode: Literal["inference", "training"] = "inference",
    shade: Shade | None = None,
    box_limit: int = BOX_LIMIT,
) -> tuple[Picture, Placed]:
    """The picture of ``network`` and its layout, as :func:`render` draws it."""

    def draw(closed: Collection[str]) -> Picture:
        return make_picture(
            network,
            expand=expand,
            fold=fold,
            figures=figures,
            sizes=sizes,
            mode=mode,
            closed=closed,
            box_limit=box_limit,
        )

    # Who asks for something to be opened wants to see it, whatever the page says.
    picture = draw(()) if expand else for_a_page(draw, direction)
    if shade is not None:
        picture = shaded(picture, *shade)
    return picture, lay_out(picture, direction)


def render_picture(
    picture: Picture,
    *,
    format: Format = "svg",
    engine: Engine = "own",
    direction: Direction = "down",
    theme: Theme = "light",
) -> str | bytes:
    """A picture that has been made already."""
    return _written(picture, lay_out(picture, direction), format, engine, direction, theme)


def _written(
    picture: Picture, placed: Placed, format: Format, engine: Engine, direction: Direction, theme: Theme
) -> str | bytes:
    if format not in get_args(Format):
        raise ValueError(f"no drawing format {format!r}; there are {', '.join(get_args(Format))}")
    if format == "dot":
        return placed_as_dot(placed)
    if format == "mermaid":
        return to_mermaid(picture, direction=direction)
    drawn = write_svg(placed) if engine == "own" else layout(placed_as_dot(placed), engine=engine)
    svg = finish_svg(drawn, title=picture.name, description=picture.docstring)
    # Only an SVG can follow its reader's screen.
    svg = themed(svg, "light" if theme == "auto" and format != "svg" else theme)
    match format:
        case "png":
            return svg_to_png(svg)
        case "pdf":
            return to_pdf(read_marks(svg))
        case "tikz":
            return to_tikz(read_marks(svg))
    return svg
