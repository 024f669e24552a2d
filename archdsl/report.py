"""How diagnostics are shown: for people (with the source and a caret), one line each, and for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from archdsl.diagnostics import Diagnostic
from archdsl.report_formats import arrange, render_github, render_json, render_sarif
from archdsl.source import Source, Span
from archdsl.terminal_text import escape, escape_lines, excerpt, wrap

__all__ = [
    "Format", "arrange", "count", "has_errors", "render", "render_github", "render_json", "render_sarif",
    "render_short", "render_text",
]  # fmt: skip

Format = Literal["human", "short", "json", "sarif", "github"]

WIDTH = 100
Paint = Callable[[str, str], str]
_MOST_LINES = 6  # of a stretch of several lines; the middle of a longer one is left out
_COLOURS = {"error": "1;31", "warning": "1;33", "frame": "1;34", "bold": "1", "label": "1;34", "help": "1;32"}


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(item.severity == "error" for item in diagnostics)


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``; empty where there is nothing to say."""
    errors = warnings = 0
    for item in diagnostics:
        errors += item.severity == "error"
        warnings += item.severity == "warning"
    parts = [
        f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((errors, "error"), (warnings, "warning")) if n
    ]
    return ", ".join(parts)


def render(
    diagnostics: Iterable[Diagnostic], format: Format, *, color: bool = False, width: int = WIDTH
) -> str:
    """All of them in one of the formats, arranged; ends with a newline unless there is nothing to print."""
    arranged = arrange(diagnostics)
    if format == "json":
        return render_json(arranged)
    if format == "sarif":
        return render_sarif(arranged)
    if format == "github":
        return render_github(arranged)
    if format == "short":
        return render_short(arranged)
    return render_text(arranged, color=color, width=width)


def render_short(diagnostics: Iterable[Diagnostic]) -> str:
    """``file:line:col: E0401: message``, one line each."""
    return "".join(f"{escape(str(d.span))}: {d.code}: {escape(d.message)}\n" for d in arrange(diagnostics))


def render_text(diagnostics: Iterable[Diagnostic], *, color: bool = False, width: int = WIDTH) -> str:
    """For people: each finding with its source, and a line that counts them."""
    arranged = arrange(diagnostics)
    if not arranged:
        return ""
    paint = _paint_on if color else _paint_off
    width = max(width, 40)
    blocks = ["\n".join(_finding(item, paint, width)) for item in arranged]
    return "\n\n".join([*blocks, count(arranged)]) + "\n"


def _paint_on(text: str, style: str) -> str:
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if text else text


def _paint_off(text: str, style: str) -> str:
    return text


@dataclass(frozen=True)
class _Mark:
    span: Span
    text: str
    primary: bool
    style: str


def _finding(item: Diagnostic, paint: Paint, width: int) -> list[str]:
    marks = [_Mark(item.span, "", True, item.severity)]
    marks += [_Mark(label.span, label.text, False, "label") for label in item.labels]
    gutter = len(str(max(mark.span.range[2] for mark in marks)))
    head = paint(f"{item.severity}[{item.code}]", item.severity)
    lines = [f"{head}{paint(': ' + escape(item.message), 'bold')}"]
    files: dict[int, list[_Mark]] = {}
    sources: dict[int, Source] = {}
    for mark in marks:
        files.setdefault(id(mark.span.source), []).append(mark)
        sources[id(mark.span.source)] = mark.span.source
    bar = paint(f"{' ' * gutter} |", "frame")
    for number, (key, group) in enumerate(files.items()):
        arrow = "-->" if number == 0 else ":::"
        lines.append(f"{' ' * gutter}{paint(arrow, 'frame')} {escape(str(group[0].span))}")
        lines.append(bar)
        lines += _snippet(sources[key], group, gutter, paint, width)
    tail = [("note", note) for note in item.notes] + [("help", text) for text in item.help]
    if not item.help:
        tail += [("help", fix.title) for fix in item.fixes]
    if tail:
        lines.append(bar)
    for word, text in tail:
        lines += _remark(word, text, gutter, paint, width)
    return lines


def _remark(word: str, text: str, gutter: int, paint: Paint, width: int) -> list[str]:
    start = f"{' ' * gutter} {paint('=', 'frame')} {paint(word + ':', 'help' if word == 'help' else 'bold')} "
    indent = gutter + len(word) + 5
    lines: list[str] = []
    for part in escape_lines(text):
        # Lines that are laid out (the chain of shapes) are left as they are.
        lines += wrap(part, max(width - indent, 30)) if "  " not in part else [part]
    return [start + lines[0], *(" " * indent + line for line in lines[1:])]


def _snippet(source: Source, marks: Sequence[_Mark], gutter: int, paint: Paint, width: int) -> list[str]:
    """The marked lines of one file in order, each with what marks it underneath, ``...`` where lines are left out."""
    on_line: dict[int, list[tuple[_Mark, int, int, bool]]] = {}
    for mark in marks:
        first, start, last, stop = mark.span.range
        numbers = list(range(first, last + 1))
        if last > first and stop == 1:  # the end of a line belongs to that line
            numbers.pop()
            last, stop = last - 1, len(source.line(last - 1)) + 1
        if len(numbers) > _MOST_LINES:
            numbers = [*numbers[:3], numbers[-1]]
        for number in numbers:
            line = source.line(number)
            begin = start - 1 if number == first else len(line) - len(line.lstrip())
            end = stop - 1 if number == last else len(line.rstrip())
            on_line.setdefault(number, []).append((mark, begin, max(end, begin), number == numbers[-1]))
    lines: list[str] = []
    previous = None
    room = max(width - gutter - 3, 20)
    for number in sorted(on_line):
        if previous is not None and number > previous + 1:
            lines.append(paint("...", "frame"))
        previous = number
        entries = sorted(on_line[number], key=lambda entry: (not entry[0].primary, entry[1]))
        shown = excerpt(source.line(number), tuple((begin, end) for _, begin, end, _ in entries), room)
        lines.append(f"{paint(f'{number:>{gutter}} |', 'frame')} {shown.text}".rstrip())
        for (mark, _, _, is_last), (left, right) in zip(entries, shown.marks, strict=True):
            line = " " * left + paint(("^" if mark.primary else "-") * (right - left), mark.style)
            if mark.text and is_last:
                line += " " + paint(escape(mark.text), mark.style)
            lines.append(f"{paint(' ' * gutter + ' |', 'frame')} {line}")
    return lines
