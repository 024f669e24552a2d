"""A token that does not fit: from the place to the message that most likely says what was meant."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics import Diagnostic
from archdsl.syntax import errors, text_errors
from archdsl.syntax.tokens import OPERATORS, STATEMENT_WORDS, WORDS, Token, terminals

_STATEMENT_TYPES = frozenset(STATEMENT_WORDS.values())
_OPERANDS = terminals("NAME NUMBER STRING LPAR TRUE FALSE NONE REPEAT FOR LSQB NOT")

_SHOWN = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": 'a string ("...")',
    "COMMA": "`,`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "IN": "`in`",
    "FROM": "`from`",
    "FOR": "`for`",
    "ELSE": "`else`",
    "UNTIL": "`until`",
    "NEWLINE": "the end of the line",
    "$END": "the end of the file",
}

_FORMS = {
    "use": 'use mha, ffn from "blocks.arch"',
    "edition": "edition 1",
    "block": "block name(c, stride=1) { ... }",
    "model": "model name(classes=10) { ... }",
    "layer": "layer tok = embedding(v, d)",
    "input": "input image: [B, 3, H=224, W=224]",
    "output": "output logits = linear(10)",
    "param": "param gamma: [] = 0",
    "buffer": "buffer steps: int[n] = arange(n)",
    "if": "if condition { ... } else { ... }",
    "for": "for x in xs { ... }",
    "repeat": "repeat n { ... }",
}

_FOREIGN = {
    "def": "write `block name(a, b) { ... }`",
    "fn": "write `block name(a, b) { ... }`",
    "func": "write `block name(a, b) { ... }`",
    "function": "write `block name(a, b) { ... }`",
    "fun": "write `block name(a, b) { ... }`",
    "class": "write `model name { ... }` or `block name(a) { ... }`",
    "module": "write `model name { ... }` or `block name(a) { ... }`",
    "network": "write `model name { ... }`",
    "net": "write `model name { ... }`",
    "struct": "write `block name(a) { ... }`",
    "import": 'write `use name from "file.arch"`',
    "from": 'write `use name from "file.arch"`',
    "include": 'write `use name from "file.arch"`',
    "return": "the last wire of a body is its result; a model can also say `output name = ...`",
    "let": "write `name = ...`",
    "var": "write `name = ...`",
    "const": "write `name = ...`",
    "val": "write `name = ...`",
    "while": "write `repeat n { ... }`, or `repeat n until done { ... }`",
    "elif": "write `else if condition { ... }`",
    "assert": "write `expect ...`",
    "const_expr": "write `name = ...`",
    "with": "write what is in it as statements; a place for weights is named by `as`",
    "lambda": "write `block name(x) { ... }`",
}


@dataclass(frozen=True)
class Place:
    """Where a parse stopped."""

    token: Token
    accepts: frozenset[str]  # what could stand here
    demands: frozenset[str]  # of that, what must: `)` after `(a`
    statement: Token  # the first token of the statement
    previous: Token
    before: Token  # the one before that
    unclosed: Token | None  # a bracket that was most likely never closed
    innermost: Token | None  # the innermost open bracket


def explain(place: Place) -> Diagnostic:
    """The one message for this place: the first of these that knows."""
    for known in (_foreign, _bracket, _word, _header, _operator, _operand, _after_expression):
        if (found := known(place)) is not None:
            return found
    return _expected(place)


def _foreign(place: Place) -> Diagnostic | None:
    """A word by which another language starts a statement."""
    for word in (place.statement, place.token):
        near = word is place.token or place.previous is word
        if word.type == "NAME" and near and word.text in _FOREIGN and place.token.type != "EQUAL":
            return errors.foreign_word(word.span, word.text, _FOREIGN[word.text])
    return None


def _bracket(place: Place) -> Diagnostic | None:
    token = place.token
    if place.unclosed is not None:
        return errors.unclosed(place.unclosed)
    if token.type in ("RPAR", "RSQB"):
        opener = place.innermost
        if opener is None or opener.type == "LBRACE":
            return errors.stray_closer(token.span)
        if errors.MATES[opener.text] != token.text:
            return errors.mismatched(token.span, opener)
    return None


def _word(place: Place) -> Diagnostic | None:
    """A word of the language where a name is wanted."""
    token, statement = place.token, place.statement
    if token.type in WORDS and "NAME" in place.accepts and not place.accepts >= _OPERANDS:
        return errors.reserved(token.span, token.text)
    starts = place.previous is statement and statement.type in _STATEMENT_TYPES
    if (
        starts
        and statement.type != "EXPECT"
        and token.type not in ("NEWLINE", "$END", "RBRACE", "NUMBER", "STRING")
    ):
        return errors.statement_word(statement.span, statement.text, _FORMS[statement.text])
    return None


def _header(place: Place) -> Diagnostic | None:
    """What stands in the place of a body's brace."""
    token, statement = place.token, place.statement
    if "LBRACE" not in place.accepts:
        return None
    if token.type == "COLON":
        return errors.colon_for_brace(token.span)
    if token.type == "EQUAL" and statement.type == "BLOCK":
        return errors.alias_with_parameters(token.span, statement.text)
    if token.type in ("NEWLINE", "$END", "RBRACE"):
        return errors.missing_body(place.previous.span, _FORMS.get(statement.text, "repeat n { ... }"))
    return None


def _operator(place: Place) -> Diagnostic | None:
    token, accepts = place.token, place.accepts
    after_operand = "ARROW" in accepts or "AND" in accepts or "TIMES" in accepts
    if not after_operand:
        return None
    if (token.type == "CAT" and "PLUS" in accepts) or (token.type in ("PLUS", "MINUS") and "CAT" in accepts):
        return errors.mixed_concatenation(token.span)
    if token.type == "COMPARE":
        return errors.chained_comparison(token.span)
    if token.type == "EQUAL" and place.previous.first and place.before.type in OPERATORS:
        return errors.expression_missing(place.before.span, "a new statement", place.before.text)
    if token.type == "EQUAL":
        return errors.equal_in_expression(
            token.span, place.innermost is not None and place.innermost.type == "LPAR"
        )
    if token.type == "COLON":
        if place.innermost is not None and place.innermost.type == "LSQB":
            return errors.slice_(token.span)
        if place.previous is place.statement and place.statement.type == "NAME":
            return errors.annotated_name(token.span)
    return None


def _operand(place: Place) -> Diagnostic | None:
    """An expression is wanted."""
    token = place.token
    if not place.accepts >= _OPERANDS - {"NOT"}:
        return None
    after = place.previous
    if token.type in WORDS:
        return errors.word_for_expression(token.span, token.text)
    if token.type == "DOT":
        return errors.point_first(token.span)
    if token.type == "LBRACE":
        return errors.brace_for_expression(token.span)
    if token.type == "COMMA" and after.type in ("COMMA", "LPAR", "LSQB"):
        return errors.empty_item(token.span)
    if token.type == "PLUS":
        return errors.unary_plus(token.span)
    at_end = token.type in ("NEWLINE", "$END", "RBRACE", "RPAR", "RSQB")
    anchor = after if at_end and after.text else token
    return errors.expression_missing(anchor.span, _shown(token), after.text if after.text else None)


def _after_expression(place: Place) -> Diagnostic | None:
    """An expression is whole, and something follows that cannot."""
    token = place.token
    if "ARROW" not in place.accepts:
        return None
    inside = place.innermost is not None and place.innermost.type in ("LPAR", "LSQB")
    if token.type == "FOR" and inside:
        return errors.generator(token.span)
    if token.type == "ELSE":
        return errors.else_without_if(token.span)
    if token.type == "LBRACE":
        return errors.body_after_expression(token.span)
    if token.type == "COMMA" and place.statement is not place.previous:
        return errors.stray_comma(token.span)
    if token.type in _OPERANDS or token.type in WORDS:
        mate = errors.MATES[place.innermost.text] if inside and place.innermost else None
        return errors.side_by_side(token.span, _shown(token), place.previous.text, mate)
    return errors.after_expression(token.span, _shown(token)) if token.type in ("COLON", "FROM") else None


def _expected(place: Place) -> Diagnostic:
    wanted = [_SHOWN[kind] for kind in _SHOWN if kind in place.demands]
    token = place.token
    anchor = place.previous if token.type in ("NEWLINE", "$END") and place.previous.text else token
    form = _FORMS.get(place.statement.text) if place.statement.type != "NAME" else None
    return errors.expected(anchor.span, wanted, _shown(token), form)


def _shown(token: Token) -> str:
    if token.type in ("NEWLINE", "$END"):
        return _SHOWN[token.type]
    return text_errors.quoted(token.text)
