"""What a picture shows: folded to the distinct blocks, merged to the boxes that a reader needs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from archdsl.drawing.build import PlaceError, make_picture
from archdsl.drawing.engine import EngineError
from archdsl.drawing.picture import Box, Picture
from tests.drawing.models import CHAIN, GPT, RESIDUAL, SAMPLES, TRAINING, TRANSFORMER, UNET, gpt, network, zoo


def titles(picture: Picture) -> list[str]:
    return [b.title for b in picture.boxes if b.title] + [c.title for c in picture.clusters]


def said(picture: Picture) -> Iterator[str]:
    for box in picture.boxes:
        yield from box.lines


def box(picture: Picture, line: str) -> Box:
    return next(b for b in picture.boxes if any(line in text for text in b.lines))


def shape_of(picture: Picture) -> object:
    """A picture up to its numbers of rounds."""
    return (
        [(b.kind, b.lines, b.cluster) for b in picture.boxes],
        [(c.parent, c.detail) for c in picture.clusters],
        picture.edges,
    )


def test_a_chain_is_one_box_per_operator_of_weight() -> None:
    picture = make_picture(network(CHAIN))
    assert [b.lines for b in picture.boxes] == [
        ("image", "[B, 3, H, W]"),
        ("conv 7×7, 64, /2", "batch norm · relu"),
        ("max pool 3, /2",),
        ("global avg pool", "dropout 0.5"),
        ("linear 10",),
        ("out", "[B, 10]"),
    ]
    assert picture.docstring == "A plain chain"


def test_shapes_are_said_where_they_change() -> None:
    labels = [e.label for e in make_picture(network(gpt(2))).edges if e.label]
    assert labels == ["[B, T, 64]"]


def test_long_formulas_give_way_to_numbers_and_the_drawing_says_so() -> None:
    resnet = zoo("resnet")["resnet50"]
    picture = make_picture(resnet)
    assert "[B, 2048, 7, 7]" in [e.label for e in picture.edges]
    assert picture.notes == ("sizes at H=224, W=224",)
    symbolic = make_picture(resnet, sizes="symbolic")
    assert "[B, 2048, (H + 31) // 32, (W + 31) // 32]" in [e.label for e in symbolic.edges]
    assert "[B, 2048, 4, (W + 31) // 32]" in [e.label for e in make_picture(resnet, sizes={"H": 128}).edges]


@pytest.mark.parametrize(("few", "many"), [(12, 96), (2, 1000), (2, 10**9)])
def test_the_picture_does_not_grow_with_the_depth(few: int, many: int) -> None:
    assert shape_of(make_picture(network(gpt(few)))) == shape_of(make_picture(network(gpt(many))))
    assert f"×{many}" in " ".join(titles(make_picture(network(gpt(many)))))


def test_a_bomb_of_blocks_costs_what_its_source_costs() -> None:
    levels = [f"block b{i} {{ b{i - 1} -> relu -> b{i - 1} -> conv(8) -> b{i - 1} }}" for i in range(1, 31)]
    text = "block b0 { conv(8) -> relu }\n" + "\n".join(levels) + "\nmodel m { input x: [B, 8, 8, 8]\n b30 }"
    bomb = network(text)
    start = time.process_time()
    assert len(make_picture(bomb).boxes) < 200
    assert time.process_time() - start < 30


def test_a_bomb_of_combinators_ends_too() -> None:
    text = "block twice(f: block) { f -> f }\nblock c0 { conv(8) -> relu -> conv(8) }\n"
    text += "\n".join(f"block c{i} {{ twice(c{i - 1}) }}" for i in range(1, 25))
    text += "\nmodel m { input x: [B, 8, 8, 8]\n c24 }"
    start = time.process_time()
    assert len(make_picture(network(text)).boxes) <= 400
    assert time.process_time() - start < 30


def test_a_model_without_blocks_that_is_too_large_says_what_to_do() -> None:
    text = "model m { input x: [B, 8, 8, 8]\n" + "\n".join("id + conv(8)" for _ in range(300)) + "\n}"
    with pytest.raises(EngineError, match=r"more than 400 boxes.*--fold PATH") as caught:
        make_picture(network(text))
    assert caught.value.kind == "too_large"


def test_blocks_alike_are_drawn_once_and_named_afterwards() -> None:
    picture = make_picture(network(RESIDUAL))
    closed = [(b.title, b.lines) for b in picture.boxes if b.kind == "block"]
    # Two kinds of unit stand open: with a shortcut and without.
    assert [c.title for c in picture.clusters if c.title.startswith("unit")] == ["unit ×2", "unit"]
    assert ("unit_2", ("c=32",)) not in closed
    assert ("unit", ("c=64, stride=2",)) in closed


RUNGS = """
block rung(c, memory: tensor) {
  y = linear(c)
  y + linear(c, bias=false) -> id * memory -> layer_norm
}
model answers {
  input x: [B, T=4, 8]
  input memory: [B, T, 8]
  two = x -> rung(8, memory) -> rung(8, memory)
  three = two -> rung(8, memory)
  output late = three -> linear(2)
  EARLY
}
"""


def test_blocks_written_one_after_the_other_are_drawn_once_with_their_number() -> None:
    picture = make_picture(network(RUNGS.replace("EARLY", "")))
    assert [c.title for c in picture.clusters] == ["rung ×3"]
    assert not [b for b in picture.boxes if b.kind == "block"]


def test_blocks_whose_answers_are_read_stay_apart() -> None:
    read = make_picture(network(RUNGS.replace("EARLY", "output early = two -> linear(3)")))
    assert [c.title for c in read.clusters] == ["rung ×2"]
    assert [b.title for b in read.boxes if b.kind == "block"] == ["rung"]


def test_recipes_that_are_handed_over_are_shown_not_their_wrapper() -> None:
    picture = make_picture(network(TRANSFORMER))
    assert not [t for t in titles(picture) if "post_norm" in t]
    assert "encoder: encoder_layer ×6" in titles(picture)
    assert "cross: mha" in titles(picture)
    assert [e for e in picture.edges if e.side]


def test_the_arc_of_a_residual_begins_in_its_frame() -> None:
    picture = make_picture(network(gpt(3)))
    homes = {b.id: b.cluster for b in picture.boxes}
    assert [e for e in picture.edges if e.skip]
    assert all(homes[e.source] == homes[e.target] for e in picture.edges if e.skip)


def test_a_u_net_is_flat_and_its_skips_say_what_they_do() -> None:
    picture = make_picture(network(UNET))
    assert not picture.clusters
    assert [e.label for e in picture.edges if e.skip] == ["crop"] * 3


def test_expand_and_fold_name_places() -> None:
    model = network(gpt(4))
    closed = make_picture(model, fold=["layers.0.attention"])
    assert "attention: mha" in [b.title for b in closed.boxes]
    assert make_picture(model, fold=["layers"]).boxes[2].title == "layers: gpt_layer ×4"
    assert make_picture(model, fold=["layers.2"]).boxes[2].title == "layers: gpt_layer ×4"
    residual = network(RESIDUAL)
    opened = make_picture(residual, expand=["stages.2.unit"])
    assert len(opened.boxes) > len(make_picture(residual).boxes)


def test_expanding_opens_what_is_around() -> None:
    residual = network(RESIDUAL)
    opened = make_picture(residual, expand=["stages.2.unit.shortcut"])
    assert any(b.path.startswith("stages.2.unit.shortcut") for b in opened.boxes)
    make_picture(residual, fold=["stages.2.unit.shortcut"])  # closed already, with what is around it


def test_parts_of_a_tensor_say_so() -> None:
    halves = "model m { input x: [B, 6, 8, 8]\n a, b = chunk(2, dim=1)\n a * sigmoid(b) }"
    assert {e.label for e in make_picture(network(halves)).edges} >= {"part 1 of 2", "part 2 of 2"}


def test_rounds_that_differ_are_told_apart() -> None:
    loop = "model m { input x: [B, 6, 8, 8]\n repeat 3 { (conv(8) -> relu) ++ conv(3) -> conv(9) } }"
    assert titles(make_picture(network(loop))) == ["round 0", "rounds 1–2 ×2"]


def test_a_place_that_is_not_there_is_an_error_with_a_hint() -> None:
    with pytest.raises(PlaceError, match="no block at 'layer'; there is layers"):
        make_picture(network(gpt(4)), expand=["layer"])


def test_what_training_adds_is_listed_or_drawn() -> None:
    model = network(TRAINING)
    assert make_picture(model).notes == ("in training also: aux",)
    training = make_picture(model, mode="training")
    assert "aux" in list(said(training))
    assert not training.notes


def test_figures_stand_in_titles() -> None:
    picture = make_picture(network(gpt(4)), figures={"layers.0": (49_984, 1_234_567)})
    assert picture.clusters[0].detail == "heads=4, 50 k params, 1.23 M MACs"


def test_glue_is_not_drawn() -> None:
    for text in SAMPLES.values():
        words = " ".join(said(make_picture(network(text))))
        assert not any(glue in words for glue in ("rearrange", "transpose(", "flatten", "expand"))


def test_a_weight_used_as_a_tensor_is_a_box() -> None:
    assert box(make_picture(network(gpt(2))), "tok.weight").kind == "weight"


def test_boxes_lead_back_to_the_source() -> None:
    picture = make_picture(network(GPT.replace("LAYERS", "3")))
    query = box(picture, "query: linear")
    assert query.path == "layers.0.attention.query"
    assert query.place.startswith("std:attention.arch:")
    assert box(picture, "layer norm").place == "test.arch:3"


def test_inputs_that_nothing_reads_are_told_in_a_note() -> None:
    text = "model m { input x: [B, 8]\n input target: [B, 4]\n"
    text += "  y = x -> linear(4)\n  output out = y\n  if training { output loss = y - target } }"
    model = network(text)
    picture = make_picture(model)
    assert "target" not in [b.lines[0] for b in picture.boxes if b.kind == "input"]
    assert "not used at inference: target" in picture.notes
    trained = make_picture(model, mode="training")
    assert "target" in [b.lines[0] for b in trained.boxes if b.kind == "input"]
