"""Arrows from one frame into the middle of another (encoder to decoder), drawn straight between the two.

Graphviz lets them wind round the boxes of the frame that they enter. Where a way of three straight pieces crosses no
box it takes their place; else Graphviz's stays.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from archdsl.drawing.geometry import SVG, Rectangle, rectangles
from archdsl.drawing.picture import Picture

_GAP = 7.0
_HEAD = 7.0
_BEND = 6.0


def straighten(root: ElementTree.Element, picture: Picture) -> None:
    """Redraw the side arrows of a drawing from top to bottom."""
    places = rectangles(root)
    groups = {group.get("id"): group for group in root.iter(SVG + "g")}
    homes = {box.id: box.cluster for box in picture.boxes}
    boxes = {name: place for name, place in places.items() if name in homes}
    for number, edge in enumerate(picture.edges):
        group = groups.get(f"e{number}")
        if (
            not edge.side
            or edge.label
            or group is None
            or edge.source not in boxes
            or edge.target not in boxes
        ):
            continue
        start, end = boxes[edge.source], boxes[edge.target]
        right = start.right < end.left
        near = _outer(picture, places, homes[edge.source]) or start
        far = _outer(picture, places, homes[edge.target]) or end
        turns = (near.right + _GAP, far.left - _GAP) if right else (near.left - _GAP, far.right + _GAP)
        others = [place for name, place in boxes.items() if name not in (edge.source, edge.target)]
        for turn in (*turns, sum(turns) / 2):
            if _clear(start, end, turn, right, others):
                _redraw(group, start, end, turn, right)
                break


def _outer(picture: Picture, places: dict[str, Rectangle], cluster: str | None) -> Rectangle | None:
    parents = {c.id: c.parent for c in picture.clusters}
    while cluster is not None and parents[cluster] is not None:
        cluster = parents[cluster]
    return None if cluster is None else places.get(cluster)


def _clear(start: Rectangle, end: Rectangle, turn: float, right: bool, others: list[Rectangle]) -> bool:
    out, into = (start.right, end.left) if right else (start.left, end.right)
    if (turn - out) * (into - turn) <= 0:
        return False
    pieces = [
        Rectangle(min(out, turn), start.middle, max(out, turn), start.middle),
        Rectangle(turn, min(start.middle, end.middle), turn, max(start.middle, end.middle)),
        Rectangle(min(into, turn), end.middle, max(into, turn), end.middle),
    ]
    return not any(piece.crosses(other, 2.0) for piece in pieces for other in others)


def _redraw(group: ElementTree.Element, start: Rectangle, end: Rectangle, turn: float, right: bool) -> None:
    sign = 1 if right else -1
    out, into = (start.right, end.left) if right else (start.left, end.right)
    up = 1 if end.middle > start.middle else -1
    bend = min(_BEND, abs(end.middle - start.middle) / 2, abs(turn - out), abs(into - turn))
    tip = into - sign * _HEAD
    line = (
        f"M{out:.2f},{start.middle:.2f}L{turn - sign * bend:.2f},{start.middle:.2f}"
        f"Q{turn:.2f},{start.middle:.2f} {turn:.2f},{start.middle + up * bend:.2f}"
        f"L{turn:.2f},{end.middle - up * bend:.2f}"
        f"Q{turn:.2f},{end.middle:.2f} {turn + sign * bend:.2f},{end.middle:.2f}L{tip:.2f},{end.middle:.2f}"
    )
    for shape in group.iter():
        if shape.tag == SVG + "path":
            shape.set("d", line)
        elif shape.tag == SVG + "polygon":
            corners = ((into, 0.0), (tip, -2.5), (tip, 2.5), (into, 0.0))
            shape.set("points", " ".join(f"{x:.2f},{end.middle + dy:.2f}" for x, dy in corners))
