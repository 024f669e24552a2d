"""The data of an interactive drawing: every distinct block once, with its boxes, its rows of figures and its places.

Regions are numbered in the order in which they are met; a use says which it is, where it stands and how often. So the
data grow with the distinct regions, never with the depth. Figures come from the summary, words from the drawing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.analysis.kept_by_use import Use, kept_by_use
from archdsl.analysis.summary import Inside as Opened
from archdsl.analysis.summary import Row, Summary
from archdsl.drawing.blocks import Inside, Item, OneLevel, Part, inside_of, only_block
from archdsl.drawing.theme import Theme
from archdsl.drawing.viewer import viewer_page
from archdsl.network.types import Path, Region
from archdsl.source import Span
from archdsl.tensors import TensorType

Json = dict[str, Any]
_LONGEST_LINE = 120


def interactive(summary: Summary, *, theme: Theme = "auto", color_by: str = "role") -> str:
    """One HTML file that needs nothing else; it begins with the colours of ``color_by``."""
    return viewer_page(summary.network.name, explored(summary) | {"colours": color_by}, theme=theme)


def explored(summary: Summary) -> Json:
    """What the page is made of, as JSON."""
    network, data = summary.network, _Explorer(summary)
    root = data.region(network.inference, summary.root)
    data.finish()
    return {
        "name": network.name,
        "docstring": network.docstring or "",
        "sizes": dict(summary.sizes),
        "conditions": list(summary.conditions),
        "total": {
            "params": summary.params,
            "macs": summary.macs,
            "memory": data.kept.total(network.inference),
        },
        "root": root,
        "types": [list(pair) for pair in data.types],
        "places": [list(place) for place in data.places],
        "regions": data.regions,
    }


@dataclass
class _Explorer:
    """Regions that were met, and texts that many boxes share."""

    summary: Summary
    regions: list[Json] = field(default_factory=list)
    types: dict[tuple[str, str], int] = field(default_factory=dict)
    places: dict[tuple[str, int, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folding = OneLevel(self.summary.network)
        self.kept = kept_by_use(self.summary)
        self.numbers: dict[Region, int] = {}
        self.waiting: list[tuple[Region, Row]] = []

    def region(self, region: Region, row: Row) -> int:
        """Its number; what is inside is looked at later, since blocks may be nested deeply."""
        if region not in self.numbers:
            self.numbers[region] = len(self.regions)
            self.regions.append({})
            self.waiting.append((region, row))
        return self.numbers[region]

    def finish(self) -> None:
        while self.waiting:
            region, row = self.waiting.pop()
            self.regions[self.numbers[region]].update(self._region(region, row))

    def type(self, type_: TensorType) -> int:
        pair = (str(type_), str(self.summary.concrete(type_)))
        return self.types.setdefault(pair, len(self.types))

    def place(self, span: Span) -> int:
        line = span.source.line(span.line).strip()
        line = line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
        return self.places.setdefault((span.source.name, span.line, line), len(self.places))

    def _region(self, region: Region, row: Row) -> Json:
        inside = inside_of(self.summary.network, region, self.folding)
        rows = self._rows(row)
        uses = self._uses(rows, inside)
        kept = self.kept.uses(region)
        items = [self._item(item, uses, kept) for item in inside.items]
        for item, rank, column in zip(items, inside.grid.ranks, inside.grid.columns, strict=True):
            item["at"] = [rank, column]
        arrows = []
        for arrow, route in zip(inside.arrows, inside.grid.routes, strict=True):
            said = self.type(inside.items[arrow.source].given) if arrow.changed else -1
            arrows.append(
                [
                    arrow.source,
                    arrow.target,
                    said,
                    arrow.note,
                    int(arrow.skip),
                    route.lane,
                    route.leave,
                    route.enter,
                ]
            )
        return {
            "name": region.name,
            "docstring": region.docstring or "",
            "items": items,
            "arrows": arrows,
            "tracks": list(inside.grid.tracks),
            "rows": [self._row(one) for one in rows if one.params or one.macs or one.inside or one.tied_to],
        }

    def _rows(self, row: Row) -> tuple[Row, ...]:
        """The rows of a region as if it stood alone: places relative to it, weights its own, once."""
        if row.inside is None:
            return ()
        # Whoever met the region first may not be who works in it: a layer's declaration, or training alone.
        inference = row.inside.inference or row.inside.training
        alone = replace(row.inside, inference=inference, owned=True, frozen=False, steps=1)
        here = replace(row, path=(), times=1, tied_to=None, training_only=False, inside=alone)
        return self.summary.children(here)

    def _uses(self, rows: tuple[Row, ...], inside: Inside) -> dict[Use, list[Row]]:
        """Rows by place, also those in blocks that have no box of their own."""
        found: dict[Use, list[Row]] = {}
        waiting = list(rows)
        opened = {_use(path, span) for path, span in inside.opened}
        while waiting:
            row = waiting.pop(0)
            key = _use(row.path, row.span)
            found.setdefault(key, []).append(row)
            if row.inside is not None and key in opened:
                waiting.extend(self.summary.children(row))
        return found

    def _item(self, item: Item, uses: dict[Use, list[Row]], kept: Mapping[Use, list[int]]) -> Json:
        rows = [row for part in item.parts if (row := _found(uses, part)) is not None]
        told: Json = {"kind": item.kind, "role": item.role, "type": self.type(item.given)}
        if item.title:
            told["title"] = item.title
        if item.lines:
            told["lines"] = list(item.lines)
        if item.parts:
            told["path"] = ".".join(next((p.path for p in item.parts if p.path), ()))
            told["place"] = self.place(item.parts[0].span)
        if rows:
            told["figures"] = [sum(row.params for row in rows), sum(row.macs for row in rows)]
            tied = next((row.tied_to for row in rows if row.tied_to), None)
            if tied is not None:
                told["tied"] = tied
        if item.block and rows and rows[0].inside is not None:
            told |= self._opening(rows[0])
        held = sum(_mean(kept.get(_use(part.path, part.span), [])) for part in item.parts)
        if held and rows:
            told["figures"].append(round(held / told.get("times", 1)))
        return told

    def _row(self, row: Row) -> Json:
        told: Json = {
            "label": row.label,
            "name": row.caption,
            "path": row.name,
            "figures": [row.params, row.macs],
            "type": self.type(row.outputs[0]) if row.outputs else -1,
            "place": self.place(row.span),
        }
        if row.role:
            told["role"] = row.role
        if row.tied_to:
            told["tied"] = row.tied_to
        if row.training_only:
            told["training"] = True
        return told | (self._opening(row) if row.inside is not None else {})

    def _opening(self, row: Row) -> Json:
        """Which region is inside, under which place, how often; what holds one block alone is that block."""
        times, steps, place = row.times, row.inside.steps if row.inside is not None else 1, row.path
        region, tied = _region_of(row.inside), row.tied_to
        idle = row.inside is not None and row.inside.inference is None
        while region is not None:
            use = only_block(region)
            inner = next((r for r in self.summary.children(row) if r.inside is not None), None)
            if use is None or inner is None or (times > 1 and inner.times > row.times):
                break
            row, place, times, tied = inner, inner.path, max(times, inner.times), tied or inner.tied_to
            region = _region_of(row.inside)
            steps = row.inside.steps if row.inside is not None else steps
        if region is None:
            return {}
        told: Json = {"region": self.region(region, row), "inner": ".".join(place), "name": row.caption}
        if tied:
            told["tied"] = tied
        if idle:  # a layer's declaration: its weights are counted here, its work where it is used
            told["idle"] = True
        if times != 1:
            told["times"] = times
        if steps != 1:
            told["steps"] = steps
        return told


def _region_of(inside: Opened | None) -> Region | None:
    return None if inside is None else inside.inference or inside.training


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _use(path: Path, span: Span) -> Use:
    return (".".join(path), span.source.name, span.start, span.end)


def _found(uses: dict[Use, list[Row]], part: Part) -> Row | None:
    """The row of a part. A layer handed in from outside has another place there, but is written in the same spot."""
    exact = uses.get(_use(part.path, part.span))
    if exact:
        return exact[0]
    here = (part.span.source.name, part.span.start, part.span.end)
    return next((rows[0] for key, rows in uses.items() if key[1:] == here), None)
