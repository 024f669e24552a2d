"""A network as a networkx graph: operators are nodes, tensors are edges, a loop's round stands once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.analysis.weights import numel, raw_weight, weights_of
from archdsl.network.types import CallNode, Network, OpNode, Path, RawTensorNode, Region, Value, WeightNode

if TYPE_CHECKING:
    import networkx

MOST_NODES = 20_000
"""Beyond so many, regions are left closed: one node each."""


def to_networkx(network: Network) -> networkx.MultiDiGraph:
    """Nodes are numbers in the order of the text, with ``kind`` (input, output, operator, param, buffer, weight,
    region), ``op``, ``path``, ``times``, ``params`` and ``operator``; edges have ``type``, the tensor's.

    The graph is that of inference. Inside a loop there is one round, ``times`` as many; its carried tensors come from
    before the loop.
    """
    import networkx as nx

    graph = nx.MultiDiGraph(name=network.name)
    region = network.inference
    known: dict[Value, int] = {}
    for name, value in zip(region.input_names, region.inputs, strict=True):
        known[value] = _add(graph, kind="input", op="input", path=(name,), name=name, type=value.type)
    _region(graph, region, known, (), 1)
    for name, value in zip(region.output_names, region.outputs, strict=True):
        node = _add(graph, kind="output", op="output", path=(name,), name=name, type=value.type)
        graph.add_edge(known[value], node, type=value.type)
    return graph


def _add(graph: Any, *, path: Path, **attributes: Any) -> int:
    number: int = graph.number_of_nodes()
    graph.add_node(number, **{"path": ".".join(path), "times": 1, "params": 0, **attributes})
    return number


def _region(graph: Any, region: Region, known: dict[Value, int], base: Path, times: int) -> None:
    for node in region.nodes:
        match node:
            case OpNode():
                params = sum(numel(w) for w in weights_of(node) if w.kind == "parameter")
                number = _add(
                    graph, kind="operator", op=node.op.name, operator=node.op, path=base + node.path, times=times,
                    params=params, role=node.op.role,
                )  # fmt: skip
                _connect(graph, node.inputs, number, known)
                known.update(dict.fromkeys(node.outputs, number))
            case RawTensorNode():
                params = numel(raw_weight(node)) if node.keyword == "param" else 0
                path = base + node.path
                known[node.output] = _add(
                    graph, kind=node.keyword, op=node.keyword, path=path, times=times, params=params
                )
            case WeightNode():
                known[node.output] = _add(
                    graph, kind="weight", op="weight", path=(*base, node.layer.name, node.weight)
                )
            case CallNode():
                _call(graph, node, known, base, times)


def _call(graph: Any, node: CallNode, known: dict[Value, int], base: Path, times: int) -> None:
    path = base + node.path
    numbered = node.kind in ("loop", "until")
    times *= node.count if numbered and isinstance(node.count, int) else 1
    if graph.number_of_nodes() >= MOST_NODES:
        number = _add(graph, kind="region", op=node.written, path=path, times=times)
        _connect(graph, node.inputs, number, known)
        known.update(dict.fromkeys(node.outputs, number))
        return
    inner = {theirs: known[ours] for theirs, ours in zip(node.region.inputs, node.inputs, strict=True)}
    _region(graph, node.region, inner, (*path, str(node.first)) if numbered else path, times)
    for ours, theirs in zip(node.outputs, node.region.outputs, strict=False):
        known[ours] = inner[theirs]


def _connect(graph: Any, inputs: tuple[Value, ...], number: int, known: dict[Value, int]) -> None:
    for port, value in enumerate(inputs):
        graph.add_edge(known[value], number, type=value.type, port=port)
