"""The Image Transformer: local attention in one and two dimensions against full attention under a mask."""

from __future__ import annotations

import pytest
import torch

from archdsl.analysis.weights import model_weights, numel
from tests.reference.image_transformer import ImageTransformer, order_1d, order_2d, seen_1d, seen_2d
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import SAME, rule
from tests.zoo.sequence_support import agrees, compiles, outputs, trains

RULES = (rule(r"intensities\.weight", "embed_pixels.intensities.weight"), *SAME)
SMALL = {"d": 16, "heads": 2, "hidden": 24, "layers": 2, "width": 4}


def _pixels() -> Tensors:
    return {"pixels": torch.randint(256, (2, 6, 4, 3))}


def _make(places: list[tuple[int, int]], seen: torch.Tensor) -> ImageTransformer:
    return ImageTransformer(16, 2, 24, 2, places, seen)


IN_1D = Case(
    "image_transformer", "image_transformer", "image_transformer", {**SMALL, "length": 8},
    lambda _: _make(order_1d(6, 12), seen_1d(order_1d(6, 12), 8)), RULES, _pixels,
    lambda net, inputs: net(**inputs), ("rate",),
)  # fmt: skip
_PLACES = order_2d(6, 12, 2, 4)
IN_2D = Case(
    "image_transformer_2d", "image_transformer", "image_transformer_2d",
    {**SMALL, "tall": 2, "wide": 4, "above": 1, "beside": 3},
    lambda _: _make(_PLACES, seen_2d(_PLACES, 2, 4, 1, 3)), RULES, _pixels, lambda net, inputs: net(**inputs),
    ("rate",),
)  # fmt: skip

both = pytest.mark.parametrize("case", [IN_1D, IN_2D], ids=str)


@both
def test_numbers(case: Case) -> None:
    agrees(case)


@both
def test_training(case: Case) -> None:
    trains(case, lambda found, _: found["loss"])


@pytest.mark.slow
@both
def test_compiles(case: Case) -> None:
    compiles(case)


@both
def test_nothing_is_known_before_it_is_generated(case: Case) -> None:
    """Another intensity at one place changes nothing before that place, nor there, and something after it."""
    ours, _ = agrees(case)
    places = order_1d(6, 12) if case is IN_1D else _PLACES
    pixels = torch.randint(256, (1, 6, 4, 3))
    before = outputs(case, ours.eval(), {"pixels": pixels})["logits"]
    for changed in (0, 17, 40):
        y, column = places[changed]
        other = pixels.clone()
        other[0, y, column // 3, column % 3] += 1
        after = outputs(case, ours, {"pixels": other.clamp(max=255)})["logits"]
        moved = [not torch.equal(before[0, y, c // 3, c % 3], after[0, y, c // 3, c % 3]) for y, c in places]
        assert not any(moved[: changed + 1])
        assert moved[changed + 1]


def test_body() -> None:
    for model in ("image_transformer", "image_transformer_2d"):
        weights = model_weights(spec("image_transformer")[model].network)
        assert sum(numel(o.weight) for o in weights if o.path[0] == "layers") == 37_804_032
