"""The drawings in docs/images are what the program draws now; ``pytest --update-goldens`` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.drawing.render import render
from tests.drawing.models import without_lines, zoo

IMAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "images"


@pytest.mark.parametrize(
    ("file", "model"), [("transformer", "transformer_base"), ("unet", "unet"), ("gpt2", "gpt2")]
)
def test_the_images_in_the_documentation_are_current(
    file: str, model: str, request: pytest.FixtureRequest
) -> None:
    svg = render(zoo(file)[model], direction="right" if model == "gpt2" else "down")
    assert isinstance(svg, str)
    path = IMAGES / f"{model}.svg"
    if request.config.getoption("--update-goldens"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(svg.encode("utf-8"))
    assert len(svg) < 60_000
    assert without_lines(svg) == without_lines(path.read_bytes().decode("utf-8"))
