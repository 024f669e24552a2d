"""``archdsl fmt``: the one style. A file with errors is left alone; what changes nothing is not written."""

from __future__ import annotations

import argparse
from pathlib import Path

from archdsl import driver, failures
from archdsl.commands import setup, streams
from archdsl.commands.guard import exit_code
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.driver import Address, Options
from archdsl.failures import FileFailure
from archdsl.report import has_errors
from archdsl.source import Source
from archdsl.syntax.parser import parse
from archdsl.syntax.printer import format_source


def run(arguments: argparse.Namespace) -> int:
    options = setup.options(arguments)
    found: list[Diagnostic] = []
    unread, changed = False, False
    for name in arguments.files:
        try:
            source, text = _formatted(name, options)
        except DiagnosticError as error:
            found += error.diagnostics
            continue
        except FileFailure as failure:
            streams.message(f"archdsl: {failure.message}")
            unread = True
            continue
        differs = text.encode("utf-8") != _bytes(source, name)
        changed |= differs
        _put(name, source, text, differs, arguments)
    streams.show(found)
    if unread:
        return failures.FILES
    return exit_code(found) or (failures.WRONG_INPUT if arguments.check and changed else failures.OK)


def _formatted(name: str, options: Options) -> tuple[Source, str]:
    path = None if name == "-" else Path(name)
    source = driver.read(Address(name, path, None), options)
    file, diagnostics = parse(source)
    if has_errors(diagnostics):
        raise DiagnosticError(diagnostics)
    return source, format_source(file)


def _bytes(source: Source, name: str) -> bytes:
    """What is in the file now: a byte order mark counts, so the file is read again where there may be one."""
    if name == "-":
        return source.text.encode("utf-8")
    return Path(name).read_bytes()


def _put(name: str, source: Source, text: str, differs: bool, arguments: argparse.Namespace) -> None:
    if arguments.diff and differs:
        import difflib

        old, new = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
        streams.result("".join(difflib.unified_diff(old, new, f"{name} (as it is)", f"{name} (formatted)")))
    if arguments.check and differs and not arguments.diff:
        streams.message(f"{name}: would be formatted")
    if arguments.check or arguments.diff:
        return
    if name == "-":
        streams.result(text)
    elif differs:
        from archdsl.files import write_file

        write_file(Path(name), text.encode("utf-8"))
