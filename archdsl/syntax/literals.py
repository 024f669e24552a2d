"""What single tokens mean: numbers and strings to values, and what other languages write to a message and a repair."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic
from archdsl.source import Span
from archdsl.syntax import text_errors

if TYPE_CHECKING:
    from archdsl.syntax.tokens import Token

MAX_DIGITS = 40
"""No size, count or rate needs more, and Python's own limit (4300) must never speak first."""

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}

# Control characters, invisible ones and those that turn the direction of text: what is read must be what is seen.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_MEANT_OPERATOR = {
    "&&": ("AND", "and"),
    "||": ("OR", "or"),
    "!": ("NOT", "not"),
    "===": ("COMPARE", "=="),
    "!==": ("COMPARE", "!="),
    "<>": ("COMPARE", "!="),
    ":=": ("EQUAL", "="),
}
_MEANT_CHARACTER = {
    "→": ("ARROW", "->"),
    "⟶": ("ARROW", "->"),
    "×": ("TIMES", "*"),
    "·": ("TIMES", "*"),
    "÷": ("TIMES", "/"),
    "−": ("MINUS", "-"),
    "–": ("MINUS", "-"),
    "≤": ("COMPARE", "<="),
    "≥": ("COMPARE", ">="),
    "≠": ("COMPARE", "!="),
    "|": ("OR", "or"),
    "&": ("AND", "and"),
    "^": ("POWER", "**"),
}
_LOOKS_LIKE = dict(
    zip(
        "аеорсухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅοανικρτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxijsdhqwABEKMHOPCTYXIJSoavikptuxABEZHIKMNOPTYX",
        strict=True,
    )
)


def hidden(token: Token) -> Diagnostic | None:
    """The first character of a token that a reader cannot see."""
    if found := _HIDDEN.search(token.text):
        at = token.start + found.start()
        return hidden_character(Span(token.source, at, at + 1), found.group())
    return None


def hidden_character(span: Span, character: str) -> Diagnostic:
    if character in _BIDI:
        return text_errors.bidirectional(span, describe(character))
    return text_errors.hidden_character(span, describe(character))


def describe(character: str) -> str:
    """``U+200B ZERO WIDTH SPACE``."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name}" if name else "")


def examine(token: Token) -> None:
    """Give a literal its value; turn what cannot stand into what was meant, with the fault beside it."""
    kind = token.type
    if kind == "NUMBER":
        _number(token)
    elif kind == "STRING":
        token.fault = hidden(token)
        _string(token)
    elif kind.startswith("BAD_"):
        _REPAIRS[kind](token)


def _number(token: Token) -> None:
    text = token.text.replace("_", "")
    if len(text) > MAX_DIGITS:
        token.value, token.fault = 0, text_errors.number_too_long(token.span, MAX_DIGITS)
    elif text.isdigit():
        token.value = int(text)
    else:
        value = float(text)
        lost = value == 0.0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0])
        if math.isinf(value) or lost:
            token.fault = text_errors.number_out_of_range(token.span, token.text)
        token.value = value


def _string(token: Token) -> None:
    text = token.text[1:-1]
    token.value = text
    if "\\" not in text:
        return
    parts: list[str] = []
    at = 0
    while (slash := text.find("\\", at)) >= 0:
        letter = text[slash + 1 : slash + 2]
        if letter not in ESCAPES or not letter:
            start = token.start + 1 + slash
            token.fault = token.fault or text_errors.unknown_escape(
                Span(token.source, start, start + 2), letter
            )
        parts += (text[at:slash], ESCAPES.get(letter, letter))
        at = slash + 2
    token.value = "".join((*parts, text[at:]))


# ------------------------------------------------------------------------------------------------------- repairs


def _bad_arrow(token: Token) -> None:
    token.type, token.fault = "ARROW", text_errors.foreign_arrow(token.span, token.text)


def _bad_operator(token: Token) -> None:
    text = token.text
    if text in _MEANT_OPERATOR:
        token.type, meant = _MEANT_OPERATOR[text]
        token.fault = text_errors.foreign_operator(token.span, text, meant)
    else:
        token.type = "EQUAL"
        token.fault = text_errors.augmented_assignment(token.span, text)


def _bad_triple(token: Token) -> None:
    start = token.span
    token.fault = text_errors.triple_quotes(Span(start.source, start.start, start.start + 3))
    token.type, token.value = "STRING", token.text.strip('"')


def _bad_quote(token: Token) -> None:
    text = token.text
    closed = len(text) > 1 and text.endswith("'")
    token.fault = text_errors.single_quotes(token.span, closed)
    token.type, token.value = "STRING", text.strip("'")


def _bad_string(token: Token) -> None:
    token.fault = text_errors.unclosed_string(token.span)
    token.type, token.value = "STRING", token.text[1:]


def _bad_number(token: Token) -> None:
    token.fault = text_errors.bad_number(token.span, token.text)
    token.type, token.value = "NUMBER", 0


def _bad_character(token: Token) -> None:
    text = token.text[0]  # the rest of a run of letters goes with it
    span = Span(token.source, token.start, token.start + 1)
    token.type = ""
    if text == ";":
        token.type, token.fault = "NEWLINE", text_errors.semicolon(span)
    elif text in _MEANT_CHARACTER:
        token.type, meant = _MEANT_CHARACTER[text]
        token.fault = text_errors.foreign_operator(span, text, meant)
    elif _HIDDEN.match(text):
        # A byte order mark at the very start is harmless, and some editors write one.
        token.fault = None if text == "\ufeff" and span.start == 0 else hidden_character(span, text)
    elif text.isspace():
        token.fault = text_errors.strange_space(span, describe(text))
    elif text in "“”„«»‘’`":
        token.fault = text_errors.curly_quote(span, text)
    elif text == "\\":
        token.fault = text_errors.backslash(span)
    elif text.isdigit() or text.isdecimal():
        token.type, token.value = "NUMBER", 0
        token.fault = text_errors.foreign_digit(span, text, describe(text))
    elif text.isalpha():
        token.type = "NAME"
        token.fault = text_errors.foreign_letter(span, text, describe(text), _LOOKS_LIKE.get(text))
    else:
        token.fault = text_errors.unexpected_character(span, text, describe(text))


_REPAIRS = {
    "BAD_ARROW": _bad_arrow,
    "BAD_OPERATOR": _bad_operator,
    "BAD_TRIPLE": _bad_triple,
    "BAD_QUOTE": _bad_quote,
    "BAD_STRING": _bad_string,
    "BAD_NUMBER": _bad_number,
    "BAD_CHARACTER": _bad_character,
}
