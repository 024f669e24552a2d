"""``manifest.json``: what a build wrote, from what, with which versions, what was verified; equal for equal builds."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

NAME = "manifest.json"
_MAKER = "archdsl build"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """The manifest of these files; ``facts`` say the rest. No clock, no paths of this machine."""
    from archdsl import __version__

    data = {
        "schema": 1,
        "made_by": _MAKER,
        "archdsl": __version__,
        "python": platform.python_version(),
        **facts,
        "files": {name: digest(content) for name, content in sorted(files.items())},
    }
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def ours(directory: Path) -> Callable[[Path], bool]:
    """Whether a file that is there already is ours to replace: listed in the manifest, and as we wrote it."""
    try:
        data = json.loads((directory / NAME).read_bytes())
        files = data["files"] if data["made_by"] == _MAKER else {}
    except (OSError, ValueError, KeyError, TypeError):
        files = None

    def may_replace(path: Path) -> bool:
        if not isinstance(files, dict):
            return False
        if path.name == NAME:
            return True
        try:
            return files.get(path.name) == digest(path.read_bytes())
        except OSError:
            return False

    return may_replace
