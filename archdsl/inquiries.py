"""What is asked of a model at other values than its own: formulas over its parameters, values within a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archdsl import driver
from archdsl.analysis.figures import TITLES
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import INFERENCE, Mode
from archdsl.analysis.variations import Variations
from archdsl.diagnostics import DiagnosticError
from archdsl.driver import Chosen
from archdsl.failures import UsageFailure
from archdsl.network.program import Program

if TYPE_CHECKING:
    from archdsl.analysis.formulas import Formulas
    from archdsl.analysis.solve import Solution


def formulas(
    chosen: Chosen,
    settings: Mapping[str, Any],
    at: Mapping[str, int],
    figures: Sequence[str] = (),
    mode: Mode = INFERENCE,
) -> Formulas:
    """Figures as formulas over what ``settings`` and ``at`` leave open. Raises UsageFailure."""
    from archdsl.analysis.formulas import formulas as find

    for name in figures:
        if name not in TITLES:
            raise UsageFailure(f"there is no formula of {name}; there are {', '.join(TITLES)}")
    try:
        return find(Variations(chosen.program, chosen.network, settings, at, mode), figures)
    except SizesError as error:
        raise UsageFailure(str(error)) from None


def solve(
    program: Program,
    name: str | None,
    settings: Mapping[str, Any],
    at: Mapping[str, int],
    variable: str,
    budget: Mapping[str, int],
    step: int | None,
    mode: Mode = INFERENCE,
) -> tuple[Solution, Chosen]:
    """The largest value of a variable within a budget. Raises UsageFailure, NothingFits, DiagnosticError."""
    from archdsl.analysis.solve import solve as search

    if variable.partition("[")[0] in settings or variable in at:
        raise UsageFailure(f"{variable} is given and asked for at once")
    chosen = _started(program, name, settings, variable)
    model = Variations(chosen.program, chosen.network, settings, at, mode)
    start = model.summary(())
    if isinstance(start, str):
        raise UsageFailure(start)
    known = {item.name: item for item in model.variables()}
    if variable not in known:
        listed = f"what can vary is {', '.join(known)}" if known else "nothing in it can vary"
        raise UsageFailure(f"{chosen.network.name} has no whole number {variable!r} to look for: {listed}")
    return search(model, known[variable], budget, step), chosen


def _started(program: Program, name: str | None, settings: Mapping[str, Any], variable: str) -> Chosen:
    """The model at a value to start from: the variable's own, else one at which the model is right."""
    try:
        return driver.model(program, name, settings)
    except DiagnosticError as error:
        failure = error
    # The value that is asked for may be the one that is wrong: other settings want a multiple of their own.
    given = [value for value in settings.values() if isinstance(value, int) and value > 1]
    for value in dict.fromkeys([64 * n for n in given] + [8 * n for n in given] + [64, 256, 1024, 8, 1]):
        try:
            return driver.model(program, name, {**settings, variable: value})
        except DiagnosticError:
            continue
    raise failure
