"""One mistake, one message; several mistakes, one each; faults in standard blocks point at who called them."""

from __future__ import annotations

import pytest

from tests.language.support import check, codes, one

# Each text has exactly one mistake, and much that would go wrong after it.
ONE_MISTAKE = {
    "an unknown operator": "y = convv(8)\n z = y -> conv(8) -> batch_norm\n z ++ y -> linear(3)",
    "a wire of the wrong kind": "convv(8) -> conv(8) -> batch_norm\n conv(8) -> flatten\n linear(10)",
    "a failed list": "a, b = [conv(8), convv(8)]\n c = a + b\n c -> conv(8)",
    "a failed shape": "y = conv(8, 3, padding=0) + id\n y -> conv(8)\n expect id.shape == [B, 8]\n"
    " if id.shape[2] > 3 { relu }",
    "an unknown name in an if": "if depth > 3 { conv(8) } else { relu }\n conv(8) -> linear(nothing.shape[1])",
    "an unknown name in a loop": "for i in steps { conv(i) }\n conv(8)",
    "a failure in a round": "taps = []\n for i in range(4) { convv(8)\n taps = taps + [id] }\n conv(8) -> sum(taps)",
    "a failure in a repeated round": "repeat 100 { conv(8) -> convv(8) -> relu }\n linear(3)",
    "a broken layer": "layer e = convv(8)\n e -> e\n conv(3)",
    "a broken param": "param w: [H] = 0\n id * w\n id + w",
    "a broken recipe handed over": "around(convv(8)) -> around(relu)\n conv(8)",
    "a broken block used many times": "broken(8) -> broken(8) -> broken(9) -> conv(8)\n broken(10)",
    "a broken local block": "block b(c) { convv(c) -> conv(c) }\n b(3) -> b(4)",
    "a broken output": "output y = convv(3)\n output z = y + 1\n z -> conv(3)",
    "a broken expectation": "expect nothing == 3\n conv(8)",
    "a broken default": "with_default\n conv(8) -> with_default",
    "a broken argument": "conv(nothing)\n conv(8)\n conv(out_channels=id)",
    "a wrong index": "s = id.shape[9]\n conv(s) -> conv(s + 1)\n expect s == 3",
    "a wrong argument of a block": "around(g=3) -> around(relu)\n conv(8)",
    "a broken comprehension": "ys = [f -> convv(8) for f in [relu, id]]\n ys[0] + ys[1]\n sum(ys)",
    "a broken number": "n = 7 / 2\n repeat n { conv(n) }\n conv(n * 2)",
    "a broken scan": "flatten(2) -> scan(stepp, state=zeros([B, 3]))\n linear(4)",
    "a broken condition of a list": "ys = [n for n in [1, 2] if m > n]\n conv(ys[0])",
    "a wrong rank for a block's input": "tokens\n linear(8)",
}
BLOCKS = """
block around(f: block) { id + f }
block broken(c) { y = convv(c)
                  y -> conv(c) -> batch_norm }
block with_default(c = nothing + 1) { conv(c) }
block tokens { input t: [B, T, D]
               linear(D) -> rearrange("b t (h d) -> b h t d", h=D) }
"""


@pytest.mark.parametrize("name", ONE_MISTAKE)
def test_one_mistake_gives_one_message(name: str) -> None:
    text = f"{BLOCKS}model m {{\n input x: [B, 3, H, W]\n {ONE_MISTAKE[name]}\n}}"
    assert len(codes(text)) == 1, [(d.code, d.message, str(d.span)) for d in check(text)[1]]


def test_a_block_that_is_wrong_is_reported_once_however_often_and_wherever_it_is_used() -> None:
    text = BLOCKS + "".join(
        f"model m{i} {{ input x: [B, 3, H, W]\n broken({i + 1}) -> broken({i + 2}) }}\n" for i in range(9)
    )
    assert codes(text) == ["E0301"]


def test_what_depends_on_the_use_is_reported_at_each_place_once() -> None:
    text = "block b(k) { conv(8, k) }\nmodel m { input x: [B, 3, H, W]\n b(4) -> b(3) -> b(6) }"
    (found,) = check(text)[1]
    assert found.code == "E0503"


def test_several_mistakes_are_reported_each_once() -> None:
    text = """model m {
      input x: [B, 3, H, W]
      a = conv2d(8)
      b = x -> conv(8, strides=2)
      c = x -> conv(8, 4)
      d = x -> linear(3)
      x -> conv(8) as forward
      output y = x + conv(x, 16)
    }"""
    assert [(d.code, d.span.line) for d in check(text)[1]] == [
        ("E0301", 3), ("E0510", 4), ("E0503", 5), ("E0408", 6), ("E0306", 7), ("E0401", 8)
    ]  # fmt: skip


def test_both_modes_report_a_mistake_once() -> None:
    text = "model m { input x: [B, 3]\n if training { dropout(2.0) }\n linear(3, bia=true) }"
    assert sorted(codes(text)) == ["E0510", "E0516"]


def test_a_fault_inside_a_standard_block_points_at_the_call() -> None:
    found = one("model m { input x: [B, T, 100]\n relu -> mha(8) }")
    assert found.span.source.name == "test.arch"
    assert found.span.text == "mha(8)"
    assert "heads" in found.message or "8" in found.message
    inner = [label for label in found.labels if label.span.source.name == "std:attention.arch"]
    assert inner
    assert inner[0].text == "in this standard block"


def test_a_fault_deep_inside_standard_blocks_points_at_the_outermost_call() -> None:
    found = one("block enc { encoder_layer(8, 16) }\nmodel m { input x: [B, T, 100]\n enc }")
    assert found.span.text == "encoder_layer(8, 16)"
    assert [(label.span.text, label.text) for label in found.labels[1:]] == [("enc", "in `enc`, used here")]


def test_a_recipe_of_the_authors_inside_a_standard_block_keeps_its_place() -> None:
    found = one("model m { input x: [B, T, 64]\n pre_norm(linear(65)) }")
    assert found.span.source.name == "test.arch"
    found = one("model m { input x: [B, T, 64]\n pre_norm(linear(64) -> linaer(64)) }")
    assert found.span.text == "linaer"


def test_the_chain_of_calls_is_in_the_labels() -> None:
    text = """block a(c) { conv(c, 4) }
block b(c) { relu -> a(c) }
block c(c) { repeat 2 { b(c) } as rounds }
model m { input x: [B, 3, H, W]
          c(8) }"""
    found = one(text)
    assert (found.code, found.span.line) == ("E0503", 1)
    said = [(label.text, label.span.line) for label in found.labels]
    assert said == [
        ("in `a`, used here", 2), ("in `b`, used here", 3), ("in `rounds`, used here", 3), ("in `c`, used here", 5)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("conv2d(8)", "conv"), ("Conv2d(8)", "conv"), ("batchnorm", "batch_norm"), ("BatchNorm2d", "batch_norm"),
        ("maxpool(2)", "max_pool"), ("Dense(3)", "linear"), ("con(8)", "conv"), ("relU", "relu"),
        ("botleneck(8)", "bottleneck"),
        ("ReLU", "relu"), ("GELU", "gelu"), ("LayerNorm", "layer_norm"), ("softmaxx", "softmax"),
    ],
)  # fmt: skip
def test_did_you_mean(wrong: str, right: str) -> None:
    found = one(f"model m {{ input x: [B, 3, H, W]\n {wrong} }}")
    assert found.code == "E0301"
    assert f"`{right}`" in found.help[0]
    if len(found.fixes) == 1:
        (fix,) = found.fixes
        assert (fix.span.text, fix.replacement) == (wrong.split("(")[0], right)


def test_a_misspelt_argument_or_choice_is_guessed() -> None:
    found = one("model m { input x: [B, 3, H, W]\n conv(8, kernal_size=5) }")
    assert (found.fixes[0].span.text, found.fixes[0].replacement) == ("kernal_size", "kernel_size")
    found = one('model m { input x: [B, 3, H, W]\n conv(8, padding_mode="zero") }')
    assert "did you mean `zeros`?" in found.help
    found = one("model m { input x: [B, T, 64]\n mha(8, mask=casual) }")
    assert "did you mean `causal`?" in found.help
