"""The wheel: what is in it, and that what it installs works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel installed by itself: its dependencies are those of this environment, so nothing is downloaded."""
    place = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet", "--target", str(place)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
    return place


def run(installed: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command,
        cwd=cwd,
        env=env | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_wheel_holds_the_data_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("grammars", "specs"):
        expected = {
            f"archdsl/_data/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and path.suffix in (".lark", ".arch")
        }
        assert expected <= names
    assert "archdsl/_data/grammars/arch.lark" in names
    for path in (ROOT / "archdsl" / "drawing" / "fonts").iterdir():
        assert f"archdsl/drawing/fonts/{path.name}" in names
    for path in (ROOT / "archdsl" / "drawing").glob("viewer*"):
        assert f"archdsl/drawing/{path.name}" in names
    tops = {name.partition("/")[0] for name in names}
    assert all(top == "archdsl" or top.endswith(".dist-info") for top in tops)
    assert any(name.endswith("LICENSE") for name in names)


def test_the_installed_package_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    script = (
        "import archdsl, archdsl.data\nfrom archdsl.drawing import engine, png, svg\n"
        "print(archdsl.__file__)\nprint(archdsl.data.data_root())\n"
        "print(len(png.svg_to_png(svg.finish_svg(engine.layout('digraph{a}'), title='x'))))\n"
    )
    ended = run(installed, tmp_path, sys.executable, "-c", script)
    assert ended.returncode == 0, ended.stderr
    package, data, size = ended.stdout.split()
    assert Path(package).parent == installed / "archdsl"
    assert Path(data) == installed / "archdsl" / "_data"
    assert int(size) > 100


def test_the_command_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    if not (ROOT / "archdsl" / "cli.py").exists() and not (ROOT / "archdsl" / "cli").is_dir():
        pytest.skip("there is no command line yet")
    command = str(installed / "bin" / "archdsl")
    ended = run(installed, tmp_path, command, "--help")
    assert ended.returncode == 0, ended.stderr
    assert "check" in ended.stdout
    if (ROOT / "specs" / "zoo" / "resnet.arch").exists():
        ended = run(installed, tmp_path, command, "check", "zoo:resnet")
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not list(tmp_path.iterdir())
