"""Memory as people read it: amounts in decimal units, and the lines under the table."""

from __future__ import annotations

from archdsl.analysis.memory import OPTIMIZER, Memory

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def amount(size: int, binary: bool = False) -> str:
    """``86.1 MB``: three digits at least; ``binary`` counts in powers of 1024."""
    base, units = (1024, _BINARY) if binary else (1000, _DECIMAL)
    exponent = 0
    while size >= base ** (exponent + 1) and exponent < len(units) - 1:
        exponent += 1
    if not exponent:
        return f"{size} B"
    digits = 2 if size < 100 * base**exponent else 1
    scaled = (size * 2 * 10**digits + base**exponent) // (2 * base**exponent)
    whole, rest = divmod(scaled, 10**digits)
    return f"{whole}.{rest:0{digits}d} {units[exponent]}"


def memory_lines(memory: Memory) -> list[str]:
    """What weights, training and an inference take. What kernels take for themselves is not in it."""
    optimizer = f"gradients {amount(memory.gradients)}, {OPTIMIZER} {amount(memory.optimizer)}"
    cache = f"; keys and values {amount(memory.cache)}" if memory.cache else ""
    mode = "training mode, " if memory.training else ""
    return [
        f"memory      weights {amount(memory.weights)} in {memory.dtype}; at the peak of an inference"
        f" {amount(memory.peak)} more{cache}",
        f"training    {amount(memory.saved)} kept for backward ({mode}{memory.attention} attention),"
        f" {optimizer}: {amount(memory.training_total)} in all",
    ]
