"""Every example in the language reference is run: right ones say nothing, failing ones give the codes they are marked with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archdsl.cli import main
from archdsl.network.context import Limits
from tests.language.support import check, keys, only

PAGE = (Path(__file__).parents[2] / "docs/language.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```arch *([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```arch") >= 20


@pytest.mark.parametrize(("mark", "text"), EXAMPLES, ids=[text.split("\n")[0][:40] for _, text in EXAMPLES])
def test_an_example_does_what_the_page_says(mark: str, text: str) -> None:
    networks, found = check(text)
    wanted = mark.removeprefix("fail").replace(",", " ").split()
    assert [d.code for d in found if d.severity == "error"] == wanted, [(d.code, d.message) for d in found]
    if not wanted:
        assert not found
        assert networks


def test_the_table_of_keys_is_right() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| (`[^|]*weight`[^|]*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 8
    for left, right in rows:
        parts = re.findall(r"`([^`]*)`", left)
        *blocks, body = (
            ["block unit { conv(8) }", *parts] if "unit" in left and "block unit" not in left else parts
        )
        if body.startswith("layer"):
            body += "\n head"
        text = "\n".join(blocks) + f"\nmodel m {{ input x: [B, 8, H, W]\n {body} }}"
        found = [key for key in keys(only(text)) if key.endswith(".weight")]
        wanted = re.findall(r"`([^`]*)`", right)
        assert found[: len(wanted)] == wanted, text


def test_the_table_of_limits_is_right() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+)(?: MiB)? \|", PAGE, re.MULTILINE))
    for name, value in vars(Limits()).items():
        assert int(rows[name].replace(",", "")) == value, name


def test_the_page_names_codes_that_have_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    for code in sorted(set(re.findall(r"\b[EW]\d{4}\b", PAGE))):
        assert main(["explain", code]) == 0, code
    capsys.readouterr()


def test_the_precedence_that_the_page_gives() -> None:
    assert "from loosest to tightest" in PAGE
    only("""model m {
      input x: [B, 8]
      expect -2 ** 2 == -4 and 2 * 3 ** 2 == 18 and 1 + 2 * 3 == 7 and not 1 > 2
      id + id -> relu
    }""")
