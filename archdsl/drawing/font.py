"""The one font of our drawings: its name for Graphviz, the families for viewers, its files, and how wide a text is.

Graphviz (the wasm build has no font files) estimates text from built-in tables. ``Arial`` is in them; a name
that is not (``Inter``, ``Helvetica-Bold``, a list of families) is measured as Times, so its text overflows the
boxes. Arimo, which ships with this package, has Arial's widths to the unit.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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


def text_width(text: str, size: float, *, bold: bool = False) -> float | None:
    """How wide ``text`` is at ``size``, in the same unit; ``None`` if we have no glyph for a character of it."""
    width = 0.0
    fonts = (_advances(_BOLD if bold else _REGULAR), _advances(_SYMBOLS))
    for character in text:
        advance = next((font[ord(character)] for font in fonts if ord(character) in font), None)
        if advance is None:
            return None
        width += advance
    return width * size


@dataclass(frozen=True)
class _Table:
    """One table of a TrueType file."""

    data: bytes

    def u16(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 2])

    def u32(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 4])

    def u16s(self, offset: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f">{count}H", self.data, offset)


@cache
def _advances(path: Path) -> dict[int, float]:
    """Advance widths in ems by code point, read from the font itself, so that a table beside it cannot go stale."""
    font = _Table(path.read_bytes())
    tables = {}
    for record in range(12, 12 + 16 * font.u16(4), 16):
        start, length = font.u32(record + 8), font.u32(record + 12)
        tables[font.data[record : record + 4]] = _Table(font.data[start : start + length])
    em = tables[b"head"].u16(18)
    full = tables[b"hhea"].u16(34)  # from here on every glyph is as wide as the last
    widths = [tables[b"hmtx"].u16(4 * glyph) / em for glyph in range(full)]
    return {code: widths[min(glyph, full - 1)] for code, glyph in _characters(tables[b"cmap"]).items()}


def _characters(cmap: _Table) -> dict[int, int]:
    """Glyph by code point, from the subtable of format 4 (the basic plane), which all our files have."""
    offsets = (cmap.u32(8 + 8 * record) for record in range(cmap.u16(2)))
    table = next(_Table(cmap.data[offset:]) for offset in offsets if cmap.u16(offset) == 4)
    count = table.u16(6) // 2
    ends = table.u16s(14, count)
    starts, deltas, ranges = (table.u16s(16 + 2 * count * part, count) for part in (1, 2, 3))
    glyphs = {}
    for segment, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, ranges, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code
            if offset:
                glyph = table.u16(16 + 6 * count + 2 * segment + offset + 2 * (code - start))
                if glyph == 0:
                    continue
            glyphs[code] = (glyph + delta) & 0xFFFF
    return glyphs
