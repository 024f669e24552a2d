"""From a network to its picture: walked, merged, boxes numbered, shapes said where they change."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from archdsl.dims import Dim, evaluate, symbol, symbols
from archdsl.drawing.atoms import Atom, TooMany, Walk, Wire, picture_too_large, walk_network
from archdsl.drawing.captions import wrapped
from archdsl.drawing.folding import Folding
from archdsl.drawing.junctions import add_junctions
from archdsl.drawing.merging import Group, Merged, merge
from archdsl.drawing.picture import Box, BoxKind, Cluster, Edge, Picture, Use
from archdsl.drawing.repeats import fold_repeats
from archdsl.network.types import Network, Path
from archdsl.source import Span
from archdsl.tensors import TensorType

__all__ = ["BOX_LIMIT", "DEEPEST", "PlaceError", "make_picture"]

BOX_LIMIT = 400
DEEPEST = 24
_LONGEST_SHAPE = 28

_KINDS: dict[str, BoxKind] = {
    "major": "operators", "minor": "operators", "block": "block", "symbol": "symbol", "weight": "weight",
    "input": "input", "output": "output", "junction": "junction",
}  # fmt: skip


class PlaceError(ValueError):
    """``expand`` or ``fold`` names a place that the picture does not have."""


def make_picture(
    network: Network,
    *,
    expand: Collection[str] = (),
    fold: Collection[str] = (),
    figures: Mapping[str, tuple[int, int]] | None = None,
    sizes: Mapping[str, int] | Literal["auto", "symbolic"] = "auto",
    mode: Literal["inference", "training"] = "inference",
    depth: int = DEEPEST,
    closed: Collection[str] = (),
    box_limit: int = BOX_LIMIT,
) -> Picture:
    """The picture of ``network``; its size depends on the distinct blocks alone, never on how often they repeat.

    ``expand`` and ``fold`` are places as the summary prints them (``encoder.0``, ``stages.1.blocks.0``); ``figures``
    are parameters and multiply-accumulates by place. ``sizes`` are numbers to put for symbolic sizes; "auto" puts the
    model's defaults (all but the batch's) where formulas would be longer than a label should be, and says so.
    ``closed`` are places to close with all that are like them. Where there would be more boxes than ``box_limit``,
    inner blocks are closed until there are not.
    """
    region = network.training if mode == "training" else network.inference
    numbers = figures or {}

    def told(path: Path) -> str:
        found = numbers.get(".".join(path))
        return "" if found is None else f"{_count(found[0])} params, {_count(found[1])} MACs"

    folding = Folding(frozenset(expand), frozenset(fold), depth, frozenset(closed))
    folding.study(region)
    walk = None
    for limit in range(depth, -1, -1):
        folding.reset(limit)
        try:
            walk = walk_network(network, region, folding, box_limit, told)
            break
        except TooMany:
            continue
    if walk is None:
        raise picture_too_large(network.name, box_limit)
    _check_places(folding, walk)
    absent = [name for name in network.training.output_names if name not in network.inference.output_names]
    notes: tuple[str, ...] = ()
    if absent and mode == "inference":
        notes = (f"in training also: {', '.join(absent)}",)
    merged = merge(walk)
    unread = _drop_unread(merged)
    if unread:
        notes += (f"not used{' at inference' * (mode == 'inference')}: {', '.join(unread)}",)
    fold_repeats(merged)
    add_junctions(merged, walk.atoms)
    numbers_for, said = _chosen_sizes(network, walk, sizes)
    return _numbered(network, merged, walk, numbers_for, notes + said)


def _drop_unread(merged: Merged) -> list[str]:
    """Inputs that nothing reads (targets, at inference) are told in a note; the names of those taken out."""
    read = {merged.home[wire.atom] for group in merged.groups.values() for wire in group.sources}
    inputs = [home for home, group in merged.groups.items() if group.kind == "input"]
    unread = [home for home in inputs if home not in read]
    if len(unread) == len(inputs):
        return []
    return [merged.groups.pop(home).atoms[0].caption for home in unread]


def _check_places(folding: Folding, walk: Walk) -> None:
    unknown = folding.unused()
    if unknown:
        known = sorted(
            {".".join(f.path) for f in walk.frames} | {".".join(a.path) for a in walk.atoms if a.title.name}
        )
        near = difflib.get_close_matches(unknown[0], known, 3) or known[:3]
        hint = f"; there is {', '.join(near)}" if near else ""
        raise PlaceError(f"the drawing has no block at {unknown[0]!r}{hint}")


def _chosen_sizes(
    network: Network, walk: Walk, sizes: Mapping[str, int] | Literal["auto", "symbolic"]
) -> tuple[Mapping[str, int], tuple[str, ...]]:
    if not isinstance(sizes, str):
        return sizes, ()
    longest = max((len(str(atom.given)) for atom in walk.atoms), default=0)
    if sizes == "symbolic" or longest <= _LONGEST_SHAPE:
        return {}, ()
    batch = {i.type.shape[0] for i in network.inputs if i.type.shape}
    found = {name: n for name, n in network.defaults.items() if symbol(name) not in batch}
    return found, (f"sizes at {', '.join(f'{name}={n}' for name, n in found.items())}",) if found else ()


def _count(number: int) -> str:
    for unit, name in ((10**12, " T"), (10**9, " G"), (10**6, " M"), (10**3, " k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return str(number)


def _numbered(
    network: Network, merged: Merged, walk: Walk, sizes: Mapping[str, int], notes: tuple[str, ...]
) -> Picture:
    order = _topological(merged)
    ids = {home: f"n{i}" for i, home in enumerate(order)}
    frames = {number: f"cluster{i}" for i, number in enumerate(sorted(merged.frames))}
    boxes = tuple(
        _box(merged.groups[home], ids[home], frames.get(merged.groups[home].frame), sizes) for home in order
    )
    clusters = tuple(
        Cluster(
            frames[n],
            f.title.head(),
            ", ".join(part for part in (f.title.arguments, f.figures) if part),
            frames.get(f.parent),
            ".".join(f.path),
            _place(f.span),
            again=" in time" in f.title.count or " to " in f.title.count,
        )
        for n, f in sorted(merged.frames.items())
    )
    present = {box.role for box in boxes if box.kind not in ("symbol", "junction")}
    return Picture(
        network.name, network.docstring or "", boxes, clusters,
        tuple(_edges(merged, walk.atoms, order, ids, sizes)), tuple(sorted(present)), notes,
    )  # fmt: skip


def _topological(merged: Merged) -> list[int]:
    """Groups in program order, each after what it reads."""
    order: dict[int, None] = {}
    for home in sorted(merged.groups):
        waiting = [(home, False)]
        while waiting:
            at, ready = waiting.pop()
            if at in order:
                continue
            if ready:
                order[at] = None
                continue
            waiting.append((at, True))
            waiting += [(merged.home[w.atom], False) for w in reversed(merged.groups[at].sources)]
    return list(order)


def _box(group: Group, name: str, cluster: str | None, sizes: Mapping[str, int]) -> Box:
    kind = _KINDS[group.kind]
    title = group.title.head() if group.title is not None else ""
    lines = group.rows()
    shape = _shape(group.atoms[-1].given, sizes)
    if group.title is not None:
        # A chain's rows say what its arguments would; a closed block has nothing else to tell its like apart.
        if kind == "block":
            lines = [*wrapped(group.title.arguments), *lines]
        lines += [group.figures] if group.figures else []
    if kind in ("input", "output", "weight"):
        # What the symbols are stands on the inputs, also where numbers stand for them elsewhere.
        shown = _shape(group.atoms[-1].given, {}) if kind == "input" else shape
        lines += ["scalar" if shown == "[]" else shown]
    role = "block" if group.kind == "block" else group.major.role
    path, span = group.path or group.major.path, group.major.span
    uses = tuple(_use(atom) for atom in group.atoms)
    uses *= group.times  # equal blocks drawn as one have equal figures
    return Box(
        name, kind, title, tuple(lines), role, cluster, ".".join(path), shape, _place(span), _line(span), uses
    )


def _use(atom: Atom) -> Use:
    return (".".join(atom.path), atom.span.source.name, atom.span.start, atom.span.end)


def _line(span: Span) -> int:
    return span.line


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.line}"


def _edges(
    merged: Merged, atoms: list[Atom], order: list[int], ids: Mapping[int, str], sizes: Mapping[str, int]
) -> Iterable[Edge]:
    """One arrow for each pair of boxes; a shape is said once for each box that changes it, on its straightest arrow."""
    rank = {home: i for i, home in enumerate(order)}
    above: dict[int, int] = {}  # what each group can be reached from, as bits by rank
    found: list[tuple[int, int, str, bool]] = []
    for home in order:
        wires: dict[int, Wire] = {}
        for wire in merged.groups[home].sources:
            wires.setdefault(merged.home[wire.atom], wire)
        above[home] = 0
        for source in wires:
            above[home] |= above[source] | 1 << rank[source]
        for source, wire in wires.items():
            skip = any(other != source and above[other] >> rank[source] & 1 for other in wires)
            found.append((source, home, wire.note, skip))
    said: set[int] = set()
    joined: set[tuple[int, str]] = set()  # both branches of a sum have its shape: once is enough
    labels: dict[tuple[int, int], str] = {}
    for source, target, note, _ in sorted(found, key=lambda edge: edge[3]):
        group = merged.groups[source]
        text = "" if source in said else _change(group, sizes)
        beside = merged.groups[target].kind == "symbol" and (target, text) in joined
        if merged.groups[target].kind == "output" or beside:
            text = ""
        joined.add((target, text))
        said |= {source} if text else set()
        labels[source, target] = "  ".join(part for part in (note, text) if part)
    for source, target, _, skip in found:
        side = not skip and _is_side(merged, order, above, source, target)
        yield Edge(ids[source], ids[target], labels[source, target], skip, side)


def _is_side(merged: Merged, order: list[int], above: Mapping[int, int], source: int, target: int) -> bool:
    """Whether what comes out of one outermost frame enters the middle of another that is fed from elsewhere already."""
    to = _outermost(merged, target)
    if to == -1 or _outermost(merged, source) == to:
        return False
    others = [merged.home[w.atom] for w in merged.groups[target].sources if merged.home[w.atom] != source]
    fed = any(_outermost(merged, other) == to for other in others)
    before = {source} | {order[i] for i in range(len(order)) if above[source] >> i & 1}
    return fed and any(_outermost(merged, home) not in (-1, to) for home in before)


def _outermost(merged: Merged, home: int) -> int:
    frame = merged.groups[home].frame
    while frame in merged.frames and merged.frames[frame].parent in merged.frames:
        frame = merged.frames[frame].parent
    return frame


def _change(group: Group, sizes: Mapping[str, int]) -> str:
    taken, given = group.atoms[0].taken, group.atoms[-1].given
    if group.kind in ("input", "weight", "junction") or (taken is not None and taken.shape == given.shape):
        return ""
    return _shape(given, sizes)


def _shape(type_: TensorType, sizes: Mapping[str, int]) -> str:
    def at(dim: Dim) -> Dim:
        return evaluate(dim, sizes) if symbols(dim) and symbols(dim) <= set(sizes) else dim

    return str(type_.with_shape(tuple(at(dim) for dim in type_.shape)))
