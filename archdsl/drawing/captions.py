"""The words in a drawing: what stands in the box of an operator, and the title of a block.

An operator's own ``caption`` is the raw material; a drawing leaves out what no reader of a figure looks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from archdsl.dims import Dim, render
from archdsl.network.types import CallNode, OpNode, Region
from archdsl.ops.base import Slot
from archdsl.syntax.tree import Boolean, Definition, NoneLiteral, Number, String

# Rearranging without computing: torchview shows it, and then half of an attention is `view` and `transpose`.
GLUE = frozenset(
    {
        "rearrange", "flatten", "unflatten", "squeeze", "unsqueeze", "transpose", "permute", "expand", "split",
        "chunk", "cast", "detach",
    }
)  # fmt: skip
# Told on the arrow instead of in a box ("copy and crop" of the U-Net).
ON_THE_ARROW = {"center_crop": "crop", "crop": "crop"}
# Drawn as small round nodes where they join tensors.
SYMBOLS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "cat": "++", "concatenate": "++"}
MINOR_ROLES = frozenset({"normalisation", "activation", "regularisation"})

_UNSAID = frozenset(
    {
        "eps", "padding", "ceil_mode", "bias", "padding_idx", "momentum", "affine", "approximate", "dropout", "alpha",
        "beta", "k", "output_padding",
    }
)  # fmt: skip
_UNSAID_OF_BLOCKS = frozenset({"eps", "momentum", "rate", "dropout", "drop_path"})
_KEYWORD = re.compile(r"(\w+)=(.*)")
# Places named like the operator at them ("fc1", "conv_2") say nothing that the box does not.
_PLAIN_WORD = (
    r"(fc|conv|linear|lin|dense|proj|projection|norm|ln|bn|embed|embedding|attention|out|pool|block|unit|up|down"
    r"|branch|reduce|head)\d*[a-z]?"
)
_PLAIN_PLACE = re.compile(rf"{_PLAIN_WORD}(_({_PLAIN_WORD}|\d+))*")
_NUMBERED = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Title:
    """What a block's frame or box says: ``label: name ×count`` and the arguments that matter.

    ``scattered`` marks a place in a loop whose rounds differ: its label (``blocks.1``) gives way to a block's name.
    """

    label: str = ""
    name: str = ""
    arguments: str = ""
    count: str = ""
    scattered: bool = False

    def head(self) -> str:
        """The first line: ``encoder: encoder_layer ×6``."""
        both = self.label and self.name and not same_name(self.label, self.name)
        name = f"{self.label}: {self.name}" if both else self.name or self.label
        return f"{name} {self.count}".strip()

    def around(self, inner: Title) -> Title:
        """One title for a frame and the only thing in it."""
        own = inner.label if inner.label and not same_name(inner.label, inner.name) else ""
        label = self.label if own or not self.scattered else ""
        if not inner.name and not inner.label:
            return replace(self, arguments=self.arguments or inner.arguments, count=self.count or inner.count)
        return Title(
            label or own or (self.label if not inner.name else ""),
            inner.name or self.name,
            inner.arguments or self.arguments,
            self.count or inner.count,
            self.scattered and inner.scattered,
        )


def same_name(place: str, name: str) -> bool:
    """``conv_bn_2`` is the second use of ``conv_bn``, not a name of its own."""
    return _NUMBERED.sub("", place) == _NUMBERED.sub("", name)


def operator_caption(node: OpNode) -> str:
    """``max pool 3, /2``: the caption without what is usual, numbers to four digits."""
    op = node.op
    given = getattr(op, "given", None)
    if op.role == "arithmetic" and given is not None:
        symbol = SYMBOLS.get(op.name, getattr(op, "symbol", op.name))
        values = given()
        numbers = [_word(v) for v in values if not isinstance(v, Slot)]
        if (
            len(values) == 2
            and len(numbers) == 1
            and symbol not in ("+", "×")
            and isinstance(values[1], Slot)
        ):
            return f"{numbers[0]} {symbol} x"
        return " ".join([symbol, *numbers])
    head, _, rest = op.caption(node.input_types, node.output_types).partition(" ")
    if op.role == "regularisation" and isinstance(rate := getattr(op, "p", None), int | float):
        return f"{op.name.replace('_', ' ')} {rate:.4g}"
    if op.name == "select":
        index, dim = getattr(op, "index", 0), getattr(op, "dim", 0)
        return f"select [{':, ' * dim}{index}]" if dim >= 0 else f"select [..., {index}]"
    if op.name == "einsum":
        return f"{head} {rest}"
    parts = [text for part in rest.split(", ") if part and (text := _part(part, op.role))]
    return f"{head.replace('_', ' ')} {', '.join(parts)}".strip()


def _part(part: str, role: str) -> str:
    match = _KEYWORD.fullmatch(part)
    if match is None:
        return _short(part)
    name, value = match.groups()
    if name in _UNSAID or value == "False":
        return ""
    if name == "stride":
        return f"/{value}"
    if name == "p":
        return _short(value)
    return name if value == "True" else f"{name}={_short(value)}"


def _short(text: str) -> str:
    try:
        return text if text.isdigit() else f"{float(text):.4g}"
    except ValueError:
        return text


def _word(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    try:
        return render(value)
    except (AttributeError, TypeError):
        return str(value)


def place_name(path: tuple[str, ...], name: str) -> str:
    """What the author calls this place, where that adds something: ``query``, ``shortcut``."""
    if not path or same_name(path[-1], name) or _PLAIN_PLACE.fullmatch(path[-1]) or path[-1].isdigit():
        return ""
    return path[-1]


def call_title(node: CallNode, count: Dim) -> Title:
    """The title of a use of a region."""
    region = node.region
    label = node.path[-1] if node.path else ""
    times = "" if count == 1 else f"×{render(count)}"
    if node.kind == "scan":
        return Title(
            label,
            "" if region.kind == "round" else region.name,
            _arguments(region),
            f"×{render(node.count)} in time",
        )
    if node.kind == "until" and times:
        times = f"×1 to {render(count)}"
    if node.kind == "layer" and node.layer is not None:
        return Title(node.layer.name, "", _arguments(region))
    if node.kind in ("loop", "until"):
        named = bool(label) and not any(same_name(label, word) for word in ("repeat", "for"))
        scattered = count == 1 or node.first > 0
        if scattered:
            label = _rounds(label if named else "", node.first, count)
        return Title(label if scattered or named else "", "", "", times, scattered)
    return Title(label, region.name, _arguments(region), times)


def _rounds(label: str, first: int, count: Dim) -> str:
    """Which rounds of a loop these are: ``blocks.1–3``, or ``rounds 1–3`` where the loop has no name."""
    which = str(first) if count == 1 else f"{first}–{render(count + (first - 1))}"
    return f"{label}.{which}" if label else f"round{'' if count == 1 else 's'} {which}"


def _arguments(region: Region) -> str:
    defaults = _defaults(region.definition)
    told = []
    for name, value in region.arguments.items():
        if name in _UNSAID_OF_BLOCKS or (name in defaults and defaults[name] == value):
            continue
        told.append(name if value is True else f"{name}={_argument(value)}")
    return ", ".join(told)


def _defaults(definition: object) -> Mapping[str, Any]:
    if not isinstance(definition, Definition):
        return {}
    found: dict[str, Any] = {}
    for parameter in definition.parameters:
        if isinstance(parameter.default, NoneLiteral):
            found[parameter.name] = "none"
        elif isinstance(parameter.default, Number | String | Boolean):
            found[parameter.name] = parameter.default.value
    return found


def _argument(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_argument, value))}]"
    if isinstance(value, float):
        return f"{value:.4g}"
    call = re.fullmatch(r"([A-Z]\w*)\((.*)\)", str(value), re.DOTALL)  # a mask: Causal(), Window(size=256)
    if call is not None:
        inside = f"({call[2]})" if call[2] and re.fullmatch(r"[\w=., -]{1,24}", call[2]) else ""
        return call[1].lower() + inside
    return "no" if value is False else str(value)


def wrapped(text: str, width: int = 30) -> list[str]:
    """``text`` in lines of about ``width`` characters, broken after commas."""
    lines: list[str] = []
    for part in text.split(", ") if text else []:
        if lines and len(lines[-1]) + len(part) + 2 <= width:
            lines[-1] += f", {part}"
        else:
            if lines:
                lines[-1] += ","
            lines.append(part)
    return lines
