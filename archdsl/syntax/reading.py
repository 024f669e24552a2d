"""Bytes to source: UTF-8 and nothing else, with a message that says what the bytes look like instead."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source, Span
from archdsl.syntax import text_errors

MAX_BYTES = 4 * 1024 * 1024
"""A hundred thousand layers written out fit in it."""

_UTF8_MARK = b"\xef\xbb\xbf"
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive, as checkpoints (.pt) and packages are"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x08", "an ONNX model"),
)


def read_source(
    name: str, data: bytes, max_bytes: int = MAX_BYTES
) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """The text of a file; None, and why, where it is none. What characters may stand in it is the lexer's concern."""
    nothing = Span(Source(name, ""), 0, 0)
    if len(data) > max_bytes:
        return None, (text_errors.too_large(nothing, max_bytes),)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, (text_errors.utf16(nothing, "UTF-16"),)
    head = data[:64]
    if b"\0" in data:
        if len(head) > 1 and head.isascii() and _alternates(head):
            return None, (text_errors.utf16(nothing, "UTF-16"),)
        looks_like = next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)
        return None, (
            text_errors.binary(_span(name, data, data.index(b"\0")), data.index(b"\0"), looks_like),
        )
    data = data.removeprefix(_UTF8_MARK)
    try:
        return Source(name, data.decode("utf-8")), ()
    except UnicodeDecodeError as error:
        return None, (text_errors.not_utf8(_span(name, data, error.start), error.start, data[error.start]),)


def _alternates(head: bytes) -> bool:
    """Whether every second byte is NUL, as in Western text in UTF-16."""
    even, odd = head[0::2], head[1::2]
    return (not any(even) and all(odd)) or (not any(odd) and all(even))


def _span(name: str, data: bytes, offset: int) -> Span:
    """The place of a byte, in the text as far as it can be read."""
    text = data.decode("utf-8", errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    at = len(data[:offset].decode("utf-8", errors="replace"))
    return Span(Source(name, text), at, min(at + 1, len(text)))
