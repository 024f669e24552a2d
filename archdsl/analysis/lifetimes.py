"""When the values of a region are let go: the variables that its emitted forward has, and when each is given anew.

Python frees a tensor when nothing names it any more. A value that is used once, in the next statement, has no name and
goes after that use; others go when their name is needed for another value, or at the end. What the emitter writes in
one statement and how it names variables is followed here closely enough for memory, without writing any text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archdsl.network.types import CallNode, Node, OpNode, Region, Value
from archdsl.ops.base import Fn, Lowered, Mod, Slot

_POOL = ("x", "y", "z", "u", "v", "w", "h", "g", "s", "t")
_LONGEST, _DEEPEST = 72, 4


@dataclass(eq=False)
class _Statement:
    """Nodes that are written together; the last one's outputs are its targets."""

    nodes: list[int]
    targets: tuple[Value, ...]
    reads: list[Value]
    length: int
    depth: int
    can_grow: bool = True
    gone: dict[int, list[Value]] = field(default_factory=dict)  # after which node an unnamed value goes


def releases(region: Region) -> list[tuple[Value, ...]]:
    """For each node of a region the values that nothing holds once it has run."""
    statements = _folded(region)
    found: list[list[Value]] = [[] for _ in range(len(region.nodes) + 1)]
    for statement in statements:
        for at, values in statement.gone.items():
            found[at] += values
    names = _Names(region)
    last = {value: k for k, statement in enumerate(statements) for value in statement.reads}
    for k, statement in enumerate(statements):
        if statement.targets:
            found[statement.nodes[-1]] += names.assign(k, statement, last)
    return [tuple(values) for values in found[:-1]]


def _folded(region: Region) -> list[_Statement]:
    uses = Counter(value for node in region.nodes for value in _reads(node))
    uses.update(region.outputs)
    statements = [
        _Statement([i], _outputs(node), list(_reads(node)), *_text(node), not _is_loop(node))
        for i, node in enumerate(region.nodes)
        if isinstance(node, OpNode | CallNode)
    ]
    statements.append(_Statement([len(region.nodes)], (), list(region.outputs), 8, 0))
    reader = {value: i for i, node in enumerate(region.nodes) for value in _reads(node)}
    k = 0
    while k < len(statements):
        while k > 0 and _fold(statements, k, uses, reader):
            k -= 1
        k += 1
    return statements


def _fold(statements: list[_Statement], k: int, uses: Counter[Value], readers: dict[Value, int]) -> bool:
    made, user = statements[k - 1], statements[k]
    if len(made.targets) != 1 or not made.can_grow or not user.can_grow:
        return False
    (value,) = made.targets
    if value.name is not None or uses[value] != 1 or value not in user.reads:
        return False
    if made.length + user.length - 1 > _LONGEST or made.depth + user.depth > _DEEPEST:
        return False
    reader = readers.get(value, user.nodes[-1])
    place = user.reads.index(value)
    gone = {**made.gone, **user.gone}
    gone[reader] = [*gone.get(reader, []), value]
    nodes = [*made.nodes, *user.nodes]
    statements[k - 1 : k + 1] = [
        _Statement(
            nodes,
            user.targets,
            [*user.reads[:place], *made.reads, *user.reads[place + 1 :]],
            made.length + user.length - 1,
            made.depth + user.depth,
            gone=gone,
        )
    ]
    return True


class _Names:
    """The names of a function's variables, each given again when its value is dead."""

    def __init__(self, region: Region) -> None:
        self.parameters = set(region.inputs)
        self.holder: dict[str, Value] = {}
        self.name: dict[Value, str] = {}
        self.first: dict[Value, int] = {}
        for name, value in zip(region.input_names, region.inputs, strict=True):
            self.holder[name] = value
            self.name[value] = name
            self.first[value] = -1
        self.authors = {
            value.name for node in region.nodes for value in _outputs(node) if value.name is not None
        }

    def assign(self, at: int, statement: _Statement, last: dict[Value, int]) -> list[Value]:
        """Name what a statement makes; the values whose names it takes."""
        taken: list[Value] = []
        reads = list(dict.fromkeys(statement.reads))
        for value in statement.targets:
            name = self._name(value, at, reads, last)
            old = self.holder.get(name)
            if old is not None and old is not value and old not in statement.targets:
                taken.append(old)
            self.holder[name] = value
            self.name[value] = name
            self.first[value] = at
        return taken

    def _name(self, value: Value, at: int, reads: list[Value], last: dict[Value, int]) -> str:
        def free(name: str) -> bool:
            other = self.holder.get(name)
            if other is None:
                return True
            end = max(last.get(other, -1), self.first[other])
            return end < at or (end == at and other in reads)

        if value.name is not None:
            name, number = value.name, 2
            while not free(name):
                name, number = f"{value.name}{number}", number + 1
            return name
        dying = [
            self.name[other]
            for other in reads
            if other in self.name
            and last.get(other, -1) == at
            and (other.name is None or other in self.parameters)
        ]
        pool = [n for n in dying if n in _POOL] + [n for n in _POOL if n not in self.authors]
        return next((n for n in pool if free(n)), f"t{len(self.name)}")


def _outputs(node: Node) -> tuple[Value, ...]:
    return node.outputs if isinstance(node, OpNode | CallNode) else ()


def _is_loop(node: Node) -> bool:
    return isinstance(node, CallNode) and node.kind not in ("call", "layer")


def _reads(node: Node) -> Iterator[Value]:
    """The values a node reads, as often as its text names them."""
    if isinstance(node, CallNode):
        yield from node.inputs
    elif isinstance(node, OpNode):
        places = Counter(_slots(node.op.lower(node.input_types, node.output_types)))
        for i, value in enumerate(node.inputs):
            yield from [value] * max(places[i], 1)


def _slots(lowered: Any) -> Iterator[int]:
    if isinstance(lowered, Slot):
        yield lowered.index
    elif isinstance(lowered, Fn):
        yield from _slots((lowered.args, tuple(lowered.kwargs.values())))
    elif isinstance(lowered, Mod):
        yield from _slots(lowered.inputs)
    elif isinstance(lowered, tuple | list):
        for item in lowered:
            yield from _slots(item)


def _text(node: Node) -> tuple[int, int]:
    """About how long a node's expression is, and how deep its calls are."""
    if isinstance(node, OpNode):
        return _expression(node.op.lower(node.input_types, node.output_types), ".".join(node.path))
    assert isinstance(node, CallNode)
    return len("self.()") + len(".".join(node.path)) + 3 * len(node.inputs), 1


def _expression(lowered: Lowered | Any, place: str) -> tuple[int, int]:
    if isinstance(lowered, Slot):
        return 1, 0
    if isinstance(lowered, Mod):
        inner = [_expression(item, place) for item in lowered.inputs]
        return len("self.()") + len(place) + sum(n for n, _ in inner), 1 + max(
            (d for _, d in inner), default=0
        )
    if isinstance(lowered, Fn):
        inner = [_expression(item, place) for item in (*lowered.args, *lowered.kwargs.values())]
        words = sum(len(key) + 1 for key in lowered.kwargs)
        below = max((d for _, d in inner), default=0)
        if isinstance(lowered.target, str) and lowered.target.startswith("operator."):
            return 3 + sum(n for n, _ in inner), below
        name = lowered.target if isinstance(lowered.target, str) else lowered.target.__name__
        return len(name) + 2 + words + sum(n + 2 for n, _ in inner), 1 + below
    return len(str(lowered)), 0
