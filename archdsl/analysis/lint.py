"""Lints: what is allowed and yet rarely meant. Warnings about a network that is otherwise right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.analysis.narrow import narrow_places
from archdsl.diagnostics import Diagnostic, Label
from archdsl.network.types import CallNode, Network, OpNode, Region, Value
from archdsl.source import Span

# Losses that begin with the step on the right, the argument in question, and what turns their scores into that already.
_BOUND_IN: Mapping[str, tuple[str, frozenset[str], str]] = {
    "cross_entropy": ("logits", frozenset({"softmax", "sigmoid"}), "hand it the scores before the {made}"),
    "bce_with_logits": ("input", frozenset({"sigmoid", "softmax"}), "use `bce`, or leave the {made} out"),
    "nll": (
        "logits",
        frozenset({"softmax", "sigmoid"}),
        "write `log_softmax`, or `cross_entropy` of the scores",
    ),
    "focal": ("input", frozenset({"sigmoid", "softmax"}), "hand it the scores before the {made}"),
}
_TAKES = {"cross_entropy": "takes the softmax itself", "nll": "wants logarithms of probabilities"}

# What moves or picks numbers and leaves them what they are.
_CARRIES_ON = frozenset({"shape", "index", "merge", "regularisation"})

Origin = tuple[str, Span]


def lint(network: Network) -> list[Diagnostic]:
    """All that is to be warned of in one model, both modes together, in the order of the text."""
    losses = _Losses()
    for region in dict.fromkeys((network.inference, network.training)):
        losses.region(region, (None,) * len(region.inputs))
    found = [*losses.found.values(), *narrow_places(network)]
    return sorted(found, key=lambda item: (item.span.start, item.code))


def lint_all(networks: Iterable[Network]) -> list[Diagnostic]:
    """The warnings of several models; what they share (a block, an alias's model) is said once."""
    found: dict[tuple[str, str, int], Diagnostic] = {}
    for network in networks:
        for item in lint(network):
            found.setdefault((item.code, item.span.source.name, item.span.start), item)
    return list(found.values())


class _Losses:
    """Follows what a softmax or sigmoid made through the regions, to the losses that take one themselves."""

    def __init__(self) -> None:
        self.found: dict[tuple[Span, Span], Diagnostic] = {}
        self._known: dict[tuple[Region, tuple[Origin | None, ...]], tuple[Origin | None, ...]] = {}

    def region(self, region: Region, given: tuple[Origin | None, ...]) -> tuple[Origin | None, ...]:
        key = (region, given)
        if key not in self._known:
            values: dict[Value, Origin | None] = dict(zip(region.inputs, given, strict=False))
            for node in region.nodes:
                if isinstance(node, OpNode):
                    self._operator(node, values)
                elif isinstance(node, CallNode):
                    inside = self.region(node.region, tuple(values.get(value) for value in node.inputs))
                    values.update(zip(node.outputs, inside, strict=False))
            self._known[key] = tuple(values.get(value) for value in region.outputs)
        return self._known[key]

    def _operator(self, node: OpNode, values: dict[Value, Origin | None]) -> None:
        name = node.op.name
        if name in _BOUND_IN:
            self._loss(node, values)
        elif name in ("softmax", "sigmoid"):
            values.update(dict.fromkeys(node.outputs, (name, node.span)))
        elif node.op.role in _CARRIES_ON or name == "cast":
            came = next((values[value] for value in node.inputs if values.get(value)), None)
            values.update(dict.fromkeys(node.outputs, came))

    def _loss(self, node: OpNode, values: Mapping[Value, Origin | None]) -> None:
        argument, wrong, advice = _BOUND_IN[node.op.name]
        slot = getattr(node.op, argument, None)
        origin = values.get(node.inputs[slot.index]) if slot is not None else None
        if origin is None or origin[0] not in wrong:
            return
        made, span = origin
        takes = _TAKES.get(node.op.name, "takes the sigmoid itself")
        self.found[(node.span, span)] = Diagnostic(
            "W0501",
            f"{node.op.name} {takes}, and is given what a {made} made",
            node.span,
            help=(advice.format(made=made),),
            labels=(Label(span, f"the {made} is here"),),
        )
