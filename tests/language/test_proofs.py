"""Sizes: equal for all, for some, for none; what the message says, and that doing what it says helps."""

from __future__ import annotations

import re

import pytest

from archdsl.dims import render
from tests.language.support import check, codes, good, one, only


def model(*body: str, x: str = "[B, 3, H=32, W=32]", expects: tuple[str, ...] = ()) -> str:
    lines = [f"input x: {x}", *(f"expect {e}" for e in expects), *body]
    return "model m {\n  " + "\n  ".join(lines) + "\n}\n"


EVEN = "conv(8, 3, stride=2) ++ max_pool(2)"


def test_a_strided_convolution_beside_a_pool_fits_even_sizes_only() -> None:
    found = one(model(EVEN, x="[B, 3, H, W]"))
    assert found.code == "E0402"
    assert "equal only when H % 2 == 0" in found.message
    assert "(H + 1) // 2" in found.message
    assert "H // 2" in found.message
    assert found.help == ("say `expect H % 2 == 0` in the model, or make the sizes equal",)


def test_the_second_condition_follows_the_first() -> None:
    found = one(model(EVEN, expects=("H % 2 == 0",)))
    assert found.code == "E0402"
    assert "equal only when W % 2 == 0" in found.message
    network = only(model(EVEN, expects=("H % 2 == 0", "W % 2 == 0")))
    assert [r.render() for r in network.assumed] == ["H % 2 == 0", "W % 2 == 0"]


def mended(text: str) -> str:
    """The text with every condition that the messages ask for, one after the other."""
    for _ in range(8):
        found = check(text)[1]
        if not found:
            return text
        (condition,) = re.findall(r"`expect ([^`]*)`", " ".join(found[0].help))
        text = text.replace("\n  expect", f"\n  expect {condition}\n  expect", 1) if "\n  expect" in text else re.sub(
            r"(input [^\n]*\n)(?!.*input)", rf"\1  expect {condition}\n", text, count=1, flags=re.DOTALL
        )  # fmt: skip
    raise AssertionError(text)


@pytest.mark.parametrize(
    "text",
    [
        model(EVEN),
        model("max_pool(4) ++ (conv(8, 3, stride=2) -> max_pool(2))"),
        model("max_pool(2) -> conv_transpose(3, 2, stride=2) + x"),
        model("conv(8, 5, stride=4, padding=2) ++ conv(8, 3, stride=4, padding=0)"),
        model("pixel_unshuffle(2)"),
        model("if H > 7 { conv(3) } else { relu }"),
        model("conv(3) if H % 3 == 1 else relu"),
        model('rearrange("b c (h p) w -> b (c p) h w", p=4)'),
        model("expect H / 2 > 0"),
    ],
)
def test_what_a_message_says_to_write_helps(text: str) -> None:
    assert codes(text)
    good(mended(text))


def test_sizes_that_are_never_equal_have_no_condition() -> None:
    found = one(model("conv(3, 3, padding=0) + id"))
    assert found.code == "E0401"
    assert "H - 2 against H" in found.message
    assert "differ by 2 for every size" in " ".join(found.notes)
    assert not found.help


def test_halving_twice_is_quartering() -> None:
    good(model("(max_pool(2) -> max_pool(2)) + max_pool(4)"))
    good(model("expect H / 2 / 2 == H / 4", expects=("H % 4 == 0",)))
    good(model("expect H // 2 // 2 == H // 4"))


def test_exact_division_says_when() -> None:
    found = one(model("expect H / 2 / 2 == H / 4"))
    assert (found.code, found.message) == ("E0412", "H / 2 is exact only when H % 2 == 0")


def test_an_undecided_if_asks_for_an_assumption() -> None:
    found = one(model("if H > 7 { relu }"))
    assert found.code == "E0411"
    assert found.help == ("say `expect H >= 8` in the model",) or found.help == (
        "say `expect H > 7` in the model",
    )
    good(model("if H > 7 { relu }", expects=("H > 7",)))
    good(model("if H > 7 { relu } else { conv(9) }", expects=("H < 8",)))


def test_bounds_never_decide_an_if() -> None:
    """After a 7x7 convolution without padding H is at least 7 where the network runs; an `if` may not know it."""
    text = model("conv(8, 7, padding=0)", "if H > 6 { relu }", x="[B, 3, H, W]")
    assert one(text).code == "E0411"


@pytest.mark.parametrize(
    ("body", "size"),
    [("flatten -> linear(10)", "3*H*W"), ("layer_norm", "W"), ("param w: [W] = 0\n  id + w", "W")],
)
def test_weights_cannot_depend_on_a_free_size(body: str, size: str) -> None:
    found = one(model(body))
    assert found.code == "E0408"
    assert f"would be {size}, and" in found.message
    assert "pool adaptively" in found.help[0]


def test_a_number_in_place_of_the_free_size_is_enough() -> None:
    good(model("flatten -> linear(10)", x="[B, 3, 32, 32]"))
    good(model("adaptive_avg_pool(7) -> flatten -> linear(10)"))
    good(model("flatten -> linear(10)", expects=("H == 32", "W == 32")))


def test_only_a_literal_one_broadcasts() -> None:
    text = "model m {\n input x: [B, 8, H=4]\n input y: [B, 8, K=1]\n x + y\n}"
    found = one(text)
    assert found.code == "E0402"
    assert "H == K" in found.message or "K == H" in found.message
    good(text.replace("K=1]", "1]"))
    good(text.replace(" x + y", " expect H == K\n x + y"))
    good(text.replace(" x + y", " expect K == 1\n x + y"))


def test_bounds_are_inferred_and_told() -> None:
    text = "model m {\n input t: int[B, T]\n embedding(9, 8) + (arange(T) -> embedding(1024, 8))\n}"
    network = only(text)
    assert [b.relation.render() for b in network.bounds] == ["T <= 1024"]
    (words,) = network.value_bounds
    assert (words.input, words.low, words.high) == ("t", 0, 9)
    shrinks = only(model("conv(8, 5, padding=0) -> max_pool(2)", x="[B, 3, H, W]"))
    assert {b.relation.render() for b in shrinks.bounds} == {"H >= 5", "W >= 5", "H >= 6", "W >= 6"}


def test_assumptions_use_each_other_wherever_they_stand() -> None:
    network = only(model(EVEN, "expect H % 2 == 0", "expect W % 4 == 0"))
    assert [render(d) for d in network.inference.outputs[0].type.shape] == ["B", "11", "H // 2", "W // 2"]


def test_an_equality_solves_for_a_size() -> None:
    network = only(model("relu", expects=("W == 2 * H",)))
    assert [render(d) for d in network.inputs[0].type.shape] == ["B", "3", "H", "2*H"]


def test_claims_are_proved_in_blocks_at_each_use() -> None:
    block = "block b { input x: [B, C, H, W]\n expect C % 4 == 0\n relu }\n"
    good(block + model("conv(8)", "b"))
    found = one(block + model("conv(8)", "b", "conv(6)", "b"))
    assert found.code == "E0701"
    assert "`b`, used here" in found.labels[0].text


def test_a_claim_about_free_sizes_says_when_it_holds() -> None:
    found = one(model("max_pool(2)", "expect id.shape[2] * 2 == H"))
    assert (found.code, found.message) == ("E0701", "this holds only when H % 2 == 0")


@pytest.mark.parametrize("n", [2, 3, 4, 7, 16])
def test_unet_like_round_trips(n: int) -> None:
    text = model(f"max_pool({n}) -> conv_transpose(3, {n}, stride={n}) + x")
    assert f"H % {n} == 0" in one(text).message
    good(mended(text))
