"""Runs every benchmark that this machine can run: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

SUPPORT = ("__init__", "__main__", "measure", "gpu")


def main() -> None:
    names = sys.argv[1:] or sorted(
        p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in SUPPORT
    )
    for name in names:
        importlib.import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main()
