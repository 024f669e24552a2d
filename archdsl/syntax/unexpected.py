from __future__ import annotations
from dataclasses import dataclass
from archdsl.diagnostics import Diagnostic
from archdsl.syntax.lexer import Token
@dataclass(frozen=True)
class Place:
    token: Token
    accepts: frozenset[str]
    statement: Token
    previous: Token
    before: Token
    unclosed: Token | None
    innermost: Token | None
def explain(place: Place) -> Diagnostic:
    return Diagnostic("E0200", f"{place.token.type} {place.token.text}", place.token.span)
