"""Memory figures against PyTorch's own: hooks and held tensors over the zoo in small, the profiler at full size.

Needs the ``reference`` extra's environment for the small variants (tests/zoo/variants.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.measure import save

FULL = (
    "resnet50",
    "vit",
    "gpt2",
    "vgg16",
    "unet",
    "bert_base",
    "resnet18",
    "transformer_base",
)


def _row(network: Any, net: Any, inputs: Mapping[str, Any], profiler: bool) -> dict[str, Any]:
    from archdsl.analysis.summary import Mode, summarise
    from tests.analysis.memory_seen import held_bytes, kept_bytes, live_bytes
    from tests.analysis.test_memory import _at

    at = _at(network, inputs)
    ours, training = summarise(network, at).memory, summarise(network, at, Mode(train=True)).memory
    row = {
        "saved": {"ours": ours.saved, "hooks": kept_bytes(net.eval(), inputs)},
        "saved_training": {"ours": training.saved, "hooks": kept_bytes(net.train(), inputs)},
        "peak": {"ours": ours.peak, "held": held_bytes(net.eval(), inputs)},
    }
    if profiler:
        given = sum(t.untyped_storage().nbytes() for t in inputs.values())
        row["peak"]["profiler_with_inputs"] = live_bytes(net, inputs) + given
    return row


def _difference(row: Mapping[str, Any], name: str, whose: str) -> float:
    seen = row[name][whose]
    return (row[name]["ours"] - seen) / seen if seen else 0.0


def small() -> dict[str, Any]:
    """Every model of the zoo with the settings of its tests, dropout off."""
    from tests.analysis.test_memory import _small
    from tests.zoo.variants import VARIANTS

    found = {}
    for variant in VARIANTS.values():
        network, net, inputs = _small(variant)
        found[variant.model] = _row(network, net, inputs, profiler=False)
        _say(variant.model, found[variant.model])
    return found


def full() -> dict[str, Any]:
    """Some at their default sizes, with dropout off in both modes."""
    import torch

    from archdsl import driver
    from archdsl.backend.module import module
    from tests.analysis.test_memory import zoo

    found = {}
    for name in FULL:
        address = driver.address(f"zoo:{name}")
        first = zoo(name)
        off = {rate: 0.0 for rate in ("rate", "dropout", "p") if rate in first.parameters}
        network = driver.model(driver.load(address, driver.Options()), address.model, off).network
        sizes = driver.analyse(network)
        inputs = {
            item.name: torch.rand(sizes.shape(item.name))
            if item.type.is_float
            else torch.zeros(sizes.shape(item.name), dtype=getattr(torch, item.type.dtype))
            for item in network.inputs
        }
        found[name] = _row(network, module(network), inputs, profiler=True)
        _say(name, found[name])
    return found


def _say(name: str, row: Mapping[str, Any]) -> None:
    parts = [f"{part} {_difference(row, part, whose):+.1%}" for part, whose in _COMPARED]
    print(f"{name:28}", *parts, file=sys.stderr, flush=True)


_COMPARED = (("saved", "hooks"), ("saved_training", "hooks"), ("peak", "held"))


def within(rows: Mapping[str, Any], name: str, whose: str, share: float) -> str:
    """``131 of 147``."""
    good = sum(abs(_difference(row, name, whose)) <= share for row in rows.values())
    return f"{good} of {len(rows)}"


def run() -> None:
    import torch

    from archdsl.ops.registry import operators

    torch.set_num_threads(1)
    operators()  # all are imported before anything is measured
    parts: dict[str, Callable[[], dict[str, Any]]] = {"full": full, "small": small}
    found = {name: part() for name, part in parts.items()}
    save(
        "memory",
        {
            "what": "bytes: ours; storages that saved-tensor hooks see; tensors held at once in an inference;"
            " live bytes of torch's profiler, kernels' workspace in them, with the inputs added",
            "small_within": {
                f"{name}, {share:.0%}": within(found["small"], name, whose, share)
                for name, whose in _COMPARED
                for share in (0.01, 0.05, 0.1)
            },
            **found,
        },
    )


if __name__ == "__main__":
    run()
