"""A network as the source of one Python file: a class for each structure, the model's own last; imports torch alone."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archdsl.backend import regions as regions_of
from archdsl.backend.code import Call, Expr, Items, Lit, Name, New, Return, Stmt, Var, walk
from archdsl.backend.containers import GROUP, list_of, made, shown, tree, uses_group
from archdsl.backend.errors import BackendError
from archdsl.backend.guards import guard_lines
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.names import camel, minted, unique
from archdsl.backend.printer import WIDTH, lines, literal
from archdsl.backend.regions import Regions, Unit
from archdsl.backend.resets import reset_statements
from archdsl.backend.running import main_lines
from archdsl.backend.structures import Body, Structure, group, make_body
from archdsl.backend.text import docstring, shape_text, shapes_of, statement_lines
from archdsl.backend.variables import name_variables
from archdsl.dims import render
from archdsl.network.types import Network

HEADER = "# Made by archdsl from {name}: do not edit, build again."


@dataclass(frozen=True)
class Emitted:
    """The file, and which class stands for which unit."""

    source: str
    model: str
    classes: dict[Unit, str]
    root: Unit
    regions: Regions
    lowering: Lowering


def emit(network: Network) -> Emitted:
    """The source of a network's module."""
    regions, root = regions_of.of(network)
    lowering = Lowering(regions, network.assumptions)
    helpers = Helpers()
    result = Result.of(network)
    bodies: dict[Unit, Body] = {}
    heights: dict[Unit, int] = {}
    _make_bodies(root, lowering, helpers, bodies, heights, result)
    model = camel(network.name)
    taken = helpers.taken | {"Group", "built_for", "Tensor", "NamedTuple", "F", model, f"{model}Output"}
    done: dict[Unit, Structure] = {}
    structures: list[Structure] = []
    for height in sorted(set(heights.values())):
        level = [bodies[u] for u, h in heights.items() if h == height and u != root]
        for structure in group(level, done, taken):
            structures.append(structure)
            done.update((body.unit, structure) for body in structure.bodies)
    (top,) = group([bodies[root]], done, taken - {model})
    top.name = model
    done[root] = top
    blocks = ["\n".join(_class(s, lowering, helpers)) for s in _in_order(structures)]
    blocks.append("\n".join(_class(top, lowering, helpers, network)))
    if result.tuple_name:
        blocks.insert(len(blocks) - 1, result.class_text())
    helper_blocks = list(helpers.sources.values())
    if any(uses_group(tree(s.body.entries)) for s in (*structures, top)):
        helper_blocks.append(GROUP)
    if any(_writable(v) for v in network.parameters.values()):
        helper_blocks.append(BUILT_FOR)
    main = main_lines(network, model)
    text = _file(network, [*helper_blocks, *blocks, *(["\n".join(main)] if main else [])])
    _audit(text)
    return Emitted(text, model, {u: s.name for u, s in done.items()}, root, regions, lowering)


BUILT_FOR = '''def built_for(**parameters: tuple) -> None:
    """Refuse parameters that this file was not built for: build again for others."""
    for name, (given, built) in parameters.items():
        if (tuple(given) if isinstance(given, list) else given) != built:
            raise ValueError(f"{name} must be {built}: this file was built for it")'''


def _writable(value: Any) -> bool:
    try:
        literal(value)
    except TypeError:
        return False
    return True


def _make_bodies(
    unit: Unit, lowering: Lowering, helpers: Helpers, bodies: dict[Unit, Body], heights: dict[Unit, int], result: Result
) -> int:
    if unit not in heights:
        finish = result.finish if unit.inference.kind == "model" else None
        body = make_body(unit, lowering, helpers, finish)
        inner = dict.fromkeys(
            e.unit for made_here in [*(e.made for e in body.entries), *body.parts.values()] for m in made_here
            for e in walk(m) if isinstance(e, New)
        )  # fmt: skip
        heights[unit] = 1 + max((_make_bodies(u, lowering, helpers, bodies, heights, result) for u in inner), default=0)
        bodies[unit] = body
    return heights[unit]


def _in_order(structures: list[Structure]) -> Iterable[Structure]:
    return structures


@dataclass(eq=False)
class Result:
    """What the model returns: a tensor, or a named tuple where there are several or any for training."""

    tuple_name: str
    fields: dict[str, str]  # the author's names and the minted ones
    optional: set[str]
    inference: tuple[str, ...]
    training: tuple[str, ...]

    @staticmethod
    def of(network: Network) -> Result:
        inference, training = network.inference.output_names, network.training.output_names
        every = list(dict.fromkeys((*inference, *training)))
        fields: dict[str, str] = {}
        for name in every:
            fields[name] = unique(minted(name, "out"), set(fields.values()) | {"count", "index"})
        several = len(every) > 1
        optional = {n for n in every if n not in inference or n not in training}
        name = f"{camel(network.name)}Output" if several else ""
        return Result(name, fields, optional, inference, training)

    def finish(self, values: list[Expr], training: bool) -> list[Stmt]:
        names = self.training if training else self.inference
        if not self.tuple_name:
            return [Return(values[0])]
        kwargs = tuple((self.fields[n], v) for n, v in zip(names, values, strict=True))
        return [Return(Call(Name(self.tuple_name), (), kwargs))]

    def class_text(self) -> str:
        ordered = [n for n in self.fields if n not in self.optional] + [n for n in self.fields if n in self.optional]
        rows = [f"    {self.fields[n]}: Tensor" + (" | None = None" if n in self.optional else "") for n in ordered]
        return "\n".join([f"class {self.tuple_name}(NamedTuple):", *rows])


def _class(structure: Structure, lowering: Lowering, helpers: Helpers, network: Network | None = None) -> list[str]:
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
        line for name, each in body.parts.items() for line in _set(name, each[0] if len(each) == 1 else list_of(each))
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
        name: tuple(structure.values[b.unit][i] for b in structure.bodies) for i, name in enumerate(structure.arguments)
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
    given = ", ".join(["self", *(f"{name}: {kind}" for (_, _, kind), (_, name) in zip(body.parameters, parameters, strict=True))])
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
    rows = [head] if len(head) <= 100 else [
        "    def __init__(", *(f"        {part}," for part in ["self", *kinds]), "    ) -> None:"
    ]
    return [*rows, "        super().__init__()"]


def _model_init(network: Network) -> list[str]:
    """The model's parameters as keywords. Weights and code were made for their values, so others are refused."""
    found: dict[str, tuple[str, Any]] = {}
    for name, value in network.parameters.items():
        if _writable(value):
            found[unique(minted(name, "parameter"), set(found))] = (literal(value), value)
    if not found:
        return ["    def __init__(self) -> None:", "        super().__init__()"]
    kinds = [f"{n}: {_annotation(v)} = {text}" for n, (text, v) in found.items()]
    head = f"    def __init__(self, *, {', '.join(kinds)}) -> None:"
    rows = [head] if len(head) <= 100 else [
        "    def __init__(", "        self,", "        *,", *(f"        {k}," for k in kinds), "    ) -> None:"
    ]
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


def _file(network: Network, blocks: list[str]) -> str:
    body = "\n\n\n".join(blocks)
    imports = ["from __future__ import annotations", ""]
    if re.search(r"\bmath\.", body):
        imports.append("import math")
    if "(NamedTuple)" in body:
        imports.append("from typing import NamedTuple")
    if imports[-1] != "":
        imports.append("")
    imports.append("import torch")
    wanted = [name for name in ("Tensor", "nn") if re.search(rf"\b{name}\b", body)]
    imports.append(f"from torch import {', '.join(wanted)}")
    if re.search(r"\bF\.", body):
        imports.append("from torch.nn import functional as F")
    doc = docstring(f"{network.name}: made by archdsl; change the .arch file and build again.", 0)
    return "\n".join([*doc, "", *imports]) + "\n\n\n" + body + "\n"


_ALLOWED_IMPORTS = {"__future__", "math", "typing", "torch", "torch.nn"}
_ALLOWED_DUNDERS = {"__init__", "__name__", "__future__"}


def _audit(text: str) -> None:
    """The last line of defence: a generated file that reaches for anything but torch is never run."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names) if any(n.name not in _ALLOWED_IMPORTS for n in names):
                raise BackendError("generated code imports more than torch")
            case ast.ImportFrom(module=module) if module not in _ALLOWED_IMPORTS:
                raise BackendError("generated code imports more than torch")
            case ast.Attribute(attr=name) | ast.Name(id=name) if name.startswith("__") and name not in _ALLOWED_DUNDERS:
                raise BackendError(f"generated code names {name}")
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name))]) if keyword.iskeyword(name):
                continue
            case ast.Call(func=ast.Name(id="eval" | "exec" | "compile" | "open" | "globals" | "getattr" | "vars")):
                raise BackendError("generated code calls what it never needs")


__all__ = ["Emitted", "Items", "Var", "emit", "render"]
