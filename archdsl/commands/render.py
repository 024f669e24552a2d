"""``archdsl render``: the drawing of one model, in the format that the output's ending says."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archdsl import driver
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import summarise
from archdsl.commands import setup, streams
from archdsl.failures import UsageFailure
from archdsl.network.types import Network

FORMATS = {
    ".svg": "svg", ".png": "png", ".pdf": "pdf", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".tex": "tikz",
}  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    format = _format(arguments)
    chosen = setup.chosen(arguments)
    drawn = draw(
        chosen.network,
        format,
        driver.numbers("--at", arguments.at),
        expand=tuple(arguments.expand),
        fold=tuple(arguments.fold),
        direction=arguments.direction,
        theme=arguments.theme,
        engine=arguments.engine,
    )
    streams.show(chosen.diagnostics)
    if arguments.output == "-":
        streams.result_bytes(drawn)
        return 0
    from archdsl.files import write_file

    source = driver.address(arguments.target).path
    write_file(Path(arguments.output), drawn, inputs=[source] if source is not None else [])
    return 0


def draw(network: Network, format: Any, at: Mapping[str, int], **options: Any) -> bytes:
    """The bytes of a drawing; numbers stand for sizes where some were asked for. Raises UsageFailure, EngineError."""
    from archdsl.drawing.render import PlaceError, render

    figures = None
    if at:
        summary = driver.analyse(network, at)
        figures = summary.by_place()
        options["sizes"] = summary.sizes
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
