"""``archdsl diff``: what changed between two models, as text, as JSON or as a drawing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archdsl import driver
from archdsl.analysis.changed_places import changed_places
from archdsl.analysis.difference_report import paint_off, paint_on, render_json, render_text
from archdsl.analysis.differences import Difference, difference
from archdsl.analysis.sizes import declared_sizes
from archdsl.analysis.summary import Summary
from archdsl.commands import setup, streams
from archdsl.commands.render import FORMATS
from archdsl.driver import Chosen, Options
from archdsl.failures import OK, WRONG_INPUT, UsageFailure


def run(arguments: argparse.Namespace) -> int:
    options = setup.options(arguments)
    if arguments.before == "-" and arguments.after == "-":
        raise UsageFailure("standard input is one file only")
    chosen = [
        _chosen(target, [*arguments.set, *more], options)
        for target, more in ((arguments.before, arguments.set_a), (arguments.after, arguments.set_b))
    ]
    before, after = _summaries(chosen, driver.numbers("--at", arguments.at))
    found = difference(before, after)
    given = [[*arguments.set, *more] for more in (arguments.set_a, arguments.set_b)]
    first, second = (_called(name, more) for name, more in zip(found.names, given, strict=True))
    found = replace(found, names=(first, second))
    if arguments.output is not None:
        _draw(arguments, before, after, found)
    streams.show([item for one in chosen for item in one.diagnostics])
    if arguments.format == "json":
        files = (before.network.span.source.name, after.network.span.source.name)
        streams.result(render_json(found, files))
    else:
        streams.result(render_text(found, paint_on if streams.colour(sys.stdout) else paint_off))
    return WRONG_INPUT if found and arguments.exit_code else OK


def _draw(arguments: argparse.Namespace, before: Summary, after: Summary, found: Difference) -> None:
    """Write the drawing; the output's ending says the format."""
    from archdsl.drawing.compare import changes_page, render_changes
    from archdsl.files import write_file

    output = Path(arguments.output)
    ending = output.suffix.lower()
    if ending not in FORMATS:
        raise UsageFailure(
            f"the ending of {arguments.output!r} says no format; there are {', '.join(FORMATS)}"
        )
    asked = bool(arguments.at)
    sizes = (before.sizes, after.sizes) if asked else (None, None)
    networks = before.network, after.network
    told: dict[str, Any] = {"names": found.names, "sizes": sizes, "places": changed_places(found)}
    if ending == ".html":
        drawn: str | bytes = changes_page(*networks, text=render_text(found), **told)
    else:
        format: Any = FORMATS[ending]
        drawn = render_changes(*networks, format=format, **told)
    inputs = [driver.address(target).path for target in (arguments.before, arguments.after)]
    content = drawn if isinstance(drawn, bytes) else drawn.encode("utf-8")
    write_file(output, content, inputs=[path for path in inputs if path is not None])


def _called(name: str, settings: Sequence[str]) -> str:
    """A model's name with what was set: two of one name would not be told apart."""
    return f"{name} ({', '.join(settings)})" if settings else name


def _chosen(target: str, settings: Sequence[str], options: Options) -> Chosen:
    address = driver.address(target)
    return driver.model(driver.load(address, options), address.model, driver.settings(settings))


def _summaries(chosen: Sequence[Chosen], at: Mapping[str, int]) -> tuple[Summary, Summary]:
    """Both at the sizes asked for: a size that one of them alone has is for that one."""
    names = [{*declared_sizes(one.network), *dict(one.network.assumptions.solved)} for one in chosen]
    for name in at:
        if not any(name in known for known in names):
            raise UsageFailure(
                f"neither model has a size {name}: there are {', '.join(sorted({*names[0], *names[1]}))}"
            )
    before, after = (
        driver.analyse(one.network, {name: n for name, n in at.items() if name in known})
        for one, known in zip(chosen, names, strict=True)
    )
    return before, after
