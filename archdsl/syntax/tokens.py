"""Tokens, and which names are words of the language."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source, Span

STATEMENT_WORDS = {
    "use": "USE",
    "edition": "EDITION",
    "block": "BLOCK",
    "model": "BLOCK",
    "layer": "LAYER",
    "input": "INPUT",
    "output": "OUTPUT",
    "param": "PARAM",
    "buffer": "PARAM",
    "expect": "EXPECT",
}
"""Reserved at the start of a statement only. ``if`` is a word of expressions too and needs no retyping."""


def terminals(names: str) -> frozenset[str]:
    """A set of names of terminals, written with spaces between them."""
    return frozenset(names.split())


WORDS = terminals("IF ELSE FOR IN REPEAT UNTIL AS AND OR NOT TRUE FALSE NONE")
"""Reserved everywhere."""


OPERATORS = terminals(
    "ARROW CAT PLUS MINUS POWER TIMES COMPARE EQUAL COMMA COLON DOT AND OR NOT IN IF ELSE AS UNTIL"
)
"""What a newline after it does not end."""


class Token:
    """One token: ``type`` is a terminal of the grammar; ``fault`` is what is wrong with it, if anything."""

    __slots__ = (
        "end",
        "fault",
        "first",
        "indent",
        "source",
        "start",
        "starts_statement",
        "text",
        "type",
        "value",
    )

    def __init__(self, kind: str, text: str, source: Source, start: int) -> None:
        self.type = kind
        self.text = text
        self.source = source
        self.start = start
        self.end = start + len(text)
        self.first = False  # first on its line
        self.indent = 0  # of its line
        self.starts_statement = False
        self.value: int | float | str | None = None
        self.fault: Diagnostic | None = None

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)
