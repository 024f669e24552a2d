"""Attention masks as values: which queries may look at which keys. Tensors inside are Slots once bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

from archdsl.dims import Size, render
from archdsl.ops.base import Kind


@dataclass(frozen=True)
class Mask:
    """Base of all masks. ``True`` means: this query may look at this key."""

    def map(self, change: Callable[[Any], Any]) -> Mask:
        """The same mask with every payload (a tensor or a number) replaced by ``change(payload)``."""
        return replace(
            self,
            **{
                f.name: value.map(change)
                if isinstance(value := getattr(self, f.name), Mask)
                else change(value)
                for f in fields(self)
                if f.name != "operator"
            },
        )

    def payloads(self) -> Iterator[Any]:
        """The tensors and numbers inside, in order."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Mask):
                yield from value.payloads()
            elif f.name != "operator":
                yield value


@dataclass(frozen=True)
class Causal(Mask):
    """Query i sees keys 0..i (aligned top-left, as torch's ``is_causal``)."""


@dataclass(frozen=True)
class Window(Mask):
    """Query i sees keys i-size..i+size."""

    size: Any


@dataclass(frozen=True)
class Prefix(Mask):
    """Every query sees the first ``length`` keys (a number, or an int tensor [B])."""

    length: Any


@dataclass(frozen=True)
class Document(Mask):
    """Queries see keys of the same document: ``ids`` is an int tensor [B, T]."""

    ids: Any


@dataclass(frozen=True)
class Padding(Mask):
    """Every query sees the keys before its sequence's length: ``lengths`` is an int tensor [B]."""

    lengths: Any


@dataclass(frozen=True)
class TensorMask(Mask):
    """A bool tensor that broadcasts to [B, heads, queries, keys]: [queries, keys], [B, 1, 1, keys] and so on."""

    tensor: Any


@dataclass(frozen=True)
class Combined(Mask):
    """``left and right``, ``left or right``."""

    operator: Literal["and", "or"]
    left: Mask
    right: Mask


@dataclass(frozen=True)
class Negated(Mask):
    """``not mask``."""

    mask: Mask


# How masks are written: the class, and what its one argument is; None is a constant.
MASKS: Mapping[str, tuple[type[Mask], Kind | None]] = MappingProxyType(
    {
        "causal": (Causal, None),
        "window": (Window, "dim"),
        "prefix": (Prefix, "operand"),
        "document": (Document, "tensor"),
        "padding": (Padding, "tensor"),
    }
)
_NAMES = {cls: name for name, (cls, _) in MASKS.items()}


def describe(mask: Mask) -> str:
    """The mask as it would be written; tensors inside are left out."""
    match mask:
        case Combined(operator=operator, left=left, right=right):
            sides = (f"({text})" if isinstance(m, Combined) else text for m, text in _described(left, right))
            return f" {operator} ".join(sides)
        case Negated(mask=inner):
            return f"not ({describe(inner)})" if isinstance(inner, Combined) else f"not {describe(inner)}"
        case TensorMask():
            return "mask"
    sizes = [render(p) for p in mask.payloads() if isinstance(p, int | Size)]
    return f"{_NAMES[type(mask)]}({sizes[0]})" if sizes else _NAMES[type(mask)]


def _described(*masks: Mask) -> Iterator[tuple[Mask, str]]:
    for mask in masks:
        yield mask, describe(mask)


# ---------------------------------------------------------------------------------------- how much a mask leaves

Spans = list[tuple[int, int]]  # sorted, apart, half-open


def allowed_pairs(mask: Mask, queries: int, keys: int) -> int:
    """How many (query, key) pairs a mask leaves, exactly; what depends on data counts as seen.

    A row's keys are spans whose ends stand still or move with the query, so the number of keys is linear in the query
    between the rows where an end that moves meets one that stands still: a few rows tell all, however many there are.
    """
    moving, still = {1}, {0, keys}
    for part in _parts(mask):
        match part:
            case Window(size=int(size)):
                moving |= {-size, size + 1}
            case Prefix(length=int(length)):
                still.add(length)
    meetings = {end - offset + after for end in still for offset in moving for after in (0, 1)}
    rows = sorted({0, queries} | {row for row in meetings if 0 < row < queries})
    total = 0
    for start, end in pairwise(rows):
        total += (_seen(mask, start, keys) + _seen(mask, end - 1, keys)) * (end - start) // 2
    return total


def _parts(mask: Mask) -> Iterator[Mask]:
    yield mask
    if isinstance(mask, Combined):
        yield from _parts(mask.left)
        yield from _parts(mask.right)
    elif isinstance(mask, Negated):
        yield from _parts(mask.mask)


def _seen(mask: Mask, query: int, keys: int) -> int:
    return sum(end - start for start, end in _row(mask, query, keys, most=True))


def _row(mask: Mask, query: int, keys: int, most: bool) -> Spans:
    """The keys that a query sees; ``most``: at most (what depends on data is seen), else at least (it isn't)."""
    match mask:
        case Causal():
            return _clipped(0, query + 1, keys)
        case Window(size=int(size)):
            return _clipped(query - size, query + size + 1, keys)
        case Prefix(length=int(length)):
            return _clipped(0, length, keys)
        case Negated(mask=inner):
            return _others(_row(inner, query, keys, not most), keys)
        case Combined(operator="and", left=left, right=right):
            return _common(_row(left, query, keys, most), _row(right, query, keys, most))
        case Combined(left=left, right=right):
            hidden = [_others(_row(side, query, keys, most), keys) for side in (left, right)]
            return _others(_common(*hidden), keys)
    return _clipped(0, keys, keys) if most else []


def _clipped(start: int, end: int, keys: int) -> Spans:
    start, end = max(start, 0), min(end, keys)
    return [(start, end)] if start < end else []


def _others(spans: Spans, keys: int) -> Spans:
    ends = [0, *(end for span in spans for end in span), keys]
    return [(start, end) for start, end in zip(ends[::2], ends[1::2], strict=True) if start < end]


def _common(left: Spans, right: Spans) -> Spans:
    overlaps = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return sorted(span for span in overlaps if span[0] < span[1])
