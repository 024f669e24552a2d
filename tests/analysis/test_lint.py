"""Lints: what they say, what they leave alone, and that nothing that ships is warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl import driver
from archdsl.diagnostics import Diagnostic
from archdsl.network.program import load
from archdsl.source import Source


def scored(body: str) -> str:
    """A model of its scores and of those targets that it reads."""
    targets = {"label": "int[B]", "yes": "[B, 4]"}
    inputs = "".join(f"  input {name}: {kind}\n" for name, kind in targets.items() if name in body)
    return f"model m {{\n  input x: [B, 16]\n{inputs}  {body}\n}}\n"


def said(text: str) -> list[Diagnostic]:
    checked = driver.check(load(Source("lint.arch", text), folder=Path(".")))
    assert not [d for d in checked.diagnostics if d.severity == "error"], checked.diagnostics
    return list(checked.diagnostics)


def codes(text: str) -> list[str]:
    return [item.code for item in said(text) if item.code != "W0801"]


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        ("x -> linear(4) -> softmax -> cross_entropy(id, label)", True),
        ("x -> linear(4) -> sigmoid -> cross_entropy(id, label)", True),
        ("x -> linear(4) -> softmax -> dropout(0.1) -> cross_entropy(id, label)", True),
        ("x -> linear(8) -> softmax -> reshape_4 -> cross_entropy(id, label)", True),
        ("x -> linear(4) -> softmax -> repeat 3 { dropout(0.1) } -> cross_entropy(id, label)", True),
        ("x -> linear(4) -> last -> cross_entropy(id, label)", True),
        ("x -> linear(4) -> sigmoid -> bce_with_logits(id, yes)", True),
        ("x -> linear(4) -> sigmoid -> focal(id, yes)", True),
        ("x -> linear(4) -> softmax -> nll(id, label)", True),
        ("y = x -> linear(4)\n  if training { output loss = y -> softmax -> cross_entropy(id, label) }\n  y", True),
        ("x -> linear(4) -> cross_entropy(id, label)", False),
        ("x -> linear(4) -> log_softmax -> nll(id, label)", False),
        ("x -> linear(4) -> log_softmax -> cross_entropy(id, label)", False),  # a softmax of it changes nothing
        ("x -> linear(4) -> sigmoid -> bce(id, yes)", False),
        ("x -> linear(4) -> softmax -> linear(4) -> cross_entropy(id, label)", False),
        ("x -> linear(4) -> softmax -> log -> nll(id, label)", False),
        ("x -> linear(4) -> id * sigmoid -> cross_entropy(id, label)", False),  # a gate
        ("x -> linear(4) -> cross_entropy(id, softmax(yes))", False),  # of the target, which is a distribution
    ],
)  # fmt: skip
def test_softmax_before_its_loss(body: str, warned: bool) -> None:
    blocks = (
        'block last { softmax }\nblock reshape_4 { rearrange("b (c k) -> b c k", k=2) -> select(0, dim=2) }\n'
    )
    assert codes(blocks + scored(body)) == ["W0501"] * warned


def test_it_points_at_both() -> None:
    (found,) = said(scored("x -> linear(4) -> softmax -> cross_entropy(id, label)"))
    assert found.span.text == "cross_entropy(id, label)"
    assert [label.span.text for label in found.labels] == ["softmax"]
    assert found.help == ("hand it the scores before the softmax",)


NARROW = "model m {{\n  input image: [B, 3, H=64, W=64]\n  {}\n}}\n"


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        ("conv(64) -> conv(8, 4, 4, padding=0) -> conv(128)", True),
        ("conv(64) -> conv(2, 1) -> relu -> conv(64)", True),
        ("conv(64) -> max_pool(4) -> conv(128)", True),  # a sixteenth
        ("conv(64) -> max_pool(2) -> conv(128)", False),  # a quarter, as in every network
        ("conv(64) -> max_pool(3, padding=1) -> conv(128)", False),  # about a ninth, as in OverFeat
        ("conv(64) -> conv(128, 3, 2) -> conv(256, 3, 2)", False),
        ("conv(64) -> conv(5, 1) -> interpolate(scale=4)", False),  # scores, enlarged
        ("conv(64) -> conv(5, 1)", False),
        ("conv(64) -> global_avg_pool(keep=true) -> conv(4, 1) -> conv(64, 1)", False),  # a code
        ("conv(64) -> id * (global_avg_pool(keep=true) -> conv(4, 1) -> conv(64, 1) -> sigmoid) -> conv(128)", False),
        ("conv(64) -> id + (conv(2, 1) -> conv(64)) -> conv(128)", False),  # a skip connection passes by
        ("conv(64) -> conv(32, 1) ++ (conv(2, 1) -> conv(32)) -> conv(128)", False),  # a branch passes by
        ("conv(64) -> block_of(2) -> conv(128)", True),
        ("conv(64) -> repeat 2 { conv(2, 1) -> conv(64) }", True),
    ],
)  # fmt: skip
def test_abrupt_bottleneck(body: str, warned: bool) -> None:
    assert codes("block block_of(c) { conv(c, 1) -> relu }\n" + NARROW.format(body)) == ["W0502"] * warned


def test_what_is_shared_is_said_once() -> None:
    text = NARROW.format("conv(64) -> conv(2, 1) -> conv(64)")
    assert codes(text + "model other = m()\n") == ["W0502"]


def test_sizes_without_a_number_are_let_be() -> None:
    assert codes("model m {\n  input x: [B, 3, H, W]\n  conv(64) -> conv(2, 1) -> conv(64)\n}\n") == []


@pytest.mark.parametrize("path", driver.zoo_files(), ids=lambda path: path.stem)
def test_nothing_in_the_zoo_is_warned_of(path: Path) -> None:
    checked = driver.check(driver.load(driver.address(f"zoo:{path.stem}"), driver.Options()))
    assert not checked.diagnostics


# Heads that don't divide the features are an error, and claims on the receptive field are figures.


def test_heads_that_do_not_divide() -> None:
    text = "model m {\n  input x: [B, T=8, 30]\n  mha(4)\n}\n"
    (found,) = driver.check(load(Source("heads.arch", text))).diagnostics
    assert found.code == "E0407"
    assert "30" in found.message
    assert "4" in found.message


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("receptive_field >= 7", None), ("receptive_field == [7, 7]", None), ("receptive_field == 7", None),
        ("receptive_field >= 8", "E0711"), ("receptive_field < 7", "E0711"), ("output_stride == 1", None),
    ],
)  # fmt: skip
def test_claims_on_the_receptive_field(claim: str, code: str | None) -> None:
    body = "model m {{\n  input x: [B, 3, H=32, W=32]\n  conv(8) -> conv(8) -> conv(8)\n{}}}\n{}"
    inside, outside = f"  expect {claim}\n", f"expect m.{claim}\n"
    for text in (body.format(inside, ""), body.format("", outside)):
        found = [item.code for item in driver.check(load(Source("field.arch", text))).diagnostics]
        assert found == ([code] if code else [])
