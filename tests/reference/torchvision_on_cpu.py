"""``ready()`` makes ``import torchvision`` work beside a CPU build of torch; transformers needs that too.

torchvision's wheel is a CUDA build: its compiled operators don't load here, and the import stops at the first one that
it expects. Its classifiers use none of them, so that declarations are all that is missing.
"""

from __future__ import annotations

import sys

import torch

_declared: list[torch.library.Library] = []  # an operator lives as long as the library that declares it


def ready() -> None:
    """Import torchvision, with its operators for boxes declared where the wheel could not."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
        import torchvision  # noqa: F401
