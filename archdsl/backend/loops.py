"""Loops of regions as Python loops: rounds with weights of their own, shared rounds, early stops, scans over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archdsl.backend.code import (
    Assign,
    Attr,
    Binary,
    Break,
    Call,
    Do,
    Expr,
    For,
    If,
    Index,
    Items,
    Lit,
    Member,
    Name,
    Rounds,
    Stmt,
    Unary,
    Var,
)
from archdsl.backend.errors import BackendError
from archdsl.backend.modes import Key
from archdsl.backend.names import minted, singular
from archdsl.backend.skeleton import skeleton
from archdsl.backend.walking import all_expressions, blocks, change_all, rebuilt
from archdsl.network.types import CallNode, Path, Region

Lengths = Callable[[Path], int]  # how many elements the list at a path has
Header = list[tuple[Var | None, Expr]]
# (the round's module, what it is handed, the loop's header, where to write) -> its outputs, or one call that gives them
Body = Callable[[Expr | None, Mapping[Key, Expr], Header, list[Stmt]], list[Expr] | Expr]


@dataclass(frozen=True)
class Loop:
    """A use that runs a region several times; ``keys`` are those of its region's placeholders."""

    call: CallNode
    region: Region
    given: Mapping[Key, Expr]
    keys: list[Key]
    length: Any = None


def write(loop: Loop, container: Expr | None, body: Body, out: list[Stmt]) -> list[Expr]:
    """Appends the loop; returns the variables that hold its outputs afterwards."""
    if loop.call.kind == "scan":
        return _scan(loop, container, body, out)
    call, region = loop.call, loop.call.region
    assert isinstance(call.count, int)
    given = dict(loop.given)
    inputs: list[tuple[Var, Expr]] = []
    for i, value in enumerate(region.inputs):
        key = loop.keys[i]
        var = Var(call.inputs[i].name, value.type)
        inputs.append((var, given[key]))
        given[key] = var
    element = None if container is None else Var(singular(call.path[-1] if call.path else "layer"))
    header: Header = []
    inside: list[Stmt] = []
    results = _results(body(element, given, header, inside), region, inside)
    outputs = [Var(v.name, inner.type) for v, inner in zip(call.outputs, region.outputs, strict=True)]
    stop = results[call.stop] if call.kind == "until" and call.stop is not None else None
    out.append(
        Rounds(
            element,
            container,
            call.first,
            call.count,
            inputs,
            inside,
            results,
            outputs,
            call.carry,
            header,
            stop,
        )
    )
    return list(outputs)


def _results(result: list[Expr] | Expr, region: Region, inside: list[Stmt]) -> list[Expr]:
    if isinstance(result, list):
        return result
    targets = tuple(Var(None, v.type) for v in region.outputs)
    inside.append(Assign(targets, result, tuple(v.type for v in region.outputs)))
    return list(targets)


def _scan(loop: Loop, container: Expr | None, body: Body, out: list[Stmt]) -> list[Expr]:
    """One round for each step of time; the outputs of all steps are stacked."""
    call, region = loop.call, loop.call.region
    given = dict(loop.given)
    states: dict[int, list[Var]] = {}
    for j, i in call.carry:
        var = Var(call.inputs[i].name, region.inputs[i].type)
        states.setdefault(j, []).append(var)
        out.append(Assign((var,), given[loop.keys[i]], (call.inputs[i].type,)))
        given[loop.keys[i]] = var
    header: Header = []
    for i in call.scanned:
        step = Var(f"{minted(call.inputs[i].name, 'x')}_t", region.inputs[i].type)
        header.append((step, Call(Attr(given[loop.keys[i]], "unbind"), (Lit(1),))))
        given[loop.keys[i]] = step
    if not header:
        if not isinstance(call.count, int):
            raise BackendError("a scan over nothing needs a number of steps")
        header.append((None, Call(Name("range"), (Lit(call.count),))))
    lists = {j: Var(f"{minted(call.outputs[j].name, 'step')}s") for j in call.stacked}
    for var in lists.values():
        out.append(Assign((var,), Items((), "list")))
    inside: list[Stmt] = []
    results = _results(body(container, given, header, inside), region, inside)
    moved = [(var, results[j]) for j, found in states.items() for var in found]
    after: list[Expr] = []
    for j, result in enumerate(results):
        if j in lists:
            inside.append(Do(Call(Attr(lists[j], "append"), (result,))))
            after.append(Var(call.outputs[j].name, call.outputs[j].type))
        elif j in states:
            after.append(states[j][0])
        else:
            last = Var(call.outputs[j].name, call.outputs[j].type)
            inside.append(Assign((last,), result))
            after.append(last)
    if moved:
        inside.append(_moves(moved))
    out.append(For(header, inside))
    for j, var in lists.items():
        joined = after[j]
        assert isinstance(joined, Var)
        out.append(Assign((joined,), Call(Name("torch.stack"), (var, Lit(1))), (call.outputs[j].type,)))
    return after


def _moves(moved: list[tuple[Var, Expr]]) -> Assign:
    value = moved[0][1] if len(moved) == 1 else Items(tuple(e for _, e in moved), "bare")
    return Assign(tuple(v for v, _ in moved), value)


# ------------------------------------------------------------------------------------------------- joining, then for


def settle(statements: list[Stmt], lengths: Lengths) -> None:
    """Join rounds that do the same, then write what is left as ``for``, or straight where it is one round."""
    for stmt in statements:
        for inner in blocks(stmt):
            settle(inner, lengths)
    _join(statements)
    for stmt in list(statements):
        if isinstance(stmt, Rounds):
            place = statements.index(stmt)
            statements[place : place + 1] = _one(stmt) if stmt.count == 1 else _for(stmt, lengths)


def _join(statements: list[Stmt]) -> None:
    i = 0
    while i + 1 < len(statements):
        first, second = statements[i], statements[i + 1]
        joined = None
        if isinstance(first, Rounds) and isinstance(second, Rounds):
            later = Counter(e for e in all_expressions(statements[i + 2 :]) if isinstance(e, Var))
            joined = _joined(first, second, later)
        if joined is None:
            i += 1
        else:
            statements[i : i + 2] = [joined]


def _joined(first: Rounds, second: Rounds, later: Counter[Var]) -> Rounds | None:
    if (
        first.container is None
        or first.container != second.container
        or first.first + first.count != second.first
    ):
        return None
    if first.stop is not None or len(first.inputs) != len(second.inputs) or first.header or second.header:
        return None
    carry: list[tuple[int, int]] = []
    for i, ((_, start), (_, begin)) in enumerate(zip(first.inputs, second.inputs, strict=True)):
        if begin in first.outputs:
            carry.append((first.outputs.index(begin), i))
        elif begin is not start and not (isinstance(begin, Lit | Member) and begin == start):
            return None
    for rounds in (first, second):
        if rounds.count > 1 and sorted(rounds.carry) != sorted(carry):
            return None
    inside = Counter(e for e in all_expressions(second.body) if isinstance(e, Var))
    if any(later[v] or inside[v] for v in first.outputs) or _code(first) != _code(second):
        return None
    _forget_shapes(first.body, second.body)
    return replace(first, count=first.count + second.count, outputs=second.outputs, carry=tuple(carry))


def _forget_shapes(first: list[Stmt], second: list[Stmt]) -> None:
    """Rounds that were joined have one text: shapes that differ between them are no longer said."""
    for one, other in zip(first, second, strict=True):
        if not isinstance(one, Assign) or not isinstance(other, Assign):
            pass
        elif [t.shape for t in one.types] != [t.shape for t in other.types]:
            one.types = ()
        for mine, theirs in zip(blocks(one), blocks(other), strict=True):
            _forget_shapes(mine, theirs)


def _code(rounds: Rounds) -> object:
    numbers: dict[Var, int] = {}
    for var in (rounds.element, *(v for v, _ in rounds.inputs)):
        if var is not None:
            numbers[var] = len(numbers)
    return skeleton([rounds.body, rounds.results], literals=True, variables=numbers, outer=True)


def _one(rounds: Rounds) -> list[Stmt]:
    starts: dict[Var, Expr] = dict(rounds.inputs)
    if rounds.element is not None and rounds.container is not None:
        base, k = rounds.container, rounds.first
        starts[rounds.element] = (
            Member((*base.path, str(k))) if isinstance(base, Member) else Index(base, Lit(k))
        )
    for var, iterable in rounds.header:
        if var is not None:
            starts[var] = Index(iterable, Lit(0))

    def change(e: Expr) -> Expr | None:
        return starts.get(e) if isinstance(e, Var) else None

    change_all(rounds.body, change, {})
    results = [rebuilt(r, change) for r in rounds.results]
    return [*rounds.body, *(Assign((o,), r) for o, r in zip(rounds.outputs, results, strict=True))]


def _for(rounds: Rounds, lengths: Lengths) -> list[Stmt]:
    before: list[Stmt] = []
    carried = {i: j for j, i in rounds.carry}
    owner: dict[int, Var] = {}
    swap: dict[Var, Expr] = {}
    extra: list[tuple[Var, Expr]] = []
    for i, (var, start) in enumerate(rounds.inputs):
        j = carried.get(i)
        if j is None:
            swap[var] = start
            continue
        state = rounds.outputs[j]
        if j in owner:  # one output that goes to two inputs
            state = Var(var.name, var.type)
            extra.append((state, rounds.results[j]))
        owner.setdefault(j, state)
        state.name = state.name or var.name
        before.append(Assign((state,), start, () if var.type is None else (var.type,)))
        swap[var] = state

    def change(e: Expr) -> Expr | None:
        return swap.get(e) if isinstance(e, Var) else None

    change_all(rounds.body, change, {})
    moved = [(o, rebuilt(r, change)) for o, r in zip(rounds.outputs, rounds.results, strict=True)]
    moved += [(v, rebuilt(r, change)) for v, r in extra]
    body = [*rounds.body, _moves(moved)] if moved else list(rounds.body)
    if rounds.stop is not None:
        # While compiling all rounds run: the author promises that later ones change nothing.
        quiet = Binary("or", Attr(Name("self"), "training"), Call(Name("torch.compiler.is_compiling")))
        stop = rounds.outputs[rounds.results.index(rounds.stop)]
        body.append(If(Binary("and", Unary("not", quiet), stop), [Break()]))
    if rounds.container is None or rounds.element is None:
        header: Header = [(None, Call(Name("range"), (Lit(rounds.count),))), *rounds.header]
        if rounds.header:
            header = list(rounds.header)
        return [*before, For(header, body)]
    whole = rounds.first == 0 and isinstance(rounds.container, Member)
    if whole and lengths(rounds.container.path) == rounds.count:  # type: ignore[union-attr]
        return [*before, For([(rounds.element, rounds.container), *rounds.header], body)]
    counter = Var("i")
    bounds = (Lit(rounds.first), Lit(rounds.first + rounds.count)) if rounds.first else (Lit(rounds.count),)
    pairs: dict[Var, Expr] = {rounds.element: Index(rounds.container, counter)}
    offset: Expr = Binary("-", counter, Lit(rounds.first)) if rounds.first else counter
    pairs.update({var: Index(iterable, offset) for var, iterable in rounds.header if var is not None})
    change_all(body, lambda e: pairs.get(e) if isinstance(e, Var) else None, {})
    return [*before, For([(counter, Call(Name("range"), bounds))], body)]
