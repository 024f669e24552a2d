"""A model's formulas as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from archdsl.analysis.figures import TITLES
from archdsl.analysis.formulas import Formula, Formulas
from archdsl.terminal_text import escape


def render_text(found: Formulas) -> str:
    """A line for each figure, and where it holds."""
    parameters = [v.name for v in found.variables if v.kind == "parameter"]
    sizes = [v.name for v in found.variables if v.kind == "size"]
    over = [", ".join(parameters)] if parameters else []
    over += [f"the sizes {', '.join(sizes)}" if len(sizes) > 1 else f"the size {sizes[0]}"] if sizes else []
    head = f"{found.model} over {' and '.join(over)}" if over else f"{found.model}: nothing in it can vary"
    fixed = ", ".join(f"{name}={_shown(value)}" for name, value in found.fixed.items())
    lines = [head + (f"; {fixed}" if fixed else "")]
    width = max((len(TITLES[item.figure]) for item in found.formulas), default=0)
    for item in found.formulas:
        lines.append(f"{TITLES[item.figure]:{width}}  {item.text}")
        if item.conditions:
            lines.append(f"{'':{width}}  where {', '.join(item.conditions)}")
    fewest = min((item.checked for item in found.formulas), default=0)
    if fewest:
        lines.append(f"{'checked':{width}}  each against the counts at {fewest} other points")
    return "\n".join(map(escape, lines)) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def as_data(found: Formulas, file: str) -> dict[str, Any]:
    """The JSON of ``summary --symbolic --format json``."""
    return {
        "schema": 1,
        "model": found.model,
        "file": file,
        "variables": [{"name": v.name, "kind": v.kind, "value": v.value} for v in found.variables],
        "fixed": {name: _plain(value) for name, value in found.fixed.items()},
        "formulas": {item.figure: _formula(item, found) for item in found.formulas},
    }


def _formula(item: Formula, found: Formulas) -> Mapping[str, Any]:
    names = [v.name for v in found.variables]
    terms = [
        {"coefficient": str(c), "powers": {n: power for n, power in zip(names, p, strict=True) if power}}
        for p, c in sorted(item.polynomial.terms.items(), reverse=True)
    ]
    at = item.polynomial([v.value for v in found.variables])
    return {
        "formula": item.text,
        "terms": terms,
        "conditions": list(item.conditions),
        "value": int(at),
        "checked": item.checked,
    }


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)


def render_json(found: Formulas, file: str) -> str:
    """``as_data`` as text."""
    return json.dumps(as_data(found, file), ensure_ascii=False, indent=1) + "\n"
