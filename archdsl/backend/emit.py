"""A network as the source of one Python file: a class for each structure, the model's own last; imports torch alone."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archdsl.backend import regions as regions_of
from archdsl.backend.classes import class_lines
from archdsl.backend.code import New
from archdsl.backend.containers import GROUP, tree, uses_group
from archdsl.backend.errors import BackendError, NotAParameter
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.names import camel
from archdsl.backend.regions import Regions, Unit
from archdsl.backend.results import BUILT_FOR, Result, writable
from archdsl.backend.running import main_lines
from archdsl.backend.structures import Body, ModelBody, Structure, group, make_body
from archdsl.backend.text import docstring
from archdsl.backend.walking import walk
from archdsl.network.types import Network

# The same model with one of its parameters changed, for each parameter.
Variants = Mapping[str, Sequence[Network]]


@dataclass(frozen=True)
class Emitted:
    """The file, and which class stands for which unit."""

    source: str
    model: str
    classes: dict[Unit, str]
    root: Unit
    regions: Regions
    lowering: Lowering


def emit(network: Network, variants: Variants | None = None) -> Emitted:
    """The source of a network's module.

    ``variants`` are the same model with one parameter changed, for each parameter: what changes with it becomes code
    in terms of it. Parameters without variants, and those that change more than constants, stay fixed.
    """
    left = dict(variants or {})
    while True:
        try:
            return _emit(network, left)
        except NotAParameter as refused:
            for name in refused.names:
                del left[name]


def _emit(network: Network, variants: Variants) -> Emitted:
    regions, root = regions_of.of(network)
    lowering = Lowering(regions, network.assumptions)
    helpers = Helpers()
    result = Result.of(network)
    bodies: dict[Unit, Body] = {}
    heights: dict[Unit, int] = {}
    _make_bodies(root, lowering, helpers, bodies, heights, result)
    bodies[root].model = ModelBody(network)
    own, roots = set(bodies), [root]
    for parameter, others in variants.items():
        for other in others:
            other_regions, other_root = regions_of.of(other)
            other_lowering = Lowering(other_regions, other.assumptions)
            _make_bodies(other_root, other_lowering, helpers, bodies, heights, Result.of(other, network.name))
            bodies[other_root].model = ModelBody(other, parameter)
            roots.append(other_root)
    model = camel(network.name)
    taken = helpers.taken | {"Group", "built_for", "Tensor", "NamedTuple", "F", model, f"{model}Output"}
    done: dict[Unit, Structure] = {}
    structures: list[Structure] = []
    for height in sorted(set(heights.values())):
        level = [bodies[u] for u, h in heights.items() if h == height and u not in roots]
        for structure in group(level, done, taken):
            structures.append(structure)
            done.update((body.unit, structure) for body in structure.bodies)
    structures = [s for s in structures if s.body.unit in own]
    top, *different = group([bodies[r] for r in roots], done, taken - {model})
    if different:
        raise NotAParameter(
            {b.model.changed for s in different for b in s.bodies if b.model and b.model.changed}
        )
    top.name = model
    done[root] = top
    blocks = ["\n".join(class_lines(s, lowering, helpers)) for s in structures]
    blocks.append("\n".join(class_lines(top, lowering, helpers, network, frozenset(variants))))
    if result.tuple_name:
        blocks.insert(len(blocks) - 1, result.class_text())
    helper_blocks = list(helpers.sources.values())
    if any(uses_group(tree(s.body.entries)) for s in (*structures, top)):
        helper_blocks.append(GROUP)
    if any(writable(v) and name not in variants for name, v in network.parameters.items()):
        helper_blocks.append(BUILT_FOR)
    main = main_lines(network, model)
    text = _file(network, [*helper_blocks, *blocks, *(["\n".join(main)] if main else [])])
    _audit(text)
    return Emitted(text, model, {u: s.name for u, s in done.items() if u in own}, root, regions, lowering)


def _make_bodies(
    unit: Unit,
    lowering: Lowering,
    helpers: Helpers,
    bodies: dict[Unit, Body],
    heights: dict[Unit, int],
    result: Result,
) -> int:
    if unit not in heights:
        finish = result.finish if unit.inference.kind == "model" else None
        body = make_body(unit, lowering, helpers, finish)
        inner = dict.fromkeys(
            e.unit for made_here in [*(e.made for e in body.entries), *body.parts.values()] for m in made_here
            for e in walk(m) if isinstance(e, New)
        )  # fmt: skip
        heights[unit] = 1 + max(
            (_make_bodies(u, lowering, helpers, bodies, heights, result) for u in inner), default=0
        )
        bodies[unit] = body
    return heights[unit]


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
            case ast.Attribute(attr=name) | ast.Name(id=name) if (
                name.startswith("__") and name not in _ALLOWED_DUNDERS
            ):
                raise BackendError(f"generated code names {name}")
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name))]) if (
                keyword.iskeyword(name)
            ):
                continue
            case ast.Call(
                func=ast.Name(id="eval" | "exec" | "compile" | "open" | "globals" | "getattr" | "vars")
            ):
                raise BackendError("generated code calls what it never needs")
