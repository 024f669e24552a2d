"""A model at other values of its parameters and sizes: elaborated when first asked for, and its figures measured.

A variable is a whole-number parameter (``layers``), an item of a list of such (``layers[0]``) or a size (``T``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from archdsl.analysis.figures import Figures
from archdsl.analysis.sizes import SizesError, declared_sizes, sizes_for
from archdsl.analysis.summary import INFERENCE, Mode, Summary, summarise
from archdsl.diagnostics import Diagnostic
from archdsl.network.elaborate import elaborate
from archdsl.network.program import Program
from archdsl.network.types import Network

MOST = 2**31 - 1
"""No parameter is tried beyond: no size may be larger."""


@dataclass(frozen=True)
class Variable:
    """Something of a model that may have another whole number, and the number it has."""

    name: str
    value: int
    kind: Literal["parameter", "size"]
    parameter: str = ""
    place: int | None = None  # in a list


class Variations:
    """One model, and what it is at other values. ``settings`` and ``at`` are what stays as it is.

    ``mode`` says which of its graphs is counted.
    """

    def __init__(
        self,
        program: Program,
        network: Network,
        settings: Mapping[str, Any],
        at: Mapping[str, int],
        mode: Mode = INFERENCE,
    ) -> None:
        self.mode = mode
        self.program, self.network, self.settings, self.at = program, network, dict(settings), dict(at)
        self._networks: dict[tuple[tuple[str, Any], ...], Network | str] = {(): network}
        self._summaries: dict[tuple[tuple[str, int], ...], Summary | str] = {}

    def variables(self) -> tuple[Variable, ...]:
        """What can vary: parameters that ``settings`` leaves open, then sizes that ``at`` leaves open."""
        found: list[Variable] = []
        for name, value in self.network.parameters.items():
            if name in self.settings:
                continue
            if _whole(value):
                found.append(Variable(name, value, "parameter", name))
            elif isinstance(value, tuple):
                items = [(i, item) for i, item in enumerate(value) if _whole(item)]
                found += [Variable(f"{name}[{i}]", item, "parameter", name, i) for i, item in items]
        sizes = self.sizes()
        solved = dict(self.network.assumptions.solved)
        for name in declared_sizes(self.network):
            if name not in self.at and name not in solved and name in sizes:
                found.append(Variable(name, sizes[name], "size"))
        return tuple(found)

    @property
    def count(self) -> int:
        """How often the model has been elaborated."""
        return len(self._networks)

    def sizes(self) -> Mapping[str, int]:
        """The sizes where nothing varies; none where one has no number."""
        try:
            return sizes_for(self.network, self.at)
        except SizesError:
            return {}

    def summary(self, changed: Sequence[tuple[Variable, int]]) -> Summary | str:
        """The summary where these variables have these values; else why there is none."""
        moved = [(variable, value) for variable, value in changed if value != variable.value]
        key = tuple(sorted((variable.name, value) for variable, value in moved))
        if key not in self._summaries:
            self._summaries[key] = self._summarise(moved)
        return self._summaries[key]

    def figures(self, changed: Sequence[tuple[Variable, int]]) -> Mapping[str, int] | None:
        """All figures there, by name; None where the model can't have these values."""
        found = self.summary(changed)
        return None if isinstance(found, str) else Figures(found)

    def measured(self, variable: Variable) -> list[tuple[int, Mapping[str, int]]]:
        """What has been measured so far where this variable alone was moved."""
        found: list[tuple[int, Mapping[str, int]]] = []
        for key, summary in self._summaries.items():
            alone = not key or (len(key) == 1 and key[0][0] == variable.name)
            if alone and not isinstance(summary, str):
                found.append((key[0][1] if key else variable.value, Figures(summary)))
        return found

    def _summarise(self, moved: Sequence[tuple[Variable, int]]) -> Summary | str:
        network = self._network([(v, n) for v, n in moved if v.kind == "parameter"])
        if isinstance(network, str):
            return network
        try:
            sizes = {**self.at, **{v.name: n for v, n in moved if v.kind == "size"}}
            return summarise(network, sizes, self.mode)
        except SizesError as error:
            return str(error)

    def _network(self, moved: Sequence[tuple[Variable, int]]) -> Network | str:
        settings: dict[str, Any] = {}
        for variable, value in moved:
            if variable.place is None:
                settings[variable.parameter] = value
                continue
            items = list(settings.get(variable.parameter, self.network.parameters[variable.parameter]))
            items[variable.place] = value
            settings[variable.parameter] = tuple(items)
        key = tuple(sorted(settings.items()))
        if key not in self._networks:
            network, found = elaborate(self.program, self.network.name, {**self.settings, **settings})
            errors = [item for item in found if item.severity == "error"]
            failed = network is None or bool(errors)
            self._networks[key] = _why(errors) if failed or network is None else network
        return self._networks[key]


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST


def _why(errors: Sequence[Diagnostic]) -> str:
    return f"{errors[0].message} ({errors[0].code})" if errors else "it can't be made"
