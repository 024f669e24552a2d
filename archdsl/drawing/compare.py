"""The drawing of what changed between two networks, as a file's content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from xml.sax.saxutils import escape

from archdsl.drawing.build import DEEPEST, make_picture
from archdsl.drawing.changes import picture_of_changes
from archdsl.drawing.layout import READABLE, fits_page
from archdsl.drawing.measures import shown
from archdsl.drawing.picture import Picture
from archdsl.drawing.placed import Direction
from archdsl.drawing.render import Format, render_picture
from archdsl.drawing.theme import Theme
from archdsl.network.types import Network

_SHALLOWEST = 1
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
) -> str | bytes:
    """One drawing of both; blocks are closed, in both alike, until it fits a page whose text can be read.

    ``names`` are what to call the two; ``sizes`` numbers for the sizes of each. EngineError as ``render``.
    """
    picture = changes_at(before, after, DEEPEST, names, sizes)
    scale = fits_page(picture, direction)
    for depth in range(_nesting(picture) - 1, _SHALLOWEST - 1, -1):
        if scale >= READABLE:
            break
        other = changes_at(before, after, depth, names, sizes)
        found = fits_page(other, direction)
        if found > scale:
            picture, scale = other, found
    return render_picture(picture, format=format, direction=direction, theme=theme)


def changes_page(
    before: Network,
    after: Network,
    *,
    text: str,
    names: tuple[str, str],
    sizes: tuple[Mapping[str, int] | None, Mapping[str, int] | None] = (None, None),
) -> str:
    """One HTML file with the drawing and, below it, ``text``; as light or dark as its reader's screen."""
    svg = render_changes(before, after, theme="auto", names=names, sizes=sizes)
    assert isinstance(svg, str)
    title = escape(shown(" -> ".join(names)))
    return _PAGE.format(title=title, drawing=svg[svg.find("<svg") :], text=escape(text))


def changes_at(
    before: Network,
    after: Network,
    depth: int,
    names: tuple[str, str] | None = None,
    sizes: tuple[Mapping[str, int] | None, Mapping[str, int] | None] = (None, None),
) -> Picture:
    """The picture of the changes with blocks opened so deep."""
    pictures = [
        make_picture(network, depth=depth, sizes=at if at is not None else "auto")
        for network, at in zip((before, after), sizes, strict=True)
    ]
    made = picture_of_changes(*pictures)
    return made if names is None else replace(made, name=" -> ".join(names))


def _nesting(picture: Picture) -> int:
    depths: dict[str | None, int] = {None: 0}
    for cluster in picture.clusters:
        depths[cluster.id] = depths[cluster.parent] + 1
    return max(depths.values())
