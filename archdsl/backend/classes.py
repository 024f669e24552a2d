"""A structure as the lines of a class: constructor, starts of weights, checks, forward."""

from __future__ import annotations

import keyword
from typing import Any

from archdsl.backend.code import Call, Expr, Items, Lit, Name
from archdsl.backend.containers import list_of, made, shown, tree
from archdsl.backend.guards import guard_lines
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.names import minted, unique
from archdsl.backend.printer import WIDTH, lines, literal
from archdsl.backend.resets import reset_statements
from archdsl.backend.results import Result, writable
from archdsl.backend.structures import Body, Structure
from archdsl.backend.text import docstring, shape_text, shapes_of, statement_lines
from archdsl.backend.variables import name_variables
from archdsl.network.types import Network


def class_lines(
    structure: Structure, lowering: Lowering, helpers: Helpers, network: Network | None = None
) -> list[str]:
    body = structure.body
    region = body.unit.inference
    root = tree(body.entries)
    out = [f"class {structure.name}(nn.Module):"]
    if region.docstring:
        out += [*docstring(region.docstring, 4), ""]
    resets = reset_statements(body, lowering, helpers)
    init = _init(structure, network)
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
        out += _check(network, body)
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


def _init(structure: Structure, network: Network | None) -> list[str]:
    if network is not None:
        return _model_init(network)
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


def _model_init(network: Network) -> list[str]:
    """The model's parameters as keywords. Weights and code were made for their values, so others are refused."""
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
    pairs = tuple((n, Items((Name(n), Lit(v)))) for n, (_, v) in found.items())
    return [*rows, *lines("", Call(Name("built_for"), (), pairs), lambda v: "", 8)]


def _annotation(value: Any) -> str:
    if isinstance(value, tuple):
        return "tuple"
    return "str | None" if value is None else type(value).__name__


def _input_names(network: Network, body: Body) -> dict[str, str]:
    names = {key[1]: var.name or "x" for key, var, _ in body.parameters}
    return {given.name: names[given.name] for given in network.inputs if given.name in names}


def _check(network: Network, body: Body) -> list[str]:
    names = _input_names(network, body)
    rows = guard_lines(network, names)
    if not rows:
        return []
    given = ", ".join(["self", *(f"{var.name}: {kind}" for _, var, kind in body.parameters)])
    return [
        f"    def _check({given}) -> None:",
        '        """Refuse sizes for which this network was not checked."""',
        *(line for row in rows for line in _wrapped(f"        {row}")),
        "",
    ]


def _wrapped(row: str) -> list[str]:
    head, call, rest = row.partition("raise ValueError(")
    if len(row) <= WIDTH or not call:
        return [row]
    return [f"{head}{call}", f"{' ' * len(head)}    {rest[:-1]}", f"{' ' * len(head)})"]
