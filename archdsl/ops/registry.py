"""The table of operators by name: each module of this package adds its own; plugins add theirs through ``register``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TypeVar

from archdsl.ops.base import Operator

_OPERATORS: dict[str, type[Operator]] = {}

Class = TypeVar("Class", bound=type[Operator])


def operator(cls: Class) -> Class:
    """Class decorator that adds an operator to the table under its ``name``."""
    if cls.name in _OPERATORS and _OPERATORS[cls.name].__qualname__ != cls.__qualname__:
        raise ValueError(f"two operators are named {cls.name!r}")
    _OPERATORS[cls.name] = cls
    return cls


@cache
def _load_all() -> None:
    import archdsl.ops as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def operators() -> dict[str, type[Operator]]:
    """All operators by name."""
    _load_all()
    return dict(_OPERATORS)


def find(name: str) -> type[Operator] | None:
    """The operator of that name, or None."""
    _load_all()
    return _OPERATORS.get(name)
