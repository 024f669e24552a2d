"""What can be wrong with a structure: E02xx, how statements and expressions are put together.

One named constructor each; ``text_errors.py`` has those of characters, literals and limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import Diagnostic, Label
from archdsl.source import Span
from archdsl.syntax.text_errors import quoted, replacing

if TYPE_CHECKING:
    from archdsl.syntax.tokens import Token

MATES = {"(": ")", "[": "]", "{": "}"}


class Fault(Exception):
    """Raised inside the parser by what builds a node; carries the diagnostic to where the recovery is."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


def unclosed(opener: Token, closer: Token | None = None) -> Diagnostic:
    """A bracket without its end; ``closer`` is the one that ended another bracket in its place."""
    labels = () if closer is None else (Label(closer.span, "this one stands further out, and closed it"),)
    mate = MATES[opener.text]
    return Diagnostic(
        "E0203", f"this `{opener.text}` is never closed", opener.span, (f"close it with `{mate}`",), labels
    )


def stray_closer(span: Span) -> Diagnostic:
    opener = next(opener for opener, mate in MATES.items() if mate == span.text)
    hint = f"delete it, or look for a missing `{opener}` before it"
    return Diagnostic("E0204", f"this `{span.text}` closes nothing", span, (hint,))


def misplaced(span: Span, word: str) -> Diagnostic:
    return Diagnostic(
        "E0217",
        f"`{word}` stands at the top of a file only, not in a body",
        span,
        ("move it out of the braces",),
    )


def edition_not_whole(span: Span) -> Diagnostic:
    return Diagnostic("E0216", "an edition is a whole number", span, ("write `edition 1`",))


def late_edition(span: Span) -> Diagnostic:
    return Diagnostic("E0216", "`edition` heads the file", span, ("move it to the first line",))


def default_in_raw_tensor(span: Span, word: str) -> Diagnostic:
    return Diagnostic("E0215", f"the sizes of a {word} have no defaults", span, ("write the size alone",))


def default_without_name(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0215", "only a name can have a default size", span, ("write `H=224`, or the number alone",)
    )


def unknown_kind(span: Span, word: str) -> Diagnostic:
    hint = "a parameter is a plain value, or `: tensor`, or `: block`"
    return Diagnostic("E0213", f"{quoted(word)} is not a kind of parameter", span, (hint,))


def mismatched(span: Span, opener: Token) -> Diagnostic:
    mate = MATES[opener.text]
    labels = (Label(opener.span, "opened here"),)
    message = f"`{opener.text}` is closed by `{mate}`, not by `{span.text}`"
    return Diagnostic("E0204", message, span, (f"write `{mate}`",), labels, fixes=replacing(span, mate))


def expression_missing(span: Span, found: str, after: str | None) -> Diagnostic:
    where = f" after {quoted(after)}" if after else ""
    return Diagnostic(
        "E0201", f"expected an expression{where}, found {found}", span, ("write what belongs there",)
    )


def word_for_expression(span: Span, word: str) -> Diagnostic:
    return Diagnostic(
        "E0201", f"expected an expression, found the word `{word}`", span, ("write what belongs before it",)
    )


def point_first(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0201", "expected an expression, found `.`", span, ("a number starts with a digit: `0.5`",)
    )


def unary_plus(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0201", "expected an expression, found `+`", span, ("there is no unary `+`: leave it out",)
    )


def empty_item(span: Span) -> Diagnostic:
    return Diagnostic("E0201", "expected an expression, found `,`", span, ("leave out one of the commas",))


def brace_for_expression(span: Span) -> Diagnostic:
    hint = "braces hold the statements of a `block`, `model`, `if`, `for` or `repeat`"
    return Diagnostic("E0201", "expected an expression, found `{`", span, (hint,))


def side_by_side(span: Span, found: str, after: str, mate: str | None) -> Diagnostic:
    """Two expressions with nothing between them; ``mate`` closes the bracket they are in."""
    if mate:
        hint = f"put `,` between two items, or close with `{mate}` before it"
    else:
        hint = "`->` leads from one box to the next: `conv(64) -> relu`; a new statement starts on a new line"
    return Diagnostic("E0202", f"{found} cannot follow {quoted(after)} directly", span, (hint,))


def after_expression(span: Span, found: str) -> Diagnostic:
    return Diagnostic(
        "E0202", f"{found} cannot follow an expression", span, ("start a new statement on a new line",)
    )


def else_without_if(span: Span) -> Diagnostic:
    hint = "write `a if condition else b`, or `if condition { ... } else { ... }`"
    return Diagnostic("E0202", "this `else` belongs to no `if`", span, (hint,))


def body_after_expression(span: Span) -> Diagnostic:
    hint = "a body follows `block name`, `model name`, `if condition`, `else`, `for x in xs` and `repeat n`"
    return Diagnostic("E0202", "`{` cannot follow an expression", span, (hint,))


def stray_comma(span: Span) -> Diagnostic:
    hint = "a list stands in brackets: `[f, g]`; several names on the left of `=` have no brackets"
    return Diagnostic("E0202", "this `,` separates nothing", span, (hint,))


def generator(span: Span) -> Diagnostic:
    return Diagnostic("E0202", "`for` makes a list in brackets only", span, ("write `[f for x in xs]`",))


def slice_(span: Span) -> Diagnostic:
    hint = "an index is one number; a tensor is cut by `narrow(start, length, dim=...)`"
    return Diagnostic("E0202", "there are no slices", span, (hint,))


def annotated_name(span: Span) -> Diagnostic:
    hint = "write `name = ...`; parameters, `input`, `param` and `buffer` have a `:`"
    return Diagnostic("E0202", "a name has no type", span, (hint,))


def mixed_concatenation(span: Span) -> Diagnostic:
    hint = "write `(a + b) ++ c` or `a + (b ++ c)`"
    return Diagnostic("E0206", "`++` beside `+` or `-` needs parentheses", span, (hint,))


def chained_comparison(span: Span) -> Diagnostic:
    return Diagnostic("E0207", "comparisons do not chain", span, ("write `a < b and b < c`",))


def equal_in_expression(span: Span, in_call: bool) -> Diagnostic:
    hints = ("`==` compares",) + (("an argument is named by a name: `f(k=3)`",) if in_call else ())
    return Diagnostic("E0208", "`=` cannot stand in an expression", span, hints, fixes=replacing(span, "=="))


def colon_for_brace(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0209", "a body is opened by `{`, not by `:`", span, ("write `{ ... }` around the statements",)
    )


def foreign_word(span: Span, word: str, meant: str) -> Diagnostic:
    return Diagnostic("E0210", f"there is no `{word}`", span, (meant,))


def missing_body(span: Span, form: str) -> Diagnostic:
    return Diagnostic("E0211", "a body is missing", span, (f"open it with `{{` on the same line: `{form}`",))


def statement_word(span: Span, word: str, form: str) -> Diagnostic:
    hint = f"it starts `{form}`; to use it as a name, choose another one"
    return Diagnostic("E0212", f"`{word}` is no name at the start of a statement", span, (hint,))


def alias_with_parameters(span: Span, word: str) -> Diagnostic:
    hint = f"write `{word} name(a) {{ ... }}`, or `{word} name = ...` without parameters"
    return Diagnostic("E0214", f"a {word} with parameters has a body in braces", span, (hint,))


def reserved(span: Span, word: str) -> Diagnostic:
    return Diagnostic(
        "E0218", f"`{word}` is a word of the language, not a name", span, ("choose another name",)
    )


def expected(span: Span, wanted: list[str], found: str, form: str | None) -> Diagnostic:
    what = " or ".join(wanted) if wanted else "something else"
    hint = f"write `{form}`" if form else f"write {what} there"
    return Diagnostic("E0219", f"expected {what}, found {found}", span, (hint,))
