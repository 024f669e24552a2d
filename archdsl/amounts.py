"""Amounts as people write them: ``1e9``, ``350M``, ``7B`` of parameters, ``24GiB`` of memory; exact whole numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

_NUMBER = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE]\+?([0-9]{1,2}))?\s*([A-Za-z]*)")

_COUNTS: Mapping[str, int] = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
_BYTES: Mapping[str, int] = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip


def count(text: str) -> int:
    """So many parameters or multiply-accumulates. Raises ValueError, with what may be written."""
    return _amount(text, _COUNTS, "1e9, 350M, 1.5G or 1_000_000")


def size_in_bytes(text: str) -> int:
    """So much memory. Raises ValueError, with what may be written."""
    return _amount(text, _BYTES, "24GiB, 800MB or 1_000_000")


def _amount(text: str, units: Mapping[str, int], such_as: str) -> int:
    found = _NUMBER.fullmatch(text.strip()) if len(text) <= 40 else None
    if found is None or found[3].lower() not in units:
        raise ValueError(f"{text!r} is no amount; write {such_as}")
    exact: Fraction = (
        Fraction(found[1].replace("_", "")) * int(10 ** int(found[2] or 0)) * units[found[3].lower()]
    )
    if exact.denominator != 1 or exact < 1:
        raise ValueError(f"{text!r} is no whole amount; write {such_as}")
    return exact.numerator
