"""One use in a region as comparisons speak of it: what it is, its arguments and figures, and two digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from archdsl.dims import Size, render
from archdsl.network.types import Region
from archdsl.network.values import LateNumber

Kind = Literal["operator", "block", "weight", "use"]


@dataclass(frozen=True)
class Part:
    """One use in a region: an operator, a block (or a layer's recipe), a raw weight, or the use of a layer.

    ``label`` is what it adds to the path, ``first`` the ordinal of a loop's first round and ``times`` how many there
    are; figures are those of one. ``role`` is the operator's, ``caption`` what a table says of it.
    """

    kind: Kind
    label: str
    name: str
    caption: str
    role: str
    arguments: tuple[tuple[str, str], ...]
    times: str
    first: int | None
    shapes: tuple[str, ...]
    params: int
    macs: int
    place: str
    digest: str
    form: str
    late: str
    frozen: bool

    @property
    def path(self) -> str:
        """``layers.0..11`` for a loop."""
        if self.first is None:
            return self.label
        last = f"..{self.first + int(self.times) - 1}" if self.times.isdigit() and self.times != "1" else ""
        return f"{self.label}.{self.first}{last}" if self.label else f"{self.first}{last}"


@dataclass(frozen=True, eq=False)
class Held:
    """A part, and the region in it where it is one, with how often it holds each operator."""

    part: Part
    region: Region | None
    profile: Mapping[str, int] = field(default_factory=dict)


def argument(value: Any) -> str:
    """An argument as a program would have it, or nearly so."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Size):
        return render(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(argument, value))}]"
    if isinstance(value, Region):
        return "a tensor"
    if isinstance(value, LateNumber):
        return argument(value.value)
    text = str(value)
    head, bracket, rest = text.partition("(")
    if bracket and head.isidentifier() and head[:1].isupper():
        return head.lower() + ("" if rest == ")" else f"({rest}")
    return text
