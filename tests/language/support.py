"""What the tests of the language share: checking a text, weights by path, and what a file expects of its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.driver import check as check_program
from archdsl.network.context import Limits
from archdsl.network.program import Program, load
from archdsl.network.types import CallNode, Network, OpNode, RawTensorNode, Region
from archdsl.source import Source

HERE = Path(__file__).parent
ANNOTATION = re.compile(r"#!\s*((?:[EW]\d{4}(?::\d+)?(?:,\s*)?)+)")

Found = tuple[dict[str, Network], tuple[Diagnostic, ...]]


def program(text: str, name: str = "test.arch", limits: Limits | None = None) -> Program:
    return load(Source(name, text), folder=HERE, limits=limits or Limits())


def check(text: str, name: str = "test.arch", limits: Limits | None = None) -> Found:
    """The networks of a text and all that is said about it, figures included."""
    checked = check_program(program(text, name, limits))
    return dict(checked.networks), checked.diagnostics


def check_file(path: Path) -> Found:
    checked = check_program(load(Source(path.name, path.read_text("utf-8")), folder=path.parent))
    return dict(checked.networks), checked.diagnostics


def good(text: str) -> dict[str, Network]:
    """The networks of a text about which nothing is said."""
    networks, found = check(text)
    assert not found, [(d.code, d.message, str(d.span), d.help) for d in found]
    return networks


def only(text: str) -> Network:
    """The one network of a good text."""
    (network,) = good(text).values()
    return network


def codes(text: str) -> list[str]:
    return [d.code for d in check(text)[1]]


def one(text: str) -> Diagnostic:
    """The one thing that is said about a text."""
    found = check(text)[1]
    assert len(found) == 1, [(d.code, d.message, str(d.span)) for d in found]
    return found[0]


def expected(text: str) -> list[tuple[str, int, int | None]]:
    """``#! E0301`` or ``#! E0301:12`` at the end of a line: a message there, at that column. Several have commas."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := ANNOTATION.search(line):
            for entry in re.split(r",\s*", match[1].strip().rstrip(",")):
                code, _, column = entry.partition(":")
                found.append((code, number, int(column) if column else None))
    return found


def weights(network: Network) -> dict[str, str]:
    """Every weight of a model, ``path: shape``, in the order of its use; those of training alone after the others."""
    found: dict[str, str] = {}
    for path, shape in walk(network.inference, ()):
        assert path not in found, f"{path} twice"
        found[path] = shape
    return found | dict(walk(network.training, ()))


def walk(region: Region, prefix: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The weights of a region, one by one: a walk of our own, so that it can be held against archdsl.analysis."""
    for layer in region.layers:
        assert layer.region is not None
        yield from walk(layer.region, prefix + layer.path)
    for node in region.nodes:
        match node:
            case OpNode():
                for weight in node.op.weights(node.input_types):
                    kind = " (buffer)" if weight.kind == "buffer" else ""
                    yield ".".join((*prefix, *node.path, weight.name)), f"{list(weight.shape)}{kind}"
            case RawTensorNode():
                kind = " (buffer)" if node.keyword == "buffer" else ""
                yield ".".join(prefix + node.path), f"{list(node.output.type.shape)}{kind}"
            case CallNode(kind="loop" | "until"):
                assert isinstance(node.count, int)
                for k in range(node.count):
                    yield from walk(node.region, (*prefix, *node.path, str(node.first + k)))
            case CallNode(kind="call" | "scan"):
                yield from walk(node.region, prefix + node.path)


def keys(network: Network) -> list[str]:
    return list(weights(network))


def regions(network: Network) -> set[Region]:
    """The distinct regions of a model, both modes."""
    seen: set[Region] = set()
    stack = [network.inference, network.training]
    while stack:
        region = stack.pop()
        if region not in seen:
            seen.add(region)
            stack.extend(node.region for node in region.nodes if isinstance(node, CallNode))
            stack.extend(layer.region for layer in region.layers if layer.region is not None)
    return seen


def calls(region: Region) -> list[CallNode]:
    return [node for node in region.nodes if isinstance(node, CallNode)]
