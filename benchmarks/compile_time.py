"""Compile time and latency of generated modules against the same networks written by hand, as ratios in one run.

python benchmarks/compile_time.py --depth 4 16 --json out.json [--device cuda] [--backend aot_eager]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from archdsl.backend.compile import compile_module
from archdsl.backend.inputs import sample_inputs
from archdsl.backend.module import module
from archdsl.network.elaborate import elaborate
from archdsl.network.program import load
from archdsl.network.types import Network
from archdsl.source import Source
from benchmarks import by_hand


def network(text: str) -> Network:
    program = load(Source("benchmark.arch", text))
    made, found = elaborate(program, next(iter(program.models)), {})
    assert made is not None, found
    return made


def first_call(
    make: Callable[[], nn.Module], inputs: tuple[torch.Tensor, ...]
) -> tuple[nn.Module, float, float, int]:
    """The module, and wall and processor seconds of its first call, with everything cold in this process."""
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    net = make()
    wall, processor = time.perf_counter(), time.process_time()
    with torch.no_grad():
        net(*inputs)
    if inputs[0].is_cuda:
        torch.cuda.synchronize()
    took = time.perf_counter() - wall, time.process_time() - processor
    return net, *took, int(counters["stats"]["unique_graphs"])


def in_turn(
    first: nn.Module, second: nn.Module, inputs: tuple[torch.Tensor, ...], repeats: int
) -> tuple[float, float]:
    """The latencies of two modules, measured A B A B ..., so that a busy machine is busy for both."""
    best = [float("inf"), float("inf")]
    for _ in range(repeats):
        for i, net in enumerate((first, second)):
            best[i] = min(best[i], by_hand.latency(net, inputs, 1))
    return best[0], best[1]


def compare(
    name: str, text: str, hand: Callable[[], nn.Module], device: str, backend: str, repeats: int
) -> dict[str, Any]:
    """One row: our figures, the hand-written network's, and their ratios."""
    made = network(text)
    inputs = sample_inputs(made, device=device)

    def whole_by_hand() -> nn.Module:
        net = hand().to(device).eval()
        net.compile(backend=backend, fullgraph=True)
        return net

    def ours() -> nn.Module:
        net = module(made, device=device).eval()
        compile_module(made, net, backend=backend)
        return net

    plain, plain_hand = module(made, device=device).eval(), hand().to(device).eval()
    eager, eager_hand = in_turn(plain, plain_hand, inputs, repeats)
    fast_hand, hand_wall, hand_cpu, hand_graphs = first_call(whole_by_hand, inputs)
    fast, wall, cpu, graphs = first_call(ours, inputs)
    compiled, compiled_hand = in_turn(fast, fast_hand, inputs, repeats)
    return {
        "network": name, "device": device, "backend": backend, "graphs": graphs, "graphs_by_hand": hand_graphs,
        "compile_s": round(wall, 3), "compile_by_hand_s": round(hand_wall, 3),
        "compile_cpu_s": round(cpu, 3), "compile_by_hand_cpu_s": round(hand_cpu, 3),
        "times_faster_to_compile": round(hand_wall / wall, 2),
        "eager_ms": round(1e3 * eager, 3), "eager_ratio": round(eager / eager_hand, 3),
        "compiled_ms": round(1e3 * compiled, 3), "compiled_ratio": round(compiled / compiled_hand, 3),
    }  # fmt: skip


def run() -> None:
    """The default measurement, written to benchmarks/results."""
    main(["--json", str(Path(__file__).parent / "results" / "compile_time.json")])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--backend", default="inductor")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--d", type=int, default=128)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    # The first compilation of a process pays for imports and the C++ header: nobody's fault.
    warm = nn.Linear(4, 4).to(given.device)
    warm.compile(backend=given.backend)
    warm(torch.randn(2, 4, device=given.device)).sum().backward()
    rows = []
    for depth in given.depth:
        heads = max(1, given.d // 32)
        text = by_hand.GPT.format(d=given.d, heads=heads, depth=depth, batch=4, length=128)
        row = compare(
            f"gpt-{depth}", text, lambda n=depth, h=heads: by_hand.Gpt(given.d, h, n), given.device, given.backend,
            given.repeats,
        )  # fmt: skip
        rows.append(row)
        print(json.dumps(row), flush=True)
    text = by_hand.CONV.format(batch=2, size=64, depth=2)
    rows.append(compare("conv-2", text, lambda: by_hand.Conv(2), given.device, given.backend, given.repeats))
    print(json.dumps(rows[-1]), flush=True)
    if given.json:
        given.json.write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
