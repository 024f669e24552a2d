"""A module built once, run on sample input and compared with what was promised: the end of ``archdsl build``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from archdsl.backend.compile import Compilation, Mode, compile_module
from archdsl.backend.errors import WeightsError
from archdsl.backend.inputs import sample_inputs
from archdsl.backend.module import module
from archdsl.backend.verify import Verification, verify
from archdsl.backend.weights import load_weights
from archdsl.failures import Bug, CommandFailure, EnvironmentFailure, LimitFailure, UsageFailure
from archdsl.network.types import Network
from archdsl.tensors import DTYPE_NAMES, FLOATS

Level = Literal["eager", "compiled"]


@dataclass(frozen=True)
class Trial:
    """What was built and how it was compared; ``remarks`` are what the user should know."""

    verification: Verification
    compilation: Compilation
    remarks: tuple[str, ...]


class WeightsRefused(CommandFailure):
    """A checkpoint that doesn't fit: wrong input."""

    exit_code = 1


def try_out(
    network: Network,
    weight_bytes: Callable[[int], int],
    *,
    device: str = "cpu",
    dtype: str = "float32",
    mode: Mode = "auto",
    level: Level = "compiled",
    at: Mapping[str, int] | None = None,
    seed: int = 0,
    weights: str | None = None,
) -> Trial:
    """Build, load, run, compare. ``weight_bytes`` says what the weights take at so many bytes a float.

    Raises UsageFailure, EnvironmentFailure, LimitFailure, WeightsRefused, and Bug where something differs.
    """
    place, kind = _device(device), _dtype(dtype)
    refuse_too_large(weight_bytes(kind.itemsize), place)
    remarks: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            net = module(network, device=place, dtype=kind, seed=None if weights is not None else seed)
            if weights is not None:
                remarks += load_weights(net, weights)
            inputs = sample_inputs(network, at, device=place, dtype=kind, seed=seed)
            compilation = Compilation("none", reason="asked for")
            if level == "compiled":
                compilation = compile_module(network, net, mode)
            found = verify(network, net, inputs, compilation)
    except WeightsError as error:
        raise WeightsRefused(str(error)) from None
    except torch.OutOfMemoryError as error:
        raise LimitFailure(f"out of memory on {place}: {str(error).splitlines()[0]}") from None
    if not found.ok:
        raise Bug(f"{network.name}: what was built is not what was promised\n{found}")
    if level == "compiled" and compilation.mode == "none" and mode != "none":
        remarks.append(f"{compilation.reason}: the model runs in eager mode")
    del caught
    return Trial(found, compilation, tuple(remarks))


def refuse(weight_bytes: Callable[[int], int], device: str, dtype: str) -> None:
    """Raise what ``try_out`` would, as far as it can be known before anything is made."""
    refuse_too_large(weight_bytes(_dtype(dtype).itemsize), _device(device))


def _device(name: str) -> torch.device:
    try:
        place = torch.device(name)
    except RuntimeError:
        raise UsageFailure(f"--device {name}: there is no such device; say cpu or cuda") from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise EnvironmentFailure(f"--device {name}: this machine, or this build of torch, has no CUDA device")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise EnvironmentFailure(f"--device {name}: there are {torch.cuda.device_count()}")
    if place.type not in ("cpu", "cuda"):
        raise UsageFailure(f"--device {name}: say cpu or cuda")
    return place


def _dtype(name: str) -> torch.dtype:
    known = DTYPE_NAMES.get(name)
    if known not in FLOATS:
        raise UsageFailure(f"--dtype {name}: there are {', '.join(FLOATS)}")
    found: torch.dtype = getattr(torch, known)
    return found


def refuse_too_large(need: int, place: torch.device) -> None:
    """Raise LimitFailure where the weights alone don't fit, before anything is allocated."""
    free = free_bytes(place)
    if free is not None and need > free:
        raise LimitFailure(
            f"the weights take {_gib(need)}, and {_gib(free)} are free on {place}; nothing was allocated. "
            "`--verify none` checks, counts, draws and writes model.py without building"
        )


def free_bytes(place: torch.device) -> int | None:
    """What could be allocated now; None where the system doesn't say."""
    if place.type == "cuda":
        return int(torch.cuda.mem_get_info(place)[0])
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
