"""What each use of an operator or block holds of a model's parameters, work or memory, all its instances together."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Literal

from archdsl.analysis.kept_by_use import Use, kept_by_use
from archdsl.analysis.summary import Row, Summary

Measure = Literal["params", "macs", "memory"]
ColorBy = Literal["role", "params", "macs", "memory"]
MEASURES: dict[Measure, str] = {
    "params": "parameters",
    "macs": "MACs",
    "memory": "memory kept for backward",
}
"""What a legend calls them."""

_MOST_ROWS = 50_000


def shares(summary: Summary, measure: Measure) -> Mapping[Use, float]:
    """Parts of 1 by place, name of the source and the stretch of it in which the use is written.

    Uses that agree in all three (a list of operators without weights) share evenly what they hold together.
    """
    if measure == "memory":
        kept, region = kept_by_use(summary), summary.network.inference
        held, total = kept.uses(region), kept.total(region)
    else:
        held = _rows(summary, measure)
        total = summary.params if measure == "params" else summary.macs
    return {use: sum(each) / len(each) / total if total else 0.0 for use, each in held.items()}


def _rows(summary: Summary, measure: Measure) -> Mapping[Use, list[int]]:
    """What the rows hold, outer ones first, up to a limit that no drawing comes near."""
    found: dict[Use, list[int]] = {}
    waiting = deque(summary.children(summary.root))
    opened = 0
    while waiting:
        row = waiting.popleft()
        found.setdefault(_use(row), []).append(row.times * (row.params if measure == "params" else row.macs))
        if row.inside is not None and opened < _MOST_ROWS:
            inner = summary.children(row)
            opened += len(inner)
            waiting.extend(inner)
    return found


def _use(row: Row) -> Use:
    return (row.name, row.span.source.name, row.span.start, row.span.end)
