"""Expressions as text: on one line where they fit, else broken before `->` and inside brackets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from archdsl.source import Span
from archdsl.syntax import tree
from archdsl.syntax.pieces import CONDITIONAL, OR, PIPE, POSTFIX, level, pieces, sides

WIDTH = 100
STEP = "  "


class ExpressionPrinter:
    """Prints one tree; ``placed`` collects the comments that found their place inside an expression."""

    def __init__(self, comments: Sequence[tree.Comment], text: str) -> None:
        self.comments = comments
        self.text = text
        self.placed: set[int] = set()
        self.hoisted: set[int] = (
            set()
        )  # comments in the middle of an expression: they go before the statement
        self._offsets = [comment.start for comment in comments]
        self._flat: dict[tree.Node, str | None] = {}

    def all_within(self, start: int, end: int) -> Sequence[tree.Comment]:
        """The comments between two offsets."""
        return self.comments[bisect_left(self._offsets, start) : bisect_left(self._offsets, end)]

    def within(self, start: int, end: int) -> Sequence[tree.Comment]:
        """Those of them that stay where they are."""
        found = self.all_within(start, end)
        return [c for c in found if c.start not in self.hoisted] if found and self.hoisted else found

    def forget(self) -> None:
        """After a change of what is hoisted, what was said of single lines holds no more."""
        self._flat.clear()

    def body(self, body: tree.Body, indent: str) -> str:
        raise NotImplementedError

    def flat_body(self, body: tree.Body) -> str | None:
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------ flat

    def flat(self, node: tree.Expression, bare: int = PIPE) -> str | None:
        """``node`` on one line, in parentheses where it is looser than ``bare``; None where that cannot be."""
        if node not in self._flat:
            inside = self.within(node.span.start, node.span.end)
            self._flat[node] = None if inside else self._one_line(node)
        text = self._flat[node]
        if text is not None and level(node) < bare:
            return f"({text})"
        return text

    def _one_line(self, node: tree.Expression) -> str | None:
        text: list[str] = []
        for piece in pieces(node, self.flat_body):
            shown = self.flat(*piece) if isinstance(piece, tuple) else piece
            if shown is None:
                return None
            text.append(shown)
        return "".join(text)

    # ---------------------------------------------------------------------------------------------- broken

    def lay(self, node: tree.Expression, indent: str, column: int, bare: int = PIPE, tail: int = 0) -> str:
        """``node`` from ``column`` on; ``indent`` is that of its later lines, ``tail`` what follows."""
        text = self.flat(node, bare)
        if text is not None and column + len(text) + tail <= WIDTH:
            return text
        if level(node) < bare:
            deeper = indent + STEP
            return f"(\n{deeper}{self.lay(node, deeper, len(deeper))}\n{indent})"
        return self._broken(node, indent, column, tail)

    def _broken(self, node: tree.Expression, indent: str, column: int, tail: int) -> str:
        deeper = indent + STEP
        match node:
            case tree.Pipe():
                return self._pipe(node, indent, column, tail)
            case tree.Conditional():
                head = self.lay(node.then, indent, column, OR) + " if "
                head += self.lay(node.condition, deeper, _end(head, column), OR)
                rest = self.lay(node.otherwise, deeper, len(deeper) + 5, CONDITIONAL, tail)
                return f"{head}\n{deeper}else {rest}"
            case tree.Binary():
                return self._chain(node, indent, column, tail)
            case tree.Unary():
                head = "-" if node.operator == "-" else "not "
                return head + self.lay(node.operand, indent, column + len(head), level(node), tail)
            case tree.Call():
                head = self.lay(node.function, indent, column, POSTFIX) + "("
                parts = [(a.span, f"{a.name}=" if a.name else "", a.value) for a in node.arguments]
                return head + self._items(parts, node.span.end, indent) + ")"
            case tree.Index():
                head = self.lay(node.value, indent, column, POSTFIX) + "["
                return f"{head}\n{deeper}{self.lay(node.index, deeper, len(deeper))}\n{indent}]"
            case tree.Attribute():
                return (
                    self.lay(node.value, indent, column, POSTFIX, tail + len(node.name) + 1) + f".{node.name}"
                )
            case tree.Labelled():
                return (
                    self.lay(node.value, indent, column, POSTFIX, tail + len(node.label) + 4)
                    + f" as {node.label}"
                )
            case tree.ListLiteral():
                return (
                    "["
                    + self._items([(item.span, "", item) for item in node.items], node.span.end, indent)
                    + "]"
                )
            case tree.Comprehension():
                head = f"for {', '.join(node.targets)} in "
                text = f"[\n{deeper}{self.lay(node.body, deeper, len(deeper))}\n{deeper}{head}"
                text += self.lay(node.iterable, deeper, len(deeper) + len(head), OR)
                if node.condition is not None:
                    text += f"\n{deeper}if {self.lay(node.condition, deeper, len(deeper) + 3, OR)}"
                return f"{text}\n{indent}]"
            case tree.Repeat():
                head = "repeat " + self.lay(node.count, indent, column + 7)
                if node.until is not None:
                    head += " until "
                    head += self.lay(node.until, indent, _end(head, column))
                return f"{head} {self.body(node.body, indent)}"
            case tree.For():
                head = f"for {', '.join(node.targets)} in "
                head += self.lay(node.iterable, indent, column + len(head))
                return f"{head} {self.body(node.body, indent)}"
        return self._one_line(node) or ""

    def _chain(self, node: tree.Binary, indent: str, column: int, tail: int) -> str:
        """``a + b - c``: as many operands on a line as fit, the operator before the break."""
        deeper = indent + STEP
        rights: list[tree.Binary] = [node]
        while isinstance(left := rights[-1].left, tree.Binary) and sides(rights[-1])[0] <= level(
            left
        ) == level(node):
            rights.append(left)
        left, bare = rights[-1].left, sides(rights[-1])[0]
        text = self.lay(left, indent, column, bare, 3)
        for place, right in enumerate(reversed(rights), 1):
            text += f" {right.operator}"
            after = tail if place == len(rights) else 3
            shown = self.flat(right.right, sides(right)[1])
            if shown is not None and _end(text, column) + 1 + len(shown) + after <= WIDTH:
                text += f" {shown}"
            else:
                text += f"\n{deeper}{self.lay(right.right, deeper, len(deeper), sides(right)[1], after)}"
        return text

    def _pipe(self, node: tree.Pipe, indent: str, column: int, tail: int) -> str:
        spans = [step.span for step in node.steps]
        gaps = [self.within(a.end, b.start) for a, b in pairwise(spans)]
        loops = [self.flat(step, CONDITIONAL) is None and _is_loop(step) for step in node.steps]
        if sum(loops) == 1 and not any(gaps):
            hugged = ""
            for step in node.steps:
                hugged += " -> " if hugged else ""
                hugged += self.lay(step, indent, _end(hugged, column), CONDITIONAL)
            lines = [" " * column + line if n == 0 else line for n, line in enumerate(hugged.split("\n"))]
            simple = all(
                loop or self.flat(step) is not None for step, loop in zip(node.steps, loops, strict=True)
            )
            if simple and all(len(line) <= WIDTH for line in lines):
                return hugged
        deeper = indent + STEP
        text = self.lay(node.steps[0], indent, column, CONDITIONAL)
        for step, gap in zip(node.steps[1:], gaps, strict=True):
            text += self.gap(gap, deeper) + f"\n{deeper}-> "
            text += self.lay(step, deeper, len(deeper) + 3, CONDITIONAL, tail)
        return text

    def _items(self, items: Sequence[tuple[Span, str, tree.Expression]], end: int, indent: str) -> str:
        """What stands between brackets: indented on one line of its own, or one line each."""
        if not items:
            return ""
        deeper = indent + STEP
        starts = [span.start for span, _, _ in items]
        gaps = [
            self.within(span.end, following)
            for (span, _, _), following in zip(items, [*starts[1:], end], strict=True)
        ]
        opening = self.within(self.before(starts[0]), starts[0])
        flats = [self.flat(value) for _, _, value in items]
        if not opening and not any(gaps) and all(flat is not None for flat in flats):
            line = deeper + ", ".join(
                f"{name}{flat}" for (_, name, _), flat in zip(items, flats, strict=True)
            )
            if len(line) <= WIDTH:
                return f"\n{line}\n{indent}"
        text = self.gap(opening, deeper)
        for place, ((_, name, value), gap) in enumerate(zip(items, gaps, strict=True)):
            comma = "," if place + 1 < len(items) else ""
            text += f"\n{deeper}{name}{self.lay(value, deeper, len(deeper) + len(name), PIPE, 1)}{comma}"
            text += self.gap(gap, deeper)
        return f"{text}\n{indent}"

    def before(self, at: int) -> int:
        """Where the comments directly before an offset start: those of the bracket that opens there."""
        place = bisect_left(self._offsets, at) - 1
        while place >= 0:
            comment = self.comments[place]
            if self.text[comment.start + len(comment.text) : at].strip():
                break
            at = comment.start
            place -= 1
        return at

    def gap(self, comments: Sequence[tree.Comment], indent: str) -> str:
        """Comments in a gap: behind what is before them, or on lines of their own."""
        text = ""
        for comment in comments:
            self.placed.add(comment.start)
            text += f"\n{indent}{comment.text}" if comment.own_line or text else f"  {comment.text}"
        return text


def _is_loop(node: tree.Expression) -> bool:
    while isinstance(node, tree.Labelled):
        node = node.value
    return isinstance(node, tree.Repeat | tree.For)


def _end(text: str, column: int) -> int:
    """The column at which ``text`` ends when it starts at ``column``."""
    _, newline, last = text.rpartition("\n")
    return len(last) if newline else column + len(text)
