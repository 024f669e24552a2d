"""What is added to a laid-out SVG: bold titles, places in the program as data, and the legend as a strip below."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from archdsl.drawing.dot import SMALL_SIZE, Direction, shown
from archdsl.drawing.errors import EngineError
from archdsl.drawing.font import FONT, text_width
from archdsl.drawing.palette import INK, QUIET, SKIP, legend
from archdsl.drawing.picture import Box, Cluster, Picture
from archdsl.drawing.side_arrows import straighten

_SVG = "{http://www.w3.org/2000/svg}"
_PATH = re.compile(r"[\w.]*")
_PLACE = re.compile(r"((?:(?:std|zoo):)?[\w./+-]+):(\d+)")
_MARGIN = 8.0
_ROW = 18.0
_SWATCH = 12.0
_NARROWEST = 240.0


def annotate(svg: str, picture: Picture, direction: Direction = "down") -> str:
    """Graphviz's SVG of ``picture`` with what Graphviz cannot say."""
    try:
        root = ElementTree.fromstring(svg.encode("utf-8"))
    except ElementTree.ParseError as error:
        raise EngineError(
            "failed", f"the layout engine wrote an SVG that is not well-formed: {error}"
        ) from error
    boxes = {box.id: box for box in picture.boxes}
    clusters = {cluster.id: cluster for cluster in picture.clusters}
    canvas = next((g for g in root.iter(_SVG + "g") if g.get("class") == "graph"), root)
    for group in list(root.iter(_SVG + "g")):
        box, cluster = boxes.get(group.get("id", "")), clusters.get(group.get("id", ""))
        texts = list(group.iter(_SVG + "text"))
        if (box is not None and box.title) or cluster is not None:
            for text in texts[:1]:
                text.set("font-weight", "bold")
                text.set("fill", INK)
        if cluster is not None:
            _raise_title(group, canvas, texts)
        place = box or cluster
        if place is not None:
            _locate(group, place)
    if direction in ("down", "up"):
        straighten(root, picture)
    _strip(root, picture)
    return ElementTree.tostring(root, encoding="unicode")


def _locate(group: ElementTree.Element, place: Box | Cluster) -> None:
    """Where in the program this is, for whoever makes the drawing clickable; odd names stay in the tooltip alone."""
    if _PATH.fullmatch(place.path):
        group.set("data-path", place.path)
    source = _PLACE.fullmatch(place.place)
    if source is not None:
        group.set("data-place", f"{source[1]}#{source[2]}")


def _raise_title(
    group: ElementTree.Element, canvas: ElementTree.Element, texts: list[ElementTree.Element]
) -> None:
    """A frame's title above the arrows that cross it, on the frame's own grey."""
    parents = {child: parent for parent in group.iter() for child in parent}
    shape = next((s for s in group.iter() if s.get("fill", "none").startswith("#") and s not in texts), None)
    fill = shape.get("fill", "white") if shape is not None else "white"
    for text in texts:
        words = "".join(text.itertext())
        bold = text.get("font-weight") == "bold"
        width = text_width(words, SMALL_SIZE, bold=bold) or SMALL_SIZE * len(words)
        x, y = float(text.get("x", "0")), float(text.get("y", "0"))
        behind = {
            "x": f"{x - 1:.2f}",
            "y": f"{y - SMALL_SIZE:.2f}",
            "width": f"{width + 2:.2f}",
            "height": f"{SMALL_SIZE + 3:.2f}",
        }
        parents[text].remove(text)
        canvas.append(ElementTree.Element(_SVG + "rect", behind | {"fill": fill, "fill-opacity": "0.85"}))
        canvas.append(text)


def _strip(root: ElementTree.Element, picture: Picture) -> None:
    """The legend below the drawing, in as many rows as its width asks for; the canvas grows by them."""
    try:
        left, top, width, height = (float(part) for part in root.get("viewBox", "").split())
    except ValueError as error:
        raise EngineError("failed", "the layout engine wrote an SVG without a size") from error
    wide = max(width, _NARROWEST)
    strip = ElementTree.Element(_SVG + "g", {"id": "legend"})
    x, y = _MARGIN, height + _ROW / 2
    entries: list[tuple[str, str | None]] = list(legend(picture.roles))
    if any(edge.skip for edge in picture.edges):
        entries.append(("skip connection", ""))
    entries += [(shown(note), None) for note in picture.notes]
    for name, colour in entries:
        words = text_width(name, SMALL_SIZE) or SMALL_SIZE * len(name)
        before = 0.0 if colour is None else _SWATCH + 5
        if x > _MARGIN and x + before + words > wide - _MARGIN:
            x, y = _MARGIN, y + _ROW
        if colour:
            place = {
                "x": f"{x:.1f}",
                "y": f"{y:.1f}",
                "width": f"{_SWATCH:g}",
                "height": f"{_SWATCH:g}",
                "rx": "3",
            }
            look = {"fill": colour, "stroke": INK, "stroke-width": "0.7"}
            strip.append(ElementTree.Element(_SVG + "rect", place | look))
        elif colour is not None:
            middle = y + _SWATCH / 2
            line = f"M{x:.1f},{middle:.1f}L{x + _SWATCH:.1f},{middle:.1f}"
            strip.append(
                ElementTree.Element(_SVG + "path", {"d": line, "stroke": SKIP, "stroke-width": "1.5"})
            )
        place = {"x": f"{x + before:.1f}", "y": f"{y + _SWATCH - 2.5:.1f}"}
        font = {"font-family": FONT, "font-size": f"{SMALL_SIZE:g}", "fill": QUIET}
        text = ElementTree.Element(_SVG + "text", place | font)
        text.text = name
        strip.append(text)
        wide = max(wide, x + before + words + _MARGIN)
        x += before + words + 14
    bottom = y + _ROW + 2 if entries else height
    root.append(strip)
    root.set("viewBox", f"{left:g} {top:g} {wide:.2f} {bottom:.2f}")
    root.set("width", f"{wide:.2f}pt")
    root.set("height", f"{bottom:.2f}pt")
