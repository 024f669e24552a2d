"""Writes docs/gallery.md and the drawings in it: ``python docs/gallery.py [--check] [NAME ...]``. No torch.

All of the zoo, as ``archdsl render`` draws it, without what a picture in a page can't show (tooltips, places), so that
the whole gallery stays below 5 MB. ``--check`` says whether the page has all models; with names, only those are drawn.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from pathlib import Path

from archdsl import api, driver
from archdsl.drawing.errors import EngineError
from archdsl.drawing.font import FAMILIES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gallery.md"
IMAGES = ROOT / "docs" / "images" / "gallery"
ACROSS = 3

HEAD = """<!-- Written by docs/gallery.py; `make gallery` writes it anew, tests/test_gallery.py says when it is due. -->
# The gallery

Every network of the zoo as `archdsl render zoo:NAME -o NAME.svg` draws it. What repeats is drawn once, blocks say their
parameters and multiply-accumulates, shapes stand where they change. `-o NAME.html` has the same with blocks that fold
and unfold; `-o NAME.pdf` and `.tex` go into a paper.
"""


def names() -> dict[str, list[str]]:
    """The models of each spec of the zoo that are no templates, in the order of the text."""
    found = {}
    for path in driver.zoo_files():
        program = driver.load(driver.address(f"zoo:{path.stem}"), driver.Options())
        found[path.stem] = [name for name, model in program.models.items() if not model.template]
    return found


def page(models: dict[str, list[str]]) -> str:
    """The text of docs/gallery.md."""
    parts = [HEAD]
    for file, members in models.items():
        parts.append(f"\n## {file}\n\n[specs/zoo/{file}.arch](../specs/zoo/{file}.arch)\n\n<table>\n")
        for start in range(0, len(members), ACROSS):
            cells = "".join(map(_cell, members[start : start + ACROSS]))
            parts.append(f'<tr valign="top">{cells}</tr>\n')
        parts.append("</table>\n")
    return "".join(parts)


def _cell(name: str) -> str:
    place = html.escape(f"images/gallery/{name}.svg", quote=True)
    return f'<td align="center"><a href="{place}"><img src="{place}" width="260" alt="{name}"></a><br>{name}</td>'


def drawing(model: api.Model) -> str:
    """A model's drawing as the gallery keeps it."""
    drawn = model.render("svg", theme="auto")
    assert isinstance(drawn, str)
    return slim(drawn)


def slim(svg: str) -> str:
    """Without tooltips, places and what every text repeats."""
    head, rest = svg.split("</title>", 1)
    rest = re.sub(r"<title>[^<]*</title>\n?", "", rest)
    family = re.compile(r' font-family="[^"]*"')
    rest = re.sub(
        r"<[^>]*>",
        lambda tag: family.sub("", re.sub(r' (data-[a-z]+|id|xml:space|lengthAdjust)="[^"]*"', "", tag[0])),
        rest,
    )
    rest = re.sub(r"<g>\s*</g>\n?", "", rest)
    rest = re.sub(r"<[^>]*>", lambda tag: _DECIMALS.sub(_tenths, tag[0]), rest)
    return head.replace("<svg ", f'<svg font-family="{FAMILIES}" ', 1) + "</title>" + rest


_DECIMALS = re.compile(r"-?\d+\.\d\d+")


def _tenths(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def draw(models: dict[str, list[str]], only: list[str]) -> list[str]:
    """Write the drawings, remove those of models that are gone; what could not be drawn."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    failed = []
    for file, members in models.items():
        wanted = [name for name in members if not only or name in only]
        if not wanted:
            continue
        spec = api.load(f"zoo:{file}")
        for name in wanted:
            try:
                (IMAGES / f"{name}.svg").write_text(drawing(spec[name]), encoding="utf-8")
            except EngineError as error:
                failed.append(f"{name}: {error}")
    known = {name for members in models.values() for name in members}
    for image in IMAGES.glob("*.svg"):
        if image.stem not in known:
            image.unlink()
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page has all models")
    parser.add_argument("names", nargs="*", help="draw these alone")
    arguments = parser.parse_args()
    models = names()
    text = page(models)
    if arguments.check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print("docs/gallery.md is up to date" if fresh else "docs/gallery.md is stale: make gallery")
        return 0 if fresh else 1
    failed = draw(models, arguments.names)
    PAGE.write_text(text, encoding="utf-8")
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
