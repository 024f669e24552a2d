"""One parse: tokens to the automaton, with every statement that is good kept and one message for each that is not.

At each start of a statement the automaton's state is kept; a statement that goes wrong is taken back to there,
replaced by nothing, and passed over up to the next newline at its own depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source
from archdsl.syntax import errors, text_errors
from archdsl.syntax.automaton import Automaton, Snapshot, Tables, Unexpected
from archdsl.syntax.lexer import Layout
from archdsl.syntax.tokens import Token
from archdsl.syntax.tree import File, Statement
from archdsl.syntax.unexpected import Place, explain

MAX_ERRORS = 100


@dataclass
class _Body:
    """An open body: the statement being read in it, and how to take that back."""

    snapshot: Snapshot
    statement: Token
    failed: bool = False  # this statement has its message already


class Run:
    """One parse."""

    def __init__(self, source: Source, tables: Tables, max_depth: int) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.automaton = Automaton(tables)
        self.layout = Layout(source, _scan(source, tables), max_depth)
        start = Token("$START", "", source, 0)
        self.bodies = [_Body(self.automaton.snapshot(), start)]
        self.before, self.previous = start, start

    def run(self) -> tuple[File, tuple[Diagnostic, ...]]:
        while True:
            token = self.layout.next()
            if len(self.diagnostics) >= MAX_ERRORS:
                self.diagnostics.append(text_errors.too_many(token.span, MAX_ERRORS))
                token = Token("$END", "", self.source, token.start)
                break
            if token.starts_statement:
                self._start(token)
            if token.fault is not None:
                self._report(token.fault)
            if token.type == "$END":
                break
            self._feed(token)
        statements = self._finish(token)
        found = sorted((*self.diagnostics, *self.layout.faults[:MAX_ERRORS]), key=lambda d: d.span.start)
        return File(self.source, statements, tuple(self.layout.comments)), tuple(found)

    def _start(self, token: Token) -> None:
        body = self.bodies[-1]
        body.snapshot = self.automaton.snapshot()
        body.statement, body.failed = token, False
        if token.type in ("USE", "EDITION", "BLOCK"):
            inside = len(self.bodies) > 1
            if inside and token.text != "block":
                self._report(errors.misplaced(token.span, token.text))
            elif token.type == "EDITION" and self.previous.type != "$START":
                self._report(errors.late_edition(token.span))

    def _report(self, diagnostic: Diagnostic) -> None:
        if not self.bodies[-1].failed:
            self.diagnostics.append(diagnostic)
        self.bodies[-1].failed = True

    def _feed(self, token: Token) -> None:
        try:
            self.automaton.feed(token)
        except Unexpected:
            self.layout.reject()
            if not self.bodies[-1].failed:
                self._report(explain(self._place(token)))
            self._take_back(token)
        except errors.Fault as fault:
            self.layout.reject()
            self._report(fault.diagnostic)
            self._take_back(token)
        else:
            if token.type == "LBRACE":
                self.bodies.append(_Body(self.automaton.snapshot(), token))
            elif token.type == "RBRACE":
                self.bodies.pop()
            self.before, self.previous = self.previous, token

    def _place(self, token: Token) -> Place:
        statement = self.bodies[-1].statement
        opener = self.layout.dangling(token, statement)
        return Place(
            token=token,
            accepts=self.automaton.accepts(),
            demands=self.automaton.demands(),
            statement=statement,
            previous=self.previous,
            before=self.before,
            unclosed=opener.token if opener else None,
            innermost=self.layout.brackets[-1].token if self.layout.brackets else None,
        )

    def _take_back(self, token: Token) -> None:
        """Put nothing in the place of the statement, and go on behind it."""
        body = self.bodies[-1]
        error = Token("ERROR", "", self.source, body.statement.start)
        self.automaton.restore(body.snapshot)
        self.automaton.feed(error)
        self.layout.skip(token, body.statement)
        self.before, self.previous = error, error

    def _finish(self, end: Token) -> tuple[Statement, ...]:
        """Close what is open at the end of the text; one message says so."""
        stopped = end.start < len(self.source.text)  # at a limit: the statement there is not whole
        if stopped:
            self._take_back(end)
        told = stopped
        while len(self.bodies) > 1:
            if not told:
                opener = self.layout.dangling(end, self.bodies[-1].statement)
                self.diagnostics.append(
                    errors.unclosed(opener.token)
                    if opener
                    else errors.unclosed(*self.layout.unclosed_brace())
                )
                told = True
            self._close(Token("RBRACE", "", self.source, end.start), told)
            self.bodies.pop()
        return cast("tuple[Statement, ...]", self._close(end, told))

    def _close(self, token: Token, told: bool) -> Any:
        """Feed a token that ends a body or the file, without the statement before it if that is not whole."""
        try:
            return self.automaton.feed(token)
        except Unexpected:
            if not told and not self.bodies[-1].failed:
                self._report(explain(self._place(token)))
        except errors.Fault as fault:
            self._report(fault.diagnostic)
        self.automaton.restore(self.bodies[-1].snapshot)
        self.automaton.feed(Token("ERROR", "", self.source, token.start))
        return self.automaton.feed(token)


def _scan(source: Source, tables: Tables) -> Iterator[Token]:
    """The raw tokens: at each place the first terminal that matches, as Lark's basic lexer finds it."""
    words = tables.words
    for match in tables.pattern.finditer(source.text):
        kind, text = cast(str, match.lastgroup), match.group()
        if kind == "SPACE":
            continue
        yield Token(words.get(text, kind) if kind == "NAME" else kind, text, source, match.start())
