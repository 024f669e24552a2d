"""``--color-by``: each box coloured by its share of all parameters or MACs, checked against published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl.analysis.kept_by_use import kept_by_use
from archdsl.analysis.shares import shares
from archdsl.cli import main
from archdsl.drawing.build import make_picture
from archdsl.drawing.palette import SCALE
from archdsl.drawing.shading import shaded
from tests.drawing.models import gpt

# GPT-2: 50,257 tokens and 1,024 places of 768; 12 layers of 7,087,872 parameters (Radford et al., 2019).
GPT2 = 124_439_808


def boxes(text_or_zoo: str, measure: Any, **options: Any) -> dict[str, float]:
    """The share of each box, by its first line."""
    model = archdsl.load(text_or_zoo) if text_or_zoo.startswith("zoo:") else archdsl.parse(text_or_zoo)
    chosen = model.model(**options)
    held = shares(chosen.summary(), measure)
    picture = make_picture(chosen.network)
    return {
        f"{box.id} {box.title or ''.join(box.lines[:1])}": sum(held.get(use, 0) for use in box.uses)
        for box in picture.boxes
        if box.kind != "junction"  # where arrows branch inside a frame; it is no part of the network
    }


@pytest.mark.parametrize("measure", ["params", "macs", "memory"])
@pytest.mark.parametrize(
    "name", ["zoo:gpt2", "zoo:resnet:resnet50", "zoo:albert:albert_base", "zoo:transformer:transformer_base"]
)
def test_boxes_hold_all_there_is_and_nothing_twice(name: str, measure: Any) -> None:
    file, _, model = name.removeprefix("zoo:").partition(":")
    found = boxes(f"zoo:{file}", measure, **({"name": model} if model else {}))
    assert sum(found.values()) == pytest.approx(1, abs=1e-9)


def test_equal_blocks_drawn_as_one_hold_what_all_of_them_hold() -> None:
    """Inception v3 without its auxiliary classifier, which is drawn in training alone: 3,326,696 of 27,161,264."""
    found = boxes("zoo:inception", "params", name="inception_v3")
    assert sum(found.values()) == pytest.approx(1 - 3_326_696 / 27_161_264)
    assert sum(boxes("zoo:inception", "macs", name="inception_v3").values()) == pytest.approx(1)


def test_shares_of_gpt2() -> None:
    found = boxes("zoo:gpt2", "params")
    by_name = {key.split(" ", 1)[1]: share for key, share in found.items()}
    assert by_name["embedding 50257, 768"] == pytest.approx(50257 * 768 / GPT2)
    assert by_name["query: linear 768"] == pytest.approx(12 * 768 * 769 / GPT2)
    assert by_name["feed_forward: ffn"] == pytest.approx(12 * (2 * 4 * 768 * 768 + 5 * 768) / GPT2)


@pytest.mark.parametrize(
    ("file", "name", "megabytes"),
    [("resnet", "resnet50", 86.3), ("vit", "vit_b_16", 118.2), ("gpt2", "gpt2", 611.1)],
)
def test_memory_told_apart_is_the_memory_there_is(file: str, name: str, megabytes: float) -> None:
    """What PyTorch's saved-tensor hooks saw at batch 1 in float32, inputs included."""
    model = archdsl.load(f"zoo:{file}")[name]
    total = kept_by_use(model.summary()).total(model.network.inference)
    assert total / 1e6 == pytest.approx(megabytes, rel=0.05)


def test_memory_of_a_layer() -> None:
    """A linear layer keeps its input, a relu its output: here both are the same 32 numbers of 4 bytes, counted once."""
    text = "model m {\n  input x: [B, 8]\n  linear(32) as a -> relu -> linear(4) as b\n}\n"
    model = archdsl.parse(text)["m"]
    kept, region = kept_by_use(model.summary()), model.network.inference
    assert kept.total(region) == 4 * (8 + 32)
    assert {use[0]: sum(bytes_) for use, bytes_ in kept.uses(region).items()} == {
        "a": 4 * 8,
        "": 4 * 32,
        "b": 0,
    }


def test_a_closed_block_holds_all_its_rounds() -> None:
    model = archdsl.parse(gpt(7))["gpt"]
    held = shares(model.summary(), "params")
    closed = make_picture(model.network, fold=["layers"])
    (layers,) = [box for box in closed.boxes if box.kind == "block"]
    # per layer: 4 d (d + 1) of attention, 8 d d + 5 d of the ffn, 4 d of the norms, with d = 64
    layer = 4 * 64 * 65 + 8 * 64 * 64 + 5 * 64 + 4 * 64
    assert sum(held[use] for use in layers.uses) == pytest.approx(7 * layer / (7 * layer + 100 * 64 + 2 * 64))


def test_the_legend_has_the_steps_that_appear() -> None:
    model = archdsl.load("zoo:gpt2").model()
    picture = shaded(make_picture(model.network), shares(model.summary(), "params"), "parameters")
    assert picture.notes[0] == "share of all parameters"
    used = {box.role for box in picture.boxes if box.role.startswith("share")}
    assert set(picture.roles) == used
    assert "share0" in used
    assert "convolution" not in picture.roles


def test_on_the_command_line(tmp_path: Path, capsys: Any) -> None:
    spec = tmp_path / "g.arch"
    spec.write_text(gpt(3))
    written = {}
    for what in ("role", "params", "macs", "memory"):
        for ending in ("svg", "mmd", "dot", "html"):
            out = tmp_path / f"{what}.{ending}"
            assert main(["render", f"{spec}:gpt", "-o", str(out), "--color-by", what]) == 0
            written[what, ending] = out.read_text()
    for ending in ("svg", "mmd", "dot", "html"):
        assert len({written[what, ending] for what in ("role", "params", "macs")}) == 3
    assert "share of all parameters" in written["params", "svg"]
    assert SCALE[-1][2].lower() in written["params", "svg"].lower()
    free = tmp_path / "free.arch"
    free.write_text("model free {\n  input x: [B, 3, H, W]\n  conv(8)\n}\n")
    assert main(["render", str(free), "-o", str(tmp_path / "x.svg"), "--color-by", "macs"]) == 2
    assert "--at" in capsys.readouterr().err


def test_from_python() -> None:
    model = archdsl.parse(gpt(3))["gpt"]
    assert "share of all MACs" in str(model.render("svg", color_by="macs"))
    assert model.render("html", color_by="memory") != model.render("html")
    free = archdsl.parse("model free {\n  input x: [B, 3, H, W]\n  conv(8)\n}\n")["free"]
    assert "<svg" in str(free.render())
    with pytest.raises(ValueError, match="H"):
        free.render("svg", color_by="params")
