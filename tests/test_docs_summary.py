"""Every example of docs/summary.md is run: commands print what stands there, specs are right."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from archdsl.cli import main
from tests.language.support import check

PATH = Path(__file__).parents[1] / "docs/summary.md"
PAGE = PATH.read_text("utf-8")
COMMANDS = re.findall(r"^```console\n\$ archdsl ([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SPECS = re.findall(r"^```arch\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def said(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints, the last line with its exit code where that is not 0."""
    code = main(shlex.split(command))
    printed = capsys.readouterr()
    return printed.out + printed.err + (f"exit code {code}\n" if code else "")


def test_the_page_has_its_examples() -> None:
    assert len(COMMANDS) == PAGE.count("```console") >= 7
    assert len(SPECS) == PAGE.count("```arch") >= 1


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_prints_what_the_page_shows(
    command: str, shown: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    found = said(command, capsys)
    if request.config.getoption("--update-goldens"):
        start = f"```console\n$ archdsl {command}\n"
        text = PATH.read_text("utf-8")
        PATH.write_text(text.replace(start + shown + "```", start + found + "```"), "utf-8")
        return
    assert shown == found


@pytest.mark.parametrize("text", SPECS)
def test_a_spec_does_what_it_says(text: str) -> None:
    networks, found = check(text)
    assert networks
    assert not found
