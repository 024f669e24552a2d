"""The picture of a network, before anything is laid out: boxes, frames around them, arrows, and what the legend says.

This is what every kind of drawing starts from. It knows no fonts, colours or positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# A place (dotted), the name of the source, from where to where in it this is written: which use of an operator or
# block is meant.
Use = tuple[str, str, int, int]
BoxKind = Literal["operators", "block", "symbol", "weight", "input", "output", "junction", "tag"]


@dataclass(frozen=True)
class Box:
    """One box. ``title`` is the block it stands for, if it stands for one; ``lines`` what is said below.

    A "tag" is made by the layout alone.

    ``role`` colours it; ``cluster`` is the id of the frame it stands in. ``path`` (dotted), ``shape`` and ``place``
    (``file:line``) are for tooltips and for finding the source; ``line`` is the line alone, 0 where there is none.
    ``uses`` are what it stands for, to find figures by.
    """

    id: str
    kind: BoxKind
    title: str
    lines: tuple[str, ...]
    role: str
    cluster: str | None
    path: str
    shape: str
    place: str
    line: int
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """A frame around the boxes of a block or of a loop's round.

    ``again`` says that what comes out goes in once more, for each step in time or until something holds.
    """

    id: str
    title: str
    detail: str
    parent: str | None
    path: str
    place: str
    again: bool = False


@dataclass(frozen=True)
class Edge:
    """An arrow; ``label`` is the shape, where it changes.

    ``skip`` says that another way leads there, past more boxes; ``side`` that it comes out of one frame and into the
    middle of another (what an encoder gives to a decoder), so that neither stands before the other.
    """

    source: str
    target: str
    label: str
    skip: bool
    side: bool


@dataclass(frozen=True)
class Picture:
    """Boxes and frames in the order of the program, each frame after the one around it."""

    name: str
    docstring: str
    boxes: tuple[Box, ...]
    clusters: tuple[Cluster, ...]
    edges: tuple[Edge, ...]
    roles: tuple[str, ...]
    notes: tuple[str, ...]
