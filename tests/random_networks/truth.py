"""What torch says of a program at given sizes: its outputs, or that it refuses; parameters, work, values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.random_networks.generate import large_sizes
from tests.random_networks.maker import values_of
from tests.random_networks.pieces import Program, body_of
from tests.random_networks.runtime import REFUSALS, Run, Weights

Sizes = dict[str, int]
MOST_WORK = 1 << 24  # elements of the inputs


@contextmanager
def quiet() -> Iterator[None]:
    """Without gradients and torch's warnings."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        yield


def run(program: Program, sizes: Sizes, weights: Weights, double: bool = False) -> dict[str, Tensor]:
    """The outputs by name. Raises one of ``REFUSALS`` where torch refuses."""
    env = values_of(program.inputs, sizes, weights.device)
    state = Run(sizes, weights, env)
    wire = body_of(program.statements)(state, env[program.inputs[0].name])
    found = {n: wire if n == "out" else state.env[n] for n in program.outputs}
    for value in found.values():
        if not isinstance(value, Tensor):
            raise ValueError("an output is no tensor")
    return found


def attempt(program: Program, sizes: Sizes, weights: Weights) -> dict[str, Tensor] | str:
    """The outputs, or torch's words; weights made by a failed attempt are forgotten."""
    known = set(weights.modules)
    try:
        with quiet():
            return run(program, sizes, weights)
    except REFUSALS as error:
        for path in set(weights.modules) - known:
            del weights.modules[path]
        return f"{type(error).__name__}: {error}".split("\n")[0][:160]


def described(outputs: dict[str, Tensor]) -> dict[str, list[Any]]:
    """Shapes and dtypes by name."""
    return {n: [list(t.shape), str(t.dtype).removeprefix("torch.")] for n, t in outputs.items()}


def work(program: Program, sizes: Sizes) -> tuple[int, int]:
    """Parameters and multiply-accumulates, as torch counts them on the meta device."""
    weights = Weights("meta")
    with quiet():
        run(program, sizes, weights)
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            run(program, sizes, weights)
    return weights.count, counter.get_total_flops() // 2


def spread(program: Program, number: int = 24) -> list[Sizes]:
    """Large sizes of all residues modulo 12, as far as the assumptions let them; then a few larger ones."""
    rng = Random(program.seed + 1)
    found = [large_sizes(program, rng) for _ in range(number)]
    larger = range(111, 124) if "D" in program.symbols else range(120, 260)
    last = [large_sizes(program, rng, larger) for _ in range(number // 12)]
    distinct = {tuple(sizes.items()): sizes for sizes in found}.values()
    return [*sorted(distinct, key=lambda sizes: -sum(v % 2 for v in sizes.values())), *last]


def small(program: Program, number: int = 8) -> list[Sizes]:
    """Small sizes that meet the assumptions."""
    rng, found = Random(program.seed + 2), list[Sizes]()
    for most in (2, 3, 4, 5, 6, 8, 10, 13, 17, 25, 25, 25):
        for _ in range(6):
            sizes = {s: rng.randint(1, most) for s in program.symbols}
            if program.allows(sizes) and sizes not in found and len(found) < number:
                found.append(sizes)
    return found


def around(program: Program, base: Sizes, symbol: str, value: int) -> list[Sizes]:
    """``base`` with a size at the edge and just outside, as near as the assumptions allow."""
    found = []
    for steps in (range(value, value + 13), range(value - 1, value - 14, -1)):
        for v in steps:
            changed = {s: v if s == symbol else n for s, n in base.items()}
            if "H == W" in {a.text for a in program.assumptions} and symbol in ("H", "W"):
                changed |= {"H": v, "W": v}
            if v >= 1 and program.allows(changed):
                found.append(changed)
                break
    return found
