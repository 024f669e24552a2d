"""The summary as text: one line for each use, loops folded, subtotals and shares on every line, totals below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archdsl.analysis.memory_text import memory_lines
from archdsl.analysis.summary import Row, Summary
from archdsl.network.types import Path
from archdsl.tensors import TensorType
from archdsl.terminal_text import display_width, escape

LINES = 10  # a level is opened while no more rows come of it: with head and totals twenty lines, a screen
_QUIET = frozenset(
    (
        "shape",
        "arithmetic",
        "merge",
        "source",
        "index",
        "activation",
        "regularisation",
        "position",
        "resample",
    )
)
_UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True, eq=False)
class Line:
    """A row to be printed, and how deep it is indented."""

    row: Row
    depth: int


class PathError(Exception):
    """A path that names no row."""


def table_lines(summary: Summary, expand: Sequence[str] = (), lines: int = LINES) -> list[Line]:
    """Which rows to show: level by level while they are few, and the places that ``expand`` names, opened.

    Where a whole level would be too much, only those of its regions are opened that hold regions themselves.
    """
    opened: dict[int, tuple[Row, ...]] = {}
    root = summary.root
    opened[id(root)] = _visible(summary, root)
    frontier = list(opened[id(root)])
    count = len(frontier)
    while True:
        inner = [(row, _visible(summary, row)) for row in frontier if row.inside is not None]
        inner = [(row, rows) for row, rows in inner if rows]
        if count + sum(len(rows) for _, rows in inner) > lines:
            inner = [(row, rows) for row, rows in inner if any(child.inside is not None for child in rows)]
        added = sum(len(rows) for _, rows in inner)
        if not added or count + added > lines:
            break
        count += added
        opened.update((id(row), rows) for row, rows in inner)
        frontier = [row for _, rows in inner for row in rows]
    for path in expand:
        wanted = tuple(part for part in path.split(".") if part)
        if not _open(summary, root, wanted, opened):
            raise PathError(f"nothing in {summary.network.name} is at {path!r}")
    found: list[Line] = []
    _flatten(root, 0, opened, found)
    return found


def _flatten(row: Row, depth: int, opened: dict[int, tuple[Row, ...]], found: list[Line]) -> None:
    for child in opened.get(id(row), ()):
        found.append(Line(child, depth))
        _flatten(child, depth + 1, opened, found)


def _visible(summary: Summary, row: Row) -> tuple[Row, ...]:
    """What is shown of a region: what holds weights or does the work; what only reshapes or adds is not."""
    return tuple(child for child in summary.children(peeled(summary, row)) if _matters(child))


def peeled(summary: Summary, row: Row) -> Row:
    """The row inside where a region does nothing but use one thing at the same place: a round of one block."""
    while row.inside is not None:
        rows = [child for child in summary.children(row) if _matters(child)]
        if len(rows) != 1 or rows[0].path != row.path or rows[0].times != row.times:
            break
        row = rows[0]
    return row


def _matters(row: Row) -> bool:
    if row.parameters.tensors or row.macs or row.tied_to:
        return True
    return row.inside is None and row.kind == "operator" and row.role not in _QUIET


def _open(summary: Summary, row: Row, wanted: Path, opened: dict[int, tuple[Row, ...]]) -> bool:
    """Open what lies on the way to ``wanted``, and all that is right there; whether there is anything."""
    if len(row.path) >= len(wanted):
        if row.inside is not None:
            opened[id(row)] = summary.children(peeled(summary, row))
        return True
    for rows in (opened.get(id(row)) or _visible(summary, row), summary.children(row)):
        ways = [(child, path) for child in rows if (path := _same(child, wanted)) is not None]
        found = [_open(summary, child, path, opened) for child, path in ways]
        if any(found):
            opened[id(row)] = rows
            return True
    return False


def _same(row: Row, wanted: Path) -> Path | None:
    """``wanted`` with the row's own ordinal, where one lies on the way to the other; any round stands for all."""
    path = list(wanted)
    ordinal = len(row.path) - 1
    last = row.label.rpartition(".")[2]
    folded = ".." in row.label and ordinal < len(path) and path[ordinal].isdigit()
    if folded and int(row.path[ordinal]) <= int(path[ordinal]) <= int(last):
        path[ordinal] = row.path[ordinal]
    common = min(len(path), len(row.path))
    if tuple(path[:common]) != row.path[:common] or (row.inside is None and len(path) > common):
        return None
    return tuple(path)


def short_number(value: int) -> str:
    """``1,234``, then ``25.56 M``: four digits, cut to the nearest."""
    if value < 100_000:
        return f"{value:,}"
    exponent = min((len(str(value)) - 1) // 3, len(_UNITS) - 1)
    scaled = value * 1000 // 1000**exponent
    if scaled >= 10_000_000:
        digits = str(value)
        return f"{digits[0]}.{digits[1:3]}e{len(digits) - 1}"
    whole = scaled / 1000
    digits_after = 2 if whole < 100 else 1
    return f"{whole:.{digits_after}f} {_UNITS[exponent]}"


def percent(part: int, whole: int) -> str:
    if not part or not whole:
        return ""
    tenths = (part * 2000 + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}%" if tenths else "<0.1%"


def shapes(types: Iterable[TensorType]) -> str:
    return " ".join(str(type) for type in types)


HEAD = ("layer", "operator", "output", "x", "params each", "params", "%", "MACs each", "MACs", "%")


def cells(summary: Summary, line: Line) -> tuple[str, ...]:
    """What stands in the columns of one line."""
    row = line.row
    outputs = shapes(summary.concrete_all(row.outputs[:1])) + (" ..." if len(row.outputs) > 1 else "")
    params, macs = row.params * row.times, row.macs * row.times
    mark = " (training)" if row.training_only else ""
    if row.tied_to is not None:
        each, total = f"-> {row.tied_to}", "0"
    else:
        each = short_number(row.params) if row.params and row.times > 1 else ""
        total = short_number(params) if params else ""
    return (
        "  " * line.depth + row.label + mark,
        peeled(summary, row).caption,
        outputs,
        f"x{short_number(row.times)}" if row.times > 1 else "",
        each,
        total,
        percent(params, summary.params),
        short_number(row.macs) if row.macs and row.times > 1 else "",
        short_number(macs) if macs else "",
        percent(macs, summary.macs),
    )


def render_table(summary: Summary, expand: Sequence[str] = ()) -> str:
    """The whole text: a title, the rows, the totals."""
    rows = [tuple(map(escape, cells(summary, line))) for line in table_lines(summary, expand)]
    used = [i for i in range(len(HEAD)) if i == 0 or any(row[i] for row in rows)]
    grid = [tuple(HEAD[i] for i in used), *(tuple(row[i] for i in used) for row in rows)]
    widths = [max(display_width(row[i]) for row in grid) for i in range(len(used))]
    lines = [title(summary)]
    for row in grid:
        parts = [_pad(row[i], widths[i], left=used[i] < 3) for i in range(len(used))]
        lines.append("  ".join(parts).rstrip())
    rule = "-" * max(len(lines[1]), 20)
    return "\n".join([*lines[:2], rule, *lines[2:], rule, *totals(summary)]) + "\n"


def _pad(text: str, width: int, *, left: bool) -> str:
    room = " " * (width - display_width(text))
    return text + room if left else room + text


def title(summary: Summary) -> str:
    """``resnet50: image [1, 3, 224, 224] -> out [1, 1000]``."""
    network = summary.network
    inputs = ", ".join(f"{item.name} {summary.concrete(item.type)}" for item in network.inputs)
    region = summary.region
    outputs = ", ".join(
        f"{name} {summary.concrete(value.type)}"
        for name, value in zip(region.output_names, region.outputs, strict=True)
    )
    mode = " in training" if summary.mode.train else ""
    return escape(f"{network.name}{mode}: {inputs} -> {outputs}")


def totals(summary: Summary) -> list[str]:
    """The lines under the table, with every figure in full."""
    parameters, macs = summary.parameters, summary.work.macs
    parts = [
        f"{parameters.trainable:,} trainable, {parameters.frozen:,} frozen" if parameters.frozen else "",
        f"buffers {parameters.buffers:,}" if parameters.buffers else "",
        f"{summary.tied:,} tied: used again, counted once" if summary.tied else "",
    ]
    said = "; ".join(part for part in parts if part)
    lines = [f"parameters  {parameters.total:,}" + (f" ({said})" if said else "")]
    lines.append(
        f"MACs        {macs.total:,} (FLOPs {2 * macs.total:,}), elementwise {summary.work.elementwise:,}"
    )
    if macs.attention_full != macs.attention_masked:
        masked = macs.total - macs.attention_full + macs.attention_masked
        lines.append(
            f"attention   {macs.attention_full:,} in full, {macs.attention_masked:,} under its mask"
            f" (MACs then {masked:,})"
        )
    field = summary.receptive_field
    if field is not None:
        size, stride = (" x ".join(map(str, part)) for part in (field.field, field.stride))
        after = f" (before {', '.join(field.after[:3])})" if field.after else ""
        lines.append(f"sees        {size} at stride {stride}{after}")
    lines += memory_lines(summary.memory)
    if summary.conditions:
        lines.append(f"holds for   {', '.join(summary.conditions)}")
    return [escape(line) for line in lines]
