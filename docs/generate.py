"""Writes the generated pages: ``python docs/generate.py [--check] [--drawings]``. No torch.

docs/zoo.md shows every model of the zoo, docs/rows.md every row of the list of what was asked for (docs/rows.py).
Figures are counted anew; what the networks were compared with stands in benchmarks/results/zoo.json, which
``make zoo-results`` writes by running the comparisons.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rows

from archdsl import driver
from archdsl.analysis.expectations import check_expectations
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Summary, summarise
from archdsl.analysis.tables import short_number
from archdsl.data import data_root
from archdsl.network.types import Network
from archdsl.network.unused import mentioned
from archdsl.source import Source
from archdsl.syntax.parser import parse
from archdsl.syntax.tree import Definition, File, Use

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "zoo.md"
LIST = ROOT / "docs" / "rows.md"
IMAGES = ROOT / "docs" / "images" / "zoo"
RESULTS = ROOT / "benchmarks" / "results" / "zoo.json"
PUBLISHED = ROOT / "docs" / "published.csv"
MOST_BYTES = 40_000
TOLERANCE = 1e-5

HEAD = """<!-- Written by docs/generate.py; `make docs` writes it anew, tests/test_docs.py says when that is due. -->
# The zoo

{models} models in {files} specs. Every figure is counted from the spec at its default sizes; *published* is what the
authors or a library state, and where that is empty nobody states a total. A model is **compared** with an
implementation that isn't derived from ours, on a small variant with equal weights, in float64: outputs, gradients and
buffers, at inference and in training; the number is the largest relative difference (norm of the difference over norm,
tensor by tensor). *Trains* says that ten steps or so lower its loss, its own or a standard one, and *compiles* that
`torch.compile` takes it whole, with equal outputs and gradients; a small variant again, and ‡ is explained below.
*Lines* are those of the spec with all blocks it uses, beside those of the classes of the reference's modules (functions
that put torch's own together are left out); comments, docstrings and blank lines count on neither side.
✓ beside the parameters: the spec states that number itself, in an
`expect` line. ✓ elsewhere is a check that ran, – one whose result isn't on record in
[zoo.json](../benchmarks/results/zoo.json) (`make zoo-results`).

Any of them: `archdsl summary zoo:NAME`, `archdsl render zoo:NAME -o NAME.svg`, `archdsl build zoo:NAME -o out/`.

{done} of {models} models are compared, themselves or with other settings; {expected} have their figure as an `expect`
line.
"""

COLUMNS = (
    "model", "parameters", "published", "MACs", "published", "compared with, difference", "trains", "compiles", "lines",
)  # fmt: skip


@cache
def definitions(path: Path) -> tuple[File, dict[str, Definition]]:
    file, _ = parse(Source(path.name, path.read_text(encoding="utf-8")))
    return file, {s.name: s for s in file.statements if isinstance(s, Definition)}


@cache
def standard() -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for path in sorted((data_root() / "specs" / "std").glob("*.arch")):
        found |= definitions(path)[1]
    return found


def parts(path: Path, name: str, seen: set[int]) -> Iterator[Definition]:
    """A definition and all that it mentions: in its file, in files that are used, among the standard blocks."""
    file, own = definitions(path)
    used = {n: s.path for s in file.statements if isinstance(s, Use) for n in s.names}
    if name in used and not used[name].startswith("std:"):
        stem = used[name].removeprefix("zoo:").removesuffix(".arch")
        yield from parts(path.parent / f"{stem}.arch", name, seen)
        return
    found = own.get(name) or standard().get(name)
    if found is None or id(found) in seen:
        return
    seen.add(id(found))
    yield found
    for other in sorted(mentioned(found)):
        yield from parts(path, other, seen)


def lines(path: Path, name: str) -> int:
    """Lines of code of a model and of all the blocks it uses: no blanks, comments, docstrings."""
    texts = (line.strip() for part in parts(path, name, set()) for line in part.span.text.splitlines())
    return sum(bool(line) and line[0] not in '#"' for line in texts)


def number(value: int | None) -> str:
    return "" if value is None else short_number(value)


def row(
    path: Path, network: Network, summary: Summary | None, facts: Any, published: Any, figured: bool
) -> str:
    name = network.name
    params = f"{summary.params:,}" if summary else ""
    macs = number(summary.work.macs.total) if summary else ""
    compared = [
        f"{_link(whose)} {one['difference']:.1g}" + ("" if one["difference"] < TOLERANCE else " **✗**")
        for whose, one in sorted(facts.get("compared", {}).items())
    ]
    theirs = " / ".join(str(one["lines"] or "–") for _, one in sorted(facts.get("compared", {}).items()))
    image = IMAGES / f"{name}.svg"
    shown = f"[{name}](images/zoo/{name}.svg)" if image.exists() else name
    if compared and "as" in facts:
        compared.insert(0, f"as `{facts['as']}`:")
    stated, work = (published["params"], published["macs"]) if published else ("", "")
    counted = params + (" ✓" if figured else "")
    checks = _mark(facts.get("trains")), _mark(facts.get("compiles"))
    size = f"{lines(path, name)} : {theirs or '–'}"
    cells = (shown, counted, stated, macs, work, "<br>".join(compared) or "–", *checks, size)
    return f"| {' | '.join(cells)} |"


def _facts(path: Path, name: str, results: Any) -> Any:
    """What is on record for a model; compared may be the one that it is with other settings."""
    found = results.get(f"{path.stem}:{name}", {})
    if "compared" in found:
        return found
    models = {n: d for n, d in definitions(path)[1].items() if d.keyword == "model"}
    of = {
        n: {n} | (set() if d.alias is None else mentioned(d.alias) & set(models)) for n, d in models.items()
    }
    for other in models:
        facts = results.get(f"{path.stem}:{other}", {})
        if "compared" in facts and of[name] & of[other]:  # one of the other, or both of a third
            return {**found, "compared": facts["compared"], "as": other}
    return found


def _link(whose: str) -> str:
    if not whose.startswith("tests/"):
        return whose
    return ", ".join(f"[{Path(part).stem}](../{part})" for part in whose.split(", "))


def _mark(done: bool | str | None) -> str:
    """Done, not known to be done, or a reason, which stands below the table."""
    return "‡" if isinstance(done, str) else "✓" if done else "–"


def _reasons(facts: dict[str, Any]) -> list[str]:
    """What doesn't hold without reservation, and why."""
    said: dict[str, list[str]] = {}
    for name, what in ((name, what) for what in ("trains", "compiles") for name in facts):
        if isinstance(reason := facts[name].get(what), str):
            said.setdefault(f"{what} {reason}", []).append(name)
    return [f"\n‡ {', '.join(names)}: {reason}." for reason, names in said.items()]


def _summary(network: Network) -> Summary | None:
    try:
        return summarise(network)
    except SizesError:
        return None


@cache
def checked(path: Path) -> tuple[Any, Any]:
    """A file of the zoo, and what checking it found: once for all pages."""
    program = driver.load(driver.address(f"zoo:{path.stem}"), driver.Options())
    return program, driver.check(program)


@cache
def recorded() -> Any:
    """What the comparisons found, and what others publish, by model."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return results, {entry["model"]: entry for entry in csv.DictReader(file)}


def page() -> str:
    """The text of docs/zoo.md."""
    results, published = recorded()
    sections, models, done, expected = [], 0, 0, 0
    paths = driver.zoo_files()
    for path in paths:
        program, found = checked(path)
        wrong = [item.message for item in found.diagnostics]
        text = [f"\n## {path.stem}\n", f"[specs/zoo/{path.name}](../specs/zoo/{path.name})\n"]
        text += [f"**{message}**\n" for message in wrong]
        said: dict[str, list[str]] = {}
        for name, network in found.networks.items():
            said.setdefault(" ".join((network.docstring or "").split()), []).append(f"`{name}`")
        text += [f"- {', '.join(names)}: {docstring}" for docstring, names in said.items()]
        text += ["", f"| {' | '.join(COLUMNS)} |", "| --- | --: | --: | --: | --: | --- | :-: | :-: | --- |"]
        known = {name: _facts(path, name, results) for name in found.networks}
        for name, network in found.networks.items():
            facts = known[name]
            figured = _figured(program, network, found.networks)
            models, done, expected = models + 1, done + ("compared" in facts), expected + figured
            text.append(row(path, network, _summary(network), facts, published.get(name), figured))
        notes = [f"{name}: {published[name]['source']}" for name in found.networks if name in published]
        text += [f"\nPublished: {'; '.join(notes)}."] if notes else []
        text += _reasons(known)
        sections.append("\n".join(text) + "\n")
    head = HEAD.format(models=models, files=len(paths), done=done, expected=expected)
    return head + "".join(sections)


def models() -> dict[str, rows.Shown]:
    """What the list shows of every model."""
    results, published = recorded()
    found = {}
    for path in driver.zoo_files():
        for name, network in checked(path)[1].networks.items():
            facts, summary = _facts(path, name, results), _summary(network)
            differences = [one["difference"] for one in facts.get("compared", {}).values()]
            found[name] = rows.Shown(
                path.stem,
                summary.params if summary else None,
                published[name]["params"] if name in published else "",
                max(differences, default=None),
                _image(name),
            )
    return found


def listed() -> str:
    """The text of docs/rows.md."""
    return rows.page(rows.rows(), models())


def _image(name: str) -> str | None:
    """Where a drawing of a model lies, from docs/, if one does."""
    found = (ROOT / "docs" / "images" / where / f"{name}.svg" for where in ("gallery", "zoo"))
    return next((path.relative_to(ROOT / "docs").as_posix() for path in found if path.exists()), None)


def _figured(program: Any, network: Network, networks: Any) -> bool:
    """Whether the spec states its number of parameters, and the statement holds."""
    top = [i for i in program.expectations if f"{network.name}.params" in i.condition.span.text]
    own = [i for i in network.expectations if i.condition.span.text.startswith("params")]
    return bool(top or own) and not check_expectations((*top, *own), networks, frozenset(networks))


def draw() -> None:
    """Pictures of the models whose drawing is small; the others' are removed."""
    from archdsl import api

    IMAGES.mkdir(parents=True, exist_ok=True)
    for path in driver.zoo_files():
        for name, model in api.load(f"zoo:{path.stem}").models.items():
            data = model.render("svg")
            image = IMAGES / f"{name}.svg"
            data = data.encode("utf-8") if isinstance(data, str) else data
            if len(data) < MOST_BYTES:
                image.write_bytes(data)
            else:
                image.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is what it would be")
    parser.add_argument("--drawings", action="store_true", help="draw the small models anew too")
    arguments = parser.parse_args()
    if arguments.drawings:
        draw()
    if missing := list(rows.dead(rows.rows(), models())):
        print("docs/rows.csv is wrong:", *missing, sep="\n  ", file=sys.stderr)
        return 1
    pages = {PAGE: page(), LIST: listed()}
    stale = [
        path.name
        for path, text in pages.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if arguments.check:
        print(f"stale: {', '.join(stale)}; make docs" if stale else "the generated pages are up to date")
        return 1 if stale else 0
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
