"""The page that sets our drawings beside others' says what was measured, and ours are as readable as it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import drawings

ROOT = Path(__file__).resolve().parent.parent
RESULT = json.loads((ROOT / "benchmarks" / "results" / "drawings.json").read_text("utf-8"))


def test_the_page_is_that_of_the_results() -> None:
    assert drawings.PAGE_OF_RESULTS.read_text("utf-8") == drawings.page(RESULT), (
        "python -m benchmarks drawings"
    )
    for name in drawings.MODELS:
        for tool in ("archdsl", "torchview", "keras"):
            assert (drawings.IMAGES / f"{name}-{tool}.png").is_file()


@pytest.mark.parametrize("name", ["gpt2", "unet"])
def test_our_drawing_is_still_as_good(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "IMAGES", tmp_path)
    found = drawings._measured("archdsl", drawings._archdsl, name)
    assert found["readable_on_a_page"]
    assert found["megapixels"] < RESULT["torchview"][name]["megapixels"] / 4
    assert all(said is not False for said in found["says"].values())
