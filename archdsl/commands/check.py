"""``archdsl check``: everything that can be said about programs; nothing is written, unless edits were asked for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from archdsl import driver, failures
from archdsl.commands import setup, streams
from archdsl.commands.guard import exit_code
from archdsl.diagnostics import Diagnostic, DiagnosticError, Fix
from archdsl.driver import Checked, Options
from archdsl.failures import FileFailure


def run(arguments: argparse.Namespace) -> int:
    options = setup.options(arguments)
    found: list[Diagnostic] = []
    texts: list[str] = []
    unread = False
    for target in arguments.files:
        try:
            diagnostics, text = _one(target, options, arguments)
        except FileFailure as failure:
            streams.message(f"archdsl: {failure.message}")
            unread = True
            continue
        found += diagnostics
        texts.append(text)
    streams.show(found, arguments.format)
    streams.result("".join(texts))
    return failures.FILES if unread else exit_code(found)


def _one(target: str, options: Options, arguments: argparse.Namespace) -> tuple[Sequence[Diagnostic], str]:
    """What is to be said about one file, and what is to be printed."""
    try:
        checked = _checked(target, options)
        if arguments.fix and _fix(target, checked):
            checked = _checked(target, options)
    except DiagnosticError as error:
        return error.diagnostics, ""
    if arguments.emit == "tree":
        from archdsl.emit import tree_text

        return checked.diagnostics, tree_text(checked.program.file)
    if arguments.emit == "network":
        from archdsl.emit import network_text

        return checked.diagnostics, "\n".join(map(network_text, checked.networks.values()))
    if arguments.format == "human" and exit_code(checked.diagnostics) == 0:
        names = ", ".join(checked.networks) or "no model"
        return checked.diagnostics, f"{checked.program.source.name}: ok ({names})\n"
    return checked.diagnostics, ""


def _checked(target: str, options: Options) -> Checked:
    address = driver.address(target)
    program = driver.load(address, options)
    only = driver.choose(program, address.model) if address.model is not None else None
    return driver.check(program, only)


def _fix(target: str, checked: Checked) -> int:
    """Write the edits that are the only ones proposed for their finding, as far as they don't overlap; how many."""
    path = driver.address(target).path
    source = checked.program.source
    if path is None or source.name.startswith(("zoo:", "std:")):
        return 0
    edits: list[Fix] = []
    for item in checked.diagnostics:
        if len(item.fixes) == 1 and item.fixes[0].span.source is source:
            edits.append(item.fixes[0])
    text, end, done = source.text, len(source.text) + 1, 0
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        if edit.span.end <= end:
            text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
            end, done = edit.span.start, done + 1
    if done:
        from archdsl.files import write_file

        write_file(Path(path), text.encode("utf-8"))
    return done
