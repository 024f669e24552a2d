"""The command line as a process: what it imports, locales, signals, pipes, colour, equal bytes for equal input."""

from __future__ import annotations

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
from tests.test_cli import BAD, GOOD, run

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
