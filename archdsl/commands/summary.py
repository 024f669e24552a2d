"""``archdsl summary``: the figures of one model, as a table or for another program."""

from __future__ import annotations

import argparse

from archdsl import driver
from archdsl.analysis import exports
from archdsl.analysis.tables import PathError, render_table
from archdsl.commands import setup, streams
from archdsl.driver import Chosen
from archdsl.failures import UsageFailure


def run(arguments: argparse.Namespace) -> int:
    chosen = setup.chosen(arguments)
    if arguments.symbolic:
        return _symbolic(arguments, chosen)
    found = driver.analyse(chosen.network, driver.numbers("--at", arguments.at))
    try:
        if arguments.field is not None:
            text = exports.field(found, arguments.field) + "\n"
        elif arguments.format == "json":
            text = exports.render_json(found)
        elif arguments.format == "csv":
            text = exports.render_csv(found)
        elif arguments.format == "md":
            text = exports.render_markdown(found, arguments.expand)
        elif arguments.format == "latex":
            text = exports.render_latex(found, arguments.expand)
        else:
            text = render_table(found, arguments.expand)
    except (PathError, exports.FieldError) as error:
        raise UsageFailure(str(error)) from None
    streams.show(chosen.diagnostics)
    streams.result(text)
    return 0


def _symbolic(arguments: argparse.Namespace, chosen: Chosen) -> int:
    """``--symbolic``: the figures as formulas; what --set and --at give are numbers in them."""
    from archdsl import inquiries
    from archdsl.analysis.formula_report import render_json, render_text

    if arguments.format not in ("table", "json"):
        raise UsageFailure(f"--symbolic has no format {arguments.format}; there are table and json")
    at = driver.numbers("--at", arguments.at)
    figures = [arguments.field.removeprefix("total.")] if arguments.field is not None else []
    found = inquiries.formulas(chosen, driver.settings(arguments.set), at, figures)
    streams.show(chosen.diagnostics)
    if figures:
        streams.result(f"{found.formulas[0].text}\n")
    elif arguments.format == "json":
        streams.result(render_json(found, chosen.network.span.source.name))
    else:
        streams.result(render_text(found))
    return 0
