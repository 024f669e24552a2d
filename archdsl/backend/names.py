"""Names in generated code: what the author wrote is let through only where it is harmless, else another is minted."""

from __future__ import annotations

import builtins
import keyword
import re

from torch import nn

from archdsl.backend.errors import NameRefused

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
ORDINAL = re.compile(r"0\Z|[1-9][0-9]{0,8}\Z", re.ASCII)

# What the emitted file itself uses or a reader takes for granted.
TAKEN = frozenset({"torch", "nn", "F", "math", "Tensor", "NamedTuple", "self", "annotations", "training"})
RESERVED = TAKEN | frozenset(dir(builtins)) | frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)
MODULE_ATTRIBUTES = frozenset(dir(nn.Module())) | frozenset({"self"})


def checked_component(name: str) -> str:
    """A component of a path, as it is: an identifier that nn.Module doesn't use itself, or an ordinal.

    Python's keywords are let through ("for" is the path of a loop without a label): they are reached by ``getattr``.
    """
    if ORDINAL.match(name):
        return name
    if not IDENTIFIER.match(name) or name in MODULE_ATTRIBUTES:
        raise NameRefused(f"{name!r} can't be part of a path")
    return name


def minted(name: str | None, otherwise: str) -> str:
    """A variable's name: the author's where it is harmless."""
    if name is None or len(name) > 60 or not IDENTIFIER.match(name):
        return otherwise
    return f"{name}_" if name in RESERVED else name


def unique(name: str, taken: set[str] | frozenset[str]) -> str:
    """``name``, or with the first number that is free."""
    if name not in taken:
        return name
    number = 2
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"


def camel(name: str) -> str:
    """``conv_bn`` as the name of a class."""
    words = [w for w in re.split(r"[^A-Za-z0-9]+", name) if w]
    text = "".join(w[0].upper() + w[1:] for w in words)
    if not text or not IDENTIFIER.match(text):
        text = f"Block{text}"
    return f"{text}_" if keyword.iskeyword(text) or text in RESERVED else text


def singular(label: str) -> str:
    """``layers`` as the name of one of them."""
    label = re.sub(r"_\d+\Z", "", label)
    if label in ("repeat", "for") or not IDENTIFIER.match(label):
        return "layer"
    if label.endswith("ies") and len(label) > 4:
        return f"{label[:-3]}y"
    if label.endswith("s") and not label.endswith("ss") and len(label) > 3:
        return label[:-1]
    return label


def class_name(region_name: str, kind: str) -> str:
    """The class of a region: the block's name, or the label of a loop's round."""
    block, _, label = region_name.rpartition(".")
    if kind != "round" or not label:
        return camel(label or region_name)
    label = re.sub(r"_\d+\Z", "", label)
    if label in ("repeat", "for"):
        return camel(f"{block.rpartition('.')[2]}_round")
    return camel(singular(label))
