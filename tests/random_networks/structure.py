"""Random structure: residuals, branches, joins, lists; ``structure_blocks`` adds what has a body."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add

import torch
from torch import Tensor

from tests.random_networks import (  # noqa: F401  (they fill CHOICES and TORCH)
    choose_reduce,
    choose_sequence,
    choose_shape,
    choose_spatial,
    torch_shape,
    torch_spatial,
)
from tests.random_networks.choose_pointwise import CHOICES, infixed
from tests.random_networks.choose_sequence import has_features
from tests.random_networks.choose_spatial import is_map
from tests.random_networks.maker import Maker
from tests.random_networks.meaning import call
from tests.random_networks.pieces import (
    IDENTITY,
    Piece,
    Statement,
    comprehension,
    do,
    let,
    listed,
    name,
    pipe,
)

OPS = list(CHOICES)
WEIGHTS = [CHOICES[op][0] for op in OPS]

Step = Callable[[Maker], Statement | None]
STEPS: list[tuple[float, Step]] = []


def steps(weight: float) -> Callable[[Step], Step]:
    """Registers a kind of statement."""

    def register(function: Step) -> Step:
        STEPS.append((weight, function))
        return function

    return register


def step(g: Maker) -> None:
    """One structured statement, where it can be made."""
    if not isinstance(g.wires[0], Tensor) or g.depth > 2:
        return
    (make,) = g.rng.choices([s for _, s in STEPS], [w for w, _ in STEPS])
    statement = make(g)
    if statement is not None:
        g.add(statement)


def plain(g: Maker) -> None:
    """One operator as a statement."""
    piece = operator(g)
    if piece is not None:
        g.add(do(piece))


def operator(g: Maker) -> Piece | None:
    """A random operator on the wire."""
    for _ in range(8):
        if not isinstance(g.wires[0], Tensor):
            return None
        (op,) = g.rng.choices(OPS, WEIGHTS)
        piece = CHOICES[op][1](g)
        if piece is not None and (g.wild() or g.fits(piece)):
            return piece
    return None


def chain(g: Maker, most: int) -> Piece | None:
    """A pipe of some operators; the wire is as before afterwards."""
    parts = []
    with g.inside():
        for _ in range(g.rng.randint(1, most)):
            piece = operator(g)
            if piece is not None and g.add(do(piece)):
                parts.append(piece)
            elif g.failed and piece is not None:
                parts.append(piece)
                break
    return pipe(*parts) if parts else None


def adapted(g: Maker, branch: Piece) -> Piece | None:
    """``branch`` with what it takes to have the wire's shape."""
    found = g.results(branch)
    if found is None or not isinstance(found[0], Tensor):
        return branch if g.wild() else None
    if all(f.shape == w.shape for f, w in zip(found, g.wires, strict=True)) or g.wild():
        return branch
    last: Piece | None = None
    if is_map(g) and found[0].dim() == g.rank and found[0].dtype == torch.float32:
        last = g.call("conv", g.dims[1], 1)
    elif has_features(g) and found[0].dim() == g.rank and found[0].dtype == torch.float32:
        last = g.call("linear", g.dims[-1])
    if last is None:
        return None
    both = pipe(branch, last)
    found = g.results(both)
    if found is None or any(f.shape != w.shape for f, w in zip(found, g.wires, strict=True)):
        return None
    return both


@steps(3)
def residual(g: Maker) -> Statement | None:
    branch = chain(g, 3)
    branch = adapted(g, branch) if branch else None
    return do(infixed(IDENTITY, g.pick(["+", "+", "*", "-"]), branch)) if branch else None


@steps(2)
def concatenation(g: Maker) -> Statement | None:
    left, right = chain(g, 2), chain(g, 2)
    if left is None or right is None:
        return None
    if g.maybe(0.5):
        return do(infixed(g.pick([IDENTITY, left]), "++", right))
    dim = g.pick([1, -1, 0], [5])
    if g.maybe(0.3):
        return do(call("stack", listed([left, right]), dim=dim))
    return do(call("cat", listed([left, right, *([IDENTITY] if g.maybe(0.3) else [])]), dim=dim))


@steps(1.5)
def branch(g: Maker) -> Statement | None:
    """``y = ...``; at the end what nobody used becomes an output."""
    made = chain(g, 3)
    if made is None or g.depth:
        return None
    return let([g.fresh("y")], made)


@steps(1.5)
def joined(g: Maker) -> Statement | None:
    """The wire with a name in scope."""
    names = [n for n in g.live(g.rank) if g.values(n)[0].dtype == g.tensor.dtype]
    if not names or g.depth:
        return None
    other = name(g.rng.choice(names))
    word = g.pick(["+", "++", "*"])
    if word == "++":
        return do(infixed(IDENTITY, word, other))
    return do(infixed(IDENTITY, word, other))


@steps(0.5)
def switched(g: Maker) -> Statement | None:
    """The wire is kept under a name, and goes on from another one."""
    names = g.live()
    if not names or g.depth:
        return None
    kept, other = g.fresh("y"), g.rng.choice(names)
    if not g.add(let([kept], IDENTITY)):
        return None
    return do(name(other))


@steps(0.8)
def each(g: Maker) -> Statement | None:
    """A comprehension over two or three tensors, joined."""
    made = chain(g, 2)
    if made is None:
        return None
    target, items = g.fresh("z"), listed([IDENTITY, call("flip", 0), IDENTITY][: g.pick([2, 3])])
    label = g.fresh("w")
    parts = comprehension(pipe(name(target), made), target, items, label)
    if g.maybe(0.3):
        summed = Piece(
            f"sum({parts.text})",
            lambda run, w: reduce(add, parts.run(run, w)),
            True,
            parts.ops | {"add"},
            parts.weighted,
        )
        return do(summed)
    return do(call("cat", parts, dim=g.pick([1, -1], [0, 7])))
