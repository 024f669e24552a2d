"""U-Net with batch norm and convolutional encoder-decoders: numbers, figures, compiling, training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.reference.encoder_decoders import Conditional, PaddedUNet, encoder_decoder
from tests.zoo.cases import image
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains, counted, pixel_loss


def _unet_rules(depth: int) -> tuple:  # type: ignore[type-arg]
    """Ours nests a level in the one above it; convolutions and norms alternate with activations there."""
    level = ["padded_level" + ".skip.deeper.inner" * k for k in range(depth + 1)]
    found = [rule(r"head\.(.+)", r"head.\1")]
    for k in range(depth + 1):
        for side, index, place in (("down", k, "enc"), ("merge", depth - 1 - k, "dec")):
            for i in range(2):
                for j, name in enumerate(("conv", "bn")):
                    theirs = rf"{side}\.{index}\.{3 * i + j}\.(.+)"
                    found.append(rule(theirs, rf"{level[k]}.{place}.convs.{i}.{name}.\1"))
        found.append(rule(rf"up\.{depth - 1 - k}\.(.+)", rf"{level[k]}.skip.deeper.up.\1"))
    return tuple(found)


CASES = [
    *(
        Case(
            f"unet_bn-{size}", "unet_bn", "unet_bn", {"width": 4, "depth": 3}, lambda _: PaddedUNet(3, 2, 4, 3),
            _unet_rules(3), image(size),
        )
        for size in (32, 45)
    ),
    *(
        Case(
            f"encoder_decoder-{extra}", "autoencoder", "encoder_decoder", {"width": 4, "depth": 2, "extra": extra},
            lambda rate, extra=extra: encoder_decoder(4, 2, extra, rate), (), image(16), rates=("rate",),
        )
        for extra in (0, 2)
    ),
    Case(
        "conditional_conv_autoencoder", "autoencoder", "conditional_conv_autoencoder",
        {"classes": 3, "width": 4, "latent": 5}, lambda _: Conditional(3, 4, 5), (),
        lambda: {**image(32)(), "label": torch.tensor([0, 2])}, lambda net, inputs: net(**inputs),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    if "loss" in outputs:
        return outputs["loss"]
    return (
        pixel_loss(outputs)
        if outputs["out"].shape[1] == 2
        else nn.functional.mse_loss(outputs["out"], TARGET)
    )


TARGET = torch.linspace(-1, 1, 16).expand(2, 3, 16, 16)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[1:], ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_figures() -> None:
    """Of milesial/Pytorch-UNet in figures.csv, whose 477,674,203,136 FLOPs are twice the MACs, and of the reference."""
    found = spec("unet_bn")["unet_bn"]
    assert (found.params, found.macs()) == (31_037_698, 477_674_203_136 // 2)
    assert counted(PaddedUNet(3, 2, 64, 4), (1, 3, 572, 572)) == (31_037_698, 477_674_203_136 // 2)
    assert found.shape("out", H=100, W=77) == (1, 2, 100, 77)
    mirrored = spec("autoencoder").model("encoder_decoder", width=32, extra=1)
    assert mirrored.params == sum(p.numel() for p in encoder_decoder(32, 3, 1, 0).parameters())
