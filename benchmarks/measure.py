"""Measuring: CPU seconds of whole processes, turn by turn, and the machine they ran on."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def cpu_seconds(command: list[str]) -> tuple[float, str]:
    """User and system seconds of a process and its children, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime), done.stdout


def in_turn(first: list[str], second: list[str], rounds: int = 5) -> tuple[list[float], list[float]]:
    """CPU seconds of two commands run A B A B ..., after one run of each that is not counted."""
    cpu_seconds(first)
    cpu_seconds(second)
    pairs = [(cpu_seconds(first)[0], cpu_seconds(second)[0]) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def machine() -> dict[str, object]:
    """What a reader needs to know of where this ran."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Least, median and most of a few measurements."""
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


def save(name: str, result: dict[str, object]) -> None:
    """Writes a result with the machine's description, and prints it."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), **result}, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{name}\n{text}")
