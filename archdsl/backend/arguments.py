"""Constants that differ between the uses of one class as its arguments, named after what they are."""

from __future__ import annotations

import inspect
import math
from dataclasses import replace
from itertools import permutations
from operator import floordiv, mul
from typing import TYPE_CHECKING, Any

from archdsl.backend import interpret
from archdsl.backend.code import Attr, Binary, Call, Expr, Lit, Name, SlotValue
from archdsl.backend.errors import NotAParameter
from archdsl.backend.names import MODULE_ATTRIBUTES, RESERVED, minted, unique
from archdsl.backend.regions import Unit
from archdsl.backend.skeleton import skeleton
from archdsl.backend.walking import all_expressions, change_all, rebuilt
from archdsl.dims import Dim
from archdsl.network.types import OpNode

if TYPE_CHECKING:
    from archdsl.backend.structures import Body, Structure


# ------------------------------------------------------------------------------------------ keywords left to defaults


def fill_defaults(bodies: list[Body]) -> None:
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
    if not all(
        isinstance(c, Call) and isinstance(c.function, Name) and c.function.text.startswith("nn.")
        for c in calls
    ):
        return
    given = list(dict.fromkeys(name for c in calls if isinstance(c, Call) for name, _ in c.kwargs))
    first = calls[0]
    assert isinstance(first, Call)
    assert isinstance(first.function, Name)
    cls = interpret.function(first.function.text)
    signature_of = inspect.signature(cls).parameters
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


def parametrise(structure: Structure) -> None:
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
    namer = Namer(bodies, set(structure.late_names))
    expressions: dict[int, Expr] = {}
    for i in varying:
        expressions[id(columns[i][0])] = namer.expression(
            tuple(lit.value for lit in columns[i]), columns[i][0].hint
        )
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
            entry.counter = (
                changed
                if changed is not None
                else (entry.counter if len(entry.made) == 1 and entry.count > 1 else None)
            )
    first.parts = {name: [rebuilt(m, init) for m in made] for name, made in first.parts.items()}
    needed: dict[str, str] = {}

    def forward(e: Expr) -> Expr | None:
        if not isinstance(e, Lit) or id(e) not in expressions:
            return None

        def attribute(part: Expr) -> Expr | None:
            if not isinstance(part, Name) or "." in part.text:
                return None
            if part.text not in needed:
                needed[part.text] = (
                    part.text if part.text not in taken | MODULE_ATTRIBUTES else f"{part.text}_"
                )
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


class Namer:
    """Turns columns of constants, one for each use, into arguments: those of the block itself where they say it all."""

    def __init__(self, bodies: list[Body], taken: set[str]) -> None:
        self.columns: dict[str, tuple[Any, ...]] = {}
        self.taken = taken
        self.bodies = bodies
        regions = [body.unit.inference for body in bodies]
        given = [
            r.arguments if b.model is None else b.model.network.parameters
            for b, r in zip(bodies, regions, strict=True)
        ]
        self.own: dict[str, tuple[Any, ...]] = {}
        for name in given[0]:
            values = tuple(arguments.get(name) for arguments in given)
            if all(isinstance(v, int | float) for v in values):
                self.own[name] = values
        self.features: dict[str, tuple[Dim, ...]] = {}
        if bodies[0].model is not None:
            return
        for place, name in ((1, "in_channels"), (-1, "in_features")):
            shapes = [r.inputs[0].type.shape if r.inputs else () for r in regions]
            if all(len(s) > 1 for s in shapes):
                self.features[name] = tuple(s[place] for s in shapes)

    def expression(self, values: tuple[Any, ...], hint: str) -> Expr:
        for name, column in (*self.columns.items(), *self.own.items()):
            if _equal(column, values):
                return Name(self._use(name, column))
        found = [(name, column, _multiple(column, values)) for name, column in self.own.items()]
        for name, column, k in found:
            if k is not None and k[0] == "*":
                return Binary("*", Lit(k[1]), Name(self._use(name, column)))
        for name, sizes in self.features.items():
            if _equal(sizes, values):
                return Name(self._use(name, values))
        for name, column, k in found:
            if k is not None:
                return Binary("//", Name(self._use(name, column)), Lit(k[1]))
        if len(values) > 2:
            for (a, left), (b, right) in permutations(self.own.items(), 2):
                for operator, compute in (("*", mul), ("//", floordiv)):
                    if _equal(_computed(compute, left, right), values):
                        return Binary(operator, Name(self._use(a, left)), Name(self._use(b, right)))
        for name, column in self.own.items():
            if _equal(tuple(math.sqrt(v) if v >= 0 else -1.0 for v in column), values):
                return Call(Name("math.sqrt"), (Name(self._use(name, column)),))
        if self.bodies[0].model is not None:
            changed = {
                body.model.changed for body, v in zip(self.bodies, values, strict=True)
                if body.model is not None and body.model.changed is not None and _differ(v, values[0])
            }  # fmt: skip
            raise NotAParameter(changed)
        return Name(self._use(hint or ("size" if isinstance(values[0], int) else "value"), values))

    def _use(self, wanted: str, values: tuple[Any, ...]) -> str:
        for name, column in self.columns.items():
            if _equal(column, values):
                return name
        name = unique(minted(wanted, "value"), set(self.columns) | self.taken | {"self"})
        self.columns[name] = values
        return name


def _computed(compute: Any, left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    if not all(type(v) is int and v > 0 for v in (*left, *right)):
        return ()
    return tuple(compute(x, y) for x, y in zip(left, right, strict=True))


def _equal(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return len(a) == len(b) and all(not _differ(x, y) for x, y in zip(a, b, strict=True))


def _multiple(column: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[str, int] | None:
    """``values`` as k times, or a k-th of, ``column``, in all uses."""
    if not all(type(v) is int and v > 0 for v in (*column, *values)):
        return None
    if values[0] % column[0] == 0 and all(
        v == c * (values[0] // column[0]) for c, v in zip(column, values, strict=True)
    ):
        return "*", values[0] // column[0]
    k = column[0] // values[0]
    if k > 1 and all(c // k == v for c, v in zip(column, values, strict=True)):
        return "//", k
    return None
