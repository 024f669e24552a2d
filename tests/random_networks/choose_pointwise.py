"""Random uses of operators that work element by element, reduce, sort, or make tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.random_networks.maker import Maker
from tests.random_networks.meaning import call, dtype
from tests.random_networks.pieces import IDENTITY, Piece, infix, name, pipe
from tests.random_networks.torch_pointwise import INFIX

Chooser = Callable[[Maker], Piece | None]
CHOICES: dict[str, tuple[float, Chooser]] = {}

PLAIN = [
    "abs",
    "ceil",
    "cos",
    "erf",
    "exp",
    "floor",
    "isnan",
    "log",
    "negative",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "detach",
    "celu",
    "elu",
    "hard_sigmoid",
    "hard_swish",
    "hardshrink",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "gelu",
    "prelu",
    "dropout",
    "drop_path",
    "dropout_channels",
]


def chooses(*names: str, weight: float = 1.0) -> Callable[[Chooser], Chooser]:
    """Registers how arguments for an operator are chosen."""

    def register(function: Chooser) -> Chooser:
        for op in names:
            CHOICES[op] = (weight, function)
        return function

    return register


def any_dim(g: Maker) -> int:
    """A dim of the wire, counted from either end; in wild programs sometimes none."""
    rank = max(1, g.rank)
    return g.pick(range(-rank, rank), [rank, -rank - 1, rank + 2])


def infixed(left: Piece, word: str, right: Piece) -> Piece:
    """``left word right``."""
    op, function = INFIX[word]
    return infix(left, word, right, op, function)


def number(value: float) -> Piece:
    """A number where a piece is wanted."""
    return Piece(str(value), lambda run, wire: value, value >= 0)


def _plain(op: str) -> Chooser:
    def choose(g: Maker) -> Piece | None:
        if not g.is_float and not g.wild():
            return None
        match op:
            case "dropout" | "drop_path" | "dropout_channels":
                return call(op, g.pick([0.1, 0.5, 0.0], [1.5, -0.1]))
            case "elu" | "celu" if g.maybe(0.3):
                return call(op, 0.7)
            case "leaky_relu" | "hardshrink" | "softshrink" if g.maybe(0.5):
                return call(op, 0.2)
            case "hardtanh" if g.maybe(0.5):
                return call(op, -2, 2)
            case "gelu":
                return call(
                    op,
                    **g.pick(
                        [{}, {"approximate": "tanh"}, {"approximate": "sigmoid"}], [{"approximate": "x"}]
                    ),
                )
            case "prelu":
                channels = g.dims[1] if g.rank > 1 else None
                return g.call(op, g.pick([1, channels or 1], [2, 7]))
            case "negative":
                return Piece("-id", lambda run, wire: -wire, False, frozenset({"negative"}))
        return call(op)

    return choose


for _name in PLAIN:
    chooses(_name, weight=3 if _name in ("relu", "gelu", "silu", "tanh") else 0.35)(_plain(_name))


def _infix(word: str) -> Chooser:
    def choose(g: Maker) -> Piece | None:
        if not g.is_float and not g.wild():
            return None
        right: Piece = number(g.pick([2, 0.5, 3]))
        same = [n for n in g.live(g.rank) if g.values(n)[0].shape == g.tensor.shape]
        other = g.live()
        if not g.is_float and word in ("//", "%"):
            pass  # no division by a zero that happens to be there
        elif g.wild() and other:
            right = name(g.rng.choice(other))
        elif same and g.maybe(0.5):
            right = name(g.rng.choice(same))
        elif g.maybe(0.3):
            right = pipe(call("abs"), call("add", IDENTITY, 1.0))
        return infixed(IDENTITY, word, right)

    return choose


for _word in ("+", "-", "*", "/", "//", "%", "**"):
    chooses({"+": "add"}.get(_word, INFIX[_word][0]), weight=0.4)(_infix(_word))


def _comparison(word: str) -> Chooser:
    def choose(g: Maker) -> Piece | None:
        test = infixed(IDENTITY, word, number(g.pick([0, 0.5])))
        if g.maybe(0.3):
            return test
        return call("where", test, IDENTITY, g.pick([0.0, 1, call("abs"), call("tanh")]))

    return choose


for _word in ("==", "!=", "<", "<=", ">", ">="):
    chooses(INFIX[_word][0], weight=0.25)(_comparison(_word))


@chooses("where", weight=0.3)
def _where(g: Maker) -> Piece | None:
    names = g.live(g.rank) if not g.wild() else g.live()
    other: Any = name(g.rng.choice(names)) if names else 0.5
    return call("where", infixed(IDENTITY, ">", number(0)), IDENTITY, other)


@chooses("logical_and", "logical_or", "logical_not", weight=0.3)
def _logic(g: Maker) -> Piece | None:
    left, right = infixed(IDENTITY, ">", number(0)), infixed(IDENTITY, "<=", number(1))
    both = infixed(left, g.pick(["and", "or"]), right)
    if g.maybe(0.4):
        inner = both
        both = Piece(
            f"not {inner.closed}",
            lambda run, w: torch.logical_not(inner.run(run, w)),
            False,
            inner.ops | {"logical_not"},
        )
    return pipe(both, call("cast", dtype("float32"))) if g.maybe(0.7) else both


@chooses("maximum", "minimum", "pow", weight=0.3)
def _extreme(g: Maker) -> Piece | None:
    op = g.pick(["maximum", "minimum", "pow"])
    if not g.is_float and not g.wild():
        return None
    same = [n for n in g.live(g.rank) if g.values(n)[0].dtype == torch.float32]
    right = name(g.rng.choice(same)) if same and g.maybe(0.4) else g.pick([0.5, 2])
    return call("pow", right) if op == "pow" else call(op, IDENTITY, right)


@chooses("clamp", weight=0.3)
def _clamp(g: Maker) -> Piece | None:
    return call("clamp", **g.pick([{"min": 0}, {"max": 1}, {"min": -1, "max": 1}], [{}]))


@chooses("cast", weight=0.3)
def _cast(g: Maker) -> Piece | None:
    kind = "float32" if not g.is_float else g.pick(["int", "float64", "bfloat16", "bool", "uint8"])
    return call("cast", dtype(kind))


@chooses("softmax", "softmin", "log_softmax", "cumsum", "cumprod", weight=0.4)
def _along(g: Maker) -> Piece | None:
    if g.rank == 0 and not g.wild():
        return None
    return call(g.pick(["softmax", "softmin", "log_softmax", "cumsum", "cumprod"]), any_dim(g))


@chooses("glu", weight=0.4)
def _glu(g: Maker) -> Piece | None:
    even = [i for i, d in enumerate(g.dims) if d and d % 2 == 0]
    if (not even or not g.is_float) and not g.wild():
        return None
    return call("glu", g.pick(even or [0], range(max(1, g.rank))))
