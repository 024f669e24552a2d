"""Parsing: text to tree, with every statement that is good kept and one message for each that is not.

The only file that knows Lark. The automaton is fed token by token; at each start of a statement its state is kept,
and a statement that goes wrong is taken back to there, replaced by nothing, and passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import lark
from lark.parsers.lalr_interactive_parser import InteractiveParser

from archdsl.data import data_root
from archdsl.diagnostics import Diagnostic
from archdsl.source import Source
from archdsl.syntax import build, errors, tables
from archdsl.syntax.lexer import MAX_DEPTH, Layout, RawToken, Token
from archdsl.syntax.tree import File, Statement
from archdsl.syntax.unexpected import Place, explain

MAX_ERRORS = 100

_OPTIONS: dict[str, Any] = {"parser": "lalr", "lexer": "basic", "start": "file", "keep_all_tokens": True}


class _KeepAll:
    """Tells Lark to keep terminals that no rule uses; the step after the lexer is ``Layout``, not this."""

    always_accept = (
        "COMMENT NEWLINE BAD_ARROW BAD_OPERATOR BAD_TRIPLE BAD_QUOTE BAD_STRING BAD_NUMBER BAD_CHARACTER".split()
    )

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        return stream


@cache
def _grammar() -> lark.Lark:
    """The automaton, from the user's cache where it has one."""
    text = (data_root() / "grammars" / "arch.lark").read_text(encoding="utf-8")
    options: dict[str, Any] = {"transformer": build, "postlex": _KeepAll()}
    key = tables.key(text, lark.__version__)
    if (stored := tables.load(key)) is not None:
        try:
            return cast(lark.Lark, lark.Lark._load_from_dict(*stored, **options))
        except Exception:  # tables of another version that the key did not tell apart: build them again
            pass
    parser = lark.Lark(text, **_OPTIONS, **options)
    tables.store(key, *parser.memo_serialize([lark.lexer.TerminalDef, lark.grammar.Rule]))
    return parser


def parse(source: Source, max_depth: int = MAX_DEPTH) -> tuple[File, tuple[Diagnostic, ...]]:
    """The tree of all statements that are good, and what is wrong with the others."""
    return _Run(source, max_depth).run()


@dataclass
class _Body:
    """An open body: the statement being read in it, and how to take that back."""

    snapshot: InteractiveParser
    statement: Token
    failed: bool = False  # this statement has its message already


class _Run:
    """One parse."""

    def __init__(self, source: Source, max_depth: int) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.parser = _grammar().parse_interactive(source.text)
        raw = self.parser.lexer_thread.lex(self.parser.parser_state)
        self.layout = Layout(source, cast(Iterator[RawToken], raw), max_depth)
        start = Token("$START", "", source, 0)
        self.bodies = [_Body(self.parser.copy(deepcopy_values=False), start)]
        self.recent = [start, start]

    def run(self) -> tuple[File, tuple[Diagnostic, ...]]:
        while True:
            token = self.layout.next()
            if len(self.diagnostics) >= MAX_ERRORS:
                self.diagnostics.append(errors.too_many(token.span, MAX_ERRORS))
                token = Token("$END", "", self.source, token.start)
            if token.starts_statement:
                self._start(token)
            if token.fault is not None:
                self._report(token.fault)
            if token.type == "$END":
                break
            self._feed(token)
        statements = self._finish(token)
        found = sorted(self.diagnostics, key=lambda d: d.span.start)
        return File(self.source, statements, tuple(self.layout.comments)), tuple(found)

    def _start(self, token: Token) -> None:
        body = self.bodies[-1]
        body.snapshot = self.parser.copy(deepcopy_values=False)
        body.statement, body.failed = token, False
        if token.type in ("USE", "EDITION", "BLOCK"):
            inside = len(self.bodies) > 1
            if inside and token.text != "block":
                self._report(errors.misplaced(token.span, token.text))
            elif token.type == "EDITION" and self.recent[1].type != "$START":
                self._report(errors.late_edition(token.span))

    def _report(self, diagnostic: Diagnostic) -> None:
        if not self.bodies[-1].failed:
            self.diagnostics.append(diagnostic)
        self.bodies[-1].failed = True

    def _feed(self, token: Token) -> None:
        try:
            self.parser.feed_token(cast(lark.Token, token))
        except lark.UnexpectedToken:
            if not self.bodies[-1].failed:
                self._report(explain(self._place(token)))
            self._take_back(token)
        except errors.Fault as fault:
            self._report(fault.diagnostic)
            self._take_back(token)
        else:
            if token.type == "LBRACE":
                self.bodies.append(_Body(self.parser, token))
            elif token.type == "RBRACE":
                self.bodies.pop()
            self.recent = [self.recent[1], token]

    def _place(self, token: Token) -> Place:
        statement = self.bodies[-1].statement
        opener = self.layout.dangling(token, statement)
        innermost = self.layout.brackets[-1].token if self.layout.brackets else None
        return Place(
            token=token,
            accepts=frozenset(self.parser.accepts()),
            statement=statement,
            previous=self.recent[1],
            before=self.recent[0],
            unclosed=opener.token if opener else None,
            innermost=innermost,
        )

    def _take_back(self, token: Token) -> None:
        """Put nothing in the place of the statement, and go on behind it."""
        body = self.bodies[-1]
        self.parser = body.snapshot.copy(deepcopy_values=False)
        error = Token("ERROR", "", self.source, body.statement.start)
        self.parser.feed_token(cast(lark.Token, error))
        self.layout.skip(token, body.statement)
        self.recent = [error, error]

    def _finish(self, end: Token) -> tuple[Statement, ...]:
        """Close what is open at the end of the text; one message says so."""
        told = end.fault is not None or len(self.diagnostics) > MAX_ERRORS
        while len(self.bodies) > 1:
            if not told:
                opener = self.layout.dangling(end, self.bodies[-1].statement)
                brace = self.layout.unclosed_brace()
                self.diagnostics.append(errors.unclosed(opener.token) if opener else errors.unclosed(*brace))
                told = True
            self._close(Token("RBRACE", "", self.source, end.start), True)
            self.bodies.pop()
        return cast("tuple[Statement, ...]", self._close(end, told))

    def _close(self, token: Token, told: bool) -> Any:
        """Feed a token that ends a body or the file, without the statement before it if that is not whole."""
        try:
            return self.parser.feed_token(cast(lark.Token, token))
        except lark.UnexpectedToken:
            if not told and not self.bodies[-1].failed:
                self._report(explain(self._place(token)))
        except errors.Fault as fault:
            self._report(fault.diagnostic)
        self.parser = self.bodies[-1].snapshot.copy(deepcopy_values=False)
        self.parser.feed_token(cast(lark.Token, Token("ERROR", "", self.source, token.start)))
        return self.parser.feed_token(cast(lark.Token, token))
