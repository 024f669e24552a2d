"""The one font of our drawings: its name for Graphviz, the families for viewers, its files, and how wide a text is.

Graphviz (the wasm build has no font files) estimates text from built-in tables. ``Arial`` is in them; a name
that is not (``Inter``, ``Helvetica-Bold``, a list of families) is measured as Times, so its text overflows the
boxes. Arimo, which ships with this package, has Arial's widths to the unit.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from archdsl.drawing.truetype import Font, read_font

FONT = "Arial"
"""The ``fontname`` to write in DOT, for graph, nodes and edges alike."""

FAMILIES = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif"
"""The families for a viewer: all but the last have the same widths."""

MONOSPACE_FAMILIES = "'Courier New', Courier, 'Liberation Mono', monospace"

_DIRECTORY = Path(__file__).resolve().parent / "fonts"
_REGULAR = _DIRECTORY / "Arimo-Regular.ttf"
_BOLD = _DIRECTORY / "Arimo-Bold.ttf"
_SYMBOLS = _DIRECTORY / "DejaVuSans-symbols.ttf"


def font_files() -> tuple[Path, ...]:
    """The font files that ship with the package, for a renderer on a machine without fonts."""
    return (_REGULAR, _BOLD, _SYMBOLS)


def fonts_for(bold: bool) -> tuple[Font, Font]:
    """The fonts to look for a character in, first to last."""
    return (read_font(_BOLD if bold else _REGULAR), read_font(_SYMBOLS))


def text_width(text: str, size: float, *, bold: bool = False) -> float | None:
    """How wide ``text`` is at ``size``, in the same unit; ``None`` if we have no glyph for a character of it."""
    widths = _advances(bold)
    found = [widths.get(ord(character)) for character in text]
    return None if None in found else sum(width for width in found if width is not None) * size


@cache
def _advances(bold: bool) -> dict[int, float]:
    """Widths in ems by code point, read from the fonts themselves, so that a table beside them cannot go stale."""
    first, symbols = fonts_for(bold)
    return {code: font.width(glyph) for font in (symbols, first) for code, glyph in font.glyphs.items()}
