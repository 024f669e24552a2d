"""Every model of the zoo in small: settings, inputs, and what it is trained towards.

A model that is new in ``specs/zoo`` needs an entry here, or tests/zoo/test_every_model.py fails. With a ``Case`` that
compares it, one line: ``*of(CASE, loss)``, where ``loss`` takes outputs and inputs by name (tests/zoo/targets.py has the
usual ones, ``targets.own`` for a spec with losses of its own). Models that are the same with other settings
(``model b = a(...)``) are named behind it: ``*of(CASE, loss, "b")``; ``less`` names the settings of the case that make
that model what it is, and thus stay as they are. Without a case: ``Variant(file, model, settings, inputs, loss)``.

What can't be done is said in words, ``untrained="why"``, ``uncompiled="where it breaks, and why"``; docs/zoo.md shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from archdsl.network.types import Network
from tests.zoo import (
    cases,
    targets,
    test_deformable,
    test_deformable_detr,
    test_dense_crf,
    test_detr,
    test_encoder_decoders,
    test_ensemble,
    test_faster_rcnn,
    test_fine_tuning,
    test_fpt,
    test_gpt3,
    test_image_transformer,
    test_lambda_resnet,
    test_lstr,
    test_mask_rcnn,
    test_nat,
    test_overfeat,
    test_panoptic,
    test_pretraining,
    test_rcnn,
    test_reformer,
    test_regression,
    test_sagan,
    test_sandwich,
    test_segmentation,
    test_seq2seq,
    test_set_losses,
    test_shuffle_exchange,
    test_single_blocks,
    test_sppnet,
    test_ssd,
    test_tcn,
    test_ttsr,
    test_ttsr_losses,
    test_two_stage,
    test_yolo,
)
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.targets import Loss


@dataclass(frozen=True)
class Variant:
    """A model with small settings; ``rates`` are those of its dropouts, ``step`` that of Adam.

    ``still`` is a pattern of the paths of weights that the spec keeps from its losses."""

    file: str
    model: str
    settings: Mapping[str, Any]
    inputs: Callable[[], Tensors]
    loss: Loss
    rates: tuple[str, ...] = ()
    step: float = 1e-3
    still: str = ""
    steps: int = 10
    untrained: str = ""
    uncompiled: str = ""

    def network(self, **more: Any) -> Network:
        return spec(self.file).model(self.model, **self.settings, **more).network

    def certain(self) -> Network:
        """With all dropouts off."""
        return self.network(**dict.fromkeys(self.rates, 0.0))


def of(case: Case, loss: Loss, *others: str, less: str = "", **more: Any) -> list[Variant]:
    """The variant of a case, and those of models that are its model with other settings."""
    rest = {name: value for name, value in case.settings.items() if name not in less.split()}
    return [
        Variant(case.file, model, settings, case.inputs, loss, case.rates, **more)
        for model, settings in ((case.model, case.settings), *((other, rest) for other in others))
    ]


def _named(found: list[Case], name: str) -> Case:
    return next(case for case in found if case.name == name)


def _simply(loss: Callable[[Tensors], Tensor]) -> Loss:
    """A loss of outputs alone."""
    return lambda outputs, _: loss(outputs)


def _both_stages(outputs: Tensors) -> Tensor:
    return test_deformable_detr._two_stages(outputs) + test_detr.all_layers(outputs)


PLAIN = {case.name: case for case in cases.PLAIN}
TORCHVISION = {case.name: case for case in cases.TORCHVISION}
TRANSFORMERS = {case.name: case for case in cases.TRANSFORMERS}
SEGMENTATION = {case.name: case for case in test_segmentation.CASES}
BLOCKS = {case.name: case for case in test_single_blocks.CASES}
ENCODERS = {case.name: case for case in test_encoder_decoders.CASES}
# Dynamo leaves them to eager; told to trace them, it writes a step out for each position: see docs/decisions/0006.
RECURRENT = "in parts: around torch's recurrent layers, which dynamo doesn't trace"
ONE_BLOCK = {"classes": 4, "layers": [1, 1, 1, 1]}  # of a trunk whose width is torchvision's

SEQUENCES = [
    *of(TRANSFORMERS["bert"], targets.numbers, "bert_base", "bert_large"),
    *of(test_pretraining.PRETRAINING, targets.own),
    *of(test_pretraining.MASKED_WORDS, targets.words("tokens", "prediction")),
    *of(TRANSFORMERS["albert"], targets.numbers, "albert_base", "albert_large", "albert_xlarge", "albert_xxlarge"),
    *of(TRANSFORMERS["gpt2"], targets.words("tokens", shifted=True), "gpt2_medium", "gpt2_large", "gpt2_xl"),
    *of(test_single_blocks.GPT3, targets.words("tokens", shifted=True)),
    *of(test_gpt3.CASE, targets.words("tokens", shifted=True)),
    *of(TRANSFORMERS["t5"], targets.words("tgt", shifted=True), "t5_small", "t5_base"),
    *of(PLAIN["transformer"], targets.words("tgt", shifted=True), "transformer_base", "transformer_big"),
    *of(PLAIN["rnn"], targets.words("tokens", "out", shifted=True), step=1e-2, uncompiled=RECURRENT),
    *of(PLAIN["lstm"], targets.words("tokens", "out", shifted=True), step=1e-2, uncompiled=RECURRENT),
    *of(PLAIN["gru"], targets.words("tokens", "out", shifted=True), step=1e-2, uncompiled=RECURRENT),
    *of(PLAIN["bilstm_tagger"], targets.tags, step=1e-2, uncompiled=RECURRENT),
    *of(test_image_transformer.IN_1D, targets.own),
    *of(test_image_transformer.IN_2D, targets.own),
    *of(test_nat.CASE, targets.own),
    *(variant for case in test_fine_tuning.CASES for variant in of(case, targets.own)),
    *of(test_tcn.PIXELS, targets.classes, step=1e-2),
    *of(test_tcn.TEXT, targets.words("tokens", shifted=True), step=1e-2),
    *of(test_reformer.CASE, targets.own, step=1e-2),
    *of(test_sandwich.BODY, targets.numbers, "interleaved", less="k"),
    *of(test_sandwich.CHARACTERS, targets.words("tokens", "out", shifted=True), "interleaved_characters", less="k"),
    *of(test_sandwich.UNIVERSAL[1], targets.words("tgt", shifted=True)),
    *of(
        test_seq2seq.seq2seq("lstm"), targets.words("tgt", shifted=True), "rnn_seq2seq", "gru_seq2seq", less="cell", step=1e-2,
        uncompiled=RECURRENT,
    ),
    *of(test_seq2seq.POINTER, targets.own, step=1e-2, uncompiled=RECURRENT),
    *of(test_seq2seq.HEAD, targets.likelihood(), step=1e-2),
    *of(test_shuffle_exchange.PUBLISHED, targets.notes),
    Variant(
        "shuffle_exchange", "shuffle_exchange_released", test_shuffle_exchange.RELEASED.settings,
        test_shuffle_exchange.RELEASED.inputs, targets.notes,
    ),
]  # fmt: skip

CLASSIFIERS = [
    *of(PLAIN["alexnet"], targets.classes),
    *of(TORCHVISION["alexnet_torchvision"], targets.classes),
    *of(TORCHVISION["vgg11"], targets.classes),
    *of(TORCHVISION["vgg13"], targets.classes),
    *of(TORCHVISION["vgg16"], targets.classes, "vgg"),
    *of(TORCHVISION["vgg19"], targets.classes),
    *of(TORCHVISION["resnet18"], targets.classes),
    *of(TORCHVISION["resnet34"], targets.classes),
    *of(TORCHVISION["resnet50"], targets.classes, "resnet"),
    *of(TORCHVISION["resnet101"], targets.classes),
    *of(TORCHVISION["resnet152"], targets.classes),
    *of(cases.GOOGLENET, targets.classes),
    *of(TORCHVISION["googlenet_torchvision"], targets.classes),
    *of(TORCHVISION["inception_v3"], targets.classes),
    *of(TORCHVISION["vit"], targets.classes, "vit_b_16", "vit_l_16", "vit_h_14"),
    *of(test_lambda_resnet.CASES[0], targets.classes, "lambda_resnet50"),
    Variant(
        "lambda_resnet", "lambda_resnet50_u4", {"layers": [1, 2], "width": 8, "classes": 5, "depth": 4, "heads": 2},
        cases.image(24), targets.classes,
    ),
    *of(BLOCKS["lambda_block"], targets.numbers, step=1e-2),
    *of(_named(test_lambda_resnet.CASES, "lambda_global"), targets.numbers, step=1e-2),
    # More pictures than two: its last bend leaves a part of the classes dead where it starts.
    *of(replace(SEGMENTATION["nin"], inputs=cases.image(32, batch=8)), targets.classes),
    *of(test_ensemble.CASE, targets.own),
    *of(SEGMENTATION["nin_imagenet"], targets.classes),
]  # fmt: skip

PIXELS = [
    *of(PLAIN["unet"], targets.pixels, step=1e-2),
    *of(ENCODERS["unet_bn-32"], targets.pixels),
    *of(SEGMENTATION["erfnet"], targets.pixels),
    *of(SEGMENTATION["erfnet_encoder"], targets.pixels),
    *of(BLOCKS["non_bottleneck"], targets.numbers, step=1e-2),
    *of(BLOCKS["bottleneck"], targets.numbers, step=1e-2),
    *of(BLOCKS["non_bottleneck_1d"], targets.numbers, step=1e-2),
    *of(
        SEGMENTATION["fcn8"], targets.pixels, "fcn32s", "fcn16s", "fcn8s", "fcn8s_at_once", less="factor scales", step=1e-2,
    ),
    *of(SEGMENTATION["deeplab_v1"], targets.pixels, step=1e-2),
    *of(SEGMENTATION["deeplab_v2"], targets.pixels),
    *of(SEGMENTATION["deeplab_v3-16"], targets.pixels, "deeplab_v3_stride8", less="stride"),
    *of(SEGMENTATION["deeplab_v3_plus"], targets.pixels),
    *of(SEGMENTATION["deeplab_v3_plus_separable"], targets.pixels),
    *(
        Variant("deeplab", model, ONE_BLOCK, cases.image(33), targets.pixels, ("rate", "aux_rate"))
        for model in ("deeplab_v3_torchvision", "deeplabv3_resnet50", "deeplabv3_resnet101")
    ),
    Variant("deeplab", "fcn_resnet50", ONE_BLOCK, cases.image(33), targets.pixels, ("rate",)),
    *of(test_dense_crf.CASES[0], targets.likelihood(dim=1), step=5e-2),
]  # fmt: skip

SPP = {case.name: case for case in test_sppnet.CASES}
TWO_STAGES = {case.name: case for case in test_two_stage.CASES}
RFCN = {name: value for name, value in test_two_stage.FCN.items() if name != "moves"}
SET_LOSSES = {case.name: case for case in test_set_losses.CASES}
YOLO = {case.name: case for case in test_yolo.CASES}

DETECTORS = [
    *of(test_rcnn.CASES[0], targets.numbers),
    *(variant for case in test_overfeat.CASES[:2] for variant in of(case, targets.pixels)),
    *of(test_overfeat.CASES[2], targets.numbers, step=1e-2),
    *of(test_overfeat.CASES[3], targets.own),
    *of(SPP["sppnet_features"], targets.numbers),
    *of(SPP["sppnet"], targets.classes),
    *of(SPP["sppnet_finetuned"], targets.own, still="convolutions", step=1e-2),
    *of(SPP["sppnet_detector-0"], targets.own, still="convolutions|dense"),
    *of(test_rcnn.CASES[1], targets.own, step=1e-2),
    *of(test_rcnn.CASES[2], targets.own, still="convolutions|dense"),  # its features are those of the fine-tuned one
    *of(test_faster_rcnn.CASE, targets.own),
    *of(TWO_STAGES["fast_rcnn"], targets.own, step=3e-3),
    *of(TWO_STAGES["faster_rcnn_vgg16"], targets.own, step=3e-3),
    # Which regions are the hardest changes from step to step, and the loss with it.
    *of(TWO_STAGES["rfcn_r50_released"], targets.own, "rfcn_r101_released", step=1e-2, steps=15),
    *of(
        replace(TWO_STAGES["rfcn_r50_released"], model="rfcn_r50", settings=RFCN), targets.own, "rfcn_r101",
        step=1e-2, steps=15,
    ),
    *of(SET_LOSSES["detr_with_loss"], targets.own, step=1e-2),
    *of(SET_LOSSES["deformable_detr_with_loss-True"], targets.own, step=1e-2),
    *of(SET_LOSSES["lstr_with_loss"], targets.own),
    *of(test_mask_rcnn.CASE, targets.own),
    *(variant for case in test_ssd.CASES for variant in of(case, targets.own)),
    *of(YOLO["yolo_v1"], targets.own),
    *of(YOLO["yolo_v1_released"], targets.own),
    *of(YOLO["yolo_v2-False"], targets.own),
    *of(YOLO["yolo_v3"], targets.own),
    *of(test_detr.CASES[0], _simply(test_detr.all_layers), "detr_dc5", "detr_r101", step=1e-2),
    *of(test_deformable_detr.CASES[0], _simply(test_detr.all_layers), step=1e-2),
    *of(test_deformable_detr.CASES[1], _simply(test_detr.all_layers), step=1e-2),
    *of(test_deformable_detr.CASES[2], _simply(_both_stages), step=1e-2),
    *of(test_panoptic.CASE, _simply(test_panoptic._loss), step=1e-2),
    *of(test_lstr.CASE, _simply(test_lstr._loss), "lstr_two_classes", less="classes"),
    *of(test_lstr.ONE_HEAD, _simply(test_lstr._loss)),
    *of(test_deformable.CASES[0], targets.numbers, step=1e-2),
    *of(test_fpt.CASES[0], targets.numbers),
    *of(BLOCKS["fpt_self"], targets.numbers, step=1e-2),
    *of(BLOCKS["fpt_grounding"], targets.numbers, step=1e-2),
    *of(BLOCKS["fpt_rendering"], targets.numbers, step=1e-2),
]  # fmt: skip

PICTURES = [
    *of(PLAIN["autoencoder"], targets.pictures("x"), step=1e-2),
    *of(PLAIN["conditional_autoencoder"], targets.pictures("x"), step=1e-2),
    *of(PLAIN["conv_autoencoder"], targets.pictures("image")),
    *of(ENCODERS["encoder_decoder-2"], targets.pictures("image")),
    *of(ENCODERS["conditional_conv_autoencoder"], targets.own),
    *of(test_sagan.GENERATOR, targets.numbers),
    *of(test_sagan.DISCRIMINATOR, targets.real_or_made),
    *of(test_ttsr.CASE, targets.numbers),
    *of(test_ttsr_losses.CASES[0], targets.own),
    *of(test_ttsr_losses.CRITIC, targets.own),
]  # fmt: skip

SMALLEST = [variant for case in test_regression.CASES for variant in of(case, targets.own, step=5e-2)]

ALL = [*SEQUENCES, *CLASSIFIERS, *PIXELS, *DETECTORS, *PICTURES, *SMALLEST]
VARIANTS: Mapping[tuple[str, str], Variant] = {(one.file, one.model): one for one in ALL}
assert len(VARIANTS) == len(ALL), "a model with two variants"
