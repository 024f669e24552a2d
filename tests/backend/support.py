"""What the back end's tests share: programs as networks, figures of generated modules."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from archdsl.network.elaborate import elaborate
from archdsl.network.program import load
from archdsl.network.types import Network
from archdsl.source import Source

GOLDENS = Path(__file__).parent / "goldens"


@cache
def network(text: str, model: str = "net") -> Network:
    """A program's model, elaborated; its diagnostics are a failure."""
    made, found = elaborate(load(Source("test.arch", text)), model, {})
    assert made is not None, "\n".join(f"{d.code} {d.span.line}: {d.message}" for d in found)
    return made


def golden(name: str, text: str) -> None:
    """Compares with a stored text; ARCHDSL_UPDATE_GOLDENS=1 stores it."""
    path = GOLDENS / name
    if os.environ.get("ARCHDSL_UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: run with ARCHDSL_UPDATE_GOLDENS=1"
    assert text == path.read_text(encoding="utf-8"), f"{path} differs: look, then ARCHDSL_UPDATE_GOLDENS=1"


def tensors(value: Any) -> tuple[Any, ...]:
    """The fields of what a model returned that are there."""
    import torch

    return (value,) if isinstance(value, torch.Tensor) else tuple(v for v in value if v is not None)
