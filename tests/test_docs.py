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


def test_the_list_is_up_to_date(generate: ModuleType) -> None:
    assert (ROOT / "docs" / "rows.md").read_text(encoding="utf-8") == generate.listed(), "run `make docs`"


def test_no_row_of_the_list_names_what_does_not_exist(generate: ModuleType) -> None:
    assert list(generate.rows.dead(generate.rows.rows(), generate.models())) == []


@pytest.mark.parametrize(
    ("where", "tests"),
    [
        ("zoo:resnet51", "tests/test_docs.py"),
        ("std:bottlenek", "tests/test_docs.py"),
        ("block:resnet/inception", "tests/test_docs.py"),
        ("block:nowhere/inception", "tests/test_docs.py"),
        ("op:convolution", "tests/test_docs.py"),
        ("lint:W9999", "tests/test_docs.py"),
        ("lang:99", "tests/test_docs.py"),
        ("later:tomorrow", "tests/test_docs.py"),
        ("magic:conv", "tests/test_docs.py"),
        ("op:conv", ""),
        ("op:conv", "tests/test_nowhere.py"),
        ("op:conv", "tests/test_docs.py::test_nowhere"),
        ("op:conv", "tests/conftest.py"),
    ],
)
def test_dead_names_of_the_list_are_noticed(generate: ModuleType, where: str, tests: str) -> None:
    rows = generate.rows
    good = rows.Row("layers", "one", ("op:conv",), ("tests/test_docs.py",), "")
    assert list(rows.dead([good], [])) == []
    bad = rows.Row("layers", "one", tuple(where.split()), tuple(tests.split()), "")
    assert len(list(rows.dead([good, bad], ["resnet50"]))) == 1


def test_published_figures_are_of_models_that_exist(generate: ModuleType) -> None:
    assert set(generate.recorded()[1]) <= set(generate.models())


def test_nothing_on_record_differs() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "zoo.json").read_text(encoding="utf-8"))
    assert results
    for name, facts in results.items():
        for whose, found in facts.get("compared", {}).items():
            assert found["difference"] < 1e-5, (name, whose)


def test_a_reservation_is_said_below_the_table(generate: ModuleType) -> None:
    facts = {
        "gru": {"compiles": "in parts: why"},
        "lstm": {"compiles": "in parts: why"},
        "tcn": {"compiles": True},
    }
    assert generate._reasons(facts) == ["\n‡ gru, lstm: compiles in parts: why."]
    assert [generate._mark(done) for done in (True, "why", False, None)] == ["✓", "‡", "–", "–"]


def test_lines_are_counted_with_the_blocks_that_are_used(generate: ModuleType) -> None:
    zoo = ROOT / "specs" / "zoo"
    alone = generate.lines(zoo / "resnet.arch", "resnet")
    assert generate.lines(zoo / "resnet.arch", "resnet50") == alone + 1
    names = {part.name for part in generate.parts(zoo / "resnet.arch", "resnet", set())}
    assert {"resnet", "bottleneck", "conv_norm"} <= names
