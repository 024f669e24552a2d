"""Parameters given on the command line, written as in a program."""

from __future__ import annotations

from typing import Any

import archdsl.network.expressions as expressions
from archdsl.network.aliases import top_context
from archdsl.network.context import Failed, Session
from archdsl.network.program import load
from archdsl.network.values import NO_WIRE, BlockRecipe
from archdsl.ops.checker import Checker
from archdsl.sizes.assumptions import Assumptions
from archdsl.source import Source
from archdsl.syntax.tree import Expression, Name


def setting_value(text: str) -> Any:
    """The value of a setting: ``12``, ``0.1``, ``[3, 4]``, ``true``, a block's name.

    Raises ValueError where it can't be read.
    """
    source = f"block b(_x={text}) {{ id }}"
    program = load(Source("--set", source))
    definition = program.scope.names.get("b")
    if program.diagnostics or not isinstance(definition, BlockRecipe):
        raise ValueError(text)
    if len(definition.definition.parameters) != 1 or definition.definition.span.text != source:
        raise ValueError(text)  # more than a value: what follows it would be dropped in silence
    session = Session(Checker(Assumptions.empty()), False, program.limits, [])
    default: Expression | None = definition.definition.parameters[0].default
    ctx = top_context(definition.definition, program.scope, session)
    assert default is not None
    try:
        if isinstance(default, Name) and program.scope.find(default.name) is not None:
            return expressions.as_recipe(default, ctx)
        return expressions.evaluate(default, NO_WIRE, ctx)
    except Failed:
        raise ValueError(text) from None
