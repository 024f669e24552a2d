"""Parsing: text to tree. The only file that knows Lark, which turns the grammar into tables where none are cached."""

from __future__ import annotations

import gc
import re
from functools import cache
from typing import Any

from archdsl.data import data_root
from archdsl.diagnostics import Diagnostic
from archdsl.source import Source
from archdsl.syntax import tables as cached
from archdsl.syntax.automaton import Tables
from archdsl.syntax.lexer import MAX_DEPTH
from archdsl.syntax.recovery import Run
from archdsl.syntax.tree import File

_LONG = 100_000
"""From here on the parse is a third faster while the collector does not walk a tree that is all alive."""


def parse(source: Source, max_depth: int = MAX_DEPTH) -> tuple[File, tuple[Diagnostic, ...]]:
    """The tree of all statements that are good, and what is wrong with the others."""
    run = Run(source, tables(), max_depth)
    pause = len(source.text) > _LONG and gc.isenabled()
    if pause:
        gc.disable()
    try:
        return run.run()
    finally:
        if pause:
            gc.enable()


@cache
def tables() -> Tables:
    """The automaton's tables, from the user's cache where it has them."""
    grammar = (data_root() / "grammars" / "arch.lark").read_text(encoding="utf-8")
    found = cached.load(grammar)
    if found is None:
        found = generate(grammar)
        cached.store(grammar, found)
    return found


def generate(grammar: str) -> Tables:
    """Compute the tables with Lark: LALR(1), terminals tried in the order of its basic lexer."""
    import lark  # 30 ms that cached tables save
    from lark.parsers.lalr_analysis import Shift

    class KeepUnused:  # else terminals that no rule names would be dropped
        always_accept = tuple(re.findall(r"^(BAD_\w+|COMMENT)", grammar, re.MULTILINE))

        def process(self, stream: Any) -> Any:
            return stream

    parser: Any = lark.Lark(
        grammar, parser="lalr", lexer="basic", start="file", keep_all_tokens=True, postlex=KeepUnused()
    )
    table = parser.parser.parser._parse_table
    number = {rule: place for place, rule in enumerate(parser.rules)}
    ordered = parser.parser.lexer.lexer.terminals
    words = {
        t.pattern.value: t.name for t in ordered if t.pattern.type == "str" and t.pattern.value.isalpha()
    }
    return Tables(
        terminals=[(t.name, t.pattern.to_regexp()) for t in ordered if t.name not in words.values()],
        words=words,
        rules=[
            (rule.origin.name, len(rule.expansion), None if _passes_on(rule) else rule.alias)
            for rule in parser.rules
        ],
        states=[
            {name: target if action is Shift else ~number[target] for name, (action, target) in row.items()}
            for _, row in sorted(table.states.items())
        ],
        start=table.start_states["file"],
        end=table.end_states["file"],
    )


def _passes_on(rule: Any) -> bool:
    return bool(rule.options.expand1 and not rule.alias and len(rule.expansion) == 1)
