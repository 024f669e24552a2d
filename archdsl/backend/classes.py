"""A structure as the lines of a class: constructor, starts of weights, checks, forward."""

from __future__ import annotations

import keyword
import re
from typing import Any

from archdsl.backend.arguments import Namer
from archdsl.backend.code import Attr, Call, Expr, Items, Lit, Name
from archdsl.backend.containers import list_of, made, shown, tree
from archdsl.backend.errors import NotAParameter
from archdsl.backend.guards import guard_lines
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.names import MODULE_ATTRIBUTES, minted, unique
from archdsl.backend.printer import WIDTH, flat, lines, literal
from archdsl.backend.resets import reset_statements
from archdsl.backend.results import Result, writable
from archdsl.backend.structures import Body, Structure
from archdsl.backend.text import docstring, shape_text, shapes_of, statement_lines
from archdsl.backend.variables import name_variables
from archdsl.backend.walking import rebuilt
from archdsl.network.types import Network


def class_lines(
    structure: Structure,
    lowering: Lowering,
    helpers: Helpers,
    network: Network | None = None,
    free: frozenset[str] = frozenset(),
) -> list[str]:
    body = structure.body
    region = body.unit.inference
    root = tree(body.entries)
    out = [f"class {structure.name}(nn.Module):"]
    if region.docstring:
        out += [*docstring(region.docstring, 4), ""]
    resets = reset_statements(body, lowering, helpers)
    checks = [] if network is None else _check(structure, body)
    init = _init(structure, network, free)
    stored = [f"        self.{text}" for text in structure.stored]
    members = [line for name, holder in root.below.items() for line in _set(name, made(holder))]
    parts = [
        line
        for name, each in body.parts.items()
        for line in _set(name, each[0] if len(each) == 1 else list_of(each))
    ]
    if stored or members or parts or network is not None:
        out += [*init, *stored, *members, *parts]
        if resets:
            out += ["        self.reset_parameters()"]
        out.append("")
    no_shapes: dict[int, Any] = {}

    def show(e: Expr) -> Expr:
        return shown(e, root)

    if resets:
        names = name_variables(resets, [], ())
        out += ["    def reset_parameters(self) -> None:"]
        out += [*statement_lines(resets, names, 8, show, no_shapes, str), ""]
    if network is not None:
        out += checks
    out += _forward(structure, network, helpers, show)
    return out


def _set(name: str, value: Expr) -> list[str]:
    if keyword.iskeyword(name):
        return lines("", Call(Name("self.add_module"), (Lit(name), value)), lambda v: v.name or "x", 8)
    return lines(f"self.{name} = ", value, lambda v: v.name or "x", 8)


def _forward(structure: Structure, network: Network | None, helpers: Helpers, show: Any) -> list[str]:
    body = structure.body
    parameters = [(var, var.name or "x") for _, var, _ in body.parameters]
    names = name_variables(body.statements, parameters, helpers.taken)
    columns = {
        name: tuple(structure.values[b.unit][i] for b in structure.bodies)
        for i, name in enumerate(structure.arguments)
    }
    shapes = shapes_of([b.statements for b in structure.bodies])

    def label(found: list[tuple[Any, ...]]) -> str:
        return shape_text(found, columns)

    first = None
    if body.parameters and body.parameters[0][0][0] == "input":
        inputs = [b.parameters[0][1].type for b in structure.bodies]
        if all(t is not None for t in inputs):
            first = label([t.shape for t in inputs if t is not None])
    outputs = body.unit.inference.outputs
    returns = "Tensor" if len(outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(outputs))}]"
    if network is not None and (name := Result.of(network).tuple_name):
        returns = name
    given = ", ".join(
        [
            "self",
            *(f"{name}: {kind}" for (_, _, kind), (_, name) in zip(body.parameters, parameters, strict=True)),
        ]
    )
    comment = f"  # {first}" if first else ""
    head = f"    def forward({given}) -> {returns}:"
    out = [head + (comment if len(head + comment) <= 100 else "")]
    if len(head) > 100:
        rows = [f"        {part}," for part in given.split(", ")]
        out = ["    def forward(", *rows, f"    ) -> {returns}:"]
    if network is not None and guard_lines(network, _input_names(network, body)):
        out.append(f"        self._check({', '.join(name for _, name in parameters)})")
    return out + statement_lines(body.statements, names, 8, show, shapes, label, first)


def _init(structure: Structure, network: Network | None, free: frozenset[str]) -> list[str]:
    if network is not None:
        return _model_init(network, free)
    values = structure.values[structure.body.unit]
    kinds = [f"{n}: {type(v).__name__}" for n, v in zip(structure.arguments, values, strict=True)]
    kinds += [f"{n}: float" for n in structure.late_names]
    head = f"    def __init__({', '.join(['self', *kinds])}) -> None:"
    rows = (
        [head]
        if len(head) <= 100
        else ["    def __init__(", *(f"        {part}," for part in ["self", *kinds]), "    ) -> None:"]
    )
    return [*rows, "        super().__init__()"]


def _model_init(network: Network, free: frozenset[str]) -> list[str]:
    """The model's parameters as keywords; other values of those that are not ``free`` are refused."""
    found: dict[str, tuple[str, Any]] = {}
    for name, value in network.parameters.items():
        if writable(value):
            found[unique(minted(name, "parameter"), set(found))] = (literal(value), value)
    if not found:
        return ["    def __init__(self) -> None:", "        super().__init__()"]
    kinds = [f"{n}: {_annotation(v)} = {text}" for n, (text, v) in found.items()]
    head = f"    def __init__(self, *, {', '.join(kinds)}) -> None:"
    rows = (
        [head]
        if len(head) <= 100
        else [
            "    def __init__(",
            "        self,",
            "        *,",
            *(f"        {k}," for k in kinds),
            "    ) -> None:",
        ]
    )
    rows.append("        super().__init__()")
    fixed = {n: v for n, (_, v) in found.items() if n not in free}
    pairs = tuple((n, Items((Name(n), Lit(v)))) for n, v in fixed.items())
    if not pairs:
        return rows
    return [*rows, *lines("", Call(Name("built_for"), (), pairs), lambda v: "", 8)]


def _annotation(value: Any) -> str:
    if isinstance(value, tuple):
        return "tuple"
    return "str | None" if value is None else type(value).__name__


def _input_names(network: Network, body: Body) -> dict[str, str]:
    names = {key[1]: var.name or "x" for key, var, _ in body.parameters}
    return {given.name: names[given.name] for given in network.inputs if given.name in names}


def _check(structure: Structure, body: Body) -> list[str]:
    rows = _guards(structure, body)
    if not rows:
        return []
    given = ", ".join(["self", *(f"{var.name}: {kind}" for _, var, kind in body.parameters)])
    return [
        f"    def _check({given}) -> None:",
        '        """Refuse sizes for which this network was not checked."""',
        *(line for row in rows for line in _wrapped(f"        {row}")),
        "",
    ]


def _guards(structure: Structure, body: Body) -> list[str]:
    """The guards of the first body; numbers that change with a parameter in terms of it."""
    networks = [b.model.network for b in structure.bodies if b.model is not None]
    columns = [guard_lines(n, _input_names(n, body)) for n in networks]
    first = columns[0]
    split = [[re.split(r"(\b[0-9]+\b)", line) for line in rows] for rows in columns]
    changed = {
        b.model.changed for b in structure.bodies if b.model is not None and b.model.changed is not None
    }
    if any([[p[::2] for p in rows] for rows in split[:1]] != [[p[::2] for p in rows]] for rows in split):
        raise NotAParameter(changed)
    namer = Namer(structure.bodies, set())
    out = []
    for i, line in enumerate(first):
        pieces = list(split[0][i])
        for k in range(1, len(pieces), 2):
            values = tuple(int(rows[i][k]) for rows in split)
            if any(v != values[0] for v in values):
                text = flat(
                    rebuilt(namer.expression(values, ""), lambda e: _stored(e, structure)), lambda v: ""
                )
                pieces[k] = (
                    f"{{{text}}}" if "raise ValueError" in line else f"({text})" if " " in text else text
                )
        out.append("".join(pieces))
    return out


def _stored(e: Expr, structure: Structure) -> Expr | None:
    if not isinstance(e, Name) or "." in e.text:
        return None
    taken = (
        {x.path[0] for x in structure.body.entries if x.path} | set(structure.body.parts) | MODULE_ATTRIBUTES
    )
    attribute = f"{e.text}_" if e.text in taken else e.text
    if f"{attribute} = {e.text}" not in structure.stored:
        structure.stored.append(f"{attribute} = {e.text}")
    return Attr(Name("self"), attribute)


def _wrapped(row: str) -> list[str]:
    head, call, rest = row.partition("raise ValueError(")
    if len(row) <= WIDTH or not call:
        return [row]
    return [f"{head}{call}", f"{' ' * len(head)}    {rest[:-1]}", f"{' ' * len(head)})"]
