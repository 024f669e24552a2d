"""Making regions and using them: one memo per model and mode, so that equal uses are one object."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from archdsl.network import errors
from archdsl.network.boundary import Boundary, Lift, captures
from archdsl.network.builder import RegionBuilder
from archdsl.network.context import Context, Entry, Failed, Session
from archdsl.network.signature import Left, replaced, signature, tensors_in
from archdsl.network.types import CallNode, LateExpression, LayerValue, Path, Value
from archdsl.network.values import UNKNOWN, LateNumber, Scope
from archdsl.ops.masks import Mask
from archdsl.source import Span
from archdsl.syntax.tree import Node


@dataclass(frozen=True, eq=False)
class Text:
    """What a region is made of: its text, the scope that text sees, and how people know it."""

    root: Node
    scope: Scope
    name: str
    kind: Literal["block", "round", "recipe"]
    span: Span
    docstring: str | None = None


@dataclass(frozen=True, eq=False)
class Inside:
    """What a region's text is given to run with: everything lifted to values of the region."""

    builder: RegionBuilder
    wire: Any
    pieces: Mapping[str, Any]
    scope: Scope


def enter(
    text: Text, wire: Any, pieces: Mapping[str, Any], ctx: Context, run: Callable[[Inside], Left], at: Span
) -> tuple[Entry, Boundary]:
    """The region for a text, a wire and arguments: from the memo, or made now by ``run``."""
    boundary = Boundary()
    session = ctx.session
    key: Hashable = (
        text.root if text.kind != "recipe" else (text.root, "recipe"),
        boundary.key(wire),
        tuple((name, boundary.key(value)) for name, value in pieces.items()),
        boundary.captured(text.root, text.scope),
    )
    ctx.step(at, 4 + (len(boundary.numbers) + len(boundary.values)) // 2)
    numbers = [n.value if isinstance(n, LateNumber) else n for n in boundary.numbers]
    groups = session.memo.setdefault(key, {})
    for slots, entries in groups.items():
        entry = entries.get(tuple(numbers[slot] for slot in slots))
        if entry is not None:
            return entry, boundary
    entry = _make(text, wire, pieces, ctx, run, boundary, (key, tuple(numbers)), at)
    slots = tuple(sorted(entry.demanded))
    groups.setdefault(slots, {})[tuple(numbers[slot] for slot in slots)] = entry
    return entry, boundary


def _make(
    text: Text,
    wire: Any,
    pieces: Mapping[str, Any],
    ctx: Context,
    run: Callable[[Inside], Left],
    boundary: Boundary,
    identity: tuple[Hashable, tuple[Any, ...]],
    at: Span,
) -> Entry:
    session = ctx.session
    _check_ends(text, identity, session, ctx, at)
    ctx.step(at, 100)
    builder = RegionBuilder(text.name, text.kind, text.root, text.span, text.docstring)
    names = {value: name for name, value in pieces.items() if isinstance(value, Value)}
    if isinstance(wire, Value):
        names[wire] = "x"
    inner = [builder.add_input(v.type, names.get(v) or v.name or "x") for v in boundary.values]
    layers = [builder.add_layer_input(layer) for layer in boundary.layers]
    lift = Lift(boundary, inner, layers)
    inner_wire = lift.value(wire)
    inner_pieces = {name: lift.value(value) for name, value in pieces.items()}
    scope = Scope(text.scope.static, text.scope.top())
    for name, value in captures(text.root, text.scope):
        scope.names[name] = lift.value(value)
    failed, left = False, Left(None, {})
    session.running.add(identity)
    try:
        with session.inside(text.name, at):
            left = run(Inside(builder, inner_wire, inner_pieces, scope))
        left = Left(
            _settled(left.wire, builder),
            {n: _settled(v, builder) for n, v in left.assigned.items()},
            left.stop,
        )
    except Failed:
        failed = True
    finally:
        session.running.discard(identity)
    outputs: dict[Value, None] = {}
    for value in (left.wire, *left.assigned.values(), left.stop):
        for tensor in tensors_in(value):
            if text.kind == "round" or tensor not in inner:
                outputs[tensor] = None
    session.regions += 1
    region, keep, keep_layers = builder.finish(list(outputs), session.regions)
    demanded = {
        slot: n.value if isinstance(n := boundary.numbers[slot], LateNumber) else n
        for slot in builder.demanded
    }
    entry = Entry(
        region if builder.nodes else None,
        left.wire,
        dict(left.assigned),
        keep,
        keep_layers,
        demanded,
        failed,
        tuple(inner),
        left.stop,
    )
    if entry.region is None or failed:
        return entry
    # Rounds that asked for different numbers and came out alike are one region all the same.
    same = session.canonical.setdefault((identity[0], signature(entry.region, left)), entry)
    return same if same is entry else replace(same, demanded=demanded)


def _settled(value: Any, builder: RegionBuilder) -> Any:
    """What leaves a region holds no late numbers: they are asked for here."""
    if isinstance(value, LateNumber):
        return builder.demand(value)
    if isinstance(value, tuple):
        return tuple(_settled(v, builder) for v in value)
    if isinstance(value, Mask):
        return value.map(lambda v: _settled(v, builder))
    return value


def _check_ends(text: Text, identity: Hashable, session: Session, ctx: Context, at: Span) -> None:
    chain = [name for name, _ in session.stack] + [text.name]
    if identity in session.running:
        start = chain.index(text.name) if text.name in chain else 0
        ctx.fail(errors.endless_recursion(chain[start:], at))
    if len(session.stack) >= session.limits.depth:
        shown = chain if len(chain) <= 8 else [*chain[:4], "...", *chain[-3:]]
        ctx.fail(
            errors.limit_reached(
                "blocks call each other too deeply", session.limits.depth, "depth", at, shown
            )
        )
    if session.regions >= session.limits.regions:
        ctx.fail(errors.limit_reached("too many different regions", session.limits.regions, "regions", at))


@dataclass(frozen=True, eq=False)
class Used:
    """One use of a region on the outer side, before it becomes (part of) a CallNode."""

    entry: Entry
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    layers: tuple[LayerValue, ...]
    late: Mapping[int, LateExpression]
    mapping: Mapping[Value, Value]


def use(entry: Entry, boundary: Boundary, ctx: Context) -> Used:
    """The outer values of one use; asks for the numbers the region asked for. Raises Failed where the region failed."""
    for slot in entry.demanded:
        ctx.builder.demand(boundary.numbers[slot])
    if entry.failed:
        raise Failed
    mapping = dict(zip(entry.inner_inputs, boundary.values, strict=True))
    region = entry.region
    if region is None:
        return Used(entry, (), (), (), {}, mapping)
    outputs = tuple(ctx.builder.value(v.type, v.name) for v in region.outputs)
    mapping.update(zip(region.outputs, outputs, strict=True))
    return Used(
        entry,
        tuple(boundary.values[i] for i in entry.keep),
        outputs,
        tuple(boundary.layers[i] for i in entry.keep_layers),
        {slot: ctx.builder.late_expression(boundary.numbers[slot]) for slot in region.late_slots},
        mapping,
    )


def add_call(
    used: Used,
    kind: Literal["call", "layer"],
    path: Path,
    node: Node,
    written: str,
    ctx: Context,
    layer: LayerValue | None = None,
) -> None:
    """Adds the CallNode of a single use."""
    region = used.entry.region
    if region is None:
        return
    ctx.builder.nodes.append(
        CallNode(
            kind=kind,
            region=region,
            inputs=used.inputs,
            outputs=used.outputs,
            path=path,
            span=node.span,
            written=written,
            layers=used.layers,
            layer=layer,
            late=(used.late,) if used.late else (),
            frozen=ctx.frozen,
        )
    )


def known(value: Any) -> Any:
    """What a region gives back. Raises Failed where a mistake inside it left nothing."""
    if value is UNKNOWN:
        raise Failed
    return value


__all__ = ["Inside", "Left", "Text", "Used", "add_call", "enter", "known", "replaced", "tensors_in", "use"]
