"""What can go wrong between a DOT text and a picture."""

from __future__ import annotations

from typing import Literal

Kind = Literal["missing", "failed", "timeout", "empty", "too_large"]


class EngineError(Exception):
    """The layout engine gave no picture.

    ``kind`` says why: ``missing`` (not installed), ``failed`` (it refused the input or broke), ``timeout``,
    ``empty`` (it ended well and wrote nothing), ``too_large`` (more than the memory or depth allowed).
    """

    def __init__(self, kind: Kind, message: str) -> None:
        self.kind: Kind = kind
        self.message = message
        super().__init__(message)


class UnsafeSvg(Exception):
    """A drawing holds something that is not on the list of what drawings may hold; it must not be shown."""
