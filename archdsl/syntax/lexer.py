"""From the raw tokens of the basic lexer to what the grammar reads: statements apart, words retyped, faults named.

One pass, lazily, so that a bomb is refused where it gets too deep and not after all of it was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source
from archdsl.syntax import errors, literals, text_errors
from archdsl.syntax.tokens import OPERATORS, STATEMENT_WORDS, Token, terminals
from archdsl.syntax.tree import Comment

MAX_DEPTH = 200
"""How deep a program may nest: an operator counts 1, a bracket 2, a brace 4, to keep recursion safe."""

# What a newline before it does not separate from the statement.
_JOINS_BACK = frozenset(("ARROW", "ELSE", "RBRACE", "$END"))
_OPENS_SEGMENT = frozenset(("ARROW", "COMMA", "EQUAL", "NEWLINE", "COLON"))
_COUNTED = terminals("CAT PLUS MINUS POWER TIMES COMPARE AND OR NOT IF AS DOT")
_WEIGHT = {"LPAR": 2, "LSQB": 2, "LBRACE": 4}
_CLOSES = {"RPAR": "LPAR", "RSQB": "LSQB", "RBRACE": "LBRACE"}


@dataclass
class Opener:
    """An open bracket, with the depth inside it and the operators met since in the current chain of operands."""

    token: Token
    depth: int
    operators: int = 0


class Layout:
    """The stream of tokens, its open brackets and the comments passed on the way; belongs to one parse."""

    def __init__(self, source: Source, raw: Iterator[Token], max_depth: int = MAX_DEPTH) -> None:
        self.source = source
        self.comments: list[Comment] = []
        self.faults: list[Diagnostic] = []  # of comments: no statement has them
        self.brackets: list[Opener] = []
        self._raw = raw
        self._max_depth = max_depth
        self._queue: deque[Token] = deque()
        self._line: list[
            Token
        ] = []  # this line's tokens, where it starts inside ( ) or [ ]: it may be resumed
        self._line_start = 0
        self._indent = 0
        self._fresh = True  # nothing met on this line yet
        self._newline: Token | None = None  # a newline not yet known to matter
        self._previous = ""
        self._dropped: Diagnostic | None = None  # the fault of a dropped character, carried by the next token
        self._opened: Token | None = None  # what the last token did to the brackets
        self._closed: Opener | None = None
        self._in_use = False  # inside a `use`, where `from` is a word
        self._suspect: tuple[Token, Token | None] | None = (
            None  # a brace closed further out than it was opened
        )
        self._bottom = Opener(Token("", "", source, 0), 0)

    # ------------------------------------------------------------------------------------------------- raw

    def _lex(self) -> Token:
        """The next token as lexed, newlines included; comments are put aside, meaningless characters dropped."""
        if self._queue:
            return self._queue.popleft()
        for token in self._raw:
            if token.type == "COMMENT":
                self.comments.append(Comment(token.text.rstrip(), token.start, self._fresh))
                if (fault := literals.hidden(token)) is not None:
                    self.faults.append(fault)
                continue
            if token.type == "NEWLINE":
                self._line_start = token.end - len(token.text.replace("\r", "\n").rpartition("\n")[2])
                self._fresh = True
                self._line.clear()
                if self._dropped is not None:
                    token.fault, self._dropped = self._dropped, None
                return token
            if token.type == "BAD_CHARACTER" and self._dropped is not None and token.text != ";":
                continue  # the second of a run
            literals.examine(token)
            if not token.type:
                self._dropped = self._dropped or token.fault
                continue
            return self._place(token)
        return self._place(Token("$END", "", self.source, len(self.source.text)))

    def _place(self, token: Token) -> Token:
        if self._fresh:
            self._fresh = False
            token.first = True
            self._indent = token.start - self._line_start
        token.indent = self._indent
        if self._dropped is not None:
            token.fault, self._dropped = self._dropped, None
        if self._in_brackets():
            self._line.append(token)
        return token

    def _in_brackets(self) -> bool:
        return bool(self.brackets) and self.brackets[-1].token.type != "LBRACE"

    # ---------------------------------------------------------------------------------------------- layout

    def next(self) -> Token:
        """The next token for the grammar."""
        while True:
            token = self._lex()
            if token.type == "NEWLINE":
                if self._newline is not None and token.fault is None:
                    token.fault = self._newline.fault
                self._newline = token
                continue
            if token.type == "RBRACE" and not self.brackets:
                self._dropped = self._dropped or token.fault or errors.stray_closer(token.span)
                continue
            newline, self._newline = self._newline, None
            if newline is not None:
                if self._separates(token):
                    self._queue.appendleft(token)
                    return self._advance(newline)
                token.fault = token.fault or newline.fault
            starts = self._previous in ("", "NEWLINE", "LBRACE") and token.type not in ("$END", "RBRACE")
            token.starts_statement = starts
            if starts:
                if token.text == "//":
                    token.fault = text_errors.slash_comment(token.span)
                    token.type = "ERROR"
                    self._skip_line()
                elif token.type == "NAME":
                    token.type = STATEMENT_WORDS.get(token.text, "NAME")
                self._in_use = token.type == "USE"
            elif self._in_use and token.text == "from" and self._previous == "NAME":
                token.type = "FROM"
            return self._advance(token)

    def _separates(self, token: Token) -> bool:
        return not (
            self._previous in ("", "NEWLINE", "LBRACE")
            or self._previous in OPERATORS
            or token.type in _JOINS_BACK
            or self._in_brackets()
        )

    def _skip_line(self) -> None:
        while (token := self._lex()).type not in ("NEWLINE", "$END"):
            pass
        self._queue.appendleft(token)

    def _advance(self, token: Token) -> Token:
        """Follow the brackets and the depth; too deep ends the stream."""
        kind = token.type
        top = self.brackets[-1] if self.brackets else self._bottom
        self._opened = self._closed = None
        if kind in _OPENS_SEGMENT:
            top.operators = 0
        elif kind in _COUNTED:
            top.operators += 1
        elif kind in _WEIGHT:
            if kind == "LBRACE" or self._previous in ("RPAR", "RSQB"):
                top.operators += 1
            top = Opener(token, top.depth + top.operators + _WEIGHT[kind])
            self.brackets.append(top)
            self._opened = token
        elif self.brackets and top.token.type == _CLOSES.get(kind):
            self._closed = self.brackets.pop()
            if kind == "RBRACE" and token.first and token.indent < top.token.indent and not self._suspect:
                self._suspect = (top.token, token)
        self._previous = kind
        if top.depth + top.operators > self._max_depth:
            return self._end(token)
        return token

    def _end(self, token: Token) -> Token:
        end = Token("$END", "", self.source, token.start)
        end.fault = text_errors.too_deep(token.span, self._max_depth)
        self._raw = iter(())
        self._queue.clear()
        return end

    # -------------------------------------------------------------------------------------------- recovery

    def unclosed_brace(self) -> tuple[Token, Token | None]:
        """The open brace that was most likely forgotten; with the closing one that was taken by another."""
        return self._suspect or ([b.token for b in self.brackets if b.token.type == "LBRACE"][-1], None)

    def reject(self) -> None:
        """The last token does not fit: leave the brackets as they were before it."""
        if self._opened is not None:
            self.brackets.pop()
        if self._closed is not None:
            self.brackets.append(self._closed)
        self._opened = self._closed = None

    def dangling(self, token: Token, statement: Token) -> Opener | None:
        """The open ( or [ that was most likely never closed, if that is why ``token`` does not fit."""
        if not self._in_brackets():
            return None
        if token.type in ("$END", "RBRACE") or self._left_margin(token, statement):
            return self.brackets[-1]
        return None

    def _left_margin(self, token: Token, statement: Token) -> bool:
        """Whether the line of ``token`` starts, inside brackets, no further in than the statement: a new statement."""
        head = self._line[0] if self._line else token
        return (
            head.first
            and head.start > statement.start
            and head.indent <= statement.indent
            and head.type not in ("RPAR", "RSQB", "RBRACE", "ARROW")
        )

    def skip(self, token: Token, statement: Token) -> None:
        """Pass over the rest of a statement that went wrong at ``token``, to the next newline at its own depth.

        Stops also before a brace at the end of a line: what is in it can be read for itself.
        """
        keep = len(self.brackets)
        while keep and self.brackets[keep - 1].token.type != "LBRACE":
            keep -= 1
        nest = [opener.token.type for opener in self.brackets[keep:]]
        resume = bool(nest) and self._left_margin(token, statement)
        del self.brackets[keep:]
        (self.brackets[-1] if self.brackets else self._bottom).operators = 0
        previous, self._previous = "ERROR", "ERROR"
        if token.type == "NEWLINE":
            following = self._lex()
            self._queue.appendleft(following)
            self._newline = (
                None if following.type == "LBRACE" else token
            )  # a brace on the next line is still its own
            return
        if resume and self._line:
            self._queue.extendleft(reversed(self._line))
            token = self._lex()
        while True:
            kind = token.type
            if kind == "NEWLINE":
                self._newline = token
                token = self._lex()
                continue
            if kind == "$END" or (kind == "RBRACE" and keep and "LBRACE" not in nest):
                break
            if (
                token.first
                and token.start > statement.start
                and self._starts_anew(token, previous, nest, statement)
            ):
                self._newline = self._newline or Token("NEWLINE", "", self.source, token.start)
                break
            if kind == "LBRACE" and "LBRACE" not in nest:
                following = self._lex()
                self._queue.appendleft(following)
                if following.type == "NEWLINE":
                    break
            if kind in _WEIGHT:
                nest.append(kind)
            elif kind in _CLOSES:
                while nest and nest.pop() != "LBRACE" and kind == "RBRACE":
                    pass
            previous = kind
            token = self._lex()
        self._queue.appendleft(token)

    def _starts_anew(self, token: Token, previous: str, nest: list[str], statement: Token) -> bool:
        if not nest:
            return token.type not in _JOINS_BACK and (previous not in OPERATORS or previous == "COLON")
        return "LBRACE" not in nest and self._left_margin(token, statement)
