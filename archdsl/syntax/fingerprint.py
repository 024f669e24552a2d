"""The structure of a tree: what two texts share that differ in layout and comments alone."""

from __future__ import annotations

from dataclasses import fields

from archdsl.syntax.tree import File, Node

Fingerprint = tuple["Fingerprint", ...] | str | int | float | bool | None


_BESIDE_STRUCTURE = ("Span", "Source", "tuple[Span, ...]", "tuple[Comment, ...]")


def fingerprint(value: object) -> Fingerprint:
    """The structure of a tree without its spans: equal for two texts that differ in layout and comments alone."""
    if isinstance(value, Node | File):
        # `map`, not a generator: half the frames, and recursion stays within the depth that the parser allows.
        parts = (getattr(value, f.name) for f in fields(value) if f.type not in _BESIDE_STRUCTURE)
        return (type(value).__name__, *map(fingerprint, tuple(parts)))
    if isinstance(value, tuple):
        return tuple(map(fingerprint, value))
    if isinstance(value, float):
        return ("float", value)
    if isinstance(value, bool):
        return ("bool", value)
    assert value is None or isinstance(value, str | int), value
    return value
