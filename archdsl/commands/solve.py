"""``archdsl solve``: the largest value of a parameter or a size within a budget of parameters, MACs or memory."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from archdsl import amounts, driver, inquiries
from archdsl.analysis.figures import TITLES
from archdsl.analysis.solve import NothingFits, Solution
from archdsl.analysis.summary import Mode
from archdsl.commands import setup, streams
from archdsl.failures import UnmetFailure, UsageFailure
from archdsl.terminal_text import escape


def run(arguments: argparse.Namespace) -> int:
    options = setup.options(arguments)
    address = driver.address(arguments.target)
    settings, at = driver.settings(arguments.set), driver.numbers("--at", arguments.at)
    budget = _budget(arguments)
    step = _step(arguments.step)
    program = driver.load(address, options)
    mode = Mode(arguments.train, arguments.dtype, arguments.attention == "fused")
    try:
        found, chosen = inquiries.solve(
            program, address.model, settings, at, arguments.variable, budget, step, mode
        )
    except NothingFits as error:
        raise UnmetFailure(str(error)) from None
    streams.show(chosen.diagnostics)
    if arguments.format == "json":
        file = chosen.network.span.source.name
        data = {"schema": 1, "model": chosen.network.name, "file": file, **as_data(found)}
        streams.result(json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    else:
        streams.result(text(found, arguments.step is not None))
    return 0


def _budget(arguments: argparse.Namespace) -> dict[str, int]:
    """What --params, --macs and --memory say, by figure."""
    memory = "training_bytes" if arguments.train else "inference_bytes"
    ways: list[tuple[str, str | None, str, Callable[[str], int]]] = [
        ("--params", arguments.params, "params", amounts.count),
        ("--macs", arguments.macs, "macs", amounts.count),
        ("--memory", arguments.memory, memory, amounts.size_in_bytes),
    ]
    found = {}
    for option, given, figure, read in ways:
        if given is not None:
            try:
                found[figure] = read(given)
            except ValueError as error:
                raise UsageFailure(f"{option}: {error}") from None
    if not found:
        raise UsageFailure("say within what: --params 1e9, --macs 5G, or --memory 24GiB")
    return found


def _step(given: str | None) -> int | None:
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:12]) <= 1_000_000):
        raise UsageFailure(f"--step wants a whole number from 1 to 1,000,000, and this is {given!r}")
    return int(given)


def text(found: Solution, asked: bool) -> str:
    """The answer, its figures against the budget, and what comes next."""
    name = found.variable.name
    steps = (
        ""
        if found.step == 1
        else f"  (in steps of {found.step}" + (")" if asked else ", as the model allows)")
    )
    lines = [f"{name} = {found.value}{steps}"]
    shown = [figure for figure in TITLES if figure in found.budget or figure in ("params", "macs")]
    width = max(len(TITLES[figure]) for figure in shown) + 1
    for figure in shown:
        have = found.figures[figure]
        line = f"{TITLES[figure]:{width}} {have:,}"
        if figure in found.budget:
            most = found.budget[figure]
            line += f" of {most:,} ({have * 1000 // most / 10:.1f}%)"
        lines.append(line)
    if found.next is not None:
        value, figures = found.next
        over = [f for f, most in found.budget.items() if figures[f] > most] or list(found.budget)
        said = " and ".join(f"{figures[f]:,} {TITLES[f]}" for f in over)
        lines.append(f"{'next':{width}} {name} = {value} has {said}")
    elif found.limit is not None:
        lines.append(f"{'limit':{width}} {name} = {found.value + found.step} can't be: {found.limit}")
    if not found.steady:
        lines.append(
            f"{'note':{width}} figures do not grow steadily with {name}: a larger value that was not tried may fit"
        )
    return "\n".join(map(escape, lines)) + "\n"


def as_data(found: Solution) -> Mapping[str, Any]:
    """The answer as the JSON has it."""
    after = found.next
    return {
        "for": found.variable.name,
        "value": found.value,
        "step": found.step,
        "budget": dict(found.budget),
        "figures": dict(found.figures),
        "next": {"value": after[0], "figures": dict(after[1])} if after is not None else None,
        "limit": found.limit,
        "steady": found.steady,
    }
