"""How weights start, where the text says so: the statements of ``reset_parameters``."""

from __future__ import annotations

from typing import Any

from archdsl.backend.code import Assign, Attr, Call, Do, Expr, For, Index, Lit, Member, Name, Stmt, Var
from archdsl.backend.errors import BackendError
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.names import checked_component, singular
from archdsl.backend.regions import Unit
from archdsl.network.types import Path, Region
from archdsl.ops.initializers import INITIALIZERS, OWN, Initializer


def reset_statements(body: Any, lowering: Lowering, helpers: Helpers) -> list[Stmt]:
    """One statement for each weight with a start of its own; rounds in a loop."""
    out: list[Stmt] = []
    for entry in body.entries:
        if not entry.resets:
            continue
        at: Expr = Member(entry.path)
        if entry.first is None:
            for reset in entry.resets:
                _start(_below(at, reset.path), reset.initial, lowering, helpers, out)
            continue
        whole = sum(e.count for e in body.entries if e.path == entry.path) == entry.count
        element = Var(singular(entry.path[-1]))
        inside: list[Stmt] = []
        where: Expr = element
        header: list[tuple[Var | None, Expr]] = [(element, at)]
        if not whole:
            counter = Var("i")
            where = Index(at, counter)
            header = [(counter, Call(Name("range"), (Lit(entry.first), Lit(entry.first + entry.count))))]
        for reset in entry.resets:
            _start(_below(where, reset.path), reset.initial, lowering, helpers, inside)
        out.append(For(header, inside))
    return out


def _below(base: Expr, path: Path) -> Expr:
    for component in path:
        base = Attr(base, checked_component(component))
    return base


def _start(weight: Expr, initial: Any, lowering: Lowering, helpers: Helpers, out: list[Stmt]) -> None:
    match initial:
        case bool() | int() | float():
            call = (
                "nn.init.zeros_" if initial == 0 else "nn.init.ones_" if initial == 1 else "nn.init.constant_"
            )
            args = (weight,) if initial in (0, 1) else (weight, Lit(initial))
            out.append(Do(Call(Name(call), args)))
        case Initializer():
            known = INITIALIZERS[initial.name][1]
            if any(name not in known for name, _ in initial.arguments):
                raise BackendError(f"{initial.name} has no such argument")
            kwargs = tuple((name, Lit(value)) for name, value in initial.arguments)
            own = OWN.get(initial.name)
            function = Name(f"nn.init.{initial.torch_function}") if own is None else helpers.function(own)
            out.append(Do(Call(function, (weight,), kwargs)))
        case Region():
            _constant(weight, initial, lowering, helpers, out)
        case _:
            raise BackendError(f"{type(initial).__name__} can't start a weight")


def _constant(weight: Expr, region: Region, lowering: Lowering, helpers: Helpers, out: list[Stmt]) -> None:
    from archdsl.backend.body import Flow, Place
    from archdsl.backend.loops import settle
    from archdsl.backend.modes import keys
    from archdsl.backend.tidy import tidy

    region = lowering.regions.canonical(region)
    given: dict[Any, Expr] = {}
    for key in keys(lowering(region)):
        if key[0] != "extra" or key[1] not in ("device", "dtype"):
            raise BackendError("the start of a weight depends on more than constants")
        given[key] = Attr(weight, key[1])
    statements: list[Stmt] = []
    flow = Flow(lowering, helpers, set())
    (value,) = flow.write(Unit(region, region), given, Place(), {}, statements)
    if flow.parts:
        raise BackendError("the start of a weight needs a module")
    last = Var("start")
    statements.append(Assign((last,), value))
    statements.append(Do(Call(Attr(Attr(weight, "data"), "copy_"), (last,))))
    settle(statements, lambda path: -1)
    tidy(statements, [])
    out += statements
