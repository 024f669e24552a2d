"""One class for regions of one text that differ in constants only: the constants become its arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archdsl.backend import members
from archdsl.backend.arguments import fill_defaults, parametrise
from archdsl.backend.body import Flow, Place
from archdsl.backend.code import (
    Call,
    Expr,
    Items,
    Lit,
    Name,
    New,
    Return,
    Stmt,
    Var,
)
from archdsl.backend.containers import list_lengths, tree
from archdsl.backend.helpers import Helpers
from archdsl.backend.loops import settle
from archdsl.backend.lower import Lowering
from archdsl.backend.members import Collector, Entry, varying_slots
from archdsl.backend.modes import Key, annotation, signature
from archdsl.backend.names import MODULE_ATTRIBUTES, class_name, minted, unique
from archdsl.backend.regions import Unit
from archdsl.backend.skeleton import skeleton
from archdsl.backend.tidy import tidy
from archdsl.backend.walking import rebuilt
from archdsl.dims import Size, render
from archdsl.network.types import Network


@dataclass(frozen=True)
class ModelBody:
    """For a model itself: the network, and the parameter that was changed to get it (None for the one to emit)."""

    network: Network
    changed: str | None = None


@dataclass(eq=False)
class Body:
    """The code of one unit as a class of its own, before it is compared with others."""

    unit: Unit
    entries: list[Entry]
    parts: dict[str, list[Expr]]
    parameters: list[tuple[Key, Var, str]]
    statements: list[Stmt]
    slots: list[int]
    model: ModelBody | None = None


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
    types = {
        key: v.type for r in unit.both for key, v in zip(_input_keys(r, lowering), r.inputs, strict=False)
    }
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
    fill_defaults(bodies)
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
        parametrise(structure)
    return list(found.values())


def _shape(body: Body, holes: list[Lit] | None) -> object:
    """A body up to constants."""
    stored = [
        (
            e.path,
            e.frozen,
            [(r.path, repr(r.initial)) for r in e.resets],
            e.first is None,
            Lit(e.count, "depth"),
            e.made,
        )
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
            (name, Lit(value, name))
            for name, value in zip(structure.arguments, structure.values[e.unit], strict=True)
        ]
        late = [rebuilt(value, change) for _, value in e.late]
        kwargs += list(zip(structure.late_names, late, strict=True))
        if len(kwargs) == 1:
            return Call(Name(structure.name), (kwargs[0][1],))
        return Call(Name(structure.name), (), tuple(kwargs))

    for entry in body.entries:
        entry.made = [rebuilt(m, change) for m in entry.made]
    body.parts = {name: [rebuilt(m, change) for m in made] for name, made in body.parts.items()}
