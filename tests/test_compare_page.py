"""The page on formulas, budgets and differences: every command on it gives what stands below it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from archdsl.cli import main

PAGE = (Path(__file__).parents[1] / "docs/compare.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    example.partition("\n")[::2]
    for block in BLOCKS
    for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]


def output(command: str, capsys: Any) -> str:
    """What a terminal shows of a command, messages after results."""
    name, *arguments = shlex.split(command)
    assert name == "archdsl"
    assert main(arguments) in (0, 1)
    out, err = capsys.readouterr()
    return str(out + err)


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("\n$ ") >= 10
    assert PAGE.count("```console") == len(BLOCKS)


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_gives_what_the_page_says(command: str, shown: str, capsys: Any) -> None:
    assert output(command, capsys) == shown
