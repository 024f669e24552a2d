"""The command line: exit codes, streams, what is written and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archdsl.cli import main

GOOD = "model m(c=8) {\n  input x: [B, 3, H=32, W=32]\n  conv(c) -> relu\n  global_avg_pool -> linear(10) as head\n}\n"
BAD = "model m {\n  input x: [B, 3, H=32, W=32]\n  convv(8)\n}\n"
TWO = GOOD + GOOD.replace("model m", "model n")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.arch"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.arch"
    path.write_text(BAD)
    return path


def run(
    *arguments: object, text: str | None = None, env: dict[str, str] | None = None, cwd: Path | None = None
) -> Any:
    """A process of its own, as users have it."""
    return subprocess.run(
        [sys.executable, "-m", "archdsl", *map(str, arguments)],
        input=text, capture_output=True, text=True, timeout=120, cwd=cwd, errors="backslashreplace",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent), **(env or {})},
    )  # fmt: skip


def test_check(good: Path, bad: Path, capsys: Any) -> None:
    assert main(["check", str(good)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{good}: ok (m)\n"
    assert err == ""
    assert main(["check", str(good), str(bad)]) == 1
    out, err = capsys.readouterr()
    assert out == f"{good}: ok (m)\n"
    assert f"--> {bad}:3:3" in err
    assert err.endswith("\n1 error\n")
    assert "\x1b" not in err


@pytest.mark.parametrize("format", ["json", "sarif", "github", "short"])
def test_check_formats(format: str, bad: Path, good: Path, capsys: Any) -> None:
    assert main(["check", str(bad), "--format", format]) == 1
    out, err = capsys.readouterr()
    text, other = (err, out) if format == "short" else (out, err)
    assert other == ""
    assert "E0301" in text
    if format in ("json", "sarif"):
        json.loads(text)
    assert main(["check", str(good), "--format", format]) == 0


def test_check_fix(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "f.arch"
    path.write_text(GOOD.replace("global_avg_pool", "gap").replace("->", "=>", 1))
    assert main(["check", "--fix", str(path)]) == 1  # the arrow first: what is behind it was not read
    assert main(["check", "--fix", str(path)]) == 0
    assert path.read_text() == GOOD


def test_check_emit(good: Path, capsys: Any) -> None:
    assert main(["check", str(good), "--emit", "tree"]) == 0
    assert capsys.readouterr().out.startswith("Definition keyword='model' name='m'  @1:1\n")
    assert main(["check", str(good), "--emit", "network"]) == 0
    assert "Conv(out_channels=8" in capsys.readouterr().out


def test_figures_are_measured(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "f.arch"
    path.write_text(GOOD + "expect m.params == 315\nexpect m.macs < 300e3 and m.receptive_field == 3\n")
    assert main(["check", str(path)]) == 1
    err = capsys.readouterr().err
    assert "`m.params == 315` does not hold: measured 314, expected 315 (1 less)" in err
    assert err.count("error[") == 1


def test_usage(good: Path, capsys: Any) -> None:
    for arguments in [["nothing"], [], ["check"], ["summary", str(good), "--format", "xml"]]:
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    for more in [
        ["--set", "c"], ["--set", "c=)("], ["--set", "c=4,"], ["--set", "c=4) { id }#"], ["--at", "B=x"], ["--at", "Q=3"], ["--limit", "nothing=3"],
        ["--field", "total.x"], ["--expand", "nowhere"],
    ]:  # fmt: skip
        assert main(["summary", str(good), *more]) == 2, more
    assert main(["summary", f"{good}:other"]) == 2
    assert "its models are m" in capsys.readouterr().err
    assert main(["render", str(good), "-o", "x.bmp"]) == 2
    assert main(["build", str(good)]) == 2
    assert main(["explain", "E9999"]) == 2
    assert main(["ops", "convv"]) == 2
    assert "did you mean conv" in capsys.readouterr().err


def test_a_model_is_chosen(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "n.arch"
    path.write_text(TWO)
    assert main(["summary", str(path), "--field", "model"]) == 0
    assert main(["summary", f"{path}:m", "--field", "model"]) == 0
    assert capsys.readouterr().out == "n\nm\n"
    other = tmp_path / "other.arch"
    other.write_text(TWO)
    assert main(["summary", str(other)]) == 2
    assert "its models are m, n" in capsys.readouterr().err


def test_files(tmp_path: Path, good: Path, capsys: Any) -> None:
    for name in [tmp_path / "none.arch", tmp_path, "zoo:nothing", "/dev/zero", "a\0b"]:
        assert main(["check", str(name)]) == 3, name
        assert main(["summary", str(name)]) == 3, name
    assert main(["check", str(tmp_path / "none.arch"), str(good)]) == 3
    assert f"{good}: ok" in capsys.readouterr().out
    assert main(["render", str(good), "-o", str(tmp_path / "no" / "x.svg")]) == 3
    assert main(["render", str(good), "-o", str(good.with_suffix(".svg")), "--root", "/nowhere"]) == 3


def test_limits(good: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["check", str(good), "--limit", "file=10"]) == 5
    path = tmp_path / "deep.arch"
    path.write_text(
        "block f(n) {\n  conv(8)\n  f(n + 1)\n}\nmodel m {\n  input x: [B, 3, H=32, W=32]\n  f(0)\n}\n"
    )
    assert main(["check", str(path)]) == 5
    assert "--limit" in capsys.readouterr().err


def test_plugins(good: Path, tmp_path: Path) -> None:
    assert main(["check", str(good), "--plugin", "no_such_module_at_all"]) == 4
    (tmp_path / "broken.py").write_text("1 / 0")
    assert run("check", good, "--plugin", "broken", cwd=tmp_path).returncode == 4
    (tmp_path / "mine.py").write_text("print('hello')")
    assert run("check", good, "--plugin", "mine", cwd=tmp_path).stdout.startswith("hello\n")
    assert "hello" not in run("check", good, cwd=tmp_path).stdout


def test_standard_input() -> None:
    assert run("check", "-", text=GOOD).stdout == "-: ok (m)\n"
    assert "-:3:3" in run("check", "-", text=BAD).stderr
    assert run("summary", "-:m", "--field", "total.params", "--set", "c=16", text=GOOD).stdout == "618\n"
    both = run("summary", "zoo:vgg16", "--field", "total.params", "--set", "hidden=8,widths=[4, 8, 8, 8, 8]")
    apart = run(
        "summary", "zoo:vgg16", "--field", "total.params", "--set", "widths=[4,8,8,8,8]", "--set", "hidden=8"
    )
    assert both.stdout == apart.stdout != run("summary", "zoo:vgg16", "--field", "total.params").stdout
    assert run("fmt", "-", text=GOOD.replace("  ", " ")).stdout == GOOD


def test_fmt(tmp_path: Path, bad: Path, capsys: Any) -> None:
    path = tmp_path / "f.arch"
    loose = GOOD.replace("conv(c)", "conv( c )")
    path.write_text(loose)
    assert main(["fmt", "--check", str(path)]) == 1
    assert main(["fmt", "--diff", str(path)]) == 0
    out, err = capsys.readouterr()
    assert "would be formatted" in err
    assert "+  conv(c) -> relu\n" in out
    assert path.read_text() == loose
    assert main(["fmt", str(path)]) == 0
    assert path.read_text() == GOOD
    before = path.stat().st_mtime_ns
    assert main(["fmt", "--check", str(path)]) == main(["fmt", str(path)]) == 0
    assert path.stat().st_mtime_ns == before
    broken = tmp_path / "broken.arch"
    broken.write_text("model m {\n  conv( 8\n}")
    assert main(["fmt", str(broken), str(path)]) == 1
    assert broken.read_text() == "model m {\n  conv( 8\n}"


def test_summary_formats(capsys: Any) -> None:
    assert main(["summary", "zoo:resnet50", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["total"]["params"] == 25_557_032
    assert any(row["path"] == "stages.0.blocks.0.conv_bn.conv" for row in data["rows"]) or data["rows"]
    for format in ("table", "csv", "md", "latex"):
        assert main(["summary", "zoo:resnet50", "--format", format]) == 0
        assert "25,557,032" in capsys.readouterr().out or format == "csv"
    assert main(["summary", "zoo:resnet50", "--at", "B=8,H=256"]) == 0
    assert "[8, 3, 256, 224]" in capsys.readouterr().out


def test_zoo(capsys: Any) -> None:
    assert main(["zoo", "--format", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    keys = ["name", "file", "model", "params", "macs", "inputs", "outputs", "summary"]
    assert all(list(entry) == keys for entry in entries)
    assert {"resnet50": 25_557_032}.items() <= {e["name"]: e["params"] for e in entries}.items()
    assert main(["zoo"]) == main(["zoo", "--format", "md"]) == 0


def test_ops_and_explain(capsys: Any) -> None:
    for arguments, said in [
        (["ops"], "conv_transpose"), (["ops", "conv"], "conv(out_channels, kernel_size=3"),
        (["ops", "mha"], "block mha("), (["explain"], "E0401  "),
        (["explain", "E04"], "E0402  "), (["explain", "e0401"], "# E0401: "),
    ]:  # fmt: skip
        assert main(arguments) == 0
        assert said in capsys.readouterr().out


def test_render(good: Path, tmp_path: Path, capsysbinary: Any) -> None:
    for ending, start in [("svg", b"<"), ("png", b"\x89PNG"), ("dot", b"digraph")]:
        out = tmp_path / f"x.{ending}"
        assert main(["render", str(good), "-o", str(out)]) == 0
        assert out.read_bytes().startswith(start)
    assert main(["render", str(good), "-o", "-", "--format", "dot"]) == 0
    assert capsysbinary.readouterr().out == (tmp_path / "x.dot").read_bytes()
    (tmp_path / "same.dot").write_text(GOOD)
    assert main(["render", f"{tmp_path}/same.dot:m", "-o", f"{tmp_path}/same.dot"]) == 3
    assert (tmp_path / "same.dot").read_text() == GOOD
