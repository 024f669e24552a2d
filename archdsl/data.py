"""Where the files that ship with the package are: grammars and specs."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def data_root() -> Path:
    """The folder that holds ``grammars`` and ``specs``: inside an installed wheel, else the root of the checkout."""
    here = Path(__file__).resolve().parent
    packed = here / "_data"
    return packed if packed.is_dir() else here.parent
