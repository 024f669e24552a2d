"""The automaton's tables: no conflicts, every rule builds something, and a cache that may be missing or broken."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lark
import pytest

from archdsl.data import data_root
from archdsl.syntax import build
from archdsl.syntax import tables as cached
from archdsl.syntax.parser import generate

GRAMMAR = (data_root() / "grammars" / "arch.lark").read_text("utf-8")


def test_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    """Lark raises for reduce/reduce; shift/reduce it resolves in silence, unless asked."""
    before = lark.logger.level
    lark.logger.setLevel(logging.DEBUG)
    lark.logger.addHandler(caplog.handler)
    try:
        lark.Lark(GRAMMAR, parser="lalr", lexer="basic", start="file", keep_all_tokens=True, debug=True)
    finally:
        lark.logger.removeHandler(caplog.handler)
        lark.logger.setLevel(before)
    assert not [r.getMessage() for r in caplog.records if "onflict" in r.getMessage()]


def test_every_rule_builds() -> None:
    found = generate(GRAMMAR)
    assert {made for _, _, made in found.rules if made is not None} <= set(vars(build))
    assert all(size > 0 or made is not None for _, size, made in found.rules)
    assert all(size == 1 for _, size, made in found.rules if made is None)


def test_terminals_are_ascii() -> None:
    accepted = [regexp for name, regexp in generate(GRAMMAR).terminals if not name.startswith("BAD_")]
    assert all(regexp.isascii() and r"\d" not in regexp and r"\w" not in regexp for regexp in accepted)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def plain(tables: Any) -> Any:
    return tables.terminals, tables.words, tables.rules, tables.states, tables.start, tables.end


def test_cache_holds_what_was_generated(home: Path) -> None:
    assert cached.load(GRAMMAR) is None
    made = generate(GRAMMAR)
    cached.store(GRAMMAR, made)
    found = cached.load(GRAMMAR)
    assert found is not None
    assert plain(found) == plain(made)
    assert [path.name.startswith("grammar-") for path in (home / "archdsl").iterdir()] == [True]
    assert cached.load(GRAMMAR + "// changed\n") is None


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"00000000\n{}", b"{", b"[" * 100_000])
def test_a_broken_cache_is_no_cache(home: Path, damage: bytes) -> None:
    cached.store(GRAMMAR, generate(GRAMMAR))
    (path,) = (home / "archdsl").iterdir()
    path.write_bytes(damage)
    assert cached.load(GRAMMAR) is None
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert cached.load(GRAMMAR) is None


def test_every_changed_byte_is_noticed(home: Path) -> None:
    cached.store(GRAMMAR, generate(GRAMMAR))
    (path,) = (home / "archdsl").iterdir()
    content = path.read_bytes()
    for at in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert cached.load(GRAMMAR) is None


@pytest.mark.parametrize("where", ["file", "missing home", "relative"])
def test_parsing_does_without_a_cache(tmp_path: Path, where: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")
    }
    if where == "file":
        (tmp_path / "taken").write_text("")
        environment["XDG_CACHE_HOME"] = str(tmp_path / "taken")
    elif where == "relative":
        environment |= {"XDG_CACHE_HOME": "cache", "HOME": str(tmp_path)}
    else:
        environment["HOME"] = "/dev/null"
    program = "from archdsl.syntax.parser import *; print(parse(Source('x', 'a -> b'))[1])"
    environment["PYTHONPATH"] = str(data_root())
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("()\n", "")
    assert not (tmp_path / "cache").exists()


def test_lark_is_not_imported_where_tables_are_cached(home: Path) -> None:
    cached.store(GRAMMAR, generate(GRAMMAR))
    program = "import sys; from archdsl.syntax.parser import *; parse(Source('x', 'a')); print('lark' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(data_root())}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
