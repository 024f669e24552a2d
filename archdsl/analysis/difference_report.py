"""A difference as text for people and as JSON: figures side by side, then what changed, each pair of regions once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archdsl.analysis.differences import Change, Detail, Difference, Inside
from archdsl.analysis.figures import TITLES
from archdsl.analysis.tables import short_number
from archdsl.analysis.uses import Part
from archdsl.terminal_text import escape

Paint = Callable[[str, str], str]
MOST_LINES = 120
_SUMS = frozenset(("weight_bytes", "training_bytes", "inference_bytes"))  # of what is shown already
_MARKS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_COLOURS = {"added": "32", "removed": "31", "changed": "33", "moved": "36", "head": "1", "quiet": "2"}


def paint_on(text: str, style: str) -> str:
    """With a terminal's colours."""
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if text else text


def paint_off(text: str, style: str) -> str:
    """As it is."""
    return text


def render_text(found: Difference, paint: Paint = paint_off) -> str:
    """The whole text; one line where nothing differs."""
    before, after = found.names
    if not found:
        return escape(f"{before} and {after} are the same") + "\n"
    lines = [paint(escape(f"{before} -> {after}"), "head"), *_figures(found)]
    first, second = map(_sizes, found.sizes)
    if first != second:
        lines.append(
            paint(escape(f"measured at {first or 'its one size'} and at {second or 'its one size'}"), "quiet")
        )
    for item in found.signature:
        what = "changed" if item.before and item.after else "added" if item.after else "removed"
        said = f"{item.before} -> {item.after}" if what == "changed" else item.before or item.after
        lines.append(paint(escape(f"{_MARKS[what]} {item.what}  {said}"), what))
    changes = list(_Lines(paint).inside(found.inside, "", 0))
    lines += changes[:MOST_LINES]
    if len(changes) > MOST_LINES:
        lines.append(f"... and {len(changes) - MOST_LINES} more lines (--format json has all)")
    count = _follow(found.inside, set())
    if count:
        said = "part differs" if count == 1 else "parts differ"
        lines.append(paint(f"{count} other {said} only in what follows: sizes, numbers of rounds", "quiet"))
    return "\n".join(lines) + "\n"


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items())


def _figures(found: Difference) -> Iterator[str]:
    shown = {"params_trainable": "params", "macs_attention_masked": "macs_attention_full"}
    rows = [
        (TITLES[name], f"{a:,}", f"{b:,}", *_change(a, b))
        for name, (a, b) in found.figures.items()
        if (a or b) and name not in _SUMS and (a, b) != found.figures.get(shown.get(name, ""))
    ]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(5)]
    for row in rows:
        numbers = "  ".join(f"{text:>{width}}" for text, width in zip(row[1:], widths[1:], strict=True))
        yield f"{row[0]:{widths[0]}}  {numbers}".rstrip()


def _change(before: int, after: int) -> tuple[str, str]:
    if before == after:
        return "", ""
    share = f"{(after - before) / before * 100:+,.1f}%" if before else ""
    return f"{after - before:+,}", share


class _Lines:
    """The lines of the changes, indented as they are nested; what has been said once is referred to."""

    def __init__(self, paint: Paint) -> None:
        self.paint = paint
        self._said: dict[int, str] = {}

    def inside(self, found: Inside, path: str, depth: int) -> Iterator[str]:
        for change in found.changes:
            if change.what != "follows":
                yield from self._change(change, path, depth)

    def _change(self, change: Change, path: str, depth: int) -> Iterator[str]:
        shown = [_place(change)]
        while (only := _only(change)) is not None:
            change = only
            shown.append(_place(change))
        place = _joined(shown)
        here = ".".join(part for part in (path, place) if part)
        text = "  ".join(part for part in (place, *_said(change)) if part)
        mark = _MARKS[change.what]
        again = (
            change.inside is not None and id(change.inside) in self._said and not change.inside.only_follows
        )
        if again:
            text += f"  (inside as in {self._said[id(change.inside)]})"
        yield self.paint(escape("  " * depth + f"{mark} {text}"), change.what)
        if change.inside is not None and not again:
            self._said[id(change.inside)] = here
            yield from self.inside(change.inside, here, depth + 1)


def _only(change: Change) -> Change | None:
    """The one change in a part that has no other: said on the same line."""
    if change.what != "changed" or change.inside is None or any(d.what != "shape" for d in change.details):
        return None
    real = [item for item in change.inside.changes if item.what != "follows"]
    return real[0] if len(real) == 1 else None


def _place(change: Change) -> str:
    before, after = (part.path if part is not None else None for part in (change.before, change.after))
    if before == after or before is None or after is None:
        return after or before or ""
    return f"{before} -> {after}"


def _joined(places: list[str]) -> str:
    """Paths one after the other; what has two names is in brackets where more follows."""
    kept = [place for place in places if place]
    return ".".join(f"({place})" if " -> " in place and len(kept) > 1 else place for place in kept)


def _said(change: Change) -> Iterator[str]:
    """Name, what differs, and the parameters."""
    part = change.part
    if change.what in ("added", "removed"):
        yield part.caption
        times = f" x{part.times}" if part.times != "1" else ""
        yield (
            f"{short_number(part.params)} parameters{' each' if times else ''}" if part.params else ""
        ) + times
        return
    named = {"operator", "block", "weight", "use"}
    if not any(item.what in named for item in change.details):
        yield part.name
    for item in change.details:
        text = _detail(item)
        if text:
            yield text
    before, after = change.before, change.after
    if before is not None and after is not None and before.params != after.params:
        yield f"({short_number(before.params)} -> {short_number(after.params)} parameters)"


def _detail(item: Detail) -> str:
    if item.what in ("path", "shape", "first", "weights"):
        return ""  # the path stands before it, what follows from sizes after it
    if item.what == "wiring":
        return "the same parts, wired differently"
    if item.what == "times":
        return f"x{item.before} -> x{item.after}"
    name = "" if item.what in ("operator", "block", "weight", "use") else f"{item.what} "
    return f"{name}{item.before or 'nothing'} -> {item.after or 'nothing'}"


def _follow(found: Inside, seen: set[int]) -> int:
    if id(found) in seen:
        return 0
    seen.add(id(found))
    count = 0
    for change in found.changes:
        count += change.what == "follows" and change.inside is None
        count += _follow(change.inside, seen) if change.inside is not None else 0
    return count


def as_data(found: Difference, files: tuple[str, str]) -> dict[str, Any]:
    """The JSON of ``diff --format json``: ``inside`` is a place in ``regions``, where the model is 0."""
    regions: list[Inside] = [found.inside]
    numbers = {id(found.inside): 0}

    def number(inside: Inside | None) -> int | None:
        if inside is None:
            return None
        if id(inside) not in numbers:
            numbers[id(inside)] = len(regions)
            regions.append(inside)
        return numbers[id(inside)]

    listed: list[dict[str, Any]] = []
    while len(listed) < len(regions):
        inside = regions[len(listed)]
        listed.append(
            {"same": inside.same, "changes": [_as_data(c, number(c.inside)) for c in inside.changes]}
        )
    return {
        "schema": 1,
        "differs": bool(found),
        "before": {"model": found.names[0], "file": files[0], "at": dict(found.sizes[0])},
        "after": {"model": found.names[1], "file": files[1], "at": dict(found.sizes[1])},
        "figures": {name: {"before": a, "after": b} for name, (a, b) in found.figures.items()},
        "signature": list(map(_detail_data, found.signature)),
        "regions": listed,
    }


def _as_data(change: Change, inside: int | None) -> dict[str, Any]:
    return {
        "what": change.what,
        "before": _part(change.before),
        "after": _part(change.after),
        "details": list(map(_detail_data, change.details)),
        "inside": inside,
    }


def _detail_data(item: Detail) -> dict[str, str]:
    return {"what": item.what, "before": item.before, "after": item.after}


def _part(part: Part | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {
        "path": part.path,
        "kind": part.kind,
        "name": part.name,
        "caption": part.caption,
        "arguments": dict(part.arguments),
        "times": part.times,
        "shapes": list(part.shapes),
        "params": part.params,
        "macs": part.macs,
        "place": part.place,
    }


def render_json(found: Difference, files: tuple[str, str]) -> str:
    """``as_data`` as text."""
    return json.dumps(as_data(found, files), ensure_ascii=False, indent=1) + "\n"
