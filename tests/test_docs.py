"""Generated pages are what they would be now; figures counted anew, differences as benchmarks/results has them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_zoo_is_up_to_date(generate: ModuleType) -> None:
    assert (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8") == generate.page(), "run `make docs`"


def test_nothing_on_record_differs() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "zoo.json").read_text(encoding="utf-8"))
    assert results
    for name, facts in results.items():
        for whose, found in facts.get("compared", {}).items():
            assert found["difference"] < 1e-5, (name, whose)


def test_lines_are_counted_with_the_blocks_that_are_used(generate: ModuleType) -> None:
    zoo = ROOT / "specs" / "zoo"
    alone = generate.lines(zoo / "resnet.arch", "resnet")
    assert generate.lines(zoo / "resnet.arch", "resnet50") == alone + 1
    names = {part.name for part in generate.parts(zoo / "resnet.arch", "resnet", set())}
    assert {"resnet", "bottleneck", "conv_norm"} <= names
