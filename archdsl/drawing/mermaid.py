"""A picture as a Mermaid flowchart, for pages that draw those (GitHub, GitLab, many wikis): frames are subgraphs.

Ids are ours; a user's text stands only between quotes, with every character that Mermaid, its Markdown or HTML could
read as more than a character written as its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archdsl.drawing.dot import RANKDIR, Direction, box_lines, shown
from archdsl.drawing.palette import FRAME_LINE, INK, SKIP, change_fill, fill, frame_fill
from archdsl.drawing.picture import Box, Cluster, Picture

# Between letters or digits, a point, a dash and an underscore begin nothing, neither emphasis nor an item of a list; a
# colon between them may name an icon.
_ODD = re.compile(r"(?<![^\W_])[._-]|[._-](?![^\W_])|:(?! )|[^\w ,:()\[\]=/×÷·→⇒−–…⌊⌋⊕⊗∈≤≥._-]")
_SHAPES = {
    "operators": ('("', '")'), "block": ('["', '"]'), "symbol": ('(("', '"))'), "weight": ('[["', '"]]'),
    "input": ('(["', '"])'), "output": ('(["', '"])'), "junction": ('(("', '"))'),
}  # fmt: skip


def to_mermaid(picture: Picture, *, direction: Direction = "down") -> str:
    """The whole flowchart; equal pictures give equal text."""
    return "".join(f"{line}\n" for line in _lines(picture, RANKDIR[direction]))


def quoted(text: str) -> str:
    """One line of a user's text as it may stand between quotes."""
    return _ODD.sub(lambda match: f"#{ord(match[0])};", shown(text))


def _lines(picture: Picture, rankdir: str) -> Iterator[str]:
    yield f"flowchart {rankdir}"
    yield from _inside(picture, None, "  ")
    for edge in picture.edges:
        label = f'|"{quoted(edge.label)}"|' if edge.label.strip() else ""
        yield f"  {edge.source} {'-.->' if edge.skip else '-->'}{label} {edge.target}"
    skips = ",".join(str(number) for number, edge in enumerate(picture.edges) if edge.skip)
    if skips:
        yield f"  linkStyle {skips} stroke:{SKIP},color:{SKIP}"
    yield from _classes(picture)


def _inside(picture: Picture, cluster: str | None, indent: str) -> Iterator[str]:
    for box in picture.boxes:
        if box.cluster == cluster:
            yield indent + _node(box)
    for inner in picture.clusters:
        if inner.parent == cluster:
            yield f'{indent}subgraph {inner.id}["{_joined([inner.title, inner.detail])}"]'
            yield from _inside(picture, inner.id, indent + "  ")
            yield f"{indent}end"


def _node(box: Box) -> str:
    start, end = _SHAPES[box.kind]
    lines = [] if box.kind == "junction" else box_lines(box)
    return f"{box.id}{start}{_joined(lines)}{end}"


def _joined(lines: list[str]) -> str:
    return "<br/>".join(quoted(line) for line in lines if line.strip()) or " "


def _classes(picture: Picture) -> Iterator[str]:
    """The colours: one class for each that appears, and the frames' greys."""
    members: dict[str, list[str]] = {}
    for box in picture.boxes:
        plain = box.kind in ("symbol", "input", "output")
        colour = change_fill(box.role) if plain else fill(box.role)
        members.setdefault(INK if box.kind == "junction" else colour, []).append(box.id)
    for number, (colour, boxes) in enumerate(sorted(members.items())):
        yield f"  classDef c{number} fill:{colour},stroke:{INK},color:{INK}"
        yield f"  class {','.join(boxes)} c{number}"
    depths: dict[str, int] = {}
    for frame in picture.clusters:
        depths[frame.id] = 1 + (depths[frame.parent] if frame.parent is not None else 0)
    for frame in picture.clusters:
        yield f"  style {frame.id} {_frame_style(frame, depths[frame.id])}"


def _frame_style(frame: Cluster, depth: int) -> str:
    return f"fill:{frame_fill(depth)},stroke:{INK if '×' in frame.title else FRAME_LINE},color:{INK}"
