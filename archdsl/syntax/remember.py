"""Remembering what a pure function says of a tree node for as long as the node is in use, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from archdsl.syntax.tree import Node

Of = TypeVar("Of", bound=Node)
Result = TypeVar("Result")


def by_node(function: Callable[[Of], Result]) -> Callable[[Of], Result]:
    """Caches results by node. They must not hold the node, or neither would ever go."""
    known: WeakKeyDictionary[Of, Result] = WeakKeyDictionary()

    @wraps(function)
    def remembered(node: Of) -> Result:
        found = known.get(node)
        if found is None:
            found = known[node] = function(node)
        return found

    return remembered
