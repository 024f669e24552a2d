"""A random program from a seed: inputs, assumptions, witnesses, then statement by statement."""

from __future__ import annotations

from random import Random

from torch import Tensor

from tests.random_networks import structure_blocks  # noqa: F401  (it fills STEPS)
from tests.random_networks.maker import LARGE, WITNESSES, Maker
from tests.random_networks.pieces import Assumption, Input, Program, Statement, do, let, name
from tests.random_networks.structure import plain, step

FORMS: list[tuple[float, tuple[str | int, ...], str]] = [
    (5, ("B", 3, "H", "W"), "float32"), (2, ("B", 4, 16, 16), "float32"), (1, ("B", 8, "H", "H"), "float32"),
    (1, ("B", 6, "T"), "float32"), (0.6, ("B", 2, "D", "H", "W"), "float32"), (3, ("B", "T", 16), "float32"),
    (1.2, ("B", 12), "float32"), (1, ("B", 4, "T", 8), "float32"), (2, ("B", "T"), "int64"), (0.5, ("B",), "int64"),
    (0.7, ("B", 10, 16), "float32"), (0.3, ("N", "M"), "float32"),
]  # fmt: skip


def generate(seed: int, steps: int = 12) -> Program:
    """The program of a seed; the same for the same seed."""
    rng = Random(seed)
    inputs = [_input(rng, "x")]
    while rng.random() < 0.25 and len(inputs) < 3:
        inputs.append(_input(rng, "uvt"[len(inputs)]))
    program = Program(seed, inputs, [], labelled=rng.random() < 0.8)
    program.assumptions = _assumptions(rng, program.symbols)
    maker = Maker(program, rng, rng.choice([0.0, 0.15, 0.35, 0.5]))
    maker.start(inputs, [large_sizes(program, rng) for _ in range(WITNESSES)])
    if len(inputs) > 1:
        maker.statements.append(do(name("x")))
    for _ in range(rng.randint(1, steps)):
        if not maker.failed:
            (step if rng.random() < 0.45 else plain)(maker)
    _finish(program, maker)
    return program


def _input(rng: Random, text: str) -> Input:
    (form,) = rng.choices(FORMS, [weight for weight, _, _ in FORMS])
    _, dims, dtype = form
    return Input(text, dims, dtype, 50)


def _assumptions(rng: Random, symbols: list[str]) -> list[Assumption]:
    found: list[Assumption] = []
    spatial = [s for s in symbols if s not in ("B", "N")]
    if spatial and rng.random() < 0.45:
        s = rng.choice(spatial)
        k = rng.choice([2, 2, 4, 8, 3])
        r = rng.choice([0, 0, 0, 1])
        found.append(Assumption(f"{s} % {k} == {r}", lambda sizes: sizes[s] % k == r))
    if "H" in spatial and "W" in spatial and rng.random() < 0.2:
        found.append(Assumption("H == W", lambda sizes: sizes["H"] == sizes["W"]))
    if spatial and rng.random() < 0.1:
        low = rng.choice([5, 16])
        t = rng.choice(spatial)
        found.append(Assumption(f"{t} >= {low}", lambda sizes: sizes[t] >= low))
    return found


def large_sizes(program: Program, rng: Random, choices: range = LARGE) -> dict[str, int]:
    """Sizes that meet the assumptions, large enough for what lower bounds there may be."""
    while True:
        sizes = {
            s: rng.choice(choices) if s not in ("B", "N") else rng.randint(2, 9) for s in program.symbols
        }
        if rng.random() < 0.5 and "W" in sizes and "H" in sizes:
            sizes["W"] = sizes["H"]
        if program.allows(sizes):
            return sizes


def _finish(program: Program, maker: Maker) -> None:
    """Names that nobody reads become outputs, so that no weights are left over."""
    if not maker.failed and not isinstance(maker.wires[0], Tensor):
        raise AssertionError("the wire ends as a list")
    for item in program.inputs[1:]:
        if not any(item.name in s.names for s in maker.statements):
            maker.statements.append(let([maker.fresh("y")], name(item.name)))
    program.statements = maker.statements or [Statement(("id",), lambda run, wire: wire)]
    read = set[str]().union(*(s.names for s in program.statements))
    assigned = dict.fromkeys(n for s in program.statements for n in s.assigns)
    program.outputs = [n for n in assigned if n not in read and _is_tensor(maker, n)] + ["out"]
    program.complete = not maker.failed


def _is_tensor(maker: Maker, text: str) -> bool:
    return isinstance(maker.runs[0].env.get(text, maker.tensor), Tensor)
