"""Diagnostics for machines: a JSON of our own, SARIF 2.1.0, and the annotations of GitHub's workflow commands.

The JSON: ``{"schema": 1, "errors": n, "warnings": n, "diagnostics": [...]}``. Each diagnostic has ``code``,
``severity`` ("error", "warning"), ``message``, ``file``, ``line``, ``column``, ``end_line``, ``end_column`` (from 1,
the end exclusive, columns in code points), ``notes`` and ``help`` (lists of text), ``labels`` (places with ``text``)
and ``fixes`` (places with ``replacement`` and ``title``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archdsl.diagnostics import Diagnostic
from archdsl.source import Span

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def arrange(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by file (in the order of their first finding) and place; the same finding at the same place once."""
    files: dict[str, int] = {}
    unique: dict[tuple[str, str, int, int, str], Diagnostic] = {}
    for item in diagnostics:
        name = item.span.source.name
        files.setdefault(name, len(files))
        unique.setdefault((name, item.code, item.span.start, item.span.end, item.message), item)
    return tuple(
        sorted(unique.values(), key=lambda d: (files[d.span.source.name], d.span.start, d.span.end, d.code))
    )


def _text(text: str) -> str:
    """Text that can be written as UTF-8: what a file name had that isn't Unicode is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _place(span: Span) -> dict[str, Any]:
    line, column, end_line, end_column = span.range
    return {
        "file": _text(span.source.name),
        "line": line, "column": column, "end_line": end_line, "end_column": end_column,
    }  # fmt: skip


def as_data(item: Diagnostic) -> dict[str, Any]:
    """One diagnostic as the JSON has it."""
    return {
        "code": item.code,
        "severity": item.severity,
        "message": _text(item.message),
        **_place(item.span),
        "notes": [_text(note) for note in item.notes],
        "help": [_text(text) for text in item.help],
        "labels": [{**_place(label.span), "text": _text(label.text)} for label in item.labels],
        "fixes": [
            {**_place(fix.span), "replacement": _text(fix.replacement), "title": _text(fix.title)}
            for fix in item.fixes
        ],
    }


def _dump(data: object) -> str:
    import json

    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """The JSON described at the head of this file."""
    found = [as_data(item) for item in arrange(diagnostics)]
    errors = sum(item["severity"] == "error" for item in found)
    return _dump({"schema": 1, "errors": errors, "warnings": len(found) - errors, "diagnostics": found})


def _region(span: Span) -> dict[str, int]:
    line, column, end_line, end_column = span.range
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _artifact(span: Span) -> dict[str, str]:
    from urllib.parse import quote

    return {"uri": quote(_text(span.source.name).replace("\\", "/"), safe="/~-._")}


def _location(span: Span) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(span), "region": _region(span)}}


def _result(item: Diagnostic, rules: dict[str, int]) -> dict[str, Any]:
    said = "\n".join([item.message, *item.notes, *(f"help: {text}" for text in item.help)])
    result: dict[str, Any] = {
        "ruleId": item.code,
        "ruleIndex": rules.setdefault(item.code, len(rules)),
        "level": item.severity,
        "message": {"text": _text(said)},
        "locations": [_location(item.span)],
    }
    if item.labels:
        result["relatedLocations"] = [
            {**_location(label.span), "id": number, "message": {"text": _text(label.text)}}
            for number, label in enumerate(item.labels)
        ]
    if item.fixes:
        result["fixes"] = [
            {
                "description": {"text": _text(fix.title)},
                "artifactChanges": [
                    {
                        "artifactLocation": _artifact(fix.span),
                        "replacements": [
                            {
                                "deletedRegion": _region(fix.span),
                                "insertedContent": {"text": _text(fix.replacement)},
                            }
                        ],
                    }
                ],
            }
            for fix in item.fixes
        ]
    return result


def render_sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """SARIF 2.1.0, one run; columns count code points."""
    from archdsl import __version__

    rules: dict[str, int] = {}
    results = [_result(item, rules) for item in arrange(diagnostics)]
    driver = {
        "name": "archdsl",
        "version": __version__,
        "rules": [{"id": code, "help": {"text": f"archdsl explain {code}"}} for code in rules],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _dump({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _github_data(text: str) -> str:
    return _text(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands, ``::error file=...::message``, one line each; nothing in a message can end the line."""
    lines: list[str] = []
    for item in arrange(diagnostics):
        line, column, end_line, end_column = item.span.range
        place = f"line={line},endLine={end_line}"
        if line == end_line:  # GitHub refuses columns of a stretch of several lines
            place += f",col={column},endColumn={end_column}"
        said = "\n".join([item.message, *item.notes, *(f"help: {text}" for text in item.help)])
        file = _github_property(item.span.source.name)
        lines.append(f"::{item.severity} file={file},{place},title={item.code}::{_github_data(said)}\n")
    return "".join(lines)
