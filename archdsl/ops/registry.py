"""The table of operators by name. A module of this package is imported when one of its operators is first asked for."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path
from typing import TypeVar

from archdsl.ops.base import Operator

_OPERATORS: dict[str, type[Operator]] = {}
_NAME = re.compile(r'^    name: ClassVar\[str\] = "(\w+)"', re.MULTILINE)

Class = TypeVar("Class", bound=type[Operator])


def operator(cls: Class) -> Class:
    """Class decorator that adds an operator to the table under its ``name``."""
    if cls.name in _OPERATORS and _OPERATORS[cls.name].__qualname__ != cls.__qualname__:
        raise ValueError(f"two operators are named {cls.name!r}")
    _OPERATORS[cls.name] = cls
    return cls


@cache
def _modules() -> dict[str, str]:
    """Which module defines which operator, read off the text: importing all of them costs more than most checks do."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for name in _NAME.findall(path.read_text(encoding="utf-8")):
            found[name] = f"archdsl.ops.{path.stem}"
    return found


def names() -> tuple[str, ...]:
    """The names of all operators, without importing any."""
    return tuple({**_modules(), **_OPERATORS})


def find(name: str) -> type[Operator] | None:
    """The operator of that name, or None."""
    if name not in _OPERATORS and name in _modules():
        importlib.import_module(_modules()[name])
    return _OPERATORS.get(name)


def operators() -> dict[str, type[Operator]]:
    """All operators by name."""
    return {name: cls for name in names() if (cls := find(name)) is not None}
