"""Which uses in training are those of inference: at the same place and, of a loop, the same rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeGuard

from archdsl.network.types import CallNode, Node, OpNode, Path, RawTensorNode, Region

Rounds = Callable[[CallNode], int]
Pieces = dict[Path, list[tuple[int, int, CallNode]]]


def is_loop(node: Node) -> TypeGuard[CallNode]:
    """Whether its rounds have weights of their own, at their numbers below its path."""
    return isinstance(node, CallNode) and node.kind in ("loop", "until")


def paired(
    inference: Region, training: Region | None, rounds: Rounds
) -> Iterator[tuple[Node, CallNode | None]]:
    """The nodes of inference, each with its use in training.

    The modes may fold a loop's rounds otherwise, where training alone does more in one of them: then a node comes in
    pieces, as few as have one counterpart each.
    """
    calls = {} if training is None else {n.path: n for n in training.nodes if _is_call(n)}
    loops = {} if training is None else _loops(training, rounds)
    for node in inference.nodes:
        if not isinstance(node, CallNode) or node.kind == "layer":
            yield node, None
        elif not is_loop(node):
            yield node, calls.get(node.path)
        else:
            for first, end, twin in _cut(node.first, node.first + rounds(node), loops.get(node.path, [])):
                yield _piece(node, first, end), twin


def training_only(inference: Region | None, training: Region, rounds: Rounds) -> Iterator[Node]:
    """The nodes of training, or the rounds of them, whose place inference knows nothing of."""
    known, loops = places(inference), _loops(inference, rounds) if inference is not None else {}
    for node in training.nodes:
        if is_loop(node):
            for first, end, twin in _cut(node.first, node.first + rounds(node), loops.get(node.path, [])):
                if twin is None:
                    yield _piece(node, first, end)
        elif (isinstance(node, OpNode | RawTensorNode) or _is_call(node)) and node.path not in known:
            yield node


def places(region: Region | None) -> set[Path]:
    """Where the weights of a region's nodes and layers live, loops left out."""
    if region is None:
        return set()
    found = {n.path for n in region.nodes if isinstance(n, OpNode | RawTensorNode) or _is_call(n)}
    return found | {item.path for item in region.layers}


def _is_call(node: Node) -> TypeGuard[CallNode]:
    return isinstance(node, CallNode) and node.kind in ("call", "scan")


def _loops(region: Region, rounds: Rounds) -> Pieces:
    found: Pieces = {}
    for node in region.nodes:
        if is_loop(node):
            found.setdefault(node.path, []).append((node.first, node.first + rounds(node), node))
    return found


def _cut(
    first: int, end: int, others: list[tuple[int, int, CallNode]]
) -> Iterator[tuple[int, int, CallNode | None]]:
    """The rounds from ``first`` to before ``end``, cut where those of the others begin and end."""
    for low, high, node in sorted(others, key=lambda item: item[:2]):
        low, high = max(low, first), min(high, end)
        if low >= high:
            continue
        if first < low:
            yield first, low, None
        yield low, high, node
        first = high
    if first < end:
        yield first, end, None


def _piece(node: CallNode, first: int, end: int) -> CallNode:
    return replace(node, first=first, count=end - first)
