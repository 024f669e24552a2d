"""What the generator knows while it writes: witnesses (torch runs at a few sizes), the wire's shape, fresh names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

import torch
from torch import Tensor

from tests.random_networks.meaning import WEIGHTED, call
from tests.random_networks.pieces import Input, Piece, Program, Statement, labelled
from tests.random_networks.runtime import REFUSALS, Run, Weights, sample

T = TypeVar("T")
WITNESSES = 3
LARGE = range(24, 48)
MOST = 1 << 22  # elements of a tensor


class Maker:
    """A program on its way. ``wires`` holds what the wire is at each witness."""

    def __init__(self, program: Program, rng: Random, wildness: float) -> None:
        self.program, self.rng, self.wildness = program, rng, wildness
        self.weights = Weights("cpu")
        self.runs: list[Run] = []
        self.wires: list[Any] = []
        self.statements: list[Statement] = []
        self.counter = 0
        self.depth = 0
        self.failed = False

    # ------------------------------------------------------------------------------------------------------ choosing

    def wild(self) -> bool:
        """Whether to choose without regard to what fits."""
        return self.rng.random() < self.wildness

    def pick(self, good: Sequence[T], bad: Sequence[Any] = ()) -> T:
        """One of ``good``; in wild programs sometimes one of ``bad``."""
        if bad and self.wild():
            found: T = self.rng.choice(list(bad))
            return found
        return self.rng.choice(list(good))

    def maybe(self, chance: float) -> bool:
        return self.rng.random() < chance

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    # ------------------------------------------------------------------------------------------------------ the wire

    @property
    def tensor(self) -> Tensor:
        """The wire at the first witness."""
        found: Tensor = self.wires[0]
        return found

    @property
    def rank(self) -> int:
        return self.tensor.dim()

    @property
    def is_float(self) -> bool:
        return self.tensor.dtype == torch.float32

    @property
    def dims(self) -> list[int | None]:
        """The sizes of the wire; None where a size is free."""
        return self.dims_of(self.wires)

    @staticmethod
    def dims_of(wires: Sequence[Tensor]) -> list[int | None]:
        """Sizes that agree at all witnesses."""
        columns = zip(*(w.shape for w in wires), strict=True)
        return [c[0] if len(set(c)) == 1 else None for c in columns]

    def live(self, rank: int | None = None) -> list[str]:
        """Names of tensors in scope."""
        return [
            n
            for n, v in self.runs[0].env.items()
            if isinstance(v, Tensor)
            and (rank is None or v.dim() == rank)
            and all(n in r.env for r in self.runs)
        ]

    def values(self, name: str) -> list[Tensor]:
        return [run.env[name] for run in self.runs]

    # ------------------------------------------------------------------------------------------------------- running

    def start(self, inputs: Sequence[Input], sizes: Sequence[dict[str, int]]) -> None:
        """Witnesses at these sizes, the wire on the first input."""
        self.runs = [Run(s, self.weights, values_of(inputs, s, self.weights.device)) for s in sizes]
        self.wires = [run.env[inputs[0].name] for run in self.runs]

    def results(self, piece: Piece | Statement) -> list[Any] | None:
        """What ``piece`` gives at each witness; None where torch refuses at one of them."""
        known = set(self.weights.modules)
        try:
            return [piece.run(run, wire) for run, wire in zip(self.runs, self.wires, strict=True)]
        except REFUSALS:
            for path in set(self.weights.modules) - known:
                del self.weights.modules[path]
            return None

    def fits(self, piece: Piece) -> bool:
        """Whether torch takes it at all witnesses, as one tensor of moderate size; names are left as they were."""
        before = [dict(run.env) for run in self.runs]
        found = self.results(piece)
        for run, env in zip(self.runs, before, strict=True):
            run.env = env
        return found is not None and all(isinstance(t, Tensor) and t.numel() < MOST for t in found)

    def add(self, statement: Statement) -> bool:
        """Append a statement if torch takes it; one that it refuses ends a wild program."""
        if self.failed:
            return False
        before = [dict(run.env) for run in self.runs]
        found = self.results(statement)
        if found is None:
            for run, env in zip(self.runs, before, strict=True):
                run.env = env
            if self.rng.random() < self.wildness:
                self.statements.append(statement)
                self.failed = True
            return False
        if any(isinstance(t, Tensor) and (t.numel() > MOST or t.dim() > 7) for t in found):
            for run, env in zip(self.runs, before, strict=True):
                run.env = env
            return False
        self.wires = found
        self.statements.append(statement)
        return True

    def weighted(self, piece: Piece) -> Piece:
        """With a label, or without one under a path nobody knows."""
        label = self.fresh("w")
        if self.program.labelled:
            return labelled(piece, label)

        def go(run: Run, wire: Any) -> Any:
            with run.place(label):
                return piece.run(run, wire)

        return Piece(piece.text, go, piece.tight, piece.ops, piece.weighted, piece.names)

    def call(self, op: str, *args: Any, **kwargs: Any) -> Piece:
        """An operator with these arguments, labelled where it holds weights."""
        made = call(op, *args, **kwargs)
        return self.weighted(made) if op in WEIGHTED else made

    @contextmanager
    def inside(self, *place: str, names: dict[str, Any] | None = None) -> Iterator[list[Statement]]:
        """A body: its statements are collected, then wire, names and place are as they were. ``names`` hides others."""
        wires, statements, failed = list(self.wires), self.statements, self.failed
        environments = [run.env for run in self.runs]
        prefixes = [run.prefix for run in self.runs]
        self.statements = []
        self.depth += 1
        for run in self.runs:
            run.env = dict(run.env) if names is None else dict(names)
            run.prefix = (*run.prefix, *place)
        try:
            yield self.statements
        finally:
            self.depth -= 1
            self.wires, self.statements, self.failed = wires, statements, failed
            for run, env, prefix in zip(self.runs, environments, prefixes, strict=True):
                run.env, run.prefix = env, prefix


def values_of(inputs: Sequence[Input], sizes: dict[str, int], device: torch.device) -> dict[str, Any]:
    """The model's inputs at given sizes, and the sizes themselves under their names."""
    found: dict[str, Any] = dict(sizes)
    for i in inputs:
        shape = [sizes[d] if isinstance(d, str) else d for d in i.dims]
        found[i.name] = sample(shape, i.dtype, device, i.high, i.name)
    return found


def shape_piece(dim: int) -> Piece:
    """``id.shape[dim]``."""
    return Piece(f"id.shape[{dim}]", lambda run, wire: wire.shape[dim])


def shape_minus(dim: int, n: int) -> Piece:
    """``id.shape[dim] - n``."""
    return Piece(f"id.shape[{dim}] - {n}", lambda run, wire: wire.shape[dim] - n, False)


def shape_over(dim: int, n: int) -> Piece:
    """``id.shape[dim] // n``."""
    return Piece(f"id.shape[{dim}] // {n}", lambda run, wire: wire.shape[dim] // n, False)
