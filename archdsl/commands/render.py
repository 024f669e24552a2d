"""``archdsl render``: the drawing of one model, in the format that the output's ending says."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import driver
from archdsl.analysis.shares import MEASURES, ColorBy, shares
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import summarise
from archdsl.commands import setup, streams
from archdsl.failures import EnvironmentFailure, UsageFailure
from archdsl.network.types import Network

if TYPE_CHECKING:
    from archdsl.drawing.theme import Theme

FORMATS = {
    ".svg": "svg", ".png": "png", ".pdf": "pdf", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".tex": "tikz",
    ".html": "html",
}  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    format = _format(arguments)
    if arguments.open and arguments.output == "-":
        raise UsageFailure("--open shows a file, and -o - writes none")
    chosen = setup.chosen(arguments)
    drawn = draw(
        chosen.network,
        format,
        driver.numbers("--at", arguments.at),
        expand=tuple(arguments.expand),
        fold=tuple(arguments.fold),
        direction=arguments.direction,
        theme=arguments.theme or ("auto" if format == "html" else "light"),
        color_by=arguments.color_by,
        engine=arguments.engine,
    )
    streams.show(chosen.diagnostics)
    if arguments.output == "-":
        streams.result_bytes(drawn)
        return 0
    from archdsl.files import write_file

    source, output = driver.address(arguments.target).path, Path(arguments.output)
    write_file(output, drawn, inputs=[source] if source is not None else [])
    if arguments.open:
        _open(output)
    return 0


def _open(path: Path) -> None:
    """Show a file with whatever this machine shows such files with."""
    import webbrowser

    try:
        shown = webbrowser.open(path.resolve().as_uri())
    except webbrowser.Error:
        shown = False
    if not shown:
        raise EnvironmentFailure(f"{path} is written, but nothing was found to open it with")


def draw(
    network: Network, format: Any, at: Mapping[str, int], color_by: ColorBy = "role", **options: Any
) -> bytes:
    """The bytes of a drawing; numbers stand for sizes where some were asked for. Raises UsageFailure, EngineError."""
    if format == "html":
        return _interactive(network, at, color_by=color_by, **options)
    from archdsl.drawing.render import PlaceError, render

    figures = None
    if at or color_by != "role":
        summary = driver.analyse(network, at)
        figures = summary.by_place()
        if at:
            options["sizes"] = summary.sizes
        if color_by != "role":
            options["shade"] = shares(summary, color_by), MEASURES[color_by]
    else:
        try:
            figures = summarise(network).by_place()
        except SizesError:
            figures = None  # a size has no number, and nobody asked for one
    try:
        drawn = render(network, format=format, figures=figures, **options)
    except PlaceError as error:
        raise UsageFailure(str(error)) from None
    return drawn if isinstance(drawn, bytes) else drawn.encode("utf-8")


def _interactive(
    network: Network,
    at: Mapping[str, int],
    *,
    expand: Collection[str] = (),
    fold: Collection[str] = (),
    theme: Theme = "auto",
    color_by: ColorBy = "role",
    **_: Any,
) -> bytes:
    """The page in which blocks fold and unfold. Layout and engine are the browser's."""
    from archdsl.explorer import interactive

    if expand or fold:
        raise UsageFailure(
            "an HTML drawing opens and folds by itself: a link says what to show, as in x.html#PATH"
        )
    return interactive(driver.analyse(network, at), theme=theme, color_by=color_by).encode("utf-8")


def _format(arguments: argparse.Namespace) -> str:
    if arguments.format is not None:
        return str(arguments.format)
    ending = Path(arguments.output).suffix.lower()
    if ending not in FORMATS:
        said = (
            f"the ending of {arguments.output!r} says no format"
            if arguments.output != "-"
            else "-o - needs --format"
        )
        raise UsageFailure(f"{said}; there are {', '.join(FORMATS)}")
    return FORMATS[ending]
