"""Other people's implementations, to compare with; a test that asks for one is skipped where it isn't installed."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
import torch

# What torchvision's C++ extension would declare. It is built for one build of torch; beside another (the CPU's), the
# extension doesn't load, and torchvision can't be imported unless these exist. Nothing here calls them.
EXTENSION = ("nms", "qnms", "qroi_align")
PARTS = ("roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool", "deform_conv2d")


@cache
def _declare_extension() -> None:
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return
    with suppress(OSError):
        torch.ops.load_library(found.origin.replace("__init__.py", "_C.so"))
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in (*EXTENSION, *PARTS, *(f"_{part}_backward" for part in PARTS)):
        library.define(f"{name}(Tensor x) -> Tensor")
    _LIBRARIES.append(library)  # its declarations end with it


_LIBRARIES: list[torch.library.Library] = []


def reference(module: str) -> Any:
    """A module of torchvision or transformers."""
    _declare_extension()
    return pytest.importorskip(module)
