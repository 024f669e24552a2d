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

    Uses that agree in all three share evenly what they hold together: a list of operators without weights, or the uses
    of one layer.
    """
    held: Mapping[Use, float]
    if measure == "memory":
        kept, region = kept_by_use(summary), summary.network.inference
        held = {use: sum(each) / len(each) for use, each in kept.uses(region).items()}
        total = kept.total(region)
    else:
        held = _rows(summary, measure)
        total = summary.params if measure == "params" else summary.macs
    return {use: each / total if total else 0.0 for use, each in held.items()}


def _rows(summary: Summary, measure: Measure) -> Mapping[Use, float]:
    """What the rows hold, outer ones first, up to a limit that no drawing comes near.

    A layer that only inner blocks use is declared in a row of its own, with its weights: that is no further use.
    """
    held: dict[Use, int] = {}
    uses: dict[Use, int] = {}
    waiting = deque((row, False) for row in summary.children(summary.root))
    opened = 0
    while waiting:
        row, declared = waiting.popleft()
        declared = declared or (row.inside is not None and row.inside.inference is None)
        use = _use(row)
        held[use] = held.get(use, 0) + row.times * (row.params if measure == "params" else row.macs)
        uses[use] = uses.get(use, 0) + (not declared)
        if row.inside is not None and opened < _MOST_ROWS:
            inner = summary.children(row)
            opened += len(inner)
            waiting.extend((child, declared) for child in inner)
    return {use: each / max(uses[use], 1) for use, each in held.items()}


def _use(row: Row) -> Use:
    return (row.name, row.span.source.name, row.span.start, row.span.end)
