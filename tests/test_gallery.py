"""The gallery has every model of the zoo, and its drawings are those of today: a few looked at, all there, all small."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from archdsl import api
from tests.drawing.models import without_lines

ROOT = Path(__file__).resolve().parent.parent
# Small ones of each kind: a chain, a residual network, a U, a Transformer, a recurrent one.
LOOKED_AT = {"alexnet": "alexnet", "resnet": "resnet18", "unet": "unet", "gpt2": "gpt2", "lstm": "lstm"}


@pytest.fixture(scope="module")
def gallery() -> Any:
    spec = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_model(gallery: Any) -> None:
    models = gallery.names()
    assert sum(map(len, models.values())) > 100
    assert gallery.PAGE.read_text("utf-8") == gallery.page(models), "make gallery"
    drawn = {image.stem for image in gallery.IMAGES.glob("*.svg")}
    assert drawn == {name for members in models.values() for name in members}, "make gallery"


def test_the_drawings_are_small(gallery: Any) -> None:
    sizes = {image.name: image.stat().st_size for image in gallery.IMAGES.iterdir()}
    assert sum(sizes.values()) < 5_000_000
    compared = sum(image.stat().st_size for image in (ROOT / "docs" / "images" / "compared").iterdir())
    assert compared < 1_500_000


@pytest.mark.parametrize(("file", "name"), LOOKED_AT.items())
def test_drawings_are_those_of_today(gallery: Any, file: str, name: str) -> None:
    models = api.load(f"zoo:{file}")
    chosen = name if name in models else next(iter(models))
    image = (gallery.IMAGES / f"{chosen}.svg").read_text("utf-8")
    assert without_lines(image) == without_lines(gallery.drawing(models[chosen])), "make gallery"


def test_what_is_left_out_is_not_seen(gallery: Any) -> None:
    """Drawn as PNG, the picture is nearly the same with and without what the gallery leaves out: no pixel of a box differs."""
    from archdsl.drawing.png import svg_to_png

    numpy = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image", reason="no Pillow to compare pictures with")
    drawn = api.load("zoo:alexnet")["alexnet"].render("svg", theme="auto")
    assert isinstance(drawn, str)
    small = gallery.slim(drawn)
    assert len(small) < 0.75 * len(drawn)
    pictures = [
        numpy.asarray(image.open(io.BytesIO(svg_to_png(svg, scale=1))).convert("L"), dtype=float)
        for svg in (drawn, small)
    ]
    assert pictures[0].shape == pictures[1].shape
    assert abs(pictures[0] - pictures[1]).mean() < 1
