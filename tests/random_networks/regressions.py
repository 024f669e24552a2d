"""Programs that failed once, kept as files with what torch said of them: run again whatever the generator does.

    # what was wrong
    #: {"at": {"B": 2}, "outputs": {"out": [[2, 8], "float32"]}, "params": 0, "macs": 0, "values": {"out": 1.5}}
    #: {"refuses": {"B": 1}}
    model m { ... }

``values`` are sums of the outputs, weights and inputs filled by ``runtime.fill`` and ``runtime.sample``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.analysis.summary import summarise
from archdsl.backend.module import module
from archdsl.dims import evaluate
from archdsl.network.elaborate import check
from archdsl.network.program import load
from archdsl.network.types import Network
from archdsl.report import has_errors
from archdsl.source import Source
from tests.random_networks.pieces import Program
from tests.random_networks.runtime import REFUSALS, Weights, fill, sample
from tests.random_networks.truth import attempt, described, quiet, run, small, spread, work
from tests.random_networks.verify import NOISE

FOLDER = Path(__file__).parent / "regressions"
FACT = "#: "


def record(program: Program, title: str, name: str) -> Path:
    """Writes a program with torch's word on it; ``name`` is that of the file."""
    weights, facts = Weights("cpu"), []
    taken, refused = 0, 0
    for sizes in [*spread(program, 6), *small(program, 8)]:
        found = attempt(program, sizes, weights)
        if isinstance(found, str) and refused < 3:
            facts.append({"refuses": sizes})
            refused += 1
        elif not isinstance(found, str) and taken < 3:
            params, macs = work(program, sizes)
            fact: dict[str, Any] = {"at": sizes, "outputs": described(found), "params": params, "macs": macs}
            if program.labelled and not program.ops & NOISE:
                with quiet():
                    values = run(program, sizes, weights.on_cpu())
                fact["values"] = {n: total(t) for n, t in values.items()}
            facts.append(fact)
            taken += 1
    lines = [f"# {title}", *(FACT + json.dumps(fact) for fact in facts), program.text]
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.arch"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def total(tensor: Tensor) -> float | None:
    """The sum, where it is a number."""
    found = float(tensor.double().sum())
    return found if math.isfinite(found) else None


def replay(path: Path) -> None:
    """Asserts that the program is promised, built and run as torch said."""
    text = path.read_text(encoding="utf-8")
    facts = [json.loads(line[len(FACT) :]) for line in text.splitlines() if line.startswith(FACT)]
    assert facts, "a regression without facts"
    networks, found = check(load(Source(path.name, text)))
    if not any("at" in fact for fact in facts):
        assert has_errors(found), "torch refuses it everywhere"
        return
    if any(d.code in ("E0401", "E0402", "E0407") for d in found):
        assert any("refuses" in fact for fact in facts), [d.message for d in found]
        return
    assert not has_errors(found), [f"{d.code} {d.message}" for d in found]
    for fact in facts:
        sizes = fact.get("at") or fact["refuses"]
        holds = all(bound.relation.holds(sizes) for bound in networks["m"].bounds)
        assert holds == ("at" in fact), f"{fact}: {[b.relation.render() for b in networks['m'].bounds]}"
        if holds:
            _agrees(networks["m"], fact, sizes)


def _agrees(network: Network, fact: Mapping[str, Any], sizes: dict[str, int]) -> None:
    region = network.inference
    promised = {
        name: [[evaluate(d, sizes) for d in v.type.shape], v.type.dtype]
        for name, v in zip(region.output_names, region.outputs, strict=True)
    }
    assert promised == fact["outputs"]
    summary = summarise(network, sizes)
    assert (summary.params, summary.macs) == (fact["params"], fact["macs"])
    net = module(network, device="cpu", seed=None).eval()
    fill(net.state_dict(keep_vars=True))
    inputs = [
        sample([evaluate(d, sizes) for d in i.type.shape], i.type.dtype, torch.device("cpu"), 50, i.name)
        for i in network.inputs
    ]
    with quiet():
        result = net(*inputs)
    outputs = {"out": result} if isinstance(result, Tensor) else dict(zip(promised, result, strict=True))
    assert described(outputs) == fact["outputs"]
    for name, value in fact.get("values", {}).items():
        if value is not None:
            scale = float(outputs[name].double().abs().sum())
            assert abs(total(outputs[name]) - value) <= 1e-4 * max(1.0, scale), name  # type: ignore[operator]


__all__ = ["FOLDER", "REFUSALS", "record", "replay"]
