"""The figures of a model by the names they have in the JSON, whole numbers only: what formulas and budgets speak of."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.analysis.summary import Summary

TITLES: Mapping[str, str] = {
    "params": "parameters",
    "params_trainable": "trainable",
    "buffers": "buffers",
    "macs": "MACs",
    "macs_attention_full": "attention in full",
    "macs_attention_masked": "attention under its mask",
    "elementwise": "elementwise",
}
"""What people call them, in the order in which they are shown."""


def figures_of(summary: Summary) -> Mapping[str, int]:
    """All of them at the summary's sizes."""
    parameters, work = summary.parameters, summary.work
    return {
        "params": parameters.total,
        "params_trainable": parameters.trainable,
        "buffers": parameters.buffers,
        "macs": work.macs.total,
        "macs_attention_full": work.macs.attention_full,
        "macs_attention_masked": work.macs.attention_masked,
        "elementwise": work.elementwise,
    }
