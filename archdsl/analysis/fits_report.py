"""What ``summary --fits`` says: the largest batch, what it takes, and what one more would."""

from __future__ import annotations

import json
from typing import Any

from archdsl.analysis.fits import Fit
from archdsl.analysis.memory import OPTIMIZER
from archdsl.analysis.memory_text import amount
from archdsl.network.types import Network


def parts(found: Fit, train: bool) -> list[tuple[str, int]]:
    """What the memory is made of."""
    memory = found.memory
    if not train:
        return [("weights", memory.weights), ("at the peak", memory.peak)]
    return [
        ("weights", memory.weights), ("gradients", memory.gradients), (OPTIMIZER, memory.optimizer),
        ("kept for backward", memory.saved),
    ]  # fmt: skip


def none_fits(network: Network, found: Fit, train: bool) -> str:
    listed = ", ".join(f"{name} {amount(size, binary=True)}" for name, size in parts(found, train))
    what, memory = "train" if train else "run", found.memory
    budget, least = amount(found.budget, binary=True), amount(found.least, binary=True)
    return (
        f"{network.name} does not {what} in {budget}: with {found.size} = {found.first} it takes {least}"
        f" ({listed}, {memory.dtype}, {memory.attention} attention)"
    )


def text(network: Network, found: Fit, train: bool) -> str:
    """A line for the answer, one for what it is made of."""
    listed = ", ".join(f"{name} {amount(size, binary=True)}" for name, size in parts(found, train))
    next_one = (
        f"; {amount(found.over, binary=True)} with one step more"
        if found.over is not None
        else "; the model allows no more"
    )
    return (
        f"{found.size} = {found.value}  {'trains' if train else 'runs'} in {amount(found.taken, binary=True)}"
        f" of {amount(found.budget, binary=True)}{next_one}\n"
        f"{listed}; {found.memory.dtype}, {found.memory.attention} attention; kernels' workspace not counted\n"
    )


def as_data(network: Network, found: Fit, train: bool, file: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "model": network.name,
        "file": file,
        "size": found.size,
        "value": found.value,
        "mode": "training" if train else "inference",
        "dtype": found.memory.dtype,
        "attention": found.memory.attention,
        "budget_bytes": found.budget,
        "taken_bytes": found.taken,
        "next_bytes": found.over,
        "parts": {name.replace(" ", "_"): size for name, size in parts(found, train)},
    }


def render_json(network: Network, found: Fit, train: bool, file: str) -> str:
    return json.dumps(as_data(network, found, train, file), ensure_ascii=False, indent=1) + "\n"
