"""Loops: each round is a region, its inputs the wire and the names it reads; equal rounds are one node, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import archdsl.network.expressions as expressions
import archdsl.network.statements as statements
from archdsl.network import errors
from archdsl.network.context import Context, Entry
from archdsl.network.names import assigned_names
from archdsl.network.operators import claim_path
from archdsl.network.regions import Inside, Left, Text, Used, enter, known, replaced, tensors_in, use
from archdsl.network.types import CallNode, LateExpression, Path, Value
from archdsl.network.values import Scope, describe, is_number
from archdsl.syntax.tree import For, Repeat


@dataclass(eq=False)
class Run:
    """Rounds of one region in a row, on their way to becoming one CallNode."""

    entry: Entry
    first: int
    start: Used
    last: Used
    count: int = 1
    carry: tuple[tuple[int, int], ...] | None = None
    late: list[Mapping[int, LateExpression]] = field(default_factory=list)

    def accepts(self, used: Used) -> bool:
        """Whether the next round continues this run: each input stays, or is an output of the round before."""
        if used.entry.region is not self.entry.region or used.layers != self.start.layers:
            return False
        carry = []
        for i, (before, now) in enumerate(zip(self.last.inputs, used.inputs, strict=True)):
            if now in self.last.outputs:
                carry.append((self.last.outputs.index(now), i))
            elif now is not before:
                return False
        found = tuple(carry)
        if self.carry is not None and found != self.carry:
            return False
        self.carry = found
        return True


def repeat(node: Repeat, wire: Any, ctx: Context) -> Any:
    """``repeat n { }`` and ``repeat n until e { }``."""
    count = expressions.evaluate(node.count, wire, ctx)
    number = ctx.builder.demand(count) if is_number(count) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        ctx.fail(errors.bad_count(describe(count), node.count.span))
    stops = node.until is not None and not ctx.session.training
    return _rounds(node, number, None, (), wire, ctx, "until" if stops else "loop")


def run_for(node: For, wire: Any, ctx: Context) -> Any:
    """``for x in xs { }``."""
    items = expressions.evaluate(node.iterable, wire, ctx)
    if not isinstance(items, tuple):
        ctx.fail(errors.not_a_list(describe(items), node.iterable.span))
    return _rounds(node, len(items), items, node.targets, wire, ctx, "loop")


def _rounds(
    node: Repeat | For,
    count: int,
    items: tuple[Any, ...] | None,
    targets: tuple[str, ...],
    wire: Any,
    ctx: Context,
    kind: Literal["loop", "until"],
) -> Any:
    path = ctx.path(node)
    word = "repeat" if isinstance(node, Repeat) else "for"
    label = ctx.prefix[-1] if ctx.prefix else word
    text = Text(node, ctx.scope, label, "round", node.span)
    run: Run | None = None
    index = 0
    while index < count:
        ctx.step(node.span)
        pieces: dict[str, Any] = {}
        if items is not None:
            scope = Scope(ctx.scope.static, ctx.scope)
            expressions.bind_targets(targets, items[index], scope, node, ctx)
            pieces = dict(scope.names)
        before = {name: ctx.scope.names.get(name) for name in assigned_names(node.body)}
        entry, boundary = enter(
            text, wire, pieces, ctx, lambda inside: _round(node, inside, ctx, kind), node.span
        )
        used = use(entry, boundary, ctx)
        wire = replaced(entry.result, used.mapping)
        after = {name: replaced(value, used.mapping) for name, value in entry.assigned.items()}
        ctx.scope.names.update(after)
        if run is not None and run.accepts(used):
            run.last, run.count = used, run.count + 1
            run.late.append(used.late)
            if items is None and _settled(before, after):
                rest = count - index - 1  # this round and the one before are alike, so all that follow are
                run.count += rest
                run.late.extend([used.late] * min(rest, 1))
                index = count
        else:
            _flush(run, kind, path, word, node, ctx)
            run = Run(entry, index, used, used, late=[used.late]) if entry.region is not None else None
        index += 1
    _flush(run, kind, path, word, node, ctx)
    return known(wire)


def _settled(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a round changed no name but by giving it other tensors."""
    return all(bool(tensors_in(value)) or before.get(name) == value for name, value in after.items())


def _flush(
    run: Run | None, kind: Literal["loop", "until"], path: Path, word: str, node: Repeat | For, ctx: Context
) -> None:
    if run is None:
        return
    region = run.entry.region
    assert region is not None
    same = all(late == run.late[0] for late in run.late)
    stop = run.entry.stop
    if node in ctx.place.components:
        claim_path((*path, str(run.first)), node, ctx)
    ctx.builder.nodes.append(
        CallNode(
            kind=kind,
            region=region,
            inputs=run.start.inputs,
            outputs=run.last.outputs,
            path=path,
            span=node.span,
            written=word,
            layers=run.start.layers,
            count=run.count,
            first=run.first,
            carry=run.carry or (),
            stop=region.outputs.index(stop) if stop is not None else None,
            late=() if not run.late[0] else (run.late[0],) if same else tuple(run.late),
            frozen=ctx.frozen,
        )
    )


def _round(node: Repeat | For, inside: Inside, outer: Context, kind: Literal["loop", "until"]) -> Left:
    """The body of one round, inside its region; it shares the block's scope, so what it assigns is handed back."""
    scope = Scope(outer.scope.static, inside.scope)
    scope.names.update(inside.pieces)
    place = outer.session.place(node.body, scope.static)
    ctx = Context(outer.session, inside.builder, scope, place)
    wire = statements.run_body(node.body, inside.wire, ctx)
    assigned = {name: scope.names[name] for name in assigned_names(node.body) if name in scope.names}
    stop = None
    if isinstance(node, Repeat) and node.until is not None:
        stop = _stop(node, wire, ctx)
        if kind == "loop":
            stop = None
    return Left(wire, assigned, stop)


def _stop(node: Repeat, wire: Any, ctx: Context) -> Value:
    assert node.until is not None
    value = expressions.evaluate(node.until, wire, ctx)
    if not isinstance(value, Value) or value.type.dtype != "bool" or value.type.rank != 0:
        help = "say `all(x >= limit)` or `any(...)`"
        diagnostic = errors.wrong_kind(
            "`until`", "one bool of the tensors at hand", describe(value), node.until.span
        )
        ctx.fail(replace(diagnostic, help=(help,)))
    return value
