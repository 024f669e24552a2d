"""Writing results: every failure leaves the old files as they were and nothing else (TRUST, section E)."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archdsl.files import FileError, write_file, write_files

OLD = {"manifest.json": b"old manifest", "model.py": b"old model"}
NEW = {"manifest.json": b"new manifest", "model.py": b"new model", "summary.txt": b"new summary"}
CALLS = ["open", "write", "fsync", "chmod", "link", "replace", "mkdir", "close"]


def contents(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def names(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.iterdir())


@pytest.fixture
def out(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    for name, content in OLD.items():
        (directory / name).write_bytes(content)
    return directory


def run(directory: Path) -> str | None:
    try:
        write_files(directory, NEW)
    except FileError as error:
        return str(error)
    except KeyboardInterrupt:
        return "interrupted"
    return None


class Fault:
    """Makes the n-th call of one function of ``os`` fail, and counts the calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, at: int, error: BaseException) -> None:
        self.count, self.hit = 0, False
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            self.count += 1
            if self.count == at:
                self.hit = True
                if name == "close":  # the system lets go of the file also when it reports an error
                    real(*args, **kwargs)
                raise error
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)


def test_writes_all_and_leaves_no_temporaries(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    write_files(directory, NEW)
    assert contents(directory) == NEW
    assert names(directory) == sorted(NEW)


def test_the_manifest_is_moved_in_last(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        moved.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_files(out, NEW)
    assert moved == ["model.py", "summary.txt", "manifest.json"]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["full", "interrupt"])
def test_e4_e5_a_failure_anywhere_leaves_the_old_files(
    out: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """Each call of each kind fails in turn, until a run gets through without reaching the fault."""
    for at in range(1, 40):
        error: BaseException = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if kind == "interrupt":
            error = KeyboardInterrupt()
        with monkeypatch.context() as patch:
            fault = Fault(patch, name, at, error)
            message = run(out)
        assert names(out) in (sorted(OLD), sorted(NEW)), f"call {at} of {name} left something"
        if message is None or (
            kind == "interrupt" and contents(out) == NEW
        ):  # interrupted after the last move
            assert contents(out) == NEW, f"call {at} of {name}"
            for path in out.iterdir():
                path.unlink()
            for old, content in OLD.items():
                (out / old).write_bytes(content)
        else:
            assert fault.hit
            assert message.endswith("no space left on device" if kind == "full" else "interrupted")
            assert contents(out) == OLD, f"call {at} of {name}"
        if not fault.hit:
            return
    pytest.fail("the fault was never outrun")


def test_a_failure_removes_the_directories_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Fault(monkeypatch, "write", 2, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(FileError, match="no space left"):
        write_files(tmp_path / "a" / "b", NEW)
    assert names(tmp_path) == []


def test_where_links_cannot_be_made_the_old_files_are_moved(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    for at in range(1, 6):
        with monkeypatch.context() as patch:
            Fault(patch, "replace", at, OSError(errno.EIO, "Input/output error"))
            with pytest.raises(FileError, match="input/output error"):
                write_files(out, NEW)
        assert contents(out) == OLD
    write_files(out, NEW)
    assert contents(out) == NEW


def test_e1_only_what_may_be_replaced_is(out: Path) -> None:
    with pytest.raises(FileError, match=r"model\.py: exists and was not written by archdsl; --force"):
        write_files(out, NEW, may_replace=lambda path: path.name != "model.py")
    assert contents(out) == OLD


@pytest.mark.parametrize("link", ["same", "hard", "relative"])
def test_e2_the_output_may_not_be_the_input(
    tmp_path: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "x.arch"
    source.write_bytes(b"text")
    target: Path = source
    if link == "hard":
        target = tmp_path / "y.arch"
        os.link(source, target)
    elif link == "relative":
        monkeypatch.chdir(tmp_path)
        target = Path("x.arch")
    with pytest.raises(FileError, match="is also the input"):
        write_file(target, b"drawing", inputs=[tmp_path / "none.arch", source])
    assert source.read_bytes() == b"text"


def test_e3_no_directory(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such directory"):
        write_file(tmp_path / "none" / "x.svg", b"")
    assert names(tmp_path) == []


def test_e3_the_directory_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(FileError, match="not a directory"):
        write_files(tmp_path / "f", NEW)
    with pytest.raises(FileError, match="not a directory"):
        write_files(tmp_path / "f" / "deeper", NEW)
    assert (tmp_path / "f").read_bytes() == b"x"


def test_e3_the_file_is_a_directory(out: Path) -> None:
    (out / "summary.txt").mkdir()
    with pytest.raises(FileError, match=r"summary\.txt: is a directory"):
        write_files(out, NEW)
    assert contents(out) == OLD


def test_e3_the_name_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="file name too long"):
        write_file(tmp_path / ("x" * 300), b"")
    assert names(tmp_path) == []


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_e3_a_read_only_directory(out: Path) -> None:
    out.chmod(0o555)
    try:
        with pytest.raises(FileError, match="permission denied"):
            write_files(out, NEW)
        assert contents(out) == OLD
    finally:
        out.chmod(0o755)


def test_e3_a_directory_that_refuses(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for root, who is refused nothing."""
    Fault(monkeypatch, "mkdir", 1, PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(FileError, match="permission denied"):
        write_files(out, NEW)
    assert contents(out) == OLD


KILLED = """
import os, sys
from archdsl.files import write_files
real, count = os.{call}, 0
def call(*args, **kwargs):
    global count
    count += 1
    if count == {at}:
        os.kill(os.getpid(), 9)
    return real(*args, **kwargs)
os.{call} = call
write_files(sys.argv[1], {new!r})
"""


@pytest.mark.parametrize(("call", "at"), [("write", 2), ("fsync", 3), ("replace", 1), ("replace", 3)])
def test_e5_killed_then_the_next_run_cleans_up(out: Path, call: str, at: int) -> None:
    script = KILLED.format(call=call, at=at, new=NEW)
    ended = subprocess.run(
        [sys.executable, "-c", script, str(out)], env=os.environ | {"PYTHONPATH": os.getcwd()}
    )
    assert ended.returncode == -9
    for name in OLD:  # each file is whole, old or new, and the manifest is never ahead of the rest
        assert (out / name).read_bytes() in (OLD[name], NEW[name])
    assert (out / "manifest.json").read_bytes() == OLD["manifest.json"]
    left = [p for p in out.iterdir() if p.name.startswith(".archdsl-")]
    assert len(left) == 1
    os.utime(left[0], (time.time() - 60, time.time() - 60))
    write_files(out, NEW)
    assert names(out) == sorted(NEW)
    assert contents(out) == NEW


def test_e6_the_hidden_directory_of_a_living_build_is_left_alone(out: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    other = out / ".archdsl-other.tmp"
    other.mkdir()
    os.utime(other, (time.time() - 60, time.time() - 60))
    handle = os.open(other, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    write_files(out, NEW)
    assert other.is_dir()
    os.close(handle)
    write_files(out, NEW)
    assert not other.exists()


def test_e6_two_builds_at_once_give_one_of_the_two(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom archdsl.files import write_files\n"
        "for i in range(30): write_files(sys.argv[1], {f'f{k}': sys.argv[2].encode() for k in range(8)})\n"
    )
    env = os.environ | {"PYTHONPATH": os.getcwd()}
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "o"), who], env=env) for who in "ab"
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(set(contents(tmp_path / "o").values())) == 1
    assert len(names(tmp_path / "o")) == 8


def test_e14_permissions_are_kept(out: Path) -> None:
    (out / "model.py").chmod(0o750)
    before = os.umask(0o027)
    try:
        write_files(out, NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((out / "model.py").stat().st_mode) == 0o750
    assert stat.S_IMODE((out / "summary.txt").stat().st_mode) == 0o640


def test_e15_a_link_to_a_file_is_refused(out: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    (out / "summary.txt").symlink_to(elsewhere)
    with pytest.raises(FileError, match="is a symbolic link"):
        write_files(out, NEW)
    assert elsewhere.read_bytes() == b"precious"
    assert (out / "model.py").read_bytes() == OLD["model.py"]


def test_e15_a_link_to_a_directory_is_followed(out: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(out)
    write_files(tmp_path / "link", NEW)
    assert contents(out) == NEW
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["", "..", "a/b", "/x", ".archdsl-x"])
def test_names_are_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        write_files(tmp_path, {name: b""})
