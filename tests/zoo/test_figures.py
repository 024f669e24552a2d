"""Figures of the zoo at full size, statically: parameters, multiply-accumulates, output shapes, receptive fields.

Every number is somebody else's: of the libraries (``params``, and half the FLOPs that FlopCounterMode counts on meta,
attention in full), of tests/reference counted in the same way, published, or worked out by hand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from archdsl import api
from archdsl.analysis.weights import model_weights, numel
from tests.zoo.compare import spec

TORCHVISION = "torchvision 0.28, which agrees with the figures of its weights"
TRANSFORMERS = "transformers 5.23 from its configuration"
REFERENCE = "tests/reference on meta"


@dataclass(frozen=True)
class Figures:
    file: str
    model: str
    params: int
    macs: int
    outputs: dict[str, tuple[int, ...]]
    source: str
    seen: int | None = None  # side of the receptive field
    settings: dict[str, Any] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.model, *(f"{k}={v}" for k, v in {**self.settings, **self.at}.items())])

    def find(self) -> api.Model:
        return spec(self.file).model(self.model, **self.settings)


CLASSES = {"out": (1, 1000)}


def _text(*shape: int) -> dict[str, tuple[int, ...]]:
    return {"hidden_states": (1, *shape), "pooled": (1, shape[-1])}


def _logits(length: int, vocab: int = 50257) -> dict[str, tuple[int, ...]]:
    return {"logits": (1, length, vocab)}


# Receptive fields: AlexNet 195 and VGG-16 212, Inception v3 1311 as in "Computing Receptive Fields of Convolutional
# Neural Networks" (Araujo et al., 2019). With the stride in the 3x3 convolution ResNet-50, 101, 152 have 427, 971, 1451
# there are 483, 1027, 1507 for it in the first 1x1. The rest by r += (k - 1) * j, j *= stride:
#   VGG: 1 + sum over stages of (2 n + 1) j: n = 1 1 2 2 2, 2 2 2 2 2, 2 2 4 4 4
#   ResNet-18: 11 + 32 + (8 + 48) + (16 + 96) + (32 + 192); 34: 11 + 48 + (8 + 112) + (16 + 352) + (32 + 320)
#   GoogLeNet: 27 + 8 * 8 + 16 + 5 * 64 + 32 + 2 * 128; with 3x3 and a 2x2 pool: 27 + 32 + 16 + 160 + 16 + 128
TABLE = [
    # AlexNet
    Figures("alexnet", "alexnet", 60_965_224, 724_406_816, CLASSES, "BVLC/caffe; MACs of " + REFERENCE, 195),
    Figures("alexnet", "alexnet", 62_378_344, 1_135_256_096, CLASSES, "by hand: groups of 1", 195, {"groups": 1}),
    Figures("alexnet", "alexnet_torchvision", 61_100_840, 714_188_480, CLASSES, TORCHVISION, 195),
    # VGG
    Figures("vgg", "vgg11", 132_863_336, 7_609_090_048, CLASSES, TORCHVISION, 150),
    Figures("vgg", "vgg13", 133_047_848, 11_308_466_176, CLASSES, TORCHVISION, 156),
    Figures("vgg", "vgg16", 138_357_544, 15_470_264_320, CLASSES, TORCHVISION, 212),
    Figures("vgg", "vgg19", 143_667_240, 19_632_062_464, CLASSES, TORCHVISION, 268),
    # GoogLeNet: the work is that of inference, with or without the heads
    Figures("googlenet", "googlenet", 13_378_280, 1_582_671_872, CLASSES, "BVLC/caffe; MACs of " + REFERENCE, 715),
    Figures("googlenet", "googlenet", 6_998_552, 1_582_671_872, CLASSES, "BVLC/caffe", 715, {"heads": False}),
    Figures("googlenet", "googlenet_torchvision", 13_004_888, 1_498_376_192, CLASSES, TORCHVISION, 379),
    Figures(
        "googlenet", "googlenet_torchvision", 6_624_904, 1_498_376_192, CLASSES, TORCHVISION, 379, {"heads": False}
    ),
    Figures("inception", "inception_v3", 27_161_264, 5_713_216_096, CLASSES, TORCHVISION, 1311),
    Figures("inception", "inception_v3", 23_834_568, 5_713_216_096, CLASSES, TORCHVISION, 1311, {"heads": False}),
    # ResNet
    Figures("resnet", "resnet18", 11_689_512, 1_814_073_344, CLASSES, TORCHVISION, 435),
    Figures("resnet", "resnet34", 21_797_672, 3_663_761_408, CLASSES, TORCHVISION, 899),
    Figures("resnet", "resnet50", 25_557_032, 4_089_184_256, CLASSES, TORCHVISION, 427),
    Figures("resnet", "resnet101", 44_549_160, 7_801_405_440, CLASSES, TORCHVISION, 971),
    Figures("resnet", "resnet152", 60_192_808, 11_513_626_624, CLASSES, TORCHVISION, 1451),
    # U-Net: the paper's 572 to 388
    Figures("unet", "unet", 31_030_658, 150_428_424_448, {"out": (1, 2, 388, 388)}, REFERENCE),
    # ViT
    Figures("vit", "vit_b_16", 86_567_656, 17_563_828_224, CLASSES, TORCHVISION, 16),
    Figures("vit", "vit_l_16", 304_326_632, 61_554_712_576, CLASSES, TORCHVISION, 16),
    Figures("vit", "vit_h_14", 632_045_800, 167_295_109_120, CLASSES, TORCHVISION, 14),
    # Transformer: nn.Transformer counts 2 * 2 * 512 (1024) weights of norms more and has no table of 37,000 words,
    # 44,140,544 - 2,048 + 37,000 * 512; its MACs are 2,894,069,760 and the head's 64 * 37,000 * 512
    Figures("transformer", "transformer_base", 63_082_496, 4_106_485_760, _logits(64, 37000), "torch.nn.Transformer"),
    Figures("transformer", "transformer_big", 214_245_376, 13_850_116_096, _logits(64, 37000), "torch.nn.Transformer"),
    # BERT
    Figures("bert", "bert_base", 109_482_240, 11_174_215_680, _text(128, 768), TRANSFORMERS),
    Figures("bert", "bert_base", 109_482_240, 48_318_971_904, _text(512, 768), TRANSFORMERS, at={"T": 512}),
    Figures("bert", "bert_large", 335_141_888, 39_461_060_608, _text(128, 1024), TRANSFORMERS),
    Figures("bert", "bert_large", 335_141_888, 167_504_773_120, _text(512, 1024), TRANSFORMERS, at={"T": 512}),
    Figures(
        "bert", "bert_pretraining", 110_106_428, 60_622_702_080,
        {"prediction": (1, 512, 30522), "next_sentence": (1, 2)}, TRANSFORMERS,
    ),
    Figures(
        "bert", "bert_masked_words", 109_514_298, 60_622_110_720, {"prediction": (1, 512, 30522)}, TRANSFORMERS
    ),
    # ALBERT; xlarge: params of SYSTEMS.md; 24 (12 d^2 T + 2 d T^2) + 128 d T + d^2 with d = 2048, T = 512
    Figures("albert", "albert_base", 11_683_584, 48_369_303_552, _text(512, 768), TRANSFORMERS),
    Figures("albert", "albert_large", 17_683_968, 167_571_881_984, _text(512, 1024), TRANSFORMERS),
    Figures("albert", "albert_xlarge", 58_724_864, 644_383_506_432, _text(512, 2048), "by hand"),
    Figures("albert", "albert_xxlarge", 222_595_584, 1_263_005_597_696, _text(512, 4096), TRANSFORMERS),
    # GPT
    Figures("gpt2", "gpt2", 124_439_808, 145_824_153_600, _logits(1024), TRANSFORMERS),
    Figures("gpt2", "gpt2", 124_439_808, 16_114_089_984, _logits(128), TRANSFORMERS, at={"T": 128}),
    Figures("gpt2", "gpt2_medium", 354_823_168, 413_475_536_896, _logits(1024), TRANSFORMERS),
    Figures("gpt2", "gpt2_large", 774_030_080, 887_285_350_400, _logits(1024), TRANSFORMERS),
    Figures("gpt2", "gpt2_xl", 1_557_611_200, 1_753_351_782_400, _logits(1024), TRANSFORMERS),
    Figures("gpt3", "gpt3", 174_604_259_328, 367_402_130_866_176, _logits(2048), TRANSFORMERS + "; paper: 175.0B"),
    Figures("gpt3", "gpt3_banded", 174_604_259_328, 367_402_130_866_176, _logits(2048), "as dense, bands counted in full"),
    # T5
    Figures("t5", "t5_small", 60_506_624, 18_312_331_264, _logits(128, 32128), TRANSFORMERS),
    Figures("t5", "t5_base", 222_903_552, 72_917_975_040, _logits(128, 32128), TRANSFORMERS),
    # Recurrent: nn.RNN(300, 300) 180,600 at 180,000 a step; nn.LSTM(1500, 1500, 2) 36,024,000 at 36,000,000;
    # nn.GRU(512, 512) 1,575,936 at 1,572,864;
    # nn.LSTM(256, 256, bidirectional) 1,052,672 at 1,048,576. Tables of 10,000 words, and heads with a bias.
    Figures(
        "lstm", "rnn", 180_600 + 2 * 3_000_000 + 10_000, 35 * (180_000 + 3_000_000),
        {"out": (1, 35, 10_000)}, "torch.nn.RNN",
    ),
    Figures(
        "lstm", "lstm", 36_024_000 + 2 * 15_000_000 + 10_000, 35 * (36_000_000 + 15_000_000),
        {"out": (1, 35, 10_000)}, "torch.nn.LSTM",
    ),
    Figures(
        "lstm", "gru", 1_575_936 + 2 * 5_120_000 + 10_000, 35 * (1_572_864 + 5_120_000),
        {"out": (1, 35, 10_000)}, "torch.nn.GRU",
    ),
    Figures(
        "lstm", "bilstm_tagger", 1_052_672 + 2_560_000 + 512 * 45 + 45, 32 * (1_048_576 + 512 * 45),
        {"out": (1, 32, 45)}, "torch.nn.LSTM",
    ),
    # Auto-encoders
    Figures("autoencoder", "autoencoder", 837_424, 2 * (784 * 512 + 512 * 32), {"out": (1, 784)}, REFERENCE),
    Figures("autoencoder", "conditional_autoencoder", 419_264, 417_792, {"out": (1, 784)}, REFERENCE),
    Figures("autoencoder", "encoder_decoder", 5_512_579, 819_462_144, {"out": (1, 3, 64, 64)}, REFERENCE),
    Figures("autoencoder", "conditional_conv_autoencoder", 6_435_715, 86_245_376, {"drawn": (1, 3, 32, 32)}, REFERENCE),
    Figures("autoencoder", "conv_autoencoder", 6_041_219, 52_428_800, {"out": (1, 3, 32, 32)}, REFERENCE),
]  # fmt: skip


@pytest.mark.parametrize("figures", TABLE, ids=str)
def test_figures(figures: Figures) -> None:
    found = figures.find().summary(**figures.at)
    assert (found.params, found.macs) == (figures.params, figures.macs), figures.source
    assert {name: found.shape(name) for name in figures.outputs} == figures.outputs
    assert found.network.inference.output_names == tuple(figures.outputs)
    if figures.seen is not None:
        reach = found.receptive_field
        assert reach is not None
        assert reach.field == (figures.seen, figures.seen), figures.source


@pytest.mark.parametrize("file", sorted({figures.file for figures in TABLE}))
def test_every_model_has_figures(file: str) -> None:
    """Each model by its name, where the name is not the family's and thus that of another one too."""
    checked = {figures.model for figures in TABLE if figures.file == file}
    assert set(spec(file)) - {file} <= checked


# table of Inception modules and the auxiliary classifiers in SYSTEMS.md; Inception v3's is 27,161,264 - 23,834,568
@pytest.mark.parametrize(
    ("file", "model", "places"),
    [
        ("googlenet", "googlenet", {"aux1": 3_188_840, "aux2": 3_190_888}),
        (
            "inception",
            "inception_v3",
            {"aux": 3_326_696, "mixed5b": 255_904, "mixed6b": 1_297_408, "mixed7b": 5_044_608,
             "mixed6a": 1_153_280, "mixed7a": 1_698_304},
        ),
        ("transformer", "transformer", {"encoder.0": 3_152_384, "decoder.0": 4_204_032}),
        ("albert", "albert_xxlarge", {"shared": 12 * 4096**2 + 13 * 4096}),
    ],
)  # fmt: skip
def test_parts(file: str, model: str, places: dict[str, int]) -> None:
    found = dict.fromkeys(places, 0)
    for owned in model_weights(spec(file)[model].network):
        for place in places:
            if owned.weight.kind == "parameter" and ".".join(owned.path).startswith(f"{place}."):
                found[place] += numel(owned.weight)
    assert found == places


def test_auxiliary_outputs_are_those_of_training() -> None:
    for file, model, names in (
        ("googlenet", "googlenet", {"out", "aux1", "aux2"}),
        ("inception", "inception_v3", {"out", "aux"}),
    ):
        network = spec(file)[model].network
        assert set(network.training.output_names) == names
        assert network.inference.output_names == ("out",)


@pytest.mark.parametrize(("size", "out"), [(188, 4), (204, 20), (572, 388), (1020, 836)])
def test_unet_at_other_sizes(size: int, out: int) -> None:
    """What each convolution and pool leaves, worked out for four sizes."""
    assert spec("unet")["unet"].shape("out", H=size, W=size, B=2) == (2, 2, out, out)


def test_unet_refuses_sizes_whose_levels_do_not_line_up() -> None:
    with pytest.raises(ValueError, match=r"\(H \+ 4\) % 16 == 0"):
        spec("unet")["unet"].shape("out", H=512, W=512)
