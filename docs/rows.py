"""The list of everything the project was asked for, row by row: where it is, and which tests say so. No torch.

docs/rows.csv is written by hand: a section, the row, what meets it, tests, a note. What meets it is ``zoo:MODEL``,
``std:BLOCK``, ``block:FILE/BLOCK`` (of specs/zoo), ``op:OPERATOR``, ``lint:CODE``, ``lang:SECTION`` of the reference,
or ``later:WHAT`` for what another issue brings. A row without any of these isn't there yet.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archdsl.ops.registry import names as operator_names
from archdsl.source import Source
from archdsl.syntax.parser import parse
from archdsl.syntax.tree import Definition

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "docs" / "rows.csv"
LATER = {
    "training": "the training loop, with optimisers and schedules, is an issue of its own",
    "decoding": "decoding loops are an issue of their own",
}
TITLES = {
    "systems": "Whole systems",
    "layers": "Layers, blocks, operators",
    "training": "Losses, metrics, optimisation, decoding, training",
    "language": "What the language has to say",
    "operators": "Operators, by kind",
    "formulas": "Formulas, as tests",
}
HEAD = """<!-- Written by docs/generate.py from docs/rows.csv; tests/test_docs.py says when that is due. -->
# The list

Every system, layer, technique and formula the project was asked for: {there} of {rows} rows are there{later}.
Names lead to the spec, the block or the source; *parameters* are counted from the spec, with the published number in
brackets; *difference* is the largest one between the model and an independent implementation of it (outputs, gradients
and buffers of both modes, float64, see [the zoo](zoo.md)). No name and no test here can be dead: a test looks each up.
"""


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    section: str
    name: str
    where: tuple[str, ...]
    tests: tuple[str, ...]
    note: str

    @property
    def there(self) -> bool:
        return any(not place.startswith("later:") for place in self.where)

    @property
    def later(self) -> tuple[str, ...]:
        return tuple(place.removeprefix("later:") for place in self.where if place.startswith("later:"))


@dataclass(frozen=True)
class Shown:
    """What is known of a model of the zoo: where it stands, its figures, how it compares."""

    file: str
    params: int | None
    published: str
    difference: float | None
    image: str | None


def rows() -> tuple[Row, ...]:
    with LIST.open(encoding="utf-8", newline="") as file:
        return tuple(
            Row(r["section"], r["row"], tuple(r["where"].split()), tuple(r["tests"].split()), r["note"])
            for r in csv.DictReader(file)
        )


@cache
def _blocks(path: Path) -> frozenset[str]:
    file, _ = parse(Source(path.name, path.read_text(encoding="utf-8")))
    return frozenset(s.name for s in file.statements if isinstance(s, Definition))


@cache
def _standard() -> Mapping[str, str]:
    paths = sorted((ROOT / "specs" / "std").glob("*.arch"))
    return {name: path.name for path in paths for name in _blocks(path)}


@cache
def _sections() -> Mapping[str, str]:
    """Sections of the reference by number, and where a link to each leads."""
    lines = (ROOT / "docs" / "language.md").read_text(encoding="utf-8").splitlines()
    titles = [line.removeprefix("## ") for line in lines if line.startswith("## ") and line[3].isdigit()]
    kept = {t: "".join(c for c in t.lower() if c.isalnum() or c in " -") for t in titles}
    return {t.partition(".")[0]: anchor.replace(" ", "-") for t, anchor in kept.items()}


@cache
def _tests(path: str) -> frozenset[str] | None:
    """The tests that a file defines; None where there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")
    )


def dead(listed: Iterable[Row], models: Iterable[str]) -> Iterator[str]:
    """What the list names and doesn't exist, and rows that name nothing to be shown by."""
    known = frozenset(models)
    for row in listed:
        if row.section not in TITLES:
            yield f"{row.name}: no section {row.section}"
        if row.there and not row.tests:
            yield f"{row.name}: no test"
        for place in row.where:
            if not _alive(place, known):
                yield f"{row.name}: no {place}"
        for test in row.tests:
            path, _, name = test.partition("::")
            found = _tests(path)
            if found is None or not found or (name and name not in found):
                yield f"{row.name}: no {test}"


def _alive(place: str, models: frozenset[str]) -> bool:
    kind, _, name = place.partition(":")
    match kind:
        case "zoo":
            return name in models
        case "std":
            return name in _standard()
        case "block":
            file, _, block = name.partition("/")
            path = ROOT / "specs" / "zoo" / f"{file}.arch"
            return path.is_file() and block in _blocks(path)
        case "op":
            return name in operator_names()
        case "lint":
            return (ROOT / "archdsl" / "explanations" / f"{name}.md").is_file()
        case "lang":
            return name in _sections()
        case "later":
            return name in LATER
        case _:
            return False


def page(listed: tuple[Row, ...], models: Mapping[str, Shown]) -> str:
    """The text of docs/rows.md."""
    there = sum(row.there for row in listed)
    later = sum(not row.there and bool(row.later) for row in listed)
    says = f"; {later} belong to a later issue and say so" if later else ""
    text = [HEAD.format(there=there, rows=len(listed), later=says)]
    for section, title in TITLES.items():
        text += [f"\n## {title}\n"]
        text += [
            "| row | where | drawing | parameters | difference | how to run | tests |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        text += [_line(row, models) for row in listed if row.section == section]
    return "\n".join(text) + "\n"


def _line(row: Row, models: Mapping[str, Shown]) -> str:
    named = {place.removeprefix("zoo:"): models[place[4:]] for place in row.where if place.startswith("zoo:")}
    where = [_link(place, models) for place in row.where if not place.startswith("later:")]
    where += [LATER[what] for what in row.later]
    drawn = [f"[{name}]({shown.image})" for name, shown in named.items() if shown.image]
    params = [_parameters(name, shown, len(named) > 1) for name, shown in named.items() if shown.params]
    found = [
        f"{name} {shown.difference:.1g}" for name, shown in named.items() if shown.difference is not None
    ]
    tests = [_test(test) for test in row.tests]
    name = f"{row.name} ({row.note})" if row.note else row.name
    cells = (name, ", ".join(where) or "**not yet**", ", ".join(drawn), *map("<br>".join, (params, found)))
    return f"| {' | '.join((*cells, _run(row), ', '.join(tests)))} |"


def _parameters(name: str, shown: Shown, several: bool) -> str:
    stated = f" ({shown.published})" if shown.published else ""
    return (f"{name} " if several else "") + f"{shown.params:,}{stated}"


def _link(place: str, models: Mapping[str, Shown]) -> str:
    kind, _, name = place.partition(":")
    match kind:
        case "zoo":
            return f"[{name}](../specs/zoo/{models[name].file}.arch)"
        case "std":
            return f"[{name}](../specs/std/{_standard()[name]})"
        case "block":
            file, _, block = name.partition("/")
            return f"[{block}](../specs/zoo/{file}.arch)"
        case "lint":
            return f"[{name}](../archdsl/explanations/{name}.md)"
        case "lang":
            return f"[section {name}](language.md#{_sections()[name]})"
        case _:
            return f"`{name}`"


def _run(row: Row) -> str:
    """One command that shows it."""
    for place in row.where:
        kind, _, name = place.partition(":")
        match kind:
            case "zoo":
                return f"`archdsl build zoo:{name} -o out/`"
            case "op" | "std":
                return f"`archdsl ops {name}`"
            case "block":
                return f"`archdsl check specs/zoo/{name.partition('/')[0]}.arch`"
            case "lint":
                return f"`archdsl explain {name}`"
    return ""


def _test(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name or Path(path).stem}](../{path})"
