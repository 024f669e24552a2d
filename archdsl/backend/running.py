"""Sizes at which a model is run once, and the end of a generated file that does so."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.backend.errors import BackendError
from archdsl.backend.names import minted
from archdsl.dims import Dim, evaluate, symbols
from archdsl.network.types import ModelInput, Network
from archdsl.tensors import FLOATS


def sizes_at(network: Network, at: Mapping[str, int] | None = None) -> dict[str, int]:
    """A number for every symbol of the inputs: given, the author's default, or the least that is allowed."""
    found = {**network.defaults, **(at or {})}
    missing = [
        s for given in network.inputs for d in given.type.shape for s in sorted(symbols(d)) if s not in found
    ]
    conditions = [*network.assumed, *(b.relation for b in network.bounds)]
    for name in dict.fromkeys(missing):
        known = {**found, name: 1}
        asked = [c for c in conditions if (symbols(c.left) | symbols(c.right)) <= known.keys()]
        for value in range(1, 4097):
            known[name] = value
            if all(c.holds(known) for c in asked):
                break
        else:
            raise BackendError(f"no size found for {name}: give one")
        found[name] = value
    return found


def value_range(network: Network, given: ModelInput, sizes: Mapping[str, int]) -> tuple[int, int]:
    """The integers that an input may hold: from the first up to, not including, the second."""
    low: list[Dim] = [b.low for b in network.value_bounds if b.input == given.name]
    high: list[Dim] = [b.high for b in network.value_bounds if b.input == given.name]
    if not high:
        return 0, 2
    return max(evaluate(d, sizes) for d in low), min(evaluate(d, sizes) for d in high)


def main_lines(network: Network, model: str) -> list[str]:
    """``if __name__ == "__main__"``: one run at the default sizes, shapes printed."""
    try:
        sizes = sizes_at(network)
    except BackendError:
        return []
    rows, names = [], []
    for given in network.inputs:
        name = minted(given.name, "x")
        name = f"{name}_" if name in ("model", "out", "name", "value") else name
        names.append(name)
        shape = ", ".join(str(evaluate(d, sizes)) for d in given.type.shape)
        wrapped = f"({shape},)" if given.type.rank == 1 else f"({shape})"
        dtype = given.type.dtype
        if dtype in FLOATS:
            more = "" if dtype == "float32" else f", dtype=torch.{dtype}"
            rows.append(f"    {name} = torch.randn({wrapped}{more})")
        elif dtype == "bool":
            rows.append(f"    {name} = torch.rand({wrapped}) < 0.5")
        else:
            low, high = value_range(network, given, sizes)
            more = "" if dtype == "int64" else f", dtype=torch.{dtype}"
            rows.append(f"    {name} = torch.randint({low}, {high}, {wrapped}{more})")
    rows.append("    with torch.no_grad():")
    rows.append(f"        out = model({', '.join(names)})")
    outs = network.inference.output_names
    several = len(dict.fromkeys((*outs, *network.training.output_names))) > 1
    if several:
        rows += [
            "    for name, value in out._asdict().items():",
            "        print(name, None if value is None else list(value.shape))",
        ]
    else:
        rows.append(f'    print("{minted(outs[0], "out").rstrip("_") or "out"}", list(out.shape))')
    return ['if __name__ == "__main__":', f"    model = {model}().eval()", *rows]
