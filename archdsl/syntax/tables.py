"""The parser's tables in the user's cache: data only (JSON, nothing that could run), and never needed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

Tables = tuple[Any, Any]


def key(grammar: str, version: str) -> str:
    """What the tables depend on: the grammar, Lark's version and Python's."""
    text = f"{version}\0{sys.version_info[:2]}\0{grammar}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _folder() -> Path | None:
    if base := os.environ.get("XDG_CACHE_HOME"):
        path = Path(base)
        return path / "archdsl" if path.is_absolute() else None
    try:
        return Path.home() / ".cache" / "archdsl"
    except RuntimeError:  # no home
        return None


def load(name: str) -> Tables | None:
    """The stored tables; None where there are none, or any doubt about them."""
    folder = _folder()
    if folder is None:
        return None
    try:
        text = (folder / f"grammar-{name}.json").read_bytes()
        digest, _, payload = text.partition(b"\n")
        if digest.decode("ascii") != hashlib.sha256(payload).hexdigest():
            return None
        data, memo = json.loads(payload)
        states = data["parser"]["parser"]["states"]
        data["parser"]["parser"]["states"] = {int(k): {int(t): a for t, a in row.items()} for k, row in states.items()}
        return data, {int(k): v for k, v in memo.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def store(name: str, data: Any, memo: Any) -> None:
    """Write the tables, whole or not at all; a cache that cannot be written is no one's concern."""
    folder = _folder()
    if folder is None:
        return
    temporary = None
    try:
        payload = json.dumps([data, memo], separators=(",", ":")).encode()
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".grammar-")
        with os.fdopen(handle, "wb") as out:
            out.write(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
        os.replace(temporary, folder / f"grammar-{name}.json")
    except (OSError, TypeError, ValueError):
        if temporary is not None:
            try:
                os.unlink(temporary)
            except OSError:
                return
