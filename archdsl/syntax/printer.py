"""The formatter: one style, no options. The tree decides the text; comments and blank lines are carried over."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.syntax import tree
from archdsl.syntax.expression_printer import STEP, WIDTH, ExpressionPrinter
from archdsl.syntax.pieces import CONDITIONAL, quote

_STRING = re.compile(r'\(?"(?:[^"\\\r\n]|\\[^\r\n])*"\)?')
_BREAK = re.compile(r"\r\n|\r|\n")


def format_source(file: tree.File) -> str:
    """The whole file in the one style. For files without errors: what could not be read is not in the tree."""
    printer = _Printer(file)
    lines = printer.lines(file.statements, None, 0, len(file.source.text), "")
    return "".join(f"{line}\n" for line in lines)


def print_expression(node: tree.Expression) -> str:
    """An expression alone, comments left out; on one line unless it is long or holds a body."""
    return _Printer(tree.File(node.span.source, (), ())).lay(node, "", 0)


class _Printer(ExpressionPrinter):
    def __init__(self, file: tree.File) -> None:
        super().__init__(file.comments, file.source.text)

    # --------------------------------------------------------------------------------------------- bodies

    def lines(
        self,
        statements: Sequence[tree.Statement],
        docstring: tuple[int, int, str] | None,
        start: int,
        end: int,
        indent: str,
    ) -> list[str]:
        """The statements between two offsets with their comments, and one blank line where there were some."""
        found: list[str] = []
        at = start

        def put(first: int, last: int, text: str) -> None:
            nonlocal at
            if found and len(_BREAK.findall(self.text, at, first)) > 1:
                found.append("")
            found.append(text)
            at = last

        def comments(until: int) -> None:
            for comment in self.within(at, until):
                if comment.start in self.placed:
                    continue
                self.placed.add(comment.start)
                last = comment.start + len(comment.text)
                if found and not comment.own_line and not _BREAK.search(self.text, at, comment.start):
                    found[-1] += f"  {comment.text}"
                    at_line_end(last)
                else:
                    put(comment.start, last, f"{indent}{comment.text}")

        def at_line_end(last: int) -> None:
            nonlocal at
            at = last

        if docstring is not None:
            first, last, text = docstring
            comments(first)
            put(first, last, indent + text)
        for statement in statements:
            span = statement.span
            comments(span.start)
            text, strays = self._with_strays(statement, indent)
            for comment in strays:
                self.placed.add(comment.start)
                put(span.start, span.start, f"{indent}{comment.text}")
            put(span.start, span.end, indent + text)
        comments(end)
        return found

    def _with_strays(self, statement: tree.Statement, indent: str) -> tuple[str, list[tree.Comment]]:
        """A statement as text, and the comments in it that have no place in a tree: in the middle of a sum, say."""
        span = statement.span
        placed = set(self.placed) if self.all_within(span.start, span.end) else self.placed
        text = self.statement(statement, indent)
        strays = [c for c in self.all_within(span.start, span.end) if c.start not in self.placed]
        if any(c.start not in self.hoisted for c in strays):
            self.hoisted.update(c.start for c in strays)
            self.placed = placed
            self.forget()
            text = self.statement(statement, indent)
        return text, strays

    def body(self, body: tree.Body, indent: str) -> str:
        """A body on lines of its own, or on one where it was and fits."""
        flat = self.flat_body(body)
        if flat is not None and not body.statements:
            return flat
        head = "{"
        start = body.span.start + 1
        for comment in self.within(start, body.span.end):
            if comment.own_line or self.text[start : comment.start].strip():
                break
            self.placed.add(comment.start)
            head += f"  {comment.text}"
            start = comment.start + len(comment.text)
        deeper = indent + STEP
        lines = self.lines(body.statements, self._docstring(body, start), start, body.span.end, deeper)
        return "\n".join((head, *lines, indent + "}"))

    def _docstring(self, body: tree.Body, start: int) -> tuple[int, int, str] | None:
        if body.docstring is None:
            return None
        inside = self.within(start, body.span.end)
        at = start
        for comment in inside:
            if self.text[at : comment.start].strip():
                break
            at = comment.start + len(comment.text)
        while at < body.span.end and self.text[at : at + 1].isspace():
            at += 1
        found = _STRING.match(self.text, at)
        return at, found.end() if found else at, quote(body.docstring)

    def flat_body(self, body: tree.Body) -> str | None:
        if (
            self.within(body.span.start, body.span.end)
            or body.docstring is not None
            or len(body.statements) > 1
        ):
            return None
        if not body.statements:
            return "{ }"
        if _BREAK.search(self.text, body.span.start, body.span.end):
            return None
        text = self.flat_statement(body.statements[0])
        return None if text is None else f"{{ {text} }}"

    # ----------------------------------------------------------------------------------------- statements

    def flat_statement(self, statement: tree.Statement) -> str | None:
        """A statement on one line, if it can be."""
        head, value, bodies = self._parts(statement)
        pieces: list[str | None] = [head]
        if value is not None:
            pieces.append(self.flat(value))
        for word, body in bodies:
            pieces += [word, self.flat_body(body)]
        known = [piece for piece in pieces if piece is not None]
        return "".join(known) if len(known) == len(pieces) else None

    def statement(self, statement: tree.Statement, indent: str) -> str:
        span = statement.span
        text = None if self.within(span.start, span.end) else self.flat_statement(statement)
        if text is not None and len(indent) + len(text) <= WIDTH:
            return text
        head, value, bodies = self._parts(statement)
        if len(indent) + len(head) > WIDTH - 2 or self._in_parameters(statement):
            head = self._long_head(statement, indent, head)
        text = head
        if value is not None:
            column = len(indent) + len(text)
            text += self.lay(value, indent, column, tail=2 if bodies else 0)
        for word, body in bodies:
            text += word + self.body(body, indent)
        return text

    def _parts(
        self, statement: tree.Statement
    ) -> tuple[str, tree.Expression | None, list[tuple[str, tree.Body]]]:
        """What every statement is made of: a head, an expression, and bodies with the words before them."""
        match statement:
            case tree.Use():
                return f"use {', '.join(statement.names)} from {quote(statement.path)}", None, []
            case tree.Edition():
                return f"edition {statement.number}", None, []
            case tree.Definition():
                head = f"{statement.keyword} {statement.name}"
                if statement.parameters:
                    head += f"({', '.join(self._parameter(p) for p in statement.parameters)})"
                if statement.body is not None:
                    return head, None, [(" ", statement.body)]
                return f"{head} = ", statement.alias, []
            case tree.Assign():
                return f"{', '.join(statement.targets)} = ", statement.value, []
            case tree.Input():
                return f"input {statement.name}: {self._shape(statement.dtype, statement.shape)}", None, []
            case tree.Output():
                equal = "" if statement.value is None else " = "
                return f"output {statement.name}{equal}", statement.value, []
            case tree.RawTensor():
                sizes = [tree.Dimension(size.span, size, None) for size in statement.shape]
                equal = "" if statement.initial is None else " = "
                head = f"{statement.keyword} {statement.name}: {self._shape(statement.dtype, sizes)}{equal}"
                return head, statement.initial, []
            case tree.If():
                return "if ", statement.condition, [(" ", statement.then), *self._else(statement.otherwise)]
            case tree.Expect():
                return "expect ", statement.condition, []
            case tree.ExpressionStatement():
                return "", statement.value, []
        raise AssertionError(statement)

    def _else(self, otherwise: tree.Body | None) -> list[tuple[str, tree.Body]]:
        if otherwise is None:
            return []
        chained = (
            otherwise.statements[0]
            if len(otherwise.statements) == 1 and otherwise.docstring is None
            else None
        )
        if isinstance(chained, tree.If) and otherwise.span == chained.span:
            condition = self.lay(chained.condition, "", 8)
            return [(f" else if {condition} ", chained.then), *self._else(chained.otherwise)]
        return [(" else ", otherwise)]

    def _parameter(self, parameter: tree.Parameter) -> str:
        text = parameter.name
        if parameter.kind != "value":
            text += f": {parameter.kind}"
        if parameter.default is not None:
            equal = " = " if parameter.kind != "value" else "="
            text += equal + (self.flat(parameter.default) or self.lay(parameter.default, "", 0))
        return text

    def _shape(self, dtype: str | None, shape: Sequence[tree.Dimension]) -> str:
        return f"{dtype or ''}[{', '.join(self._dimension(d) for d in shape)}]"

    def _dimension(self, dimension: tree.Dimension) -> str:
        size = self.flat(dimension.size, CONDITIONAL) or self.lay(dimension.size, "", 0, CONDITIONAL)
        if dimension.default is None:
            return size
        return f"{size}={self.flat(dimension.default, CONDITIONAL) or self.lay(dimension.default, '', 0, CONDITIONAL)}"

    def _in_parameters(self, statement: tree.Statement) -> bool:
        """Whether a comment stands among the parameters, so that each needs its line."""
        if not isinstance(statement, tree.Definition) or not statement.parameters or statement.body is None:
            return False
        return bool(self.within(statement.name_span.end, statement.body.span.start))

    def _long_head(self, statement: tree.Statement, indent: str, head: str) -> str:
        """A head that is too long for its line, or has comments in it: a line for each parameter or size."""
        deeper = indent + STEP
        if isinstance(statement, tree.Definition) and statement.parameters:
            items = [(p.span, self._parameter(p)) for p in statement.parameters]
            start, end = f"{statement.keyword} {statement.name}(", ")"
            after = statement.body.span.start if statement.body else statement.span.end
        elif isinstance(statement, tree.Input | tree.RawTensor) and statement.shape:
            start, _, rest = head.partition("[")
            entries = [
                d if isinstance(d, tree.Dimension) else tree.Dimension(d.span, d, None)
                for d in statement.shape
            ]
            items = [(d.span, self._dimension(d)) for d in entries]
            start, end = f"{start}[", "]" + rest[rest.rindex("]") + 1 :]
            after = entries[-1].span.end
        else:
            return head
        text = start + self.gap(self.within(self.before(items[0][0].start), items[0][0].start), deeper)
        for place, (span, shown) in enumerate(items):
            last = place + 1 == len(items)
            following = after if last else items[place + 1][0].start
            text += f"\n{deeper}{shown}{'' if last else ','}" + self.gap(
                self.within(span.end, following), deeper
            )
        return f"{text}\n{indent}{end}"
