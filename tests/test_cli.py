"""The command line: exit codes, streams, what is written and what is not, and what is never imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from archdsl.cli import main

GOOD = "model m(c=8) {\n  input x: [B, 3, H=32, W=32]\n  conv(c) -> relu\n  global_avg_pool -> linear(10) as head\n}\n"
BAD = "model m {\n  input x: [B, 3, H=32, W=32]\n  convv(8)\n}\n"
TWO = GOOD + GOOD.replace("model m", "model n")
WARM = {"torch", "networkx", "sympy", "rich", "pygls", "numpy", "lark"}


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
        ["--set", "c"], ["--set", "c=)("], ["--at", "B=x"], ["--at", "Q=3"], ["--limit", "nothing=3"],
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


def test_nothing_heavy_is_imported(good: Path, tmp_path: Path) -> None:
    for arguments in [
        ["check", good], ["summary", good], ["fmt", "--check", good], ["explain", "E0401"], ["ops", "conv"],
        ["render", good, "-o", tmp_path / "x.dot"], ["render", good, "-o", tmp_path / "x.svg"],
        ["zoo", "--format", "json"],
    ]:  # fmt: skip
        code = (
            "import sys; from archdsl.cli import main; code = main(sys.argv[1:]);"
            f"print(code, sorted({WARM!r} & set(sys.modules)), file=sys.stderr)"
        )
        found = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        heavy = found.stderr.splitlines()[-1]
        allowed = ("0 []", "0 ['numpy']") if arguments[0] == "render" else ("0 []",)
        assert heavy in allowed, (arguments, heavy)


def test_check_writes_nothing_and_runs_nothing(good: Path) -> None:
    code = """
import sys
events = []
def hook(name, args):
    if name in ("socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.remove", "os.rename", "os.mkdir"):
        events.append((name, args))
    if name == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        events.append((name, args[0], args[1]))
from archdsl.cli import main
main(["check", sys.argv[1]])
sys.addaudithook(hook)
main(["check", sys.argv[1]])
print(events, file=sys.stderr)
"""
    found = subprocess.run(
        [sys.executable, "-c", code, str(good)], capture_output=True, text=True, check=True
    )
    assert found.stderr == "[]\n"


def test_bugs_leave_one_line_and_a_report(good: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    from archdsl import driver

    def broken(*arguments: object) -> None:
        raise RuntimeError("wrong\nin two lines \x1b[31m")

    monkeypatch.setattr(driver, "check", broken)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", None)
    assert main(["check", str(good)]) == 70
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "\x1b" not in err
    (report,) = tmp_path.glob("archdsl-bug-*.txt")
    assert str(report) in err
    assert "RuntimeError: wrong" in report.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(number: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from archdsl.cli import main; sys.exit(main(['check', '-']))"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(1.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert err == b""


def test_a_reader_who_leaves_is_no_error() -> None:
    command = (
        f"{sys.executable} -m archdsl summary zoo:resnet50 --format json | head -c 1; echo ${{PIPESTATUS[0]}}"
    )
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert found.stderr == ""
    assert found.stdout == "{0\n"


@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_any_locale(env: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "zw\u00f6lf.arch"
    path.write_text(
        'model m {\n  "\u7f51\u7edc \u2192"\n  input x: [B, 3, H=32, W=32]\n  conv(8) # \u7f51\n  convv(3)\n}\n',
        "utf-8",
    )
    found = run("check", path, env=env)
    assert found.returncode == 1
    assert "E0301" in found.stderr
    assert run("summary", "zoo:resnet50", "--expand", "stem", env=env).returncode == 0


def test_colour(bad: Path) -> None:
    def on_terminal(env: dict[str, str]) -> str:
        import pty

        pid, fd = pty.fork()
        if pid == 0:
            os.execve(
                sys.executable, [sys.executable, "-m", "archdsl", "check", str(bad)], {**os.environ, **env}
            )
        chunks: list[bytes] = []
        while True:
            try:
                part = os.read(fd, 4096)
            except OSError:
                break
            if not part:
                break
            chunks.append(part)
        os.waitpid(pid, 0)
        return b"".join(chunks).decode()

    assert "\x1b[1;31m" in on_terminal({"TERM": "xterm", "NO_COLOR": ""})
    assert "\x1b" not in on_terminal({"TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b" not in on_terminal({"TERM": "dumb"})


def test_the_same_bytes_every_time(good: Path) -> None:
    def all_of(seed: str) -> list[str]:
        targets: Sequence[Sequence[object]] = [
            ["summary", "zoo:googlenet", "--format", "json"],
            ["check", good, "--emit", "network"],
        ]
        return [run(*arguments, env={"PYTHONHASHSEED": seed}).stdout for arguments in targets]

    assert all_of("1") == all_of("2")


def test_closed_standard_output(good: Path) -> None:
    found = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m archdsl summary {good} >&-"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in found.stderr
