"""The user's cache directory: bytes kept between runs, which may vanish, be damaged or be unwritable at any time."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

_DIGEST_SIZE = hashlib.sha256().digest_size


def cache_directory() -> Path | None:
    """``$XDG_CACHE_HOME/archdsl``, else ``~/.cache/archdsl``; ``None`` where there is no home. Not created here."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(configured):  # the XDG specification: a relative path is to be ignored
        return Path(configured) / "archdsl"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / ".cache" / "archdsl" if home.is_absolute() else None


def read(name: str) -> bytes | None:
    """What was stored under ``name``, or ``None`` if there is nothing, or nothing that can be trusted.

    Entries may hold machine code, so one counts only if it is a plain file of ours that nobody else can
    write, and if it still has the digest it was written with.
    """
    directory = cache_directory()
    if directory is None:
        return None
    try:
        with open(directory / name, "rb", opener=_open_no_follow) as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            digest, content = file.read(_DIGEST_SIZE), file.read()
    except (OSError, MemoryError):
        return None
    return content if hashlib.sha256(content).digest() == digest else None


def write(name: str, content: bytes) -> bool:
    """Store ``content`` under ``name``; false where that cannot be done. A cache never makes a command fail."""
    directory = cache_directory()
    if directory is None:
        return False
    temporary = None
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=directory, prefix=f".{name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.replace(temporary, directory / name)
    except BaseException as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        if not isinstance(error, OSError):  # an interruption goes on, after the tidying
            raise
        return False
    return True


def _open_no_follow(path: str, flags: int) -> int:
    # Not blocking, so that a FIFO put in our place cannot hang the command.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _is_ours(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
