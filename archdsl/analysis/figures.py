"""The figures of a model by the names they have in the JSON, whole numbers only: what formulas and budgets speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from archdsl.analysis.summary import Summary

_MEASURES: Mapping[str, tuple[str, Callable[[Summary], int]]] = {
    "params": ("parameters", lambda s: s.parameters.total),
    "params_trainable": ("trainable", lambda s: s.parameters.trainable),
    "buffers": ("buffers", lambda s: s.parameters.buffers),
    "macs": ("MACs", lambda s: s.work.macs.total),
    "macs_attention_full": ("attention in full", lambda s: s.work.macs.attention_full),
    "macs_attention_masked": ("attention under its mask", lambda s: s.work.macs.attention_masked),
    "elementwise": ("elementwise", lambda s: s.work.elementwise),
    "weight_bytes": ("bytes of weights", lambda s: s.memory.weights),
    "saved_for_backward_bytes": ("bytes kept for backward", lambda s: s.memory.saved),
    "peak_inference_bytes": ("bytes at the peak of inference", lambda s: s.memory.peak),
    "key_value_cache_bytes": ("bytes of keys and values", lambda s: s.memory.cache),
    "training_bytes": ("bytes to train", lambda s: s.memory.training_total),
    "inference_bytes": ("bytes to infer", lambda s: s.memory.inference_total),
}

TITLES: Mapping[str, str] = {name: title for name, (title, _) in _MEASURES.items()}
"""What people call them, in the order in which they are shown."""


class Figures(Mapping[str, int]):
    """All of them at a summary's sizes, each counted when it is asked for: memory costs a walk of its own."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._known: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = _MEASURES[name][1](self._summary)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MEASURES)

    def __len__(self) -> int:
        return len(_MEASURES)
