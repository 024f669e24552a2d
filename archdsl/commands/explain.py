"""``archdsl explain``: the page on an error's code, with a program that has it and one that doesn't."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from archdsl.commands import streams
from archdsl.failures import UsageFailure

PAGES = Path(__file__).resolve().parent.parent / "explanations"


def codes() -> list[str]:
    """All codes that have a page."""
    return sorted(path.stem for path in PAGES.glob("[EW]*.md"))


def page(code: str) -> str:
    """The text of a page."""
    return (PAGES / f"{code}.md").read_text(encoding="utf-8")


def run(arguments: argparse.Namespace) -> int:
    asked = (arguments.code or "").upper()
    known = codes()
    if asked in known:
        streams.result(page(asked))
        return 0
    found = [code for code in known if code.startswith(asked)] if re.fullmatch(r"[EW]?\d{0,4}", asked) else []
    if not found:
        raise UsageFailure(f"there is no code {arguments.code}; `archdsl explain` lists them all")
    for code in found:
        title = page(code).partition("\n")[0].removeprefix("# ").removeprefix(code).lstrip(": ")
        streams.result(f"{code}  {title}\n")
    return 0
