"""``archdsl render``: the drawing of one model, in the format that the output's ending says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from archdsl import driver
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Summary, summarise
from archdsl.commands import setup, streams
from archdsl.failures import UsageFailure
from archdsl.network.types import Network

FORMATS = {
    ".svg": "svg", ".png": "png", ".pdf": "pdf", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".tex": "tikz",
    ".html": "html", ".htm": "html",
}  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    format = _format(arguments)
    chosen = setup.chosen(arguments)
    drawn = draw(
        chosen.network,
        _figures(chosen.network, arguments),
        format,
        expand=tuple(arguments.expand),
        fold=tuple(arguments.fold),
        direction=arguments.direction,
        color_by=arguments.color_by,
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


def draw(network: Network, figures: Summary | None, format: str, **options: Any) -> bytes:
    """The bytes of a drawing. Raises EngineError."""
    from archdsl.drawing.render import render

    drawn = render(network, figures, format, **options)
    return drawn if isinstance(drawn, bytes) else drawn.encode("utf-8")


def _figures(network: Network, arguments: argparse.Namespace) -> Summary | None:
    """The figures that a drawing shows; None where a size has no number and nobody asked for one."""
    at = driver.numbers("--at", arguments.at)
    if at:
        return driver.analyse(network, at)
    try:
        return summarise(network)
    except SizesError:
        return None


def _format(arguments: argparse.Namespace) -> str:
    named: str | None = arguments.format
    if named is not None:
        known = {*FORMATS.values(), "mmd", "tex"}
        if named not in known:
            raise UsageFailure(f"--format {named}: there are {', '.join(sorted(known))}")
        return FORMATS.get(f".{named}", named)
    ending = Path(arguments.output).suffix.lower()
    if ending not in FORMATS:
        said = (
            f"the ending of {arguments.output!r} says no format"
            if arguments.output != "-"
            else "-o - needs --format"
        )
        raise UsageFailure(f"{said}; there are {', '.join(FORMATS)}")
    return FORMATS[ending]
