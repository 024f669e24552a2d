"""Where ``use`` may reach: below the root, ``std:`` and ``zoo:``; regular files of a bounded size, nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

from archdsl.data import data_root

MOST_BYTES = 16 * 1024 * 1024


class Refused(Exception):
    """Why a path can't be used."""


def locate(written: str, folder: Path | None, root: Path | None) -> tuple[str, Path]:
    """The name to show and the file for a path in ``use``. Raises Refused."""
    for library in ("std", "zoo"):
        if written.startswith(f"{library}:"):
            rest = written.removeprefix(f"{library}:")
            name = rest if rest.endswith(".arch") else f"{rest}.arch"
            if "/" in name or "\\" in name or name.startswith("."):
                raise Refused(f"`{library}:` has no folders")
            path = data_root() / "specs" / library / name
            if not path.is_file():
                raise Refused(f"there is no such file; there are {', '.join(library_names(library))}")
            return f"{library}:{name}", path
    if "://" in written or written.startswith(("~", "/", "\\")) or (len(written) > 1 and written[1] == ":"):
        raise Refused("paths are relative to the file that uses them")
    if "\0" in written or not written:
        raise Refused("it is no path")
    if folder is None or root is None:
        raise Refused("text that is not in a file can use `std:` and `zoo:` only")
    try:
        path = folder / written
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise Refused(_reason(error)) from None
    if not resolved.is_relative_to(root.resolve()):
        raise Refused("it lies outside the folder of the first file; `--root DIR` widens the reach")
    return written, path


def library_names(library: str) -> list[str]:
    return sorted(p.stem for p in (data_root() / "specs" / library).glob("*.arch"))


def read_bytes(path: Path) -> bytes:
    """A regular file's contents, up to a limit. Raises Refused."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused("it is not a regular file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Refused(_reason(error)) from None
    if len(data) > MOST_BYTES:
        raise Refused(f"it is larger than {MOST_BYTES // 1024 // 1024} MiB")
    return data


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "it can't be read (permission denied)"
    return (getattr(error, "strerror", None) or str(error)).lower()
