"""The paths of weights: one component per use, counted in the text, stable under what holds no weights."""

from __future__ import annotations

import pytest

from tests.language.support import keys, only

BLOCKS = """
block unit(c) { conv(c, bias=false) -> relu }
block two(c) { conv(c, bias=false) -> conv(c, bias=false) }
block alias = conv(3, bias=false)
block alias_of_two = conv(3, bias=false) -> conv(3, bias=false)
block alias_of_unit = unit(3)
block twice(f: block) { f -> f }
block around(f: block) { id + f }
block weightless { relu -> dropout(0.1) }
block own { param w: [] = 0
            id * w }
"""


def paths(body: str) -> list[str]:
    """The paths of the convolutions and params of a model with this body, without the `.weight` at their ends."""
    network = only(BLOCKS + "model m {\n input x: [B, 3, H, W]\n" + body + "\n}")
    return [key.removesuffix(".weight") for key in keys(network)]


CASES = {
    # the written name; the k-th occurrence in the text
    "conv(3, bias=false) -> conv(3, bias=false) -> conv(3, bias=false)": ["conv", "conv_2", "conv_3"],
    "unit(3) -> two(3) -> unit(3)": ["unit.conv", "two.conv", "two.conv_2", "unit_2.conv"],
    # the label
    "conv(3, bias=false) as a -> conv(3, bias=false) -> unit(3) as b": ["a", "conv", "b.conv"],
    "unit(3) as a -> unit(3)": ["a.conv", "unit.conv"],
    "(conv(3, bias=false) -> relu) as stem": ["stem"],
    "(unit(3) -> relu) as stem": ["stem.conv"],
    "(conv(3, bias=false) -> conv(3, bias=false)) as stem": ["stem.conv", "stem.conv_2"],
    "((conv(3, bias=false) as a) -> relu) as b": ["b.a"],
    # an untaken branch shifts nothing
    "(conv(3, bias=false) if 1 == 2 else id) -> conv(3, bias=false)": ["conv_2"],
    "if 1 == 2 { conv(3, bias=false) } else { conv(3, bias=false) }\n conv(3, bias=false)": ["conv_2", "conv_3"],
    "if false { unit(3) }\n unit(3)": ["unit_2.conv"],
    # an unrelated block renames nothing, neither does a dropout
    "weightless -> unit(3) -> weightless -> dropout(0.1) -> unit(3)": ["unit.conv", "unit_2.conv"],
    # loops: the label or the word, then the ordinal; one use in a round adds no name, two do
    "repeat 2 { conv(3, bias=false) }": ["repeat.0", "repeat.1"],
    "repeat 2 { conv(3, bias=false) -> relu } as body": ["body.0", "body.1"],
    "repeat 2 { unit(3) } as body": ["body.0.conv", "body.1.conv"],
    "repeat 1 { two(3) -> unit(3) } as body": ["body.0.two.conv", "body.0.two.conv_2", "body.0.unit.conv"],
    "repeat 1 { conv(3, bias=false) as a } as body": ["body.0.a"],
    "for i in range(2) { conv(3, bias=false) }\n repeat 1 { conv(3, bias=false) }\n for i in [1] { unit(3) }": [
        "for.0", "for.1", "repeat.0", "for_2.0.conv"
    ],
    "repeat 1 { repeat 2 { conv(3, bias=false) } as inner } as outer": ["outer.0.inner.0", "outer.0.inner.1"],
    "repeat 1 { repeat 2 { conv(3, bias=false) } } as outer": ["outer.0.0", "outer.0.1"],
    "x -> repeat 1 { unit(3) } as a -> repeat 1 { unit(3) } as b": ["a.0.conv", "b.0.conv"],
    "repeat 2 { relu }\n repeat 1 { conv(3, bias=false) }": ["repeat.0"],
    "for i in range(4) { if i % 2 == 1 { conv(3, bias=false) } } as odd": ["odd.1", "odd.3"],
    # lists
    "sum([conv(3, bias=false), conv(3, bias=false)])": ["conv", "conv_2"],
    "sum([f -> conv(3, bias=false) for f in [id, relu]])": ["for.0", "for.1"],
    "sum([conv(3, bias=false) for i in range(3) if i != 1] )": ["for.0", "for.2"],
    "sum([two(3) for i in range(1)]) -> unit(3)": ["for.0.conv", "for.0.conv_2", "unit.conv"],
    # aliases and handed-over recipes are places: one use in them adds no name
    "alias -> alias": ["alias", "alias_2"],
    "alias_of_two": ["alias_of_two.conv", "alias_of_two.conv_2"],
    "alias_of_unit": ["alias_of_unit.conv"],
    "twice(conv(3, bias=false))": ["twice.f", "twice.f_2"],
    "twice(unit(3))": ["twice.f.conv", "twice.f_2.conv"],
    "twice(unit(3) -> relu -> conv(3, bias=false))": [
        "twice.f.unit.conv", "twice.f.conv", "twice.f_2.unit.conv", "twice.f_2.conv"
    ],
    "around(alias) as a": ["a.f"],
    "around(relu) -> unit(3)": ["unit.conv"],
    "around(around(unit(3)))": ["around.f.f.conv"],
    # layers, params: their own name where declared
    "layer e = conv(3, bias=false)\n e -> e": ["e"],
    "layer e = unit(3)\n repeat 3 { e }": ["e.conv"],
    "layer e = two(3)\n e": ["e.conv", "e.conv_2"],
    "layer e = conv(3, bias=false) -> conv(3, bias=false)\n e": ["e.conv", "e.conv_2"],
    "layer e = unit(3)\n around(e)": ["e.conv"],
    "repeat 2 { layer e = conv(3, bias=false)\n e -> e }": ["repeat.0.e", "repeat.1.e"],
    "own -> own": ["own.w", "own_2.w"],
    "(own -> relu) as a": ["a.w"],
    "frozen(conv(3, bias=false)) -> frozen(unit(3))": ["conv", "unit.conv"],
    # a wire for an argument is still one use
    "conv(relu, 3, bias=false) -> unit(conv(3, bias=false), 3)": ["conv", "conv_2", "unit.conv"],
    "y = conv(3, bias=false)\n y + unit(3)": ["conv", "unit.conv"],
}  # fmt: skip


@pytest.mark.parametrize("body", CASES)
def test_paths(body: str) -> None:
    assert sorted(paths(body)) == sorted(CASES[body])


def test_a_local_block_and_its_namesake() -> None:
    text = "block local(c) { conv(c, bias=false) -> conv(c, bias=false) }\n local(3) -> unit(3) -> local(3)"
    assert paths(text) == ["local.conv", "local.conv_2", "unit.conv", "local_2.conv", "local_2.conv_2"]


def test_a_layer_declared_in_a_block_is_one_per_use() -> None:
    text = (
        BLOCKS
        + """
    block tied { layer e = conv(3, bias=false)
                 e -> e }
    model m { input x: [B, 3, H, W]
              tied -> tied }"""
    )
    assert keys(only(text)) == ["tied.e.weight", "tied_2.e.weight"]


def test_weights_of_training_alone_come_on_top() -> None:
    text = """model m { input x: [B, 3]
      linear(3, bias=false) as a
      if training { output aux = linear(3, bias=false) as aux }
      linear(3, bias=false) as b }"""
    assert keys(only(text)) == ["a.weight", "b.weight", "aux.weight"]


def test_a_branch_of_training_shifts_nothing() -> None:
    text = """model m { input x: [B, 3]
      linear(3, bias=false)
      if training { output aux = linear(3, bias=false) }
      linear(3, bias=false) }"""
    assert keys(only(text)) == ["linear.weight", "linear_3.weight", "linear_2.weight"]
