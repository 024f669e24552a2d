"""A difference seen from the other side: what leads from B to A, of what leads from A to B."""

from __future__ import annotations

from archdsl.analysis.differences import Change, Detail, Difference, Inside, What


def mirrored(found: Difference) -> Difference:
    """The same seen from the other side."""
    known: dict[int, Inside] = {}

    def inside(item: Inside) -> Inside:
        if id(item) not in known:
            turned = [change(one) for one in item.changes]
            turned.sort(key=_order)
            known[id(item)] = Inside(tuple(turned), item.same)
        return known[id(item)]

    def change(item: Change) -> Change:
        turned: dict[What, What] = {"added": "removed", "removed": "added"}
        what = turned.get(item.what, item.what)
        within = inside(item.inside) if item.inside is not None else None
        return Change(what, item.after, item.before, tuple(map(detail, item.details)), within, item.gap)

    def detail(item: Detail) -> Detail:
        return Detail(item.what, item.after, item.before)

    return Difference(
        (found.names[1], found.names[0]),
        (found.sizes[1], found.sizes[0]),
        {name: (b, a) for name, (a, b) in found.figures.items()},
        tuple(map(detail, found.signature)),
        inside(found.inside),
    )


def _order(change: Change) -> tuple[int, int]:
    """Where a change stands: a pair opens the gap behind it, and in a gap what is lost comes before what is new."""
    return change.gap, {"removed": 1, "added": 2}.get(change.what, 0)
