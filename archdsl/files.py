"""Writing results: all of them or none, never half a file, and never over something that is not ours to replace.

New files are first written whole, and flushed to the disk, in a hidden directory beside their places
(``.archdsl-*.tmp``), then moved in one by one, the manifest last. If anything fails on the way, what was moved
is moved back: the old files are byte for byte what they were, and nothing of ours is left. Only a process
killed in the middle of the moves can leave new files beside old ones; the manifest, with the hashes of all,
is then the old one and tells. A directory left behind by a killed process is removed by the next run.

Symbolic links: a directory may be one (its target is written into), a file may not: replacing the link would
surprise its owner, and writing through it could reach anywhere.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

_PREFIX, _SUFFIX = ".archdsl-", ".tmp"
_GRACE = 10.0  # seconds in which a new hidden directory may not have been locked yet by its owner
_PATIENCE = 30.0  # seconds to wait for another build that is moving its files in


class FileError(Exception):
    """A file could not be read or written (exit code 3): ``path`` and, in one line, why."""

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path = Path(path)
        self.reason = reason
        super().__init__(f"{path}: {reason}")


def write_file(path: str | Path, content: bytes, *, inputs: Iterable[str | Path] = ()) -> None:
    """Write one file atomically. Its directory has to exist; ``inputs`` are files that it must not replace."""
    path = Path(path)
    if not path.name:
        raise FileError(path, "not the name of a file")
    write_files(path.parent, {path.name: content}, inputs=inputs, create=False)


def write_files(
    directory: str | Path,
    files: Mapping[str, bytes],
    *,
    last: str = "manifest.json",
    inputs: Iterable[str | Path] = (),
    may_replace: Callable[[Path], bool] = lambda path: True,
    create: bool = True,
) -> None:
    """Write ``files`` (plain names and contents) into ``directory``, all or none, ``last`` after all others.

    ``may_replace`` is asked about each file that is there already; a refusal is an error that names ``--force``.
    """
    for name in files:
        if name in ("", ".", "..") or Path(name).name != name or name.startswith(_PREFIX):
            raise ValueError(f"not a plain file name: {name!r}")
    names = sorted(files, key=lambda name: (name == last, name))
    place = Path(directory)
    made: list[Path] = []
    try:
        made += _make(place, create)
        _remove_stale(place)
        for name in names:
            _check_target(place / name, inputs, may_replace)
        with _staging(place) as stage:
            for name in names:
                _write_new(stage / name, files[name], place / name)
            with _locked(place):
                _move_in(stage, place, names)
    except BaseException as error:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise FileError(place, _reason(error)) from error
        raise


def _make(place: Path, create: bool) -> list[Path]:
    """Make the directory, and say which directories that took, outermost first."""
    missing = []
    for path in (place, *place.parents):
        if os.path.lexists(path):
            break
        missing.append(path)
    if missing and not create:
        raise FileError(place, "there is no such directory")
    made: list[Path] = []
    try:
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            made.append(path)
        if not place.is_dir():
            raise FileError(place, "not a directory")
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    return made


def _check_target(target: Path, inputs: Iterable[str | Path], may_replace: Callable[[Path], bool]) -> None:
    try:
        status = target.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise FileError(target, "is a symbolic link; name the file that it leads to")
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not an ordinary file"
        raise FileError(target, f"is {kind} and will not be replaced")
    for source in inputs:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(source), status):
                raise FileError(target, "is also the input; write somewhere else")
    if not may_replace(target):
        raise FileError(target, "exists and was not written by archdsl; --force replaces it")


@contextlib.contextmanager
def _staging(place: Path) -> Iterator[Path]:
    stage = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=place))
    try:
        with _locked(stage):
            yield stage
    finally:
        _remove(stage)


def _remove(directory: Path) -> None:
    try:
        shutil.rmtree(directory)
    except (
        BaseException
    ) as error:  # once more, also after a Ctrl-C in the middle; what stays, the next run removes
        shutil.rmtree(directory, ignore_errors=True)
        if not isinstance(error, OSError):
            raise


def _write_new(path: Path, content: bytes, target: Path) -> None:
    """Write a file whole and flush it, with the permissions of the one it will replace, else the usual ones."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        with contextlib.suppress(FileNotFoundError):
            os.chmod(path, stat.S_IMODE(target.lstat().st_mode))
        os.fsync(handle)
    finally:
        os.close(handle)


def _move_in(stage: Path, place: Path, names: list[str]) -> None:
    """Put the new files in their places; on any failure put the old ones back."""
    old = stage / "old"
    old.mkdir()
    begun: list[str] = []
    try:
        for name in names:
            begun.append(name)
            _keep(place / name, old / name)
            os.replace(stage / name, place / name)
        _flush_directory(place)
    except BaseException:
        for name in reversed(begun):
            _put_back(stage / name, old / name, place / name)
        raise


def _keep(target: Path, backup: Path) -> None:
    """A second name for the old file, so that there is no moment without it; where links cannot be made, a move."""
    try:
        os.link(target, backup)
    except FileNotFoundError:
        return
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.replace(target, backup)


def _put_back(new: Path, backup: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        if backup.exists():
            os.replace(backup, target)
        elif not new.exists():  # it was moved in, and nothing stood there before
            target.unlink()


def _flush_directory(place: Path) -> None:
    if os.name == "posix":
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError:
            pass  # some file systems cannot; the files themselves are flushed
        finally:
            os.close(handle)


def _remove_stale(place: Path) -> None:
    """Remove hidden directories whose owner was killed: nobody holds their lock, and they are not brand-new."""
    for path in place.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if path.is_symlink() or time.time() - path.lstat().st_mtime < _GRACE:
                continue
            with _locked(path, wait=False):
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(directory: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a directory's lock, so that two builds into one place take turns; the lock dies with its process.

    Where a file system has no locks, a writer goes on without, and a cleaner (``wait=False``) leaves things alone.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no lock on a directory
        if not wait:
            raise BlockingIOError from None
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # not a blocking call: a stopped process must not hang us for ever
                if not wait:
                    raise
                if time.monotonic() > deadline:
                    raise FileError(directory, "another archdsl has been writing here for too long") from None
                time.sleep(0.01)
            except OSError:
                if not wait:
                    raise
                break
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)


def _reason(error: OSError) -> str:
    """The system's words, and the file they are about where that is not the directory itself."""
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]
