"""One class for regions of one text that differ in constants only: the constants become its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.backend import interpret, members
from archdsl.backend.body import Flow, Place
from archdsl.backend.code import (
    Assign,
    Attr,
    Binary,
    Call,
    Expr,
    Items,
    Lit,
    Name,
    New,
    Return,
    SlotValue,
    Stmt,
    Var,
    all_expressions,
    blocks,
    change_all,
    rebuilt,
    walk,
)
from archdsl.backend.containers import list_lengths, tree
from archdsl.backend.helpers import Helpers
from archdsl.backend.loops import settle
from archdsl.backend.lower import Lowering
from archdsl.backend.members import Collector, Entry, varying_slots
from archdsl.backend.modes import Key, annotation, signature
from archdsl.backend.names import MODULE_ATTRIBUTES, RESERVED, class_name, minted, unique
from archdsl.backend.regions import Unit
from archdsl.backend.skeleton import skeleton
from archdsl.backend.tidy import tidy
from archdsl.dims import Dim, Size, render
from archdsl.network.types import OpNode
from archdsl.ops.base import Late


@dataclass(eq=False)
class Body:
    """The code of one unit as a class of its own, before it is compared with others."""

    unit: Unit
    entries: list[Entry]
    parts: dict[str, list[Expr]]
    parameters: list[tuple[Key, Var, str]]
    statements: list[Stmt]
    slots: list[int]


@dataclass(eq=False)
class Structure:
    """A class: the code of one of its bodies, with arguments for what differs. ``values`` are those of each unit."""

    name: str
    bodies: list[Body]
    arguments: list[str] = field(default_factory=list)
    values: dict[Unit, tuple[Any, ...]] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)  # arguments that forward needs, kept as attributes
    late_names: list[str] = field(default_factory=list)

    @property
    def body(self) -> Body:
        return self.bodies[0]


def make_body(unit: Unit, lowering: Lowering, helpers: Helpers, finish: Any = None) -> Body:
    """The members and statements of a unit."""
    collector = Collector(lowering, helpers)
    collector.collect(unit, (), {})
    entries = members.joined(list(collector.entries.values()))
    flow = Flow(lowering, helpers, {e.path[0] for e in entries if e.path} | set(MODULE_ATTRIBUTES))
    parameters = _parameters(unit, lowering)
    given: dict[Key, Expr] = {key: var for key, var, _ in parameters}
    statements: list[Stmt] = []
    flow.write(unit, given, Place(), {}, statements, finish or _return)
    settle(statements, list_lengths(tree(entries)))
    tidy(statements, [var for _, var, _ in parameters])
    return Body(unit, entries, flow.parts, parameters, statements, varying_slots(unit, lowering.regions))


def _return(values: list[Expr], training: bool) -> list[Stmt]:
    return [Return(values[0] if len(values) == 1 else Items(tuple(values), "bare"))]


def _parameters(unit: Unit, lowering: Lowering) -> list[tuple[Key, Var, str]]:
    types = {key: v.type for r in unit.both for key, v in zip(_input_keys(r, lowering), r.inputs, strict=False)}
    found: list[tuple[Key, Var, str]] = []
    taken: set[str] = {"self"}
    for i, key in enumerate(signature(unit, lowering)):
        model = unit.inference.kind == "model"
        match key:
            case ("input", name, _):
                wanted = minted(name, "x" if i == 0 else "y")
            case ("layer", name, weight, _):
                wanted = minted(name if weight is None else f"{name}_{weight}", "layer")
            case ("extra", extra, _):
                wanted = minted(render(extra), "size") if isinstance(extra, Size) else str(extra)
            case _:
                wanted = "x"
        if i == 0 and not model and key[0] == "input" and wanted in ("id_", "wire", "input_"):
            wanted = "x"
        name = unique(wanted, taken)
        taken.add(name)
        found.append((key, Var(name, types.get(key)), annotation(key)))
    return found


def _input_keys(region: Any, lowering: Lowering) -> list[Key]:
    from archdsl.backend.modes import keys

    return keys(lowering(region))


def group(bodies: Iterable[Body], done: Mapping[Unit, Structure], taken: set[str]) -> list[Structure]:
    """Bodies of equal height as classes; the classes of all inner units exist already."""
    found: dict[object, Structure] = {}
    bodies = list(bodies)
    for body in bodies:
        _resolve_news(body, done)
    _fill_defaults(bodies)
    for body in bodies:
        region = body.unit.inference
        key = (id(region.definition), region.docstring, _shape(body, None))
        if key not in found:
            wanted = class_name(region.name, region.kind)
            name = unique(wanted, taken)
            taken.add(name)
            found[key] = Structure(name, [])
        found[key].bodies.append(body)
    for structure in found.values():
        _parametrise(structure)
    return list(found.values())


def _shape(body: Body, holes: list[Lit] | None) -> object:
    """A body up to constants."""
    stored = [
        (e.path, e.frozen, [(r.path, repr(r.initial)) for r in e.resets], e.first is None, Lit(e.count, "depth"), e.made)
        for e in body.entries
    ]
    flat: list[object] = []
    for path, frozen, resets, single, count, made in stored:
        head = (path, frozen, tuple(resets), single)
        flat.append((head, skeleton([count, made] if not single else made, literals=False, holes=holes)))
    parts = tuple((name, skeleton(made, literals=False, holes=holes)) for name, made in body.parts.items())
    given = tuple(kind for _, _, kind in body.parameters)
    variables: dict[Var, int] = {}
    for _, var, _ in body.parameters:
        variables[var] = len(variables)
    code = skeleton(body.statements, literals=False, variables=variables, holes=holes)
    return (tuple(flat), parts, given, len(body.slots), code)


def _resolve_news(body: Body, done: Mapping[Unit, Structure]) -> None:
    def change(e: Expr) -> Expr | None:
        if not isinstance(e, New):
            return None
        structure = done[e.unit]
        kwargs: list[tuple[str, Expr]] = [
            (name, Lit(value, name)) for name, value in zip(structure.arguments, structure.values[e.unit], strict=True)
        ]
        late = [rebuilt(value, change) for _, value in e.late]
        kwargs += list(zip(structure.late_names, late, strict=True))
        if len(kwargs) == 1:
            return Call(Name(structure.name), (kwargs[0][1],))
        return Call(Name(structure.name), (), tuple(kwargs))

    for entry in body.entries:
        entry.made = [rebuilt(m, change) for m in entry.made]
    body.parts = {name: [rebuilt(m, change) for m in made] for name, made in body.parts.items()}


# ------------------------------------------------------------------------------------------ keywords left to defaults


def _fill_defaults(bodies: list[Body]) -> None:
    """Where uses of one text give different keywords to a module, all of them give all of these."""
    alike: dict[object, list[Body]] = {}
    for body in bodies:
        loose = tuple((e.path, tuple(_loose(m) for m in e.made)) for e in body.entries)
        alike.setdefault((id(body.unit.inference.definition), loose), []).append(body)
    for same in alike.values():
        if len(same) > 1:
            for i in range(len(same[0].entries)):
                for k in range(len(same[0].entries[i].made)):
                    _fill_one([(body.entries[i].made, k) for body in same])


def _loose(made: Expr) -> object:
    if isinstance(made, Call) and isinstance(made.function, Name):
        return (made.function.text, len(made.args))
    return type(made).__name__


def _fill_one(places: list[tuple[list[Expr], int]]) -> None:
    calls = [made[k] for made, k in places]
    if not all(isinstance(c, Call) and isinstance(c.function, Name) and c.function.text.startswith("nn.") for c in calls):
        return
    given = list(dict.fromkeys(name for c in calls if isinstance(c, Call) for name, _ in c.kwargs))
    first = calls[0]
    assert isinstance(first, Call) and isinstance(first.function, Name)
    cls = interpret.function(first.function.text)
    signature_of = inspect.signature(cls.__init__).parameters
    for made, k in places:
        call = made[k]
        assert isinstance(call, Call)
        kwargs = dict(call.kwargs)
        for name in given:
            default = signature_of[name].default if name in signature_of else inspect.Parameter.empty
            if name not in kwargs and isinstance(default, int | float):
                kwargs[name] = Lit(default, name)
        made[k] = replace(call, kwargs=tuple((n, kwargs[n]) for n in given if n in kwargs))


# --------------------------------------------------------------------------------------------------------- arguments


def _parametrise(structure: Structure) -> None:
    bodies = structure.bodies
    holes: list[list[Lit]] = []
    for body in bodies:
        found: list[Lit] = []
        for entry in body.entries:
            if entry.first is not None:
                entry.counter = Lit(entry.count, "depth")
        _collect(body, found)
        holes.append(found)
    late = [_late_name(body.unit, s) for body in bodies[:1] for s in body.slots]
    taken = {e.path[0] for e in bodies[0].entries if e.path} | set(bodies[0].parts) | RESERVED
    structure.late_names = []
    for name in late:
        structure.late_names.append(unique(name, set(structure.late_names) | RESERVED))
    columns = list(zip(*holes, strict=True))
    varying = [i for i, c in enumerate(columns) if any(_differ(lit.value, c[0].value) for lit in c)]
    namer = _Namer(bodies, set(structure.late_names))
    expressions: dict[int, Expr] = {}
    for i in varying:
        expressions[id(columns[i][0])] = namer.expression(tuple(lit.value for lit in columns[i]), columns[i][0].hint)
    structure.arguments = list(namer.columns)
    for b, body in enumerate(bodies):
        structure.values[body.unit] = tuple(values[b] for values in namer.columns.values())
    first = bodies[0]
    slots = {slot: Name(name) for slot, name in zip(first.slots, structure.late_names, strict=True)}

    def init(e: Expr) -> Expr | None:
        if isinstance(e, SlotValue):
            return slots[e.slot]
        return expressions.get(id(e)) if isinstance(e, Lit) else None

    for entry in first.entries:
        entry.made = [rebuilt(m, init) for m in entry.made]
        if entry.counter is not None:
            changed = expressions.get(id(entry.counter))
            entry.counter = changed if changed is not None else (entry.counter if len(entry.made) == 1 and entry.count > 1 else None)
    first.parts = {name: [rebuilt(m, init) for m in made] for name, made in first.parts.items()}
    needed: dict[str, str] = {}

    def forward(e: Expr) -> Expr | None:
        if not isinstance(e, Lit) or id(e) not in expressions:
            return None

        def attribute(part: Expr) -> Expr | None:
            if not isinstance(part, Name):
                return None
            if part.text not in needed:
                needed[part.text] = part.text if part.text not in taken | MODULE_ATTRIBUTES else f"{part.text}_"
            return Attr(Name("self"), needed[part.text])

        return rebuilt(expressions[id(e)], attribute)

    if any(isinstance(e, Lit) and id(e) in expressions for e in all_expressions(first.statements)):
        change_all(first.statements, forward, {})
    structure.stored = [f"{attribute} = {name}" for name, attribute in needed.items()]


def _differ(a: object, b: object) -> bool:
    return a != b or type(a) is not type(b)


def _collect(body: Body, holes: list[Lit]) -> None:
    for entry in body.entries:
        if entry.counter is not None:
            assert isinstance(entry.counter, Lit)
            holes.append(entry.counter)
        skeleton(entry.made, literals=False, holes=holes)
    for made in body.parts.values():
        skeleton(made, literals=False, holes=holes)
    skeleton(body.statements, literals=False, holes=holes)


def _late_name(unit: Unit, slot: int) -> str:
    for region in unit.both:
        for node in region.nodes:
            if isinstance(node, OpNode) and ("slot", slot) in node.late.values():
                return minted(node.op.name, "rate")
    return "rate"


class _Namer:
    """Turns columns of constants, one for each use, into arguments: those of the block itself where they say it all."""

    def __init__(self, bodies: list[Body], taken: set[str]) -> None:
        self.columns: dict[str, tuple[Any, ...]] = {}
        self.taken = taken
        regions = [body.unit.inference for body in bodies]
        self.own: dict[str, tuple[Any, ...]] = {}
        for name in regions[0].arguments:
            values = tuple(r.arguments.get(name) for r in regions)
            if all(isinstance(v, int | float) for v in values):
                self.own[name] = values
        self.features: dict[str, tuple[Dim, ...]] = {}
        for place, name in ((1, "in_channels"), (-1, "in_features")):
            shapes = [r.inputs[0].type.shape if r.inputs else () for r in regions]
            if all(len(s) > 1 for s in shapes):
                self.features[name] = tuple(s[place] for s in shapes)

    def expression(self, values: tuple[Any, ...], hint: str) -> Expr:
        for name, column in (*self.columns.items(), *self.own.items()):
            if _equal(column, values):
                return Name(self._use(name, column))
        for name, column in self.own.items():
            found = _multiple(column, values)
            if found is not None:
                operator, k = found
                argument = Name(self._use(name, column))
                return Binary("*", Lit(k), argument) if operator == "*" else Binary("//", argument, Lit(k))
        for name, sizes in self.features.items():
            if _equal(sizes, values):
                return Name(self._use(name, values))
        return Name(self._use(hint or ("size" if isinstance(values[0], int) else "value"), values))

    def _use(self, wanted: str, values: tuple[Any, ...]) -> str:
        for name, column in self.columns.items():
            if _equal(column, values):
                return name
        name = unique(minted(wanted, "value"), set(self.columns) | self.taken | {"self"})
        self.columns[name] = values
        return name


def _equal(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(not _differ(x, y) for x, y in zip(a, b, strict=True))


def _multiple(column: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[str, int] | None:
    """``values`` as k times, or a k-th of, ``column``, in all uses."""
    if not all(type(v) is int and v > 0 for v in (*column, *values)):
        return None
    if values[0] % column[0] == 0 and all(v == c * (values[0] // column[0]) for c, v in zip(column, values, strict=True)):
        return "*", values[0] // column[0]
    k = column[0] // values[0]
    if k > 1 and all(c // k == v for c, v in zip(column, values, strict=True)):
        return "//", k
    return None


__all__ = ["Assign", "Body", "Late", "Structure", "blocks", "group", "make_body", "walk"]
