"""Mermaid: a closed set of lines, and, where Mermaid itself is there, what it reads is what was written.

``ARCHDSL_MERMAID=.../mermaid.min.js`` says where it is (npm install mermaid); nothing is fetched by a test.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from archdsl.drawing.build import make_picture
from archdsl.drawing.mermaid import quoted, to_mermaid
from tests.conftest import Golden
from tests.drawing.browser import browser_page
from tests.drawing.models import SAMPLES, gpt, network, without_lines
from tests.drawing.test_dot import HOSTILE, hostile

MARKDOWN = [
    "1. one", "- x", "+ y", "`a`", "**b**", "_c_", "__init__", "#quot;", "end", "%%{init: {}}%%", "a-->b", '"]', "# head",
    'click n0 "javascript:alert(1)"', "0.1", "a.b", "==>", "o--o", "[text](http://x)", "![i](x)", "$$x^2$$", "fa:fa-car",
]  # fmt: skip
TEXT = r'(?:[^"#`<>*$%\\{}|\n]|#\d+;|<br/>)*'
ID = r"(?:n|cluster)\d+"
LINES = [
    r"flowchart (TB|BT|LR|RL)",
    rf'n\d+(\("{TEXT}"\)|\["{TEXT}"\]|\(\("{TEXT}"\)\)|\[\["{TEXT}"\]\]|\(\["{TEXT}"\]\))',
    rf'subgraph cluster\d+\["{TEXT}"\]',
    r"end",
    rf'n\d+ (-->|-\.->)(\|"{TEXT}"\|)? n\d+',
    r"linkStyle [\d,]+ stroke:#\w{6},color:#\w{6}",
    r"classDef c\d+ fill:#\w{6},stroke:#\w{6},color:#\w{6}",
    rf"(class|style) {ID}(,{ID})* (c\d+|fill:#\w{{6}},stroke:#\w{{6}},color:#\w{{6}})",
]


@pytest.mark.parametrize("text", [*HOSTILE, *MARKDOWN], ids=lambda text: ascii(text)[:20])
def test_every_line_is_of_a_known_kind(text: str) -> None:
    for line in to_mermaid(hostile(text)).splitlines():
        assert any(re.fullmatch(kind, line.strip()) for kind in LINES), line


@pytest.mark.parametrize("name", [*SAMPLES, "gpt"])
def test_golden(name: str, golden: Golden) -> None:
    picture = make_picture(network(SAMPLES[name] if name in SAMPLES else gpt(12)))
    golden(f"drawing/{name}.mmd", without_lines(to_mermaid(picture)))


def test_plain_names_stay_readable() -> None:
    assert quoted("conv 3×3, 64 feed_forward 0.1 [B, T//2]") == "conv 3×3, 64 feed_forward 0.1 [B, T//2]"
    assert quoted("1. x") == "1#46; x"


def test_mermaid_reads_what_was_written() -> None:
    bundle = Path(os.environ.get("ARCHDSL_MERMAID", "node_modules/mermaid/dist/mermaid.min.js"))
    if not bundle.is_file():
        pytest.skip("no Mermaid: npm install mermaid, or ARCHDSL_MERMAID=/path/to/mermaid.min.js")
    script = """async ([text, number]) => {
        await mermaid.parse(text)
        const holder = document.createElement("div")
        holder.innerHTML = (await mermaid.render("m" + number, text)).svg
        const labels = [...holder.querySelectorAll(".nodeLabel, .edgeLabel")].map(e => e.textContent)
        return [labels, holder.querySelectorAll("script, a, img").length]
    }"""
    with browser_page() as page:
        page.set_content("<p></p>")
        page.add_script_tag(path=str(bundle))
        page.evaluate('mermaid.initialize({startOnLoad: false, securityLevel: "strict"})')
        for number, text in enumerate([*HOSTILE, *MARKDOWN]):
            labels, odd = page.evaluate(script, [to_mermaid(hostile(text)), number])
            assert odd == 0, text
            if text.isprintable() and 0 < len(text) < 200:
                assert any(text in label for label in labels), (text, labels)
        for number, sample in enumerate(SAMPLES.values(), 1000):
            labels, _ = page.evaluate(script, [to_mermaid(make_picture(network(sample))), number])
            assert labels
