"""``archdsl summary``: the figures of one model, as a table or for another program."""

from __future__ import annotations

import argparse

from archdsl import driver
from archdsl.analysis import exports
from archdsl.analysis.summary import Mode
from archdsl.analysis.tables import PathError, render_table
from archdsl.commands import setup, streams
from archdsl.driver import Chosen
from archdsl.failures import UnmetFailure, UsageFailure


def run(arguments: argparse.Namespace) -> int:
    chosen = setup.chosen(arguments)
    mode = Mode(arguments.train, arguments.dtype, arguments.attention == "fused")
    if arguments.symbolic:
        return _symbolic(arguments, chosen, mode)
    if arguments.fits is not None:
        return _fits(arguments, chosen, mode)
    if arguments.size is not None:
        raise UsageFailure("--for names the size that --fits looks for: give --fits 24GiB too")
    found = driver.analyse(chosen.network, driver.numbers("--at", arguments.at), mode)
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


def _fits(arguments: argparse.Namespace, chosen: Chosen, mode: Mode) -> int:
    """``--fits``: the largest batch within so much memory."""
    from archdsl import amounts
    from archdsl.analysis import fits, fits_report
    from archdsl.analysis.sizes import SizesError

    if arguments.format not in ("table", "json") or arguments.field is not None:
        raise UsageFailure("--fits answers as a table or as json, and has no --field")
    network = chosen.network
    try:
        budget = amounts.size_in_bytes(arguments.fits)
        found = fits.fit(network, driver.numbers("--at", arguments.at), mode, budget, arguments.size)
    except ValueError as error:
        raise UsageFailure(f"--fits: {error}") from None
    except (fits.NoSize, SizesError) as error:
        raise UsageFailure(str(error)) from None
    if found.value is None:
        raise UnmetFailure(fits_report.none_fits(network, found, mode.train))
    streams.show(chosen.diagnostics)
    if arguments.format == "json":
        streams.result(fits_report.render_json(network, found, mode.train, network.span.source.name))
    else:
        streams.result(fits_report.text(network, found, mode.train))
    return 0


def _symbolic(arguments: argparse.Namespace, chosen: Chosen, mode: Mode) -> int:
    """``--symbolic``: the figures as formulas; what --set and --at give are numbers in them."""
    from archdsl import inquiries
    from archdsl.analysis.formula_report import render_json, render_text

    if arguments.format not in ("table", "json"):
        raise UsageFailure(f"--symbolic has no format {arguments.format}; there are table and json")
    if arguments.fits is not None:
        raise UsageFailure("--symbolic gives formulas, and --fits a number: leave out one of them")
    at = driver.numbers("--at", arguments.at)
    figures = [arguments.field.removeprefix("total.")] if arguments.field is not None else []
    found = inquiries.formulas(chosen, driver.settings(arguments.set), at, figures, mode)
    streams.show(chosen.diagnostics)
    if figures:
        streams.result(f"{found.formulas[0].text}\n")
        if found.formulas[0].conditions:
            streams.message(f"where {', '.join(found.formulas[0].conditions)}")
    elif arguments.format == "json":
        streams.result(render_json(found, chosen.network.span.source.name))
    else:
        streams.result(render_text(found))
    return 0
