"""The drawing of what changed between two networks, as a file's content."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Literal
from xml.sax.saxutils import escape

from archdsl.drawing.build import make_picture
from archdsl.drawing.changes import merged
from archdsl.drawing.measures import shown
from archdsl.drawing.paging import for_a_page
from archdsl.drawing.picture import Picture
from archdsl.drawing.placed import Direction
from archdsl.drawing.render import Format, render_picture
from archdsl.drawing.theme import Theme
from archdsl.network.types import Network

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font-family: Arial, Helvetica, sans-serif; margin: 1.5rem; }}
svg {{ max-width: 100%; height: auto; }}
pre {{ overflow-x: auto; line-height: 1.4; }}
</style>
</head>
<body>
<h1>{title}</h1>
{drawing}
<pre>{text}</pre>
</body>
</html>
"""


def render_changes(
    before: Network,
    after: Network,
    *,
    format: Format = "svg",
    direction: Direction = "down",
    theme: Theme = "light",
    names: tuple[str, str] | None = None,
    sizes: tuple[Mapping[str, int] | None, Mapping[str, int] | None] = (None, None),
    places: Collection[str] = (),
) -> str | bytes:
    """One drawing of both; blocks are closed, in both alike, until it fits a page whose text can be read.

    ``names`` are what to call the two; ``sizes`` numbers for the sizes of each; ``places`` are paths of ``after`` at
    which something changed, also where a drawing does not show it. EngineError as ``render``.
    """
    numbers: list[Mapping[str, int] | Literal["auto", "symbolic"]] = [
        at if at is not None else "auto" for at in sizes
    ]
    known: dict[str, str] = {}  # what a frame of the drawing is called in the first network

    def draw(closed: Collection[str]) -> Picture:
        first = make_picture(before, closed={known.get(place, place) for place in closed}, sizes=numbers[0])
        second = make_picture(after, closed=closed, sizes=numbers[1])
        picture, called = merged(first, second, places)
        known.update(called)
        return picture if names is None else replace(picture, name=" -> ".join(names))

    return render_picture(for_a_page(draw, direction), format=format, direction=direction, theme=theme)


def changes_page(
    before: Network,
    after: Network,
    *,
    text: str,
    names: tuple[str, str],
    sizes: tuple[Mapping[str, int] | None, Mapping[str, int] | None] = (None, None),
    places: Collection[str] = (),
) -> str:
    """One HTML file with the drawing and, below it, ``text``; as light or dark as its reader's screen."""
    svg = render_changes(before, after, theme="auto", names=names, sizes=sizes, places=places)
    assert isinstance(svg, str)
    title = escape(shown(" -> ".join(names)))
    return _PAGE.format(title=title, drawing=svg[svg.find("<svg") :], text=escape(text))
