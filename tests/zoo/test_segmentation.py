"""NIN, ERFNet, FCN and DeepLab against plain PyTorch and torchvision: numbers, figures, compiling and training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archdsl.backend.module import module
from tests.reference import segmentation as reference
from tests.reference import torchvision_on_cpu
from tests.zoo.cases import image
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.vision_support import (
    check_compiles,
    check_numbers,
    check_trains,
    counted,
    pixel_loss,
)

NARROW = {"classes": 5, "widths": [3, 4, 5, 6, 7], "hidden": 8}
SMALL = {"classes": 4, "width": 2, "layers": [1, 2, 2, 3]}


def _out(net: nn.Module, inputs: Tensors) -> Tensors:
    found = net(inputs["image"])
    return found if isinstance(found, dict) else {"out": found}


def case(
    name: str, file: str, model: str, settings: dict, make, size: int, rates: tuple[str, ...] = ()
) -> Case:  # type: ignore[no-untyped-def, type-arg]
    return Case(name, file, model, settings, make, (), image(size), _out, rates)


class _Enlarged(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, picture: Tensor) -> Tensor:
        return reference.resized(self.net(picture), picture, corners=True)


def _fcn(factor: int, scales: tuple[float, ...] = (1, 1)) -> Case:
    return case(
        f"fcn{factor}", "fcn", "fcn", {**NARROW, "factor": factor, "scales": list(scales)},
        lambda rate: reference.FCN(factor, 5, NARROW["widths"], 8, rate, scales), 64, ("rate",),  # type: ignore[arg-type]
    )  # fmt: skip


VGG = [64, 128, 256, 512, 512]
R101 = [3, 4, 23, 3]
DILATIONS = [2, 4, 8]
CASES = [
    case("nin", "nin", "nin", {}, lambda rate: reference.nin_cifar(10, rate), 32, ("rate",)),
    case(
        "nin_imagenet", "nin", "nin_imagenet", {"classes": 7}, lambda rate: reference.nin_imagenet(7, rate), 67,
        ("rate",),
    ),
    case(
        "erfnet", "erfnet", "erfnet", {"classes": 5, "dilations": DILATIONS},
        lambda rate: reference.ERFNet(5, DILATIONS, rate), 32, ("rate", "shallow_rate"),
    ),
    case(
        "erfnet_encoder", "erfnet", "erfnet_encoder", {"classes": 5, "dilations": DILATIONS},
        lambda rate: reference.ERFEncoder(5, DILATIONS, rate), 32, ("rate", "shallow_rate"),
    ),
    _fcn(32), _fcn(16, (0.3, 1)), _fcn(8, (0.3, 0.7)),
    case(
        "deeplab_v1", "deeplab", "deeplab_v1", NARROW,
        lambda rate: _Enlarged(reference.large_field_of_view(5, NARROW["widths"], 8, rate)), 33, ("rate",),  # type: ignore[arg-type]
    ),
    case(
        "deeplab_v2", "deeplab", "deeplab_v2", SMALL,
        lambda _: reference.DeepLabV2(4, 2, [1, 2, 2, 3], [6, 12, 18, 24]), 65,
    ),
    *(
        case(
            f"deeplab_v3-{stride}", "deeplab", "deeplab_v3", {**SMALL, "stride": stride, "channels": 6},
            lambda _, stride=stride: reference.DeepLabV3(4, 2, [1, 2, 2, 3], stride, 6), 65,
        )
        for stride in (16, 8)
    ),
    case(
        "deeplab_v3_plus", "deeplab", "deeplab_v3_plus", {**SMALL, "channels": 6, "low_channels": 3},
        lambda _: reference.DeepLabV3(4, 2, [1, 2, 2, 3], 16, 6, 3), 65,
    ),
    case(
        "deeplab_v3_plus_separable", "deeplab", "deeplab_v3_plus_separable",
        {**SMALL, "channels": 6, "low_channels": 3},
        lambda _: reference.DeepLabV3(4, 2, [1, 2, 2, 3], 16, 6, 3, separable=True), 65,
    ),
]  # fmt: skip


@pytest.mark.parametrize("found", CASES, ids=str)
def test_against_plain_torch(found: Case) -> None:
    check_numbers(found)


def _classes(outputs: Tensors) -> Tensor:
    return nn.functional.cross_entropy(outputs["out"], torch.tensor([1, 2]))


@pytest.mark.parametrize("found", CASES, ids=str)
def test_trains(found: Case) -> None:
    check_trains(found, _classes if found.file == "nin" else pixel_loss)


COMPILED = ("nin", "erfnet", "fcn8", "deeplab_v1", "deeplab_v2", "deeplab_v3_plus")


@pytest.mark.slow
@pytest.mark.parametrize("found", [c for c in CASES if c.name in COMPILED], ids=str)
def test_compiles(found: Case) -> None:
    check_compiles(found)


# ------------------------------------------------------------------------------------------------------ torchvision


def _library(name: str) -> Case:
    def make(rate: float) -> nn.Module:
        torchvision_on_cpu.ready()
        from torchvision.models import segmentation

        net = getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=4, aux_loss=True)
        for part in net.modules():
            if isinstance(part, nn.Dropout):
                part.p = rate
        return net

    return Case(
        name, "deeplab", name, {"classes": 4}, make, (), image(33),
        lambda net, inputs: {k: v for k, v in net(inputs["image"]).items() if net.training or k == "out"},
        ("rate", "aux_rate") if "deeplab" in name else ("rate",),
    )  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize("name", ["deeplabv3_resnet50", "deeplabv3_resnet101", "fcn_resnet50"])
def test_against_torchvision(name: str) -> None:
    check_numbers(_library(name))


# ----------------------------------------------------------------------------------------------------------- figures

# The parameters are published or of SYSTEMS.md, and both they and the MACs are those of tests/reference on meta.
FULL = [
    ("nin", "nin", 966_986, lambda: reference.nin_cifar(), (32, 32), (10,)),
    ("nin", "nin_imagenet", 7_595_176, lambda: reference.nin_imagenet(), (224, 224), (1000,)),
    (
        "erfnet", "erfnet", 2_066_836, lambda: reference.ERFNet(20, [2, 4, 8, 16] * 2, 0), (512, 1024),
        (20, 512, 1024),
    ),
    (
        "erfnet", "erfnet_encoder", 1_876_624, lambda: reference.ERFEncoder(20, [2, 4, 8, 16] * 2, 0), (512, 1024),
        (20, 64, 128),
    ),
    *(
        (
            "fcn", f"fcn{factor}s", params, lambda factor=factor: reference.FCN(factor, 21, VGG, 4096, 0, (1, 1)),
            (500, 500), (21, 500, 500),
        )
        for factor, params in (
            (32, 134_346_581 + 21**2 * 64**2),
            (16, 134_357_354 + 21**2 * (4**2 + 32**2)),
            (8, 134_362_751 + 127_008),
        )
    ),
    (
        "deeplab", "deeplab_v1", 20_505_429,
        lambda: _Enlarged(reference.large_field_of_view(21, VGG, 1024, 0)), (321, 321), (21, 321, 321),
    ),
    (
        "deeplab", "deeplab_v3", 58_040_661, lambda: reference.DeepLabV3(21, 64, R101, 16, 256), (513, 513),
        (21, 513, 513),
    ),
    (
        "deeplab", "deeplab_v3_stride8", 58_040_661, lambda: reference.DeepLabV3(21, 64, R101, 8, 256), (513, 513),
        (21, 513, 513),
    ),
    (
        "deeplab", "deeplab_v3_plus", 59_344_309, lambda: reference.DeepLabV3(21, 64, R101, 16, 256, 48), (513, 513),
        (21, 513, 513),
    ),
    (
        "deeplab", "deeplab_v3_plus_separable", 45_688_261,
        lambda: reference.DeepLabV3(21, 64, R101, 16, 256, 48, separable=True), (513, 513), (21, 513, 513),
    ),
    (
        "deeplab", "deeplab_v2", 44_048_532, lambda: reference.DeepLabV2(21, 64, R101, [6, 12, 18, 24]), (513, 513),
        (21, 65, 65),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "model", "params", "make", "size", "out"), FULL, ids=[row[1] for row in FULL]
)
def test_figures(
    file: str, model: str, params: int, make, size: tuple[int, int], out: tuple[int, ...]
) -> None:  # type: ignore[no-untyped-def]
    ours = spec(file)[model]
    with torch.device("meta"):
        theirs = make()
    macs = counted(theirs, (1, 3, *size))[1]
    print(f"{model:24} {ours.params:,} parameters, {macs:,} MACs")
    assert sum(p.numel() for p in theirs.parameters()) == params
    assert (ours.params, ours.macs()) == (params, macs)
    assert ours.shape(ours.network.inference.output_names[0]) == (1, *out)


def test_figures_of_torchvision() -> None:
    """Of figures.csv, where FLOPs are twice the MACs."""
    for model, params, alone, flops in (
        ("deeplabv3_resnet50", 42_004_074, 39_638_869, 337_462_411_776),
        ("deeplabv3_resnet101", 60_996_202, 58_630_997, 497_504_600_576),
        ("fcn_resnet50", 35_322_218, 32_957_013, 285_451_545_600),
    ):
        found = spec("deeplab").model(model)
        assert (found.params, found.macs()) == (params, flops // 2)
        assert spec("deeplab").model(model, aux=False).params == alone


def test_fcn_counts_what_it_learns() -> None:
    found = [spec("fcn")[f"fcn{k}s"].summary().parameters.trainable for k in (32, 8)]
    assert found == [134_346_581, 134_362_751]


@pytest.mark.parametrize("w", [16, 64])
def test_formulas_of_the_residual_blocks(w: int) -> None:
    """As the notes have them, for w itself and with w0 = w / 4 in the bottleneck; two norms more in the network."""
    found = {
        name: spec("erfnet").model(name, w=w).params
        for name in ("non_bottleneck", "bottleneck_quarter", "non_bottleneck_1d")
    }
    assert found == {
        "non_bottleneck": 18 * w**2 + 2 * w,
        "bottleneck_quarter": 17 * w**2 // 16 + 3 * w // 2,
        "non_bottleneck_1d": 12 * w**2 + 4 * w,
    }
    assert found["bottleneck_quarter"] == 17 * (w // 4) ** 2 + 6 * (w // 4)
    assert sum(p.numel() for p in reference.Factorised(w, 1, 0).parameters()) == 12 * w**2 + 8 * w


@pytest.mark.parametrize("factor", [2, 8, 32])
def test_the_fixed_kernels_enlarge_bilinearly(factor: int) -> None:
    """The built module starts with the tent worked out by hand; inside, it is what torch's bilinear mode gives."""
    net = module(spec("fcn").model("fcn", factor=8 if factor == 2 else factor, **NARROW).network, seed=0)
    name = "upscore2" if factor == 2 else "upscore"
    kernel = net.get_parameter(f"{name}.kernel.weight")
    assert not kernel.requires_grad
    for a in range(5):
        for b in range(5):
            expected = reference.bilinear_kernel(factor) if a == b else torch.zeros(1)
            torch.testing.assert_close(kernel[a, b].double(), expected.expand_as(kernel[a, b]).double())
    x = torch.randn(1, 5, 6, 6)
    ours = nn.functional.conv_transpose2d(x, kernel, stride=factor, padding=factor // 2)
    theirs = nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")
    edge = slice(factor, -factor)
    torch.testing.assert_close(ours[..., edge, edge], theirs[..., edge, edge])


def test_what_fc6_and_the_encoder_see() -> None:
    assert spec("erfnet")["erfnet_encoder"].summary().receptive_field.field == (1183, 1183)  # type: ignore[union-attr]
