"""What each operator means in torch: a table by name, filled by the ``torch_*`` files, and calls that use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tests.random_networks.pieces import Piece, inner_pieces, literal, resolved, union
from tests.random_networks.runtime import Run, Stricter, checked

TORCH: dict[str, Callable[..., Any]] = {}
WEIGHTED: set[str] = set()
NO_WIRE: set[str] = set()


def means(*names: str, weighted: bool = False, wire: bool = True) -> Callable[[Any], Any]:
    """Registers ``f(run, x, *arguments)``, or ``f(run, *arguments)`` for operators that take no wire."""

    def register(function: Any) -> Any:
        for name in names:
            TORCH[name] = function
            if weighted:
                WEIGHTED.add(name)
            if not wire:
                NO_WIRE.add(name)
        return function

    return register


def simple(wire: bool = True, **functions: Callable[..., Any]) -> None:
    """Registers torch functions that need nothing of the run."""
    for name, function in functions.items():
        means(name, wire=wire)(lambda run, *args, _f=function, **kwargs: _f(*args, **kwargs))


def call(op: str, *args: Any, **kwargs: Any) -> Piece:
    """``op(args)`` as it is written, and what torch does. Arguments may be pieces: they see the wire."""
    words = [literal(a) for a in args] + [f"{k}={literal(v)}" for k, v in kwargs.items()]
    function, takes_wire = TORCH[op], op not in NO_WIRE

    def go(run: Run, wire: Any) -> Any:
        given = [resolved(run, a, wire) for a in args]
        named = {k: resolved(run, v, wire) for k, v in kwargs.items()}
        if takes_wire:
            if not isinstance(wire, Tensor):
                raise ValueError(f"{op} of no tensor")
            given = [wire, *given]
        return checked(function(run, *given, **named))

    inherited = union(inner_pieces([*args, *kwargs.values()]))
    inherited["ops"] |= {op}
    inherited["weighted"] |= op in WEIGHTED
    return Piece(f"{op}({', '.join(words)})" if words else op, go, True, **inherited)


def need_float(*tensors: Tensor) -> None:
    """Float32 stands for the model's dtype, which weights have: nothing else fits them."""
    if any(not t.is_floating_point() for t in tensors):
        raise Stricter("floats only")


def strict(condition: bool, rule: str) -> None:
    """The rule of ``stricter.RULES`` under which this is refused, where the condition holds."""
    if condition:
        raise Stricter(rule)


def numbers(value: Any) -> list[Any]:
    """A number, or a list of them, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


DTYPES = {
    "int": torch.int64, "i32": torch.int32, "float32": torch.float32, "float64": torch.float64, "bool": torch.bool,
    "uint8": torch.uint8, "bfloat16": torch.bfloat16,
}  # fmt: skip


def dtype(name: str) -> Piece:
    """A dtype by its name in the language."""
    return Piece(name, lambda run, wire: DTYPES[name])
