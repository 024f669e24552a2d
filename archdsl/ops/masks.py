"""Attention masks as values: which queries may look at which keys. Tensors inside are Slots once bound to an operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Mask:
    """Base of all masks. ``True`` means: this query may look at this key."""

    def map(self, change: Callable[[Any], Any]) -> Mask:
        """The same mask with every payload (a tensor or a number) replaced by ``change(payload)``."""
        return replace(
            self,
            **{
                f.name: value.map(change) if isinstance(value := getattr(self, f.name), Mask) else change(value)
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
