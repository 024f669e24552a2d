"""Weights from and to safetensors files: all or nothing, with a table of what doesn't fit."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archdsl.backend.errors import WeightsError

MOST_HEADER_BYTES = 100 << 20


@dataclass(frozen=True)
class Fit:
    """A checkpoint against a module, by keys."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong: tuple[tuple[str, str, str], ...]  # key, what the module has, what the file has

    @property
    def ok(self) -> bool:
        return not (self.missing or self.unexpected or self.wrong)

    def table(self) -> str:
        """One row for each key that doesn't fit."""
        rows = [("missing", key, "", "") for key in self.missing]
        rows += [("unexpected", key, "", "") for key in self.unexpected]
        rows += [("differs", *row) for row in self.wrong]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = []
        for what, key, want, got in rows:
            text = f"{what:<{widths[0]}}  {key:<{widths[1]}}"
            lines.append(f"{text}  {want:<{widths[2]}}  file: {got}" if want else text.rstrip())
        return "\n".join(lines)


def load_weights(net: nn.Module, file: str | Path, keys: Mapping[str, str] | None = None) -> list[str]:
    """Loads a safetensors file into a module. Raises WeightsError, with the module untouched, where anything differs.

    ``keys`` maps keys of the file to keys of the module. Floats are converted to the module's dtype. Returns warnings.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(file)
    _check_header(path)
    renamed = keys or {}
    state = net.state_dict()
    try:
        with safe_open(path, framework="pt") as opened:
            names = {renamed.get(name, name): name for name in opened.keys()}  # noqa: SIM118 (not a dict)
            shapes = {key: _described(opened.get_slice(name)) for key, name in names.items()}
            fit = compared(state, shapes)
            if not fit.ok:
                raise WeightsError(f"{path} doesn't fit this model; nothing was loaded\n{fit.table()}")
            loaded = {key: opened.get_tensor(name) for key, name in names.items()}
    except SafetensorError as error:
        raise WeightsError(f"{path} is no sound safetensors file: {error}") from None
    warned = [
        f"{key} holds values that are not finite"
        for key, t in loaded.items()
        if not bool(torch.isfinite(t).all())
    ]
    with torch.no_grad():
        for key, tensor in loaded.items():
            state[key].copy_(tensor)
    return warned


def save_weights(net: nn.Module, file: str | Path) -> None:
    """Writes a module's state dict; the old file stays whole until the new one is."""
    from safetensors.torch import save_file

    path = Path(file)
    state = {key: value.detach().cpu().contiguous().clone() for key, value in net.state_dict().items()}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        save_file(state, temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def compared(state: Mapping[str, torch.Tensor], shapes: Mapping[str, tuple[list[int], str]]) -> Fit:
    """Keys and shapes of a file against those of a module."""
    wrong = []
    for key, (shape, dtype) in shapes.items():
        if key not in state:
            continue
        mine = state[key]
        if list(mine.shape) != shape or mine.is_floating_point() != dtype.startswith(("F", "BF")):
            wrong.append(
                (key, f"{list(mine.shape)} {str(mine.dtype).removeprefix('torch.')}", f"{shape} {dtype}")
            )
    return Fit(
        tuple(k for k in state if k not in shapes), tuple(k for k in shapes if k not in state), tuple(wrong)
    )


def _described(part: Any) -> tuple[list[int], str]:
    return list(part.get_shape()), str(part.get_dtype())


def _check_header(path: Path) -> None:
    """What safetensors itself lets pass: keys that stand twice."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
            length = struct.unpack("<Q", head)[0] if len(head) == 8 else -1
            if not 0 < length <= min(MOST_HEADER_BYTES, path.stat().st_size - 8):
                raise WeightsError(f"{path} is no sound safetensors file: its header is cut off or too long")
            text = file.read(length)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from None

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise WeightsError(f"{path} names a tensor twice")
        return dict(pairs)

    try:
        json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise WeightsError(f"{path} is no sound safetensors file: its header is not JSON") from None
