"""What is said about a program: one record with code, place, cause and what to type; renderings live elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from archdsl.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Label:
    """A second place that explains the first, with what it has to say (where a size was fixed, a block called)."""

    span: Span
    text: str


@dataclass(frozen=True)
class Fix:
    """An edit that mends the program: replace the text at ``span`` by ``replacement``."""

    span: Span
    replacement: str
    title: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding. ``code`` is ``E`` or ``W`` and four digits: two of stage, two of number.

    ``message`` says what is wrong in one line, ``help`` what to type, ``notes`` the arithmetic or the chain of shapes.
    """

    code: str
    message: str
    span: Span
    help: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()

    @property
    def severity(self) -> Severity:
        return "warning" if self.code.startswith("W") else "error"


class DiagnosticError(Exception):
    """Raised by ``load``, ``parse`` and ``build`` when a program has errors: ``diagnostics``, and the rendered text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from archdsl.report import render_text

        return render_text(self.diagnostics, color=False)
