"""The last step of every SVG: what is not on the list of harmless things is refused, the rest made plain and portable.

Graphviz passes some text through unescaped (TRUST: a font name can open an ``onload``, a URL can be a script), so
what it wrote is parsed and written anew: no comments, no processing instructions, no DOCTYPE, the same bytes for
the same drawing.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from archdsl.drawing.errors import UnsafeSvg
from archdsl.drawing.font import FAMILIES, MONOSPACE_FAMILIES, text_width

__all__ = ["UnsafeSvg", "check_svg", "finish_svg"]

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_XML = "{http://www.w3.org/XML/1998/namespace}"

_ELEMENT_NAMES = """
a circle clipPath defs desc ellipse g line linearGradient path polygon polyline radialGradient rect stop svg
text title tspan
"""
_ATTRIBUTE_NAMES = """
class clip-path cx cy d dominant-baseline dx dy fill fill-opacity fill-rule font-family font-size font-style
font-weight fx fy gradientTransform gradientUnits height href id lengthAdjust offset opacity points r role rx ry
stop-color stop-opacity stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-opacity stroke-width style
text-anchor text-decoration textLength transform version viewBox width x x1 x2 y y1 y2
"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_DATA_ATTRIBUTE = re.compile(r"data-[a-z][a-z0-9-]*")
_STYLE = re.compile(r"(stop-(color|opacity): ?[#\w.]+;? ?)+")  # what Graphviz writes in gradients
_HREF = re.compile(r"#[\w.:/-]*")
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028\u2029\ufeff]")
_SCHEME = re.compile(r"(javascript|vbscript|data):")
_URL = re.compile(r"url\((?!['\"]?#)")
_DEPTH_LIMIT = 500


def finish_svg(svg: str, *, title: str, description: str = "") -> str:
    """Graphviz's SVG, checked, as the drawing to hand out: with a name, fonts that exist, text that fits its box.

    A group's ``<title>`` (a node's name such as ``n0``) gives way to the node's tooltip, or goes; an ``<a>`` that
    only carried a tooltip is unwrapped. Text gets the length it was measured with, so that a viewer that has
    no Arial squeezes its own font instead of overflowing. :class:`UnsafeSvg` if anything is not on the list.
    """
    root = _parse(svg)
    _tidy(root)
    _check(root)
    heading = ElementTree.Element(_SVG + "title")
    heading.text = _printable(title)
    root.insert(0, heading)
    if description:
        body = ElementTree.Element(_SVG + "desc")
        body.text = _printable(description)
        root.insert(1, body)
    root.set("role", "img")
    for parent in root.iter():
        if parent.tag != _SVG + "text":  # one element a line, whatever stood between them
            parent.text = parent.text if not len(parent) else "\n"
            for child in parent:
                child.tail = "\n"
    for element in root.iter(_SVG + "text"):
        _fit(element)
    return "".join(_write(root, top=True)) + "\n"


def check_svg(svg: str) -> None:
    """Raise :class:`UnsafeSvg` at the first thing in ``svg`` that is not on the list of what a drawing may hold."""
    _check(_parse(svg))


def _parse(svg: str) -> ElementTree.Element:
    # Entities are how a small file becomes a large one; a label that spells this is escaped and does not match.
    if "<!ENTITY" in svg or "<!ATTLIST" in svg:
        raise UnsafeSvg("the drawing declares entities")
    try:
        root = ElementTree.fromstring(svg.encode("utf-8"))
    except (ElementTree.ParseError, UnicodeEncodeError) as error:
        raise UnsafeSvg(f"the drawing is not well-formed XML: {error}") from error
    if root.tag != _SVG + "svg":
        raise UnsafeSvg("the drawing is not an SVG")
    if _deeper_than(root, _DEPTH_LIMIT):
        raise UnsafeSvg(f"the drawing is nested deeper than {_DEPTH_LIMIT}")
    return root


def _deeper_than(root: ElementTree.Element, limit: int) -> bool:
    level = [root]
    for _ in range(limit):
        level = [child for element in level for child in element]
    return bool(level)


def _check(root: ElementTree.Element) -> None:
    for element in root.iter():
        name = element.tag.removeprefix(_SVG)
        if name not in _ELEMENTS:
            raise UnsafeSvg(f"the element {name!r} is not allowed in a drawing")
        for key, value in element.attrib.items():
            _check_attribute(name, key, value)


def _check_attribute(element: str, key: str, value: str) -> None:
    if key == _XML + "space":
        return
    name = key.removeprefix(_XLINK)
    if name not in _ATTRIBUTES and not _DATA_ATTRIBUTE.fullmatch(name):
        raise UnsafeSvg(f"the attribute {name!r} of {element!r} is not allowed in a drawing")
    bare = _IGNORED_BY_BROWSERS.sub("", value).lower()
    if _SCHEME.search(bare) or _URL.search(bare):
        raise UnsafeSvg(f"the attribute {name!r} of {element!r} names a script or an address")
    if name == "href" and not _HREF.fullmatch(value):
        raise UnsafeSvg("a link in a drawing may only lead to a place in it (#name)")
    if name == "style" and not _STYLE.fullmatch(value):
        raise UnsafeSvg(f"the style of {element!r} is not allowed in a drawing")


def _tidy(root: ElementTree.Element) -> None:
    """Titles say what a tooltip said, or nothing; links exist only where they lead somewhere."""
    for group in list(root.iter(_SVG + "g")):
        for title in group.findall(_SVG + "title"):
            group.remove(title)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag != _SVG + "a":
                continue
            tooltip = child.attrib.pop(_XLINK + "title", "").strip()
            if tooltip:
                title = ElementTree.Element(_SVG + "title")
                title.text = tooltip
                child.insert(0, title)
            if not (child.get(_XLINK + "href") or child.get("href")):
                child.tag = _SVG + "g"
                child.attrib.clear()


def _fit(element: ElementTree.Element) -> None:
    """Name font families that are there, and give the text the length it has in the font it was measured with."""
    family = element.get("font-family", FAMILIES)
    if "courier" in family.lower() or "mono" in family.lower():
        element.set("font-family", MONOSPACE_FAMILIES)
        return
    element.set("font-family", FAMILIES)
    text = "".join(element.itertext())
    try:
        size = float(element.get("font-size", "14"))
    except ValueError:
        return
    width = text_width(text, size, bold=element.get("font-weight") == "bold")
    if width and len(text) > 1 and len(element) == 0:
        element.set("textLength", f"{width:.2f}")
        element.set("lengthAdjust", "spacingAndGlyphs")


def _printable(text: str) -> str:
    """XML has no way to say control characters or lone surrogates."""
    return "".join(
        "\ufffd" if ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 or ord(c) in (0xFFFE, 0xFFFF) else c
        for c in text
    )


def _write(element: ElementTree.Element, *, top: bool = False) -> Iterator[str]:
    """The element as text, attributes in their order; links as plain ``href``, which every viewer of today knows."""
    name = element.tag.removeprefix(_SVG)
    yield f"<{name}"
    if top:
        yield f' xmlns="{_SVG[1:-1]}"'
    for key, value in element.attrib.items():
        plain = key.removeprefix(_XLINK) if not key.startswith(_XML) else "xml:" + key.removeprefix(_XML)
        yield f" {plain}={quoteattr(value)}"
    if element.text or len(element):
        yield f">{escape(element.text or '')}"
        for child in element:
            yield from _write(child)
            yield escape(child.tail or "")
        yield f"</{name}>"
    else:
        yield "/>"
