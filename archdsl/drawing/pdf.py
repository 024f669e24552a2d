"""Marks as a PDF: one page as large as the drawing, lines and areas as such, text as text in fonts that travel along.

Written here and not by a library: a drawing needs ten kinds of objects, and this way nothing is installed for it, no
date or random number gets in, and the fonts hold the glyphs that appear and no others.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from archdsl.drawing.font import fonts_for
from archdsl.drawing.marks import Colour, Mark, Outline, Page, Words
from archdsl.drawing.truetype import Font

_NAMES = {(False, 0): "Arimo-Regular", (True, 0): "Arimo-Bold"}
_SYMBOLS = "DejaVuSans"
_LARGEST = 14_400.0  # points: what PDF readers have to be able to show
_HEAD_LINE = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def to_pdf(page: Page) -> bytes:
    """The whole file; equal marks give equal bytes. What is longer than 5 m, PDF's longest, is made smaller."""
    scale = min(1.0, _LARGEST / max(page.width, page.height, 1.0))
    fonts, opacities = _Fonts(), sorted({m.opacity for m in page.marks if isinstance(m, Outline)} - {1.0})
    content = "\n".join(_content(page, scale, fonts, opacities)).encode("ascii")
    file = _Objects()
    catalogue, pages, leaf, information = (file.reserve() for _ in range(4))
    body = file.stream(content)
    named = " ".join(f"/{name} {_embed(file, name, font)} 0 R" for name, font in fonts.used())
    states = " ".join(
        f"/G{i} << /Type /ExtGState /ca {_number(opacity)} >>" for i, opacity in enumerate(opacities)
    )
    size = f"[0 0 {_number(page.width * scale)} {_number(page.height * scale)}]"
    file.put(
        catalogue, f"<< /Type /Catalog /Pages {pages} 0 R /ViewerPreferences << /DisplayDocTitle true >> >>"
    )
    file.put(pages, f"<< /Type /Pages /Kids [{leaf} 0 R] /Count 1 >>")
    resources = f"<< /Font << {named} >> /ExtGState << {states} >> >>"
    file.put(
        leaf,
        f"<< /Type /Page /Parent {pages} 0 R /MediaBox {size} /Resources {resources} /Contents {body} 0 R >>",
    )
    told = f"/Title {_text(page.title)} /Subject {_text(page.description)} /Producer (archdsl)"
    file.put(information, f"<< {told} >>")
    return file.written(catalogue, information)


def _content(page: Page, scale: float, fonts: _Fonts, opacities: list[float]) -> Iterable[str]:
    yield f"{_number(scale)} 0 0 {_number(-scale)} 0 {_number(page.height * scale)} cm 1 j"
    for mark in page.marks:
        yield from _outline(mark, opacities) if isinstance(mark, Outline) else _words(mark, fonts)


def _outline(mark: Outline, opacities: list[float]) -> Iterable[str]:
    if mark.fill is None and mark.stroke is None:
        return
    yield "q"
    if mark.opacity != 1.0:
        yield f"/G{opacities.index(mark.opacity)} gs"
    if mark.fill is not None:
        yield f"{_colour(mark.fill)} rg"
    if mark.stroke is not None:
        yield f"{_colour(mark.stroke)} RG {_number(mark.width)} w"
    if mark.dash:
        yield f"[{' '.join(map(_number, mark.dash))}] 0 d"
    for step in mark.steps:
        points = " ".join(f"{_number(x)} {_number(y)}" for x, y in step.points)
        yield {"M": f"{points} m", "L": f"{points} l", "C": f"{points} c", "Z": "h"}[step.command]
    yield {(True, True): "B", (True, False): "f", (False, True): "S"}[
        mark.fill is not None, mark.stroke is not None
    ]
    yield "Q"


def _words(mark: Words, fonts: _Fonts) -> Iterable[str]:
    runs = fonts.runs(mark.text, mark.bold)
    natural = sum(width for _, _, width in runs) * mark.size
    length = mark.length if mark.length is not None else natural
    start = mark.x - length * {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor]
    stretch = length / natural if natural else 1.0
    # The page is upside down for text: its matrix turns it back.
    place = f"{_number(stretch)} 0 0 -1 {_number(start)} {_number(mark.y)} Tm"
    shown = " ".join(f"/{name} {_number(mark.size)} Tf <{glyphs}> Tj" for name, glyphs, _ in runs)
    yield f"BT {_colour(mark.colour)} rg {place} {shown} ET"


@dataclass
class _Used:
    """One font of the file: what is drawn of it, by glyph, with the character it is for."""

    font: Font
    name: str
    characters: dict[int, str] = field(default_factory=dict)


@dataclass
class _Fonts:
    """The fonts by their names in the page's resources."""

    found: dict[str, _Used] = field(default_factory=dict)

    def runs(self, text: str, bold: bool) -> list[tuple[str, str, float]]:
        """Name of the font, glyphs in hexadecimal and width in ems, for each stretch of a text in one font."""
        runs: list[tuple[str, str, float]] = []
        for character in text:
            candidates = fonts_for(bold)
            number = next((i for i, f in enumerate(candidates) if ord(character) in f.glyphs), 0)
            font = candidates[number]
            name = "F3" if number else f"F{1 + bold}"
            used = self.found.setdefault(name, _Used(font, _SYMBOLS if number else _NAMES[bold, 0]))
            glyph = font.glyphs.get(ord(character), 0)  # 0 is the empty box: the font has no such character
            used.characters.setdefault(glyph, character)
            width = font.width(glyph)
            if runs and runs[-1][0] == name:
                runs[-1] = (name, f"{runs[-1][1]}{glyph:04X}", runs[-1][2] + width)
            else:
                runs.append((name, f"{glyph:04X}", width))
        return runs

    def used(self) -> list[tuple[str, _Used]]:
        return sorted(self.found.items())


def _embed(file: _Objects, name: str, used: _Used) -> int:
    """The objects of a font whose text is glyph numbers; the number of the outermost."""
    font, glyphs = used.font, sorted(used.characters)
    data = font.subset(glyphs)
    program = file.stream(data, f"/Length1 {len(data)}")
    head, hhea = font.tables[b"head"], font.tables[b"hhea"]
    per_mille = 1000 / font.em
    box = " ".join(_number(head.i16(at) * per_mille) for at in (36, 38, 40, 42))
    tagged = f"ARCHD{'ABC'[int(name[1]) - 1]}+{used.name}"
    rise, fall = (_number(hhea.i16(at) * per_mille) for at in (4, 6))
    descriptor = file.add(
        f"<< /Type /FontDescriptor /FontName /{tagged} /Flags 4 /FontBBox [{box}] /ItalicAngle 0 /Ascent {rise} "
        f"/Descent {fall} /CapHeight {rise} /StemV {120 if name == 'F2' else 80} /FontFile2 {program} 0 R >>"
    )
    widths = " ".join(f"{glyph} [{_number(font.width(glyph) * 1000)}]" for glyph in glyphs)
    inner = file.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{tagged} /CIDToGIDMap /Identity /W [{widths}] "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
        f"/FontDescriptor {descriptor} 0 R >>"
    )
    readable = file.stream(_to_unicode(used.characters))
    return file.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{tagged} /Encoding /Identity-H "
        f"/DescendantFonts [{inner} 0 R] /ToUnicode {readable} 0 R >>"
    )


def _to_unicode(characters: dict[int, str]) -> bytes:
    """What lets a reader search and copy text that is written as glyph numbers."""
    pairs = [
        f"<{g:04X}> <{c.encode('utf-16-be', 'replace').hex().upper()}>" for g, c in sorted(characters.items())
    ]
    blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
    listed = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{listed}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


@dataclass
class _Objects:
    """The numbered objects of the file."""

    bodies: list[bytes] = field(default_factory=list)

    def reserve(self) -> int:
        self.bodies.append(b"")
        return len(self.bodies)

    def put(self, number: int, body: str) -> None:
        self.bodies[number - 1] = body.encode("ascii")

    def add(self, body: str) -> int:
        number = self.reserve()
        self.put(number, body)
        return number

    def stream(self, data: bytes, more: str = "") -> int:
        packed = zlib.compress(data, 9)
        number = self.reserve()
        entries = f"<< /Length {len(packed)} /Filter /FlateDecode {more} >>\nstream\n"
        self.bodies[number - 1] = entries.encode("ascii") + packed + b"\nendstream"
        return number

    def written(self, root: int, information: int) -> bytes:
        out, places = bytearray(_HEAD_LINE), []
        for number, body in enumerate(self.bodies, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        for place in places:
            out += b"%010d 00000 n \n" % place
        size = len(places) + 1
        trailer = (
            f"trailer\n<< /Size {size} /Root {root} 0 R /Info {information} 0 R >>\nstartxref\n{start}\n"
        )
        return bytes(out) + trailer.encode("ascii") + b"%%EOF\n"


def _text(text: str) -> str:
    """A text string, as hexadecimal: nothing in it can end the string."""
    return f"<FEFF{text.encode('utf-16-be', 'replace').hex().upper()}>"


def _number(value: float) -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _colour(colour: Colour) -> str:
    return " ".join(_number(part / 255) for part in colour)


__all__ = ["Mark", "to_pdf"]
