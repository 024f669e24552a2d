"""Figures of the sequence models at full size: parameters as published or counted, work as torch counts it on meta."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archdsl.backend.module import module
from tests.zoo.compare import named, spec
from tests.zoo.test_figures import Figures

PER_POSITION = {
    f"{side}_{what}": (1, 64, 1) for side in ("encoder", "decoder") for what in ("remainders", "updates")
}
IMAGE = {"logits": (1, 32, 32, 3, 256)}
SENTENCE = {"logits": (1, 50, 50000), "weights": (1, 50, 50)}

# Work: what FlopCounterMode counts, halved, attention in full; sources are those of the parameters.
TABLE = [
    Figures("sandwich", "sandwich", 201_541_632, 111_669_149_696, {"out": (1, 512, 1024)}, "201.5M published"),
    Figures("sandwich", "interleaved", 201_541_632, 111_669_149_696, {"out": (1, 512, 1024)}, "the same"),
    Figures(
        "sandwich", "sandwich_characters", 208_910_029, 120_876_564_480, {"out": (1, 512, 205)},
        "209M published; the released code has 15,360 more in norms that nothing uses",
    ),
    Figures(
        "sandwich", "interleaved_characters", 208_910_029, 120_876_564_480, {"out": (1, 512, 205)}, "the same"
    ),
    Figures(
        "universal", "universal_transformer", 63_186_946, 17_397_448_704,
        {"logits": (1, 64, 33000), **PER_POSITION}, "tensor2tensor, base",
    ),
    Figures(
        "shuffle_exchange", "shuffle_exchange", 3_057_344, 54_767_124_480, {"out": (1, 4096, 128)}, "3.06M published"
    ),
    Figures(
        "shuffle_exchange", "shuffle_exchange_released", 3_203_744, 25_268_060_160, {"out": (1, 2048, 128)},
        "the released configuration",
    ),
    Figures("seq2seq", "seq2seq", 217_114_000, 5_855_000_000, SENTENCE, "by hand"),
    Figures("seq2seq", "rnn_seq2seq", 217_114_000 - 2 * 4 * 3 * 2_002_000, 3_455_000_000, SENTENCE, "by hand"),
    Figures("seq2seq", "gru_seq2seq", 217_114_000 - 2 * 4 * 2_002_000, 5_055_000_000, SENTENCE, "by hand"),
    Figures(
        "seq2seq", "pointer_generator", 26_899_793, 1_601_971_200, {"probabilities": (1, 100, 50100)}, "by hand"
    ),
    Figures("seq2seq", "copy_head", 25_650_513, 100 * 512 * 50_001, {"out": (1, 100, 50100)}, "OpenNMT-py"),
    Figures(
        "nat", "nat", 69_418_034, 7_736_459_264,
        {"fertility": (1, 64, 50), "logits": (1, 128, 37000), "words_made": (1,)}, "by hand",
    ),
    Figures("image_transformer", "image_transformer", 38_328_576, 135_694_123_008, IMAGE, "tensor2tensor"),
    Figures("image_transformer", "image_transformer_2d", 38_328_576, 213_003_534_336, IMAGE, "tensor2tensor"),
    Figures(
        "reformer", "reformer", 56_406_786, 4_071_830_323_200, {"logits": (1, 65536, 258)}, "trax, enwik8"
    ),
]  # fmt: skip


@pytest.mark.parametrize("figures", TABLE, ids=str)
def test_figures(figures: Figures) -> None:
    found = figures.find().summary()
    assert (found.params, found.macs) == (figures.params, figures.macs)
    assert {name: found.shape(name) for name in figures.outputs} == figures.outputs
    assert found.network.inference.output_names == tuple(figures.outputs)


@pytest.mark.parametrize("file", sorted({figures.file for figures in TABLE}))
def test_every_model_has_figures(file: str) -> None:
    assert set(spec(file)) == {figures.model for figures in TABLE if figures.file == file}


@pytest.mark.slow
@pytest.mark.parametrize("figures", TABLE, ids=str)
def test_built_at_full_size(figures: Figures) -> None:
    """In training, where no loop stops early: meta tensors can't say when everybody has halted."""
    model = figures.find()
    net = module(model.network, device="meta").train()
    assert sum(p.numel() for p in net.parameters()) == figures.params
    inputs = {
        item.name: torch.empty(model.shape(item.name), dtype=getattr(torch, item.type.dtype), device="meta")
        for item in model.network.inputs
    }
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        found = named(net(**inputs), model.network.training.output_names)
    assert counter.get_total_flops() == 2 * figures.macs
    assert {name: tuple(found[name].shape) for name in figures.outputs} == figures.outputs
