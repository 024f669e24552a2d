"""Numbers for the symbolic sizes: the author's defaults, what was asked for, and whether the model allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archdsl.dims import Size, evaluate, render, symbols
from archdsl.network.types import Network
from archdsl.tensors import TensorType


class SizesError(Exception):
    """The sizes asked for can't be used: one is missing, unknown, or outside what the model allows."""


def declared_sizes(network: Network) -> tuple[str, ...]:
    """The names of a model's sizes, in the order of its inputs."""
    found: dict[str, None] = {}
    for item in network.inputs:
        for dim in item.type.shape:
            found.update(dict.fromkeys(sorted(symbols(dim))))
    return tuple(found)


def sizes_for(network: Network, at: Mapping[str, int] | None = None) -> dict[str, int]:
    """A number for every size: those of ``at``, else the defaults, else 1 for a first dim. Raises SizesError."""
    asked = dict(at or {})
    solved = dict(network.assumptions.solved)
    names = [name for name in declared_sizes(network) if name not in solved]
    known = [*names, *solved]
    for name in asked:
        if name not in known:
            listed = f"its sizes are {', '.join(known)}" if known else "it has none"
            raise SizesError(f"{network.name} has no size {name}: {listed}")
        if asked[name] < 1:
            raise SizesError(f"{name} must be at least 1, and is {asked[name]}")
    first = {
        str(item.type.shape[0]) for item in network.inputs if item.type.shape and _bare(item.type.shape[0])
    }
    given = {**{name: 1 for name in names if name in first}, **network.defaults, **asked}
    missing = [name for name in names if name not in given]
    if missing:
        raise SizesError(
            f"{network.name} has no default for {', '.join(missing)}: give one with --at "
            + ",".join(f"{name}=..." for name in missing)
        )
    sizes = {name: given[name] for name in names}
    sizes |= {name: asked.get(name, evaluate(dim, sizes)) for name, dim in solved.items()}
    for name, dim in solved.items():
        if sizes[name] != evaluate(dim, sizes):
            raise SizesError(f"{network.name} expects {name} == {render(dim)}, and {_written(sizes)}")
    for relation in network.assumed:
        if not relation.holds(sizes):
            raise SizesError(f"{network.name} expects {relation.render()}, and {_written(sizes)}")
    for bound in network.bounds:
        if not bound.relation.holds(sizes):
            raise SizesError(
                f"{network.name} needs {bound.relation.render()} ({bound.reason}), and {_written(sizes)}"
            )
    return sizes


def _bare(dim: int | Size) -> bool:
    return isinstance(dim, Size) and len(symbols(dim)) == 1 and str(dim) in symbols(dim)


def _written(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} is {value}" for name, value in sizes.items())


def concrete(type: TensorType, sizes: Mapping[str, int]) -> TensorType:
    """A type with numbers for its sizes."""
    if all(isinstance(dim, int) for dim in type.shape):
        return type
    return replace(type, shape=tuple(evaluate(dim, sizes) for dim in type.shape))


def concrete_all(types: tuple[TensorType, ...], sizes: Mapping[str, int]) -> tuple[TensorType, ...]:
    """Several types with numbers for their sizes."""
    return tuple(concrete(type, sizes) for type in types)
