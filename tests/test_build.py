"""``archdsl build``: what it writes, when it refuses, and that a failure leaves what was there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archdsl.cli import main
from archdsl.commands.manifest import digest
from tests.test_cli import GOOD

NAMES = ["diagram.svg", "manifest.json", "model.py", "summary.json", "summary.txt"]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.arch"
    path.write_text(GOOD)
    return path


def build(good: Path, *more: str) -> int:
    return main(["build", str(good), "-o", str(good.parent / "out"), "--compile", "none", *more])


def test_everything_is_written_and_verified(good: Path, capsys: Any) -> None:
    assert build(good) == 0
    out, err = capsys.readouterr()
    assert "314 parameters, 221,264 MACs" in out
    assert "verified: " in out
    assert err == ""
    directory = good.parent / "out"
    assert sorted(os.listdir(directory)) == NAMES
    data = json.loads((directory / "manifest.json").read_text())
    assert data["files"] == {
        name: digest((directory / name).read_bytes()) for name in NAMES if name != "manifest.json"
    }
    assert data["verified"]["level"] == "eager"
    assert data["params"] == 314
    ran = subprocess.run(
        [sys.executable, str(directory / "model.py")], capture_output=True, text=True, check=True
    )
    assert "10" in ran.stdout


def test_the_same_build_gives_the_same_bytes(good: Path) -> None:
    directory = good.parent / "out"
    assert build(good) == 0
    first = {name: (directory / name).read_bytes() for name in NAMES}
    assert build(good) == 0
    assert {name: (directory / name).read_bytes() for name in NAMES} == first


def test_what_is_not_ours_is_not_replaced(good: Path, capsys: Any) -> None:
    directory = good.parent / "out"
    directory.mkdir()
    (directory / "model.py").write_text("mine")
    assert build(good) == 3
    assert "--force" in capsys.readouterr().err
    assert os.listdir(directory) == ["model.py"]
    assert build(good, "--force") == 0
    (directory / "model.py").write_text("changed by hand")
    assert build(good) == 3
    assert (directory / "model.py").read_text() == "changed by hand"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--device", "nothing"], 2), (["--device", "meta"], 2), (["--dtype", "int64"], 2),
        (["--weights", "none.safetensors"], 3),
        (["--set", "c=2_000_000_000"], 5), (["--set", "c=0"], 1), (["--at", "H=0"], 2),
    ],
)  # fmt: skip
def test_a_refusal_writes_nothing(good: Path, more: list[str], code: int, capsys: Any) -> None:
    assert build(good, *more) == code
    assert "Traceback" not in capsys.readouterr().err
    assert os.listdir(good.parent) == ["good.arch"]


def test_too_large_is_refused_before_anything_is_allocated(good: Path, capsys: Any) -> None:
    assert build(good, "--set", "c=2_000_000_000") == 5
    assert "`--verify none`" in capsys.readouterr().err
    assert build(good, "--set", "c=2_000_000_000", "--verify", "none") == 0


def test_depth_is_counted_and_not_built(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "deep.arch"
    path.write_text("model m {\n  input x: [B, 3, H=32, W=32]\n  repeat 1_000_000_000 { conv(3) } as r\n}\n")
    assert main(["build", str(path), "-o", str(tmp_path / "out"), "--verify", "none"]) == 5
    assert "--limit instances=N" in capsys.readouterr().err
    assert main(["summary", str(path), "--field", "total.params"]) == 0
    assert capsys.readouterr().out == "84000000000\n"


def test_cuda_where_there_is_none(good: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert build(good, "--device", "cuda") == 4


def test_emit(good: Path, capsys: Any) -> None:
    for stage, said in [
        ("tree", "Definition"),
        ("network", "model m("),
        ("dot", "digraph"),
        ("python", "import torch"),
    ]:
        assert main(["build", str(good), "--emit", stage]) == 0
        assert said in capsys.readouterr().out
    assert os.listdir(good.parent) == ["good.arch"]


def test_the_output_is_not_the_input(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(GOOD)
    assert main(["build", f"{path}:m", "-o", str(tmp_path), "--compile", "none", "--force"]) == 3
    assert path.read_text() == GOOD
    assert os.listdir(tmp_path) == ["model.py"]


def test_weights_come_from_a_file(good: Path, capsys: Any) -> None:
    from safetensors.torch import save_file

    import archdsl

    net = archdsl.load(good)["m"].module()
    file = good.parent / "w.safetensors"
    save_file(net.state_dict(), file)
    assert build(good, "--weights", str(file)) == 0
    save_file({"other": net.state_dict()["head.bias"]}, file)
    assert build(good, "--weights", str(file)) == 1
    assert "missing" in capsys.readouterr().err


def test_what_differs_is_a_bug(good: Path, monkeypatch: Any, capsys: Any) -> None:
    from archdsl.backend import trial
    from archdsl.backend.verify import Check, Verification

    failed = Verification((Check("compiled = eager", False, "out differs by 3 in Stem"),), {})
    monkeypatch.setattr(trial, "verify", lambda *a, **k: failed)
    assert build(good) == 70
    assert "out differs by 3 in Stem" in capsys.readouterr().err
    assert os.listdir(good.parent) == ["good.arch"]
