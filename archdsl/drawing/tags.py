"""Values that are used in many places, by name instead of by arrow: masks, positions, queries, as in papers' figures.

A tag is a box of its own while the picture is laid out: one before each box that takes the value, and one beside the
box that gives it, unless that is an input or a parameter, which says its name already.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from archdsl.drawing.levels import Levels, components
from archdsl.drawing.loosening import loosened
from archdsl.drawing.picture import Box, Edge, Picture

_MOST_ARROWS = 2
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_LONGEST = 18
_USUAL = 40.0  # the height of a box, about


def scattered(picture: Picture, levels: Levels) -> frozenset[int]:
    """The edges of values that too many loose arrows would carry, or arrows past other ways there."""
    by_source: dict[str, list[int]] = {}
    loose = set(levels.loose) | _loosened(levels)
    kinds = {box.id: box.kind for box in picture.boxes}
    for number, edge in enumerate(picture.edges):
        far = number in loose or (edge.skip and kinds[edge.source] in ("input", "weight"))
        if far and kinds[edge.source] != "junction":
            by_source.setdefault(edge.source, []).append(number)
    return frozenset(
        number for numbers in by_source.values() if len(numbers) > _MOST_ARROWS for number in numbers
    )


def _loosened(levels: Levels) -> set[int]:
    """The edges that will not hold their level together."""
    steps: set[tuple[str | None, str, str]] = set()
    for level in levels.levels.values():
        for part in components(level):
            frames = any(node in levels.levels for node in part.nodes)
            left_out = loosened(part, dict.fromkeys(part.nodes, _USUAL), frames)
            steps |= {(level.frame, source, target) for source, target in left_out}
    return {number for number, way in levels.ways.items() if steps.intersection(way)}


def with_tags(picture: Picture, tagged: Collection[int]) -> Picture:
    """The picture with tags in place of those edges; an edge keeps its number, and begins at its tag."""
    if not tagged:
        return picture
    names = _names(picture, sorted(tagged))
    boxes = {box.id: box for box in picture.boxes}
    edges = list(picture.edges)
    before: dict[str, list[Box]] = {}
    for number in sorted(tagged):
        edge = edges[number]
        tag = _tag(f"take{number}", names[edge.source], boxes[edge.target], boxes[edge.source].path)
        before.setdefault(edge.target, []).append(tag)
        edges[number] = Edge(tag.id, edge.target, "", False, False)
    after: dict[str, Box] = {}
    for source in dict.fromkeys(picture.edges[n].source for n in sorted(tagged)):
        if boxes[source].kind not in ("input", "weight"):
            tag = after[source] = _tag(f"give{source}", names[source], boxes[source], "")
            edges.append(Edge(source, tag.id, "", False, False))
    ordered: list[Box] = []
    for box in picture.boxes:
        ordered += [*before.get(box.id, []), box]
        if box.id in after:
            ordered.append(after[box.id])
    return replace(picture, boxes=tuple(ordered), edges=tuple(edges))


def _tag(name: str, text: str, near: Box, path: str) -> Box:
    return Box(name, "tag", "", (text,), "tag", near.cluster, path, "", "", 0)


def _names(picture: Picture, tagged: Sequence[int]) -> dict[str, str]:
    """A short name for each value, no two alike: of the frame that it leaves, or of its box."""
    clusters = {c.id: c for c in picture.clusters}
    boxes = {box.id: box for box in picture.boxes}

    def chain(box: str) -> list[str]:
        found: list[str] = []
        at = boxes[box].cluster
        while at is not None:
            found.append(at)
            at = clusters[at].parent
        return found

    names: dict[str, str] = {}
    for number in tagged:
        edge = picture.edges[number]
        if edge.source in names:
            continue
        box, around = boxes[edge.source], chain(edge.target)
        left = [frame for frame in chain(edge.source) if frame not in around]
        title = clusters[left[-1]].title if left else box.title or (box.lines or ("",))[0]
        found = _NAME.match(title)
        name = (found[0] if found else "value").rstrip(".")[:_LONGEST]
        count, wanted = 1, name
        while wanted in names.values():
            count += 1
            wanted = f"{name} {count}"
        names[edge.source] = wanted
    return names
