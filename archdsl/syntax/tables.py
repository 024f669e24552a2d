"""The parser's tables in the user's cache: data only (JSON, nothing that could run), and never needed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from zlib import crc32

from archdsl import __version__
from archdsl.syntax.automaton import Tables

_MADE_BY = f"archdsl {__version__}, tables 1"
"""The tables depend on the grammar and on how they are written down; Lark's version changes neither."""


def _path(key: int) -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(base):  # no home
        return None
    return Path(base) / "archdsl" / f"grammar-{key:08x}.json"


def load(grammar: str) -> Tables | None:
    """The stored tables for this grammar; None where there are none, or any doubt about them."""
    path = _path(crc32(grammar.encode()))
    try:
        if path is None:
            return None
        text = path.read_text(encoding="utf-8")
        checksum, _, payload = text.partition("\n")
        if checksum != _checksum(payload):
            return None
        stored = json.loads(payload)
        if stored["grammar"] != grammar or stored["made_by"] != _MADE_BY:
            return None
        return Tables(
            terminals=[(name, regexp) for name, regexp in stored["terminals"]],
            words=stored["words"],
            rules=[(origin, size, made) for origin, size, made in stored["rules"]],
            states=stored["states"],
            start=stored["start"],
            end=stored["end"],
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def store(grammar: str, tables: Tables) -> None:
    """Write the tables, whole or not at all; a cache that cannot be written is no one's concern."""
    path = _path(crc32(grammar.encode()))
    if path is None:
        return
    names = ("terminals", "words", "rules", "states", "start", "end")
    content = {"grammar": grammar, "made_by": _MADE_BY, **{name: getattr(tables, name) for name in names}}
    payload = json.dumps(content, separators=(",", ":"))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(f"{_checksum(payload)}\n{payload}", encoding="utf-8")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError:
        return


def _checksum(payload: str) -> str:
    return f"{crc32(payload.encode()):08x}"
