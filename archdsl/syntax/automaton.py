"""The LALR(1) automaton: tables, and the loop that follows them token by token and can be taken back.

Lark makes the tables (``parser.py``); following them here costs a third of the time, needs no import of Lark where
the tables are cached, and makes a snapshot two copies of short lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from archdsl.syntax import build
from archdsl.syntax.tokens import Token

Make = Callable[[list[Any]], Any]


class Unexpected(Exception):
    """The token fits nowhere here."""


@dataclass(frozen=True)
class Tables:
    """All that is derived from the grammar; plain data, so that it can be cached as JSON."""

    terminals: list[tuple[str, str]]  # name and regular expression, in the order in which they are tried
    words: dict[str, str]  # names that are terminals of their own
    rules: list[
        tuple[str, int, str | None]
    ]  # origin, length, what makes the value: None passes the only child on
    states: list[dict[str, int]]  # terminal or origin: the next state, or ~rule to reduce by
    start: int
    end: int
    chains: dict[tuple[int, int, str], int] = field(default_factory=dict, repr=False)  # see Automaton.feed

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?P<{name}>{regexp})" for name, regexp in self.terminals))

    @cached_property
    def makers(self) -> list[tuple[str, int, Make | None]]:
        return [(origin, size, getattr(build, made) if made else None) for origin, size, made in self.rules]


Snapshot = tuple[list[int], list[Any]]


class Automaton:
    """The state of one parse."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rules = tables.makers
        self._stack = [tables.start]
        self._values: list[Any] = []
        self._before: list[int] | None = None

    def snapshot(self) -> Snapshot:
        return self._stack[:], self._values[:]

    def restore(self, snapshot: Snapshot) -> None:
        self._stack, self._values = snapshot[0][:], snapshot[1][:]

    def feed(self, token: Token) -> Any:
        """Take one token; the value of the whole after the last one, ``$END``."""
        kind, rules, states = token.type, self._rules, self._tables.states
        stack, values, chains = self._stack, self._values, self._tables.chains
        self._before = None
        while True:
            top = stack[-1]
            action = states[top].get(kind)
            if action is None:
                raise Unexpected
            if action >= 0:
                stack.append(action)
                values.append(token)
                return None
            if self._before is None:
                self._before = stack[:]  # reductions can run before a token turns out not to fit
            origin, size, make = rules[~action]
            if make is None:
                # An operand climbs the levels of precedence, a dozen steps that change nothing below it: remembered.
                below = stack[-2]
                state = chains.get((below, top, kind))
                if state is None:
                    state = chains[below, top, kind] = self._climb(below, top, kind)
                stack[-1] = state
                continue
            children = values[-size:] if size else []
            if size:
                del values[-size:], stack[-size:]
            values.append(make(children))
            stack.append(states[stack[-1]][origin])
            if stack[-1] == self._tables.end and kind == "$END":
                return values[-1]

    def _climb(self, below: int, state: int, kind: str) -> int:
        while True:
            action = self._tables.states[state].get(kind)
            if action is None or action >= 0:
                return state
            origin, _, make = self._rules[~action]
            if make is not None:
                return state
            state = self._tables.states[below][origin]

    def accepts(self) -> frozenset[str]:
        """The terminals that could have come instead of the one that did not fit."""
        return self._takes(self._before or self._stack)

    def demands(self) -> frozenset[str]:
        """Those that could come once the token has closed all that it can close: what it lacks, in the narrow sense."""
        return self._takes(self._stack)

    def _takes(self, stack: list[int]) -> frozenset[str]:
        return frozenset(kind for kind in self._tables.states[stack[-1]] if self._would_take(kind, stack[:]))

    def _would_take(self, kind: str, stack: list[int]) -> bool:
        states = self._tables.states
        while True:
            action = states[stack[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                return kind == "$END" or kind.isupper()
            origin, size, _ = self._tables.rules[~action]
            if size:
                del stack[-size:]
            stack.append(states[stack[-1]][origin])
            if stack[-1] == self._tables.end and kind == "$END":
                return True
