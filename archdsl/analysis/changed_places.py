"""The places at which a difference has something to say, by their paths in the second model."""

from __future__ import annotations

from collections import deque

from archdsl.analysis.differences import Difference, Inside
from archdsl.analysis.uses import Part

MOST_PLACES = 20_000


def changed_places(found: Difference) -> frozenset[str]:
    """Paths of parts that changed or in which something did, of a loop's rounds the first; only real changes count."""
    places: set[str] = set()
    waiting: deque[tuple[Inside, str]] = deque([(found.inside, "")])
    while waiting and len(places) < MOST_PLACES:
        inside, base = waiting.popleft()
        for change in inside.changes:
            if change.what == "follows" or change.after is None:
                continue
            path = ".".join(part for part in (base, _place(change.after)) if part)
            places.add(path)
            if change.inside is not None:
                waiting.append((change.inside, path))
    return frozenset(places)


def _place(part: Part) -> str:
    number = "" if part.first is None else str(part.first)
    return ".".join(text for text in (part.label, number) if text)
