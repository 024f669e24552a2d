"""What is inside an operator's lowering: its modules, and which of them holds the weights."""

from __future__ import annotations

from typing import Any

import torch

from archdsl.backend import interpret
from archdsl.backend.errors import BackendError
from archdsl.ops.base import Fn, Late, Mod, Operator


def modules_in(part: Any) -> list[Mod]:
    """Every module of a lowering once, in the order of the text."""
    found: dict[int, Mod] = {}

    def visit(x: Any) -> None:
        if isinstance(x, Mod):
            found[id(x)] = x
            visit(x.inputs)
        elif isinstance(x, Fn):
            visit(x.args)
            visit(dict(x.kwargs))
        elif isinstance(x, tuple | list):
            for item in x:
                visit(item)
        elif isinstance(x, dict):
            visit(list(x.values()))

    visit(part)
    return list(found.values())


def owner_of_weights(op: Operator, mods: list[Mod]) -> Mod:
    """The module that has a state; the others (a dropout beside it) have none."""
    if len(mods) == 1:
        return mods[0]
    for mod in mods:
        late = {v.key: 0.0 for v in (*mod.arguments, *mod.keywords.values()) if isinstance(v, Late)}
        around = interpret.Surroundings(torch.device("meta"), late=late)
        if interpret.Interpreter(mod, around).own_state():
            return mod
    raise BackendError(f"{op.name}: weights, but no module that holds them")
