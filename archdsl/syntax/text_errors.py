"""What can be wrong with a text before it has structure: E01xx, bytes, characters, literals and limits."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Fix
from archdsl.source import Span


def quoted(text: str, limit: int = 40) -> str:
    """``text`` as a message may show it: one line, no control characters, clipped."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[: limit + 1])
    return f"`{shown}`" if len(text) <= limit else f"`{shown[:limit]}...`"


def replacing(span: Span, replacement: str) -> tuple[Fix, ...]:
    return (Fix(span, replacement, f"write `{replacement}`"),)


def not_utf8(span: Span, offset: int, byte: int) -> Diagnostic:
    message = f"this file is not UTF-8: byte 0x{byte:02x} at offset {offset} cannot stand there"
    return Diagnostic("E0101", message, span, ("save the file as UTF-8",))


def utf16(span: Span, encoding: str) -> Diagnostic:
    return Diagnostic("E0102", f"this file is {encoding}, not UTF-8", span, ("save the file as UTF-8",))


def binary(span: Span, offset: int, looks_like: str | None) -> Diagnostic:
    what = f"this looks like {looks_like}" if looks_like else "this is not a text"
    hints = ("a program is a text file, usually named `*.arch`",)
    return Diagnostic("E0103", f"{what}: there is a NUL byte at offset {offset}", span, hints)


def hidden_character(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "E0104", f"invisible character {name}", span, ("delete it",), fixes=(Fix(span, "", "delete it"),)
    )


def bidirectional(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "E0105",
        f"{name} changes the direction in which text is shown, so that code reads as what it is not",
        span,
        ("delete it",),
        fixes=(Fix(span, "", "delete it"),),
    )


def too_large(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0106", f"this file is larger than {limit:,} bytes", span, ("raise it with `--limit file=N`",)
    )


def unexpected_character(span: Span, text: str, name: str) -> Diagnostic:
    return Diagnostic("E0107", f"{quoted(text)} ({name}) means nothing here", span, ("delete it",))


def foreign_letter(span: Span, text: str, name: str, latin: str | None) -> Diagnostic:
    message = f"{quoted(text)} ({name}) cannot be part of a name"
    if latin:
        hint = f"it looks like the Latin `{latin}`, which is another letter: type that one"
        return Diagnostic("E0107", message, span, (hint,), fixes=replacing(span, latin))
    return Diagnostic("E0107", message, span, ("names are made of a-z, A-Z, 0-9 and _",))


def foreign_digit(span: Span, text: str, name: str) -> Diagnostic:
    return Diagnostic(
        "E0107", f"{quoted(text)} ({name}) is not one of 0-9", span, ("write numbers with 0-9",)
    )


def strange_space(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "E0107", f"{name} is not a plain space", span, ("type a space",), fixes=replacing(span, " ")
    )


def curly_quote(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "E0107", f"{quoted(text)} does not quote", span, ('strings stand in plain double quotes: "..."',)
    )


def backslash(span: Span) -> Diagnostic:
    hint = "a line goes on inside ( ) and [ ], after an operator, a comma or `=`, and before `->`"
    return Diagnostic("E0107", "`\\` does not continue a line", span, (hint,))


def unclosed_string(span: Span) -> Diagnostic:
    return Diagnostic("E0108", "this string is not closed on its line", span, ('end it with `"`',))


def unknown_escape(span: Span, letter: str) -> Diagnostic:
    message = f"{quoted(chr(92) + letter)} is no escape"
    return Diagnostic("E0109", message, span, (r"escapes are `\n`, `\t`, `\"` and `\\`",))


def too_deep(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0110",
        f"this is nested too deeply (limit depth={limit}: an operator counts 1, a bracket 2, a brace 4)",
        span,
        ("name a part of it with `=` or make it a block; or raise the limit with `--limit depth=N`",),
    )


def bad_number(span: Span, text: str) -> Diagnostic:
    lower = text.lower()
    if lower.startswith(("0x", "0b", "0o")):
        hint = "numbers are decimal"
    elif lower[:1] == "0" and lower[1:2].isdigit():
        hint = "a number has no leading zero"
    elif "_" in text:
        hint = "`_` stands between digits only: 25_557_032"
    elif text.count(".") > 1:
        hint = "a number has one point"
    else:
        hint = "a name cannot start with a digit; a product needs its `*`"
    return Diagnostic("E0111", f"{quoted(text)} is not a number", span, (hint,))


def number_too_long(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0112", f"a number of {span.end - span.start:,} digits", span, (f"at most {limit} digits",)
    )


def number_out_of_range(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "E0112", f"{quoted(text)} cannot be held by a 64-bit float", span, ("write a nearer number",)
    )


def single_quotes(span: Span, closed: bool) -> Diagnostic:
    hint = ('strings stand in double quotes: "..."',)
    text = span.text
    plain = closed and '"' not in text and "\\" not in text
    return Diagnostic(
        "E0113",
        "single quotes do not quote",
        span,
        hint,
        fixes=replacing(span, f'"{text[1:-1]}"') if plain else (),
    )


def foreign_arrow(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "E0114", f"{quoted(text)} is not the arrow", span, ("write `->`",), fixes=replacing(span, "->")
    )


def foreign_operator(span: Span, text: str, meant: str) -> Diagnostic:
    message = f"{quoted(text)} is not an operator"
    return Diagnostic("E0114", message, span, (f"write `{meant}`",), fixes=replacing(span, meant))


def augmented_assignment(span: Span, text: str) -> Diagnostic:
    hint = f"write `x = x {text[:-1]} ...`: a name gets a new value, nothing is changed in place"
    return Diagnostic("E0114", f"{quoted(text)} is not an operator", span, (hint,))


def slash_comment(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0115",
        "`//` divides; it does not start a comment",
        span,
        ("comments start with `#`",),
        fixes=replacing(span, "#"),
    )


def semicolon(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0116", "`;` does not separate statements", span, ("start the next statement on its own line",)
    )


def triple_quotes(span: Span) -> Diagnostic:
    return Diagnostic("E0117", "strings have one quote at each end", span, ('write "..." on one line',))


def too_many(span: Span, limit: int) -> Diagnostic:
    return Diagnostic("E0118", f"more than {limit} errors: the rest of the file was not read", span)
