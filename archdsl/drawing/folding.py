"""What to open and what to leave closed: a network is drawn once per distinct block, never once per use.

The rules, in this order:

1. ``fold`` and ``expand`` name places, and are obeyed.
2. Deeper than the depth limit, a block is a closed box.
3. A use that holds one operator of weight (``conv_bn``) is drawn without a frame, so that it can join its neighbours.
4. So is one that applies a recipe handed to it (``post_norm(mha(8))``: the reader wants to see the attention), and one
   that contains itself (a U-Net's levels: ten nested frames say nothing).
5. ``closed`` are places that were closed for want of room, with all that are like them.
6. A block of three boxes or more that stands drawn in the picture is a closed box from then on, with its arguments:
   the same region, or another of the same definition and structure (ResNet's bottlenecks differ in their widths alone).
7. Anything else is drawn inside a frame.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal

from archdsl.drawing.captions import GLUE, MINOR_ROLES, ON_THE_ARROW
from archdsl.network.types import CallNode, OpNode, Region
from archdsl.syntax.tree import Definition

Way = Literal["box", "inline", "frame"]

_WORTH_FOLDING = 3


def weight_of_node(node: OpNode) -> int:
    """1 for an operator that gets a box, 0 for one that is drawn in another's."""
    op = node.op
    if op.name in GLUE or op.name in ON_THE_ARROW or op.role in MINOR_ROLES:
        return 0
    return 0 if op.role == "arithmetic" and len(node.inputs) < 2 else 1


@dataclass
class Folding:
    """The decisions for one picture, and what of the network they rest on: each region is looked at once."""

    expand: frozenset[str]
    fold: frozenset[str]
    depth_limit: int
    closed: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    drawn: set[Hashable] = field(default_factory=set)
    _weights: dict[Region, int] = field(default_factory=dict)
    _forms: dict[Region, int] = field(default_factory=dict)
    _numbers: dict[Hashable, int] = field(default_factory=dict)
    _recursive: set[object] = field(default_factory=set)

    def study(self, root: Region) -> None:
        """Measure every region, inner ones first, without recursion: nesting may be deep."""
        below: dict[Region, frozenset[object]] = {}
        waiting = [(root, False)]
        while waiting:
            region, ready = waiting.pop()
            if region in self._weights:
                continue
            inner = [node.region for node in region.nodes if isinstance(node, CallNode)]
            if not ready:
                waiting.append((region, True))
                waiting.extend((r, False) for r in inner if r not in self._weights)
                continue
            below[region] = frozenset().union(*(below[r] | {r.definition} for r in inner))
            if region.definition in below[region] and isinstance(region.definition, Definition):
                self._recursive.add(region.definition)
            self._weights[region] = sum(self._weight(node) for node in region.nodes)
            self._forms[region] = self._number((region.definition, tuple(map(self._form, region.nodes))))

    def reset(self, depth_limit: int) -> None:
        """Begin a picture anew, with another depth."""
        self.depth_limit = depth_limit
        self.used, self.drawn = set(), set()

    def weight(self, region: Region) -> int:
        """How many operators of weight a region holds, inner ones counted; 2**20 and more are alike."""
        return self._weights[region]

    def _weight(self, node: object) -> int:
        if isinstance(node, OpNode):
            return weight_of_node(node)
        return min(self._weights[node.region], 1 << 20) if isinstance(node, CallNode) else 1

    def _form(self, node: object) -> Hashable:
        if isinstance(node, OpNode):
            return node.op.name
        return self._forms[node.region] if isinstance(node, CallNode) else type(node).__name__

    def form(self, region: Region) -> int:
        """A number that regions of the same definition and structure share, whatever their arguments."""
        return self._forms[region]

    def _number(self, form: Hashable) -> int:
        return self._numbers.setdefault(form, len(self._numbers))

    def way(self, node: CallNode, path: tuple[str, ...], depth: int) -> Way:
        """How this use is drawn; remembers what stands open."""
        region, weight = node.region, self._weights[node.region]
        once = node.count == 1 and node.kind in ("call", "loop", "layer")
        names = self._names(node, path)
        if names & self.fold:
            self.used |= names & self.fold | _below(names, self.fold)
            return "box"
        # A block that nobody named is known by where it is used.
        known = names if path else {f"{node.span.source.name}:{node.span.line}"}
        if known & self.closed and not _below(names, self.expand):
            self._close(region)  # nor are its likes drawn open in its stead
            return "box"
        asked = names & self.expand
        self.used |= asked
        asked |= _below(names, self.expand)  # what is inside cannot be seen unless this is open
        if not asked and depth >= self.depth_limit and weight > 1:
            return "box"
        if once and weight <= 1 and not asked:
            return "inline"
        if once and (region.definition in self._recursive or is_combinator(region)):
            return "inline"
        keys = self._keys(region)
        if weight >= _WORTH_FOLDING and not asked and not keys.isdisjoint(self.drawn):
            self.used |= _below(names, self.fold)
            return "box"
        self.drawn |= keys
        return "frame"

    def _close(self, region: Region) -> None:
        """The region and all inside it count as drawn."""
        waiting, seen = [region], {region}
        while waiting:
            at = waiting.pop()
            if self._weights[at] >= _WORTH_FOLDING:
                self.drawn |= self._keys(at)
            inner = {node.region for node in at.nodes if isinstance(node, CallNode)} - seen
            seen |= inner
            waiting += inner

    def _keys(self, region: Region) -> set[Hashable]:
        keys: set[Hashable] = {region}
        if region.kind != "round":  # a round has no arguments that would tell it from its likes
            keys.add(self._forms[region])
        return keys

    def _names(self, node: CallNode, path: tuple[str, ...]) -> set[str]:
        """How the user may write this place: a loop also by its path alone, or by any of its first rounds."""
        names = {".".join(path)}
        if node.kind in ("loop", "until"):
            names.add(".".join(path[:-1]))
            count = node.count if isinstance(node.count, int) else 1
            names |= {".".join((*path[:-1], str(node.first + k))) for k in range(min(count, 1000))}
        return names

    def unused(self) -> list[str]:
        """What ``expand`` and ``fold`` named without finding it."""
        return sorted((self.expand | self.fold) - self.used)


def _below(names: set[str], places: frozenset[str]) -> set[str]:
    """The places inside the one that has these names."""
    return {place for place in places if any(place.startswith(f"{name}.") for name in names)}


def is_combinator(region: Region) -> bool:
    """Whether the block is about a recipe that it is handed, as ``post_norm(f: block)`` is."""
    return bool(handed_recipes(region))


def handed_recipes(region: Region) -> frozenset[str]:
    """The names under which a block applies recipes of its caller; as places they say nothing."""
    definition = region.definition
    if not isinstance(definition, Definition) or region.kind != "block":
        return frozenset()
    return frozenset(p.name for p in definition.parameters if p.kind == "block" and p.default is None)
