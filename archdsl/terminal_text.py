"""Text as a terminal shows it: what must be escaped, how wide characters are, tabs, long lines cut around a place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TAB = 4
CUT = "..."

# Characters that change what is shown around them: bidirectional controls, zero-width ones, the byte order mark,
# line separators. Shown by their number, like control characters.
_INVISIBLE = frozenset(
    [*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x61C, 0x180E, 0xAD]
)


def escape(text: str) -> str:
    """``text`` with everything that a terminal would obey instead of show written as ``\\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def escape_lines(text: str) -> list[str]:
    """The lines of a text of several, each escaped."""
    return [escape(line.replace("\t", " " * TAB)) for line in text.split("\n")]


def _shown(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    if code in _INVISIBLE or 0xD800 <= code < 0xE000 or 0xE000 <= code < 0xF900 or code >= 0xE0000:
        return f"\\u{{{code:x}}}"
    return character


def width_of(character: str) -> int:
    """How many columns a terminal gives to a character that needs no escape."""
    if character < "\u0300":
        return 1
    import unicodedata

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def display_width(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(width_of(character) for character in text)


@dataclass(frozen=True)
class Excerpt:
    """A line as shown: its text, and the columns (from 0, the end exclusive) at which the marked stretches lie."""

    text: str
    marks: tuple[tuple[int, int], ...]


def excerpt(line: str, stretches: tuple[tuple[int, int], ...], width: int) -> Excerpt:
    """A line of source made fit to show in ``width`` columns, and where these stretches of characters are in it.

    Tabs are expanded, dangerous characters escaped. A line that is too long is cut around the first stretch.
    Every mark is at least one column wide: an empty stretch points at the place after the last character.
    """
    first = min((start for start, _ in stretches), default=0)
    begin = max(0, first - 2 * width)  # a line of a megabyte is not walked through
    end = min(len(line), first + 2 * width)
    shown, columns = _cells(line[begin:end], begin)

    def column(offset: int) -> int:
        return columns[min(max(offset - begin, 0), len(columns) - 1)]

    marks = [(column(start), max(column(stop), column(start) + 1)) for start, stop in stretches]
    total = columns[-1]
    cut_left, cut_right = begin > 0, end < len(line)
    if total <= width and not cut_left and not cut_right:
        return Excerpt("".join(text for text, _ in shown), tuple(marks))
    return _window(shown, marks, total, width, cut_left, cut_right)


def _cells(line: str, begin: int) -> tuple[list[tuple[str, int]], list[int]]:
    """Each character as shown with its width, and the column at which each begins (one more, for the end)."""
    shown: list[tuple[str, int]] = []
    columns = [0]
    for character in line:
        text = " " * (TAB - (columns[-1] + begin) % TAB) if character == "\t" else _shown(character)
        cells = width_of(character) if text == character else len(text)
        shown.append((text, cells))
        columns.append(columns[-1] + cells)
    return shown, columns


def _window(
    shown: list[tuple[str, int]],
    marks: list[tuple[int, int]],
    total: int,
    width: int,
    cut_left: bool,
    cut_right: bool,
) -> Excerpt:
    start, stop = marks[0] if marks else (0, 1)
    length = min(stop - start, width // 2)
    room = max(width - 2 * len(CUT), 8)
    left = min(max(0, start - (room - length) // 2), max(0, total - room))
    if left <= len(CUT) and not cut_left:
        left = 0
    right = left + room
    pieces: list[str] = []
    at = first_kept = last_kept = 0
    kept = False
    for text, cells in shown:
        if at >= left and at + cells <= right:
            if not kept:
                first_kept, kept = at, True
            pieces.append(text)
            last_kept = at + cells
        at += cells
    before = CUT if cut_left or first_kept > 0 else ""
    after = CUT if cut_right or last_kept < total else ""
    shift = len(before) - first_kept
    edge = len(before) + last_kept - first_kept
    moved: list[tuple[int, int]] = []
    for mark_start, mark_stop in marks:
        begin = min(max(mark_start + shift, 0), edge)
        moved.append((begin, max(min(mark_stop + shift, edge + len(after)), begin + 1)))
    return Excerpt(before + "".join(pieces) + after, tuple(moved))


def wrap(text: str, width: int) -> Iterator[str]:
    """A sentence broken at spaces into lines of at most ``width`` columns; a longer word stays whole."""
    line = ""
    for word in text.split(" "):
        if line and display_width(line) + 1 + display_width(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line
