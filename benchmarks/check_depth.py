"""What depth costs: checking a GPT of 1,000 layers against one of 2, in one process, in turn."""

from __future__ import annotations

import statistics
import time

from benchmarks.measure import save, spread

ROUNDS = 15


def seconds(layers: int) -> float:
    """CPU seconds to parse, elaborate and prove GPT-2 with that many layers, everything anew but the imports."""
    from archdsl.analysis.summary import summarise
    from archdsl.data import data_root
    from archdsl.network.elaborate import elaborate
    from archdsl.network.program import load
    from archdsl.source import Source

    text = (data_root() / "specs" / "zoo" / "gpt2.arch").read_text(encoding="utf-8")
    start = time.process_time()
    network, found = elaborate(load(Source("gpt2.arch", text)), "gpt2", {"layers": layers})
    took = time.process_time() - start
    assert network is not None, found
    each = 12 * 768**2 + 13 * 768
    assert summarise(network).params == layers * each + (50257 + 1024) * 768 + 2 * 768
    return took


def run() -> None:
    seconds(2), seconds(1000)
    pairs = [(seconds(1000), seconds(2)) for _ in range(ROUNDS)]
    deep, shallow = [a for a, _ in pairs], [b for _, b in pairs]
    save(
        "check_depth",
        {
            "what": "CPU seconds to check GPT-2 with 1,000 layers and with 2, in one process, in turn",
            "layers_1000": spread(deep),
            "layers_2": spread(shallow),
            "ratio_of_medians": round(statistics.median(deep) / statistics.median(shallow), 3),
            "ratio_of_least": round(min(deep) / min(shallow), 3),
        },
    )


if __name__ == "__main__":
    run()
