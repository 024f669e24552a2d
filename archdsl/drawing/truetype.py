"""A TrueType font file: widths and glyphs of characters, and a smaller font that has only some of its glyphs."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# What a renderer needs to draw glyphs by their numbers; names, substitutions and the rest stay behind.
_KEPT = (b"cvt ", b"fpgm", b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp", b"prep")
_COMPOSITE_WORDS, _COMPOSITE_MORE = 0x0001, 0x0020
_COMPOSITE_SCALES = ((0x0008, 2), (0x0040, 4), (0x0080, 8))


@dataclass(frozen=True)
class Table:
    """One table of the file."""

    data: bytes

    def u16(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 2])

    def i16(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 2], signed=True)

    def u32(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 4])

    def u16s(self, offset: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f">{count}H", self.data, offset)


@dataclass(frozen=True, eq=False)
class Font:
    """``glyphs`` by code point; ``widths`` of glyphs, in ems, the last for all that follow."""

    tables: dict[bytes, Table]
    glyphs: dict[int, int]
    widths: tuple[float, ...]

    @property
    def em(self) -> int:
        """The font's units in an em."""
        return self.tables[b"head"].u16(18)

    def width(self, glyph: int) -> float:
        """How wide a glyph is, in ems."""
        return self.widths[min(glyph, len(self.widths) - 1)]

    def subset(self, wanted: Iterable[int]) -> bytes:
        """A font file with the glyphs ``wanted`` under the numbers they have here; all others are empty."""
        places, outlines = self._places(), self.tables[b"glyf"].data
        kept, waiting = set[int](), [0, *wanted]
        while waiting:
            glyph = waiting.pop()
            if glyph not in kept:
                kept.add(glyph)
                waiting += _parts(Table(outlines[places[glyph] : places[glyph + 1]]))
        glyf, loca = bytearray(), []
        for glyph in range(len(places) - 1):
            loca.append(len(glyf))
            if glyph in kept:
                glyf += outlines[places[glyph] : places[glyph + 1]]
                glyf += b"\0" * (-len(glyf) % 4)
        loca.append(len(glyf))
        head = bytearray(self.tables[b"head"].data)
        head[50:52] = b"\0\1"  # offsets of glyphs in 32 bits
        head[8:12] = bytes(4)  # the file's checksum, which only font tools look at
        changed = {b"glyf": bytes(glyf), b"loca": struct.pack(f">{len(loca)}I", *loca), b"head": bytes(head)}
        return _file({tag: changed.get(tag, self.tables[tag].data) for tag in _KEPT if tag in self.tables})

    def _places(self) -> tuple[int, ...]:
        """Where each glyph's outline begins, and where the last one ends."""
        loca, count = self.tables[b"loca"], self.tables[b"maxp"].u16(4) + 1
        if self.tables[b"head"].u16(50):
            return struct.unpack_from(f">{count}I", loca.data)
        return tuple(2 * half for half in loca.u16s(0, count))


def _parts(outline: Table) -> list[int]:
    """The glyphs that an outline is put together from, if it is."""
    if len(outline.data) < 10 or outline.i16(0) >= 0:
        return []
    found, at, flags = [], 10, _COMPOSITE_MORE
    while flags & _COMPOSITE_MORE:
        flags = outline.u16(at)
        found.append(outline.u16(at + 2))
        at += 8 if flags & _COMPOSITE_WORDS else 6
        at += next((size for flag, size in _COMPOSITE_SCALES if flags & flag), 0)
    return found


def _file(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    head = struct.pack(">IHHHH", 0x00010000, count, 16 * power, power.bit_length() - 1, 16 * (count - power))
    records, body, place = b"", b"", 12 + 16 * count
    for tag, data in sorted(tables.items()):
        padded = data + b"\0" * (-len(data) % 4)
        checksum = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        records += tag + struct.pack(">III", checksum, place + len(body), len(data))
        body += padded
    return head + records + body


@cache
def read_font(path: Path) -> Font:
    """A font file of ours, read once."""
    file = Table(path.read_bytes())
    tables = {}
    for record in range(12, 12 + 16 * file.u16(4), 16):
        start, length = file.u32(record + 8), file.u32(record + 12)
        tables[file.data[record : record + 4]] = Table(file.data[start : start + length])
    em = tables[b"head"].u16(18)
    full = tables[b"hhea"].u16(34)  # from here on every glyph is as wide as the last
    widths = tuple(tables[b"hmtx"].u16(4 * glyph) / em for glyph in range(full))
    return Font(tables, _characters(tables[b"cmap"]), widths)


def _characters(cmap: Table) -> dict[int, int]:
    """Glyph by code point, from the subtable of format 4 (the basic plane), which all our files have."""
    offsets = (cmap.u32(8 + 8 * record) for record in range(cmap.u16(2)))
    table = next(Table(cmap.data[offset:]) for offset in offsets if cmap.u16(offset) == 4)
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
