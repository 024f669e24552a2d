"""A network walked once, as deep as it is opened: one atom per operator that a reader needs, and the wires between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from archdsl.drawing.captions import (
    GLUE,
    MINOR_ROLES,
    ON_THE_ARROW,
    SYMBOLS,
    Title,
    call_title,
    operator_caption,
    place_name,
)
from archdsl.drawing.errors import EngineError
from archdsl.drawing.folding import Folding, handed_recipes
from archdsl.network.types import (
    CallNode,
    LayerValue,
    Network,
    OpNode,
    Path,
    RawTensorNode,
    Region,
    Value,
    WeightNode,
)
from archdsl.source import Span
from archdsl.tensors import TensorType

AtomKind = Literal["major", "minor", "symbol", "block", "weight", "input", "output", "junction"]
Figures = Callable[[Path], str]

# What a block's label can be passed on to, where the block has no frame: its first operator of these.
_NAMED_ROLES = frozenset({"convolution", "linear", "attention", "recurrence", "embedding", "position"})
# Nodes looked at for one picture; blocks that are drawn without a frame could otherwise multiply without a box.
_STEPS = 100_000


@dataclass(frozen=True)
class Wire:
    """What flows: the atom it comes from, its type by now, and what the arrow says ("crop")."""

    atom: int
    type: TensorType
    note: str = ""


@dataclass(frozen=True)
class Atom:
    """One operator, closed block, weight, input or output."""

    kind: AtomKind
    caption: str
    role: str
    frame: int
    path: Path
    span: Span
    sources: tuple[Wire, ...]
    taken: TensorType | None
    given: TensorType
    label: str = ""
    title: Title = field(default_factory=Title)
    passes: bool = False
    form: int = 0  # equal for closed blocks of the same definition and structure


@dataclass(frozen=True)
class Frame:
    """An opened block or loop; ``parent`` -1 is the whole picture."""

    title: Title
    parent: int
    path: Path
    span: Span
    figures: str


@dataclass
class Walk:
    """Everything found so far."""

    folding: Folding
    limit: int
    figures: Figures
    atoms: list[Atom] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    steps: int = 0

    def add(self, atom: Atom) -> Wire:
        if len(self.atoms) >= self.limit:
            raise TooMany
        self.atoms.append(atom)
        return Wire(len(self.atoms) - 1, atom.given)


class TooMany(Exception):
    """The picture has more boxes than allowed at this depth."""


def walk_network(network: Network, region: Region, folding: Folding, limit: int, figures: Figures) -> Walk:
    """The atoms of a model; :class:`TooMany` where they are too many."""
    walk = Walk(folding, limit, figures)
    wires = [
        walk.add(Atom("input", name, "input", -1, (), _input_span(network, name), (), None, value.type))
        for name, value in zip(region.input_names, region.inputs, strict=True)
    ]
    outputs = _region(walk, region, wires, {}, -1, (), "", 0)
    for name, wire in zip(region.output_names, outputs, strict=True):
        walk.add(Atom("output", name, "output", -1, (), region.span, (wire,), wire.type, wire.type))
    return walk


def _input_span(network: Network, name: str) -> Span:
    return next((i.span for i in network.inputs if i.name == name), network.span)


def _region(
    walk: Walk,
    region: Region,
    inputs: list[Wire],
    layers: dict[LayerValue, Path],
    frame: int,
    path: Path,
    label: str,
    depth: int,
) -> list[Wire]:
    """The region's nodes in ``frame``; ``label`` is what to call its first operator where the region has no frame."""
    wires: dict[Value, Wire] = dict(zip(region.inputs, inputs, strict=True))
    layers = layers | {item.value: path + item.path for item in region.layers}
    handed = handed_recipes(region)
    for node in region.nodes:
        walk.steps += 1
        if walk.steps > _STEPS:
            raise TooMany
        match node:
            case OpNode():
                if _operator(walk, node, wires, frame, path, label, handed):
                    label = ""
            case RawTensorNode():
                where = path + node.path
                atom = Atom(
                    "weight", where[-1], "weight", frame, where, node.span, (), None, node.output.type
                )
                wires[node.output] = walk.add(atom)
            case WeightNode():
                where = (*layers.get(node.layer, (node.layer.name,)), node.weight)
                name = f"{node.layer.name}.{node.weight}"
                atom = Atom("weight", name, "weight", frame, where, node.span, (), None, node.output.type)
                wires[node.output] = walk.add(atom)
            case CallNode():
                outputs = _call(
                    walk, node, [wires[v] for v in node.inputs], layers, frame, path, label, depth, handed
                )
                wires.update(zip(node.outputs, outputs, strict=True))
                label = ""
    return [wires[value] for value in region.outputs]


def _operator(
    walk: Walk,
    node: OpNode,
    wires: dict[Value, Wire],
    frame: int,
    path: Path,
    label: str,
    handed: frozenset[str],
) -> bool:
    """One operator; whether it took ``label``."""
    op = node.op
    sources = tuple(wires[value] for value in node.inputs)
    if sources and (op.name in GLUE or op.name in ON_THE_ARROW):
        for number, value in enumerate(node.outputs, 1):
            several = f"part {number} of {len(node.outputs)}" if len(node.outputs) > 1 else ""
            note = ON_THE_ARROW.get(op.name, several)
            notes = ", ".join(part for part in (sources[0].note, note) if part)
            wires[value] = replace(sources[0], type=value.type, note=notes)
        return False
    passes = op.role == "regularisation" and len(sources) == 1
    if passes and getattr(op, "p", None) == 0:
        wires[node.outputs[0]] = sources[0]
        return False
    kind: AtomKind = "major"
    caption = operator_caption(node)
    if op.name in SYMBOLS and len(sources) > 1:
        kind, caption = "symbol", SYMBOLS[op.name]
    elif len(sources) == 1 and (op.role in MINOR_ROLES or op.role == "arithmetic"):
        kind = "minor"
    own = place_name(node.path, op.name) if kind == "major" and handed.isdisjoint(node.path[-1:]) else ""
    takes_label = kind == "major" and op.role in _NAMED_ROLES
    atom = Atom(
        kind, caption, op.role, frame, path + node.path, node.span, sources,
        sources[0].type if sources else None, node.outputs[0].type,
        label=own or (label if takes_label else ""), passes=passes,
    )  # fmt: skip
    wire = walk.add(atom)
    for value in node.outputs:
        wires[value] = replace(wire, type=value.type)
    return takes_label


def _call(
    walk: Walk,
    node: CallNode,
    inputs: list[Wire],
    layers: dict[LayerValue, Path],
    frame: int,
    outer: Path,
    label: str,
    depth: int,
    handed: frozenset[str],
) -> list[Wire]:
    region = node.region
    path = outer + node.path
    if node.kind in ("loop", "until"):
        path = (*path, str(node.first))
    elif node.layer is not None:
        path = layers.get(node.layer, (*outer, node.layer.name))
    given = dict(zip(region.layer_inputs, (layers.get(v, (v.name,)) for v in node.layers), strict=True))
    way = walk.folding.way(node, path, depth)
    title = call_title(node, node.count)
    if title.label in handed:
        title = replace(
            title, label=label
        )  # a recipe that was handed over: its parameter's name says nothing
    if way == "box":
        return _closed(walk, node, inputs, frame, path, title)
    if way == "inline":
        if node.layer is not None:
            label = place_name((node.layer.name,), region.name) or label
        else:
            own = () if not handed.isdisjoint(node.path[-1:]) else node.path
            label = place_name(own, region.name) or label
        return _region(walk, region, inputs, given, frame, path, label, depth)
    walk.frames.append(Frame(title, frame, path, node.span, walk.figures(path)))
    inner = len(walk.frames) - 1
    outputs = _region(walk, region, inputs, given, inner, path, "", depth + 1)
    return [replace(wire, type=v.type) for wire, v in zip(outputs, node.outputs, strict=True)]


def _closed(
    walk: Walk, node: CallNode, inputs: list[Wire], frame: int, path: Path, title: Title
) -> list[Wire]:
    """A block as one box; a loop that holds one block alone is that block, n times."""
    inner = [n for n in node.region.nodes if not (isinstance(n, OpNode) and n.op.name in GLUE)]
    while len(inner) == 1 and isinstance(inner[0], CallNode) and (node.count == 1 or inner[0].count == 1):
        title = title.around(call_title(inner[0], inner[0].count))
        node_inside = inner[0]
        inner = [n for n in node_inside.region.nodes if not (isinstance(n, OpNode) and n.op.name in GLUE)]
    sources = tuple(dict.fromkeys(inputs))
    taken = inputs[0].type if inputs else None
    atom = Atom(
        "block", walk.figures(path), "block", frame, path, node.span, sources, taken,
        node.outputs[0].type, title=title, form=walk.folding.form(node.region),
    )  # fmt: skip
    wire = walk.add(atom)
    return [replace(wire, type=value.type) for value in node.outputs]


def picture_too_large(name: str, limit: int) -> EngineError:
    return EngineError(
        "too_large",
        f"the drawing of {name} has more than {limit} boxes even with every block closed; "
        "put parts of it into blocks or a repeat, or close some with --fold PATH",
    )
