"""Results to standard output, diagnostics and messages to standard error; colour and width only for a terminal."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TextIO

from archdsl import report
from archdsl.diagnostics import Diagnostic

_ASCII = {"×": "x", "→": "->", "–": "-", "…": "...", "·": "*"}


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """What a terminal's encoding can't show: a plain likeness, else the character's number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end


def prepare() -> None:
    """Make standard output and error take any text, whatever the locale says."""
    codecs.register_error("archdsl.plainer", _plainer)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="archdsl.plainer", newline="\n")  # type: ignore[union-attr]


def result(text: str) -> None:
    """Write a result. A reader who has gone is no error."""
    _write(sys.stdout, text)


def message(text: str) -> None:
    """Write a line to standard error."""
    _write(sys.stderr, text if text.endswith("\n") else f"{text}\n")


def result_bytes(content: bytes) -> None:
    """Write a result that is not text."""
    with suppress(BrokenPipeError):
        if sys.stdout is not None:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
            return
    _give_up(sys.stdout)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None or not text:
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _give_up(stream)


def _give_up(stream: TextIO | None) -> None:
    """Send what is still to be written nowhere, so that Python's own flush at exit is quiet too."""
    if stream is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colour(stream: TextIO | None) -> bool:
    """Whether to use colour: on a terminal, unless NO_COLOR is set."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    with suppress(ValueError, OSError):
        return stream.isatty()
    return False


def width(stream: TextIO | None) -> int:
    """The columns of a terminal, else what fits a page."""
    with suppress(AttributeError, ValueError, OSError):
        return max(20, min(os.get_terminal_size(stream.fileno()).columns, 160))  # type: ignore[union-attr]
    return report.WIDTH


def show(diagnostics: Iterable[Diagnostic], format: report.Format = "human") -> None:
    """Diagnostics to standard error; those for machines, which were asked for, are a result."""
    found = tuple(diagnostics)
    text = report.render(found, format, color=colour(sys.stderr), width=width(sys.stderr))
    if format in ("human", "short"):
        _write(sys.stderr, text)
    else:
        result(text)
