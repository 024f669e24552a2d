"""What changed between two models: each kind of change by itself, symmetry, and that equal models are equal."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl import driver
from archdsl.alignment import EQUAL, align
from archdsl.analysis.difference_report import as_data, render_text
from archdsl.analysis.differences import Change, Difference, difference
from archdsl.analysis.mirror import mirrored
from archdsl.analysis.sizes import SizesError, declared_sizes
from archdsl.analysis.summary import Summary, summarise
from archdsl.cli import main
from archdsl.diagnostics import DiagnosticError
from archdsl.network.program import load
from archdsl.source import Source
from tests.random_networks.generate import generate


def model(text: str) -> Summary:
    return summarise(driver.model(load(Source("m.arch", text)), None).network)


def zoo(target: str, **settings: Any) -> Summary:
    address = driver.address(target)
    program = driver.load(address, driver.Options())
    return summarise(driver.model(program, address.model, settings).network)


BODY = """block unit(c, k=3) {{ conv(c, k, bias=false) as conv -> batch_norm as bn -> relu }}
model m {{
  input x: [B, 3, H=32, W=32]
{body}
}}
"""
PLAIN = [
    "conv(64, 7) as stem",
    "repeat 6 { unit(64) } as blocks",
    "id + unit(64, 1) as skip",
    "global_avg_pool",
    "linear(10) as head",
]


def body(*lines: str) -> Summary:
    return model(BODY.format(body="\n".join(f"  {line}" for line in lines)))


def real(found: Difference) -> list[Change]:
    return [change for change in found.inside.changes if change.what != "follows"]


def said(change: Change) -> list[tuple[str, str, str]]:
    return [(d.what, d.before, d.after) for d in change.details if d.what not in ("shape", "weights")]


def changed(place: int, *instead: str) -> Difference:
    lines = [*PLAIN[:place], *instead, *PLAIN[place + 1 :]]
    return difference(body(*PLAIN), body(*lines))


def test_equal_models_are_equal() -> None:
    found = difference(body(*PLAIN), body(*PLAIN))
    assert not found
    assert found.inside.changes == ()
    assert render_text(found) == "m and m are the same\n"


def test_a_changed_argument() -> None:
    found = changed(0, "conv(64, 5) as stem")
    (change,) = real(found)
    assert (change.what, change.part.path) == ("changed", "stem")
    assert said(change) == [("kernel_size", "7", "5")]
    assert found.figures["params"][0] - found.figures["params"][1] == 3 * 64 * (49 - 25)


def test_what_follows_from_a_width_is_told_from_it() -> None:
    narrow = body("conv(64, 7) as stem", "relu", "global_avg_pool", "linear(10) as head")
    found = difference(narrow, body("conv(96, 7) as stem", "relu", "global_avg_pool", "linear(10) as head"))
    (change,) = real(found)
    assert said(change) == [("out_channels", "64", "96")]
    follows = {c.part.name: [d.what for d in c.details] for c in found.inside.changes if c.what == "follows"}
    assert follows == {"relu": ["shape"], "global_avg_pool": ["shape"], "linear": ["weights"]}
    found = changed(4, "linear(100) as head")
    assert [said(c) for c in real(found)] == [[("out_features", "10", "100")]]
    assert [d.what for d in found.signature] == ["output out"]


def test_a_changed_count() -> None:
    (change,) = real(changed(1, "repeat 12 { unit(64) } as blocks"))
    assert said(change) == [("times", "6", "12")]
    assert (change.before.path, change.after.path) == ("blocks.0..5", "blocks.0..11")  # type: ignore[union-attr]
    assert change.inside is None


def test_a_new_name() -> None:
    (change,) = real(changed(4, "linear(10) as classifier"))
    assert said(change) == [("path", "head", "classifier")]


def test_something_more_and_something_less() -> None:
    (change,) = real(changed(3, "dropout_channels(0.5)", "global_avg_pool"))
    assert (change.what, change.part.name) == ("added", "dropout_channels")
    (change,) = real(difference(body(*PLAIN), body(PLAIN[0], *PLAIN[2:])))
    assert (change.what, change.part.path, change.part.times) == ("removed", "blocks.0..5", "6")


def test_a_moved_block() -> None:
    lines = [
        "conv(64, 3) as stem",
        "unit(64, 5) as first",
        "conv(64, 1) as second",
        "conv(64, 3, groups=64) as third",
    ]
    moved = [lines[0], lines[2], lines[3], lines[1]]
    (change,) = real(difference(body(*lines), body(*moved)))
    assert (change.what, change.part.path, said(change)) == ("moved", "first", [])


def test_an_operator_instead_of_another() -> None:
    found = difference(
        model("model m {\n  input x: [B, 8]\n  linear(8) -> relu\n}\n"),
        model("model m {\n  input x: [B, 8]\n  linear(8) -> gelu\n}\n"),
    )
    (change,) = real(found)
    assert said(change) == [("operator", "relu", "gelu")]


def test_inside_a_block_with_what_leads_there() -> None:
    text = "block f(h) {{ linear(h) as a -> {act} -> linear(8) as b }}\nmodel m {{\n  input x: [B, 8]\n  repeat 3 {{ id + f(16) }} as l\n}}\n"
    found = difference(model(text.format(act="relu")), model(text.format(act="silu")))
    assert render_text(found).splitlines()[-1] == "~ l.0..2  relu -> silu"


def test_only_the_wiring() -> None:
    text = "model m {{\n  input x: [B, 8, 8]\n  a = x -> linear(8) as p\n  b = {other} -> linear(8) as q\n  a - b\n}}\n"
    (change,) = real(difference(model(text.format(other="x")), model(text.format(other="a"))))
    assert [d.what for d in change.details] == ["wiring"]


def test_masks_rates_and_freezing() -> None:
    text = "model m {{\n  input x: [B, T=4, 8]\n  {0}\n}}\n"
    pairs = [
        ("mha(2)", "mha(2, mask=causal)", ("mask", "none", "causal")),
        ("mha(2, mask=window(2))", "mha(2, mask=window(3))", ("mask", "window(size=2)", "window(size=3)")),
        ("dropout(0.1)", "dropout(0.2)", ("p", "0.1", "0.2")),
        ("linear(8) as f", "frozen(linear(8)) as f", ("frozen", "false", "true")),
    ]
    for before, after, expected in pairs:
        found = difference(model(text.format(before)), model(text.format(after)))
        assert expected in [item for change in real(found) for item in said(change)], (before, after)


def test_training_outputs_count() -> None:
    text = "model m {{\n  input x: [B, 8]\n  y = linear(8) as f\n  if training {{ output aux = y -> linear({0}) as aux }}\n  y\n}}\n"
    found = difference(model(text.format(3)), model(text.format(4)))
    assert [d.what for d in found.signature] == ["output in training aux"]
    assert ("out_features", "3", "4") in [item for change in real(found) for item in said(change)]


def test_published_pairs() -> None:
    found = difference(zoo("zoo:resnet:resnet50"), zoo("zoo:resnet:resnet101"))
    assert found.figures["params"] == (25_557_032, 44_549_160)
    (stage,) = real(found)  # 6 blocks of the third stage became 23, the first of them apart: nothing else
    assert stage.inside is not None
    assert [said(c) for c in stage.inside.changes] == [[("times", "5", "22")]]
    text = render_text(difference(zoo("zoo:bert:bert_base"), zoo("zoo:albert:albert_base")))
    assert "> layers.0..11 -> shared  bert_layer -> shared" in text
    assert "~ words  embedding  num_embeddings 30522 -> 30000  embedding_dim 768 -> 128" in text
    assert "approximate none -> tanh" in text
    assert "measured at B=1, T=128 and at B=1, T=512" in text


def data(found: Difference) -> Any:
    return as_data(found, ("", ""))


ZOO = [
    "zoo:gpt2", "zoo:gpt2:gpt2_medium", "zoo:resnet:resnet18", "zoo:resnet:resnet50", "zoo:transformer:transformer_base",
    "zoo:bert:bert_base", "zoo:albert:albert_base", "zoo:t5:t5_small", "zoo:lstm:lstm", "zoo:unet", "zoo:googlenet", "zoo:vgg:vgg16",
]  # fmt: skip


@pytest.mark.parametrize("targets", [ZOO[i : i + 4] for i in range(0, len(ZOO), 3)], ids=str)
def test_one_way_is_the_other_mirrored(targets: list[str]) -> None:
    models = [zoo(target) for target in targets]
    for one in models:
        assert not difference(one, one)
    for one, other in itertools.combinations(models, 2):
        there, back = difference(one, other), difference(other, one)
        assert there
        assert data(mirrored(there)) == data(back)
        assert data(mirrored(mirrored(there))) == data(there)


def test_random_networks() -> None:
    made: list[tuple[driver.Chosen, Summary]] = []
    for seed in range(250):
        program = load(Source("r.arch", generate(seed).text))
        try:
            chosen = driver.model(program, None)
            sizes = {
                name: 16 for name in declared_sizes(chosen.network) if name not in chosen.network.defaults
            }
            made.append((chosen, summarise(chosen.network, sizes)))
        except (DiagnosticError, SizesError):  # those that are refused, which another test is about
            continue
    assert len(made) > 100
    for chosen, found in made:
        again = summarise(driver.model(chosen.program, chosen.network.name).network, found.sizes)
        assert not difference(found, again), chosen.program.source.text
    for (_, one), (_, other) in itertools.pairwise(made):
        assert data(mirrored(difference(one, other))) == data(difference(other, one))


WORDS = st.lists(st.sampled_from(["a", "a1", "b", "b1", "c"]), max_size=9)


@given(WORDS, WORDS)
@settings(max_examples=300, deadline=None)
def test_alignment(left: list[str], right: list[str]) -> None:
    def alike(a: str, b: str) -> int:
        return EQUAL if a == b else 60 if a[0] == b[0] else 0

    pairs = align(left, right, alike, str)
    assert [a for a, _ in pairs if a is not None] == left
    assert [b for _, b in pairs if b is not None] == right
    assert pairs.count((None, None)) == 0
    turned = align(right, left, alike, str)
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    assert both == [(b, a) for a, b in turned if a is not None and b is not None]

    def best(i: int, j: int) -> int:
        if i == len(left) or j == len(right):
            return 0
        return max(best(i + 1, j), best(i, j + 1), alike(left[i], right[j]) + best(i + 1, j + 1))

    if len(left) + len(right) < 11:
        assert sum(alike(a, b) for a, b in both) == best(0, 0)


def test_long_sequences_are_aligned_quickly() -> None:
    left = [str(i) for i in range(3000)]
    right = [str(i) for i in range(3000) if i % 7]
    pairs = align(left, right, lambda a, b: EQUAL * (a == b), str)
    assert sum(1 for a, b in pairs if a is not None and b is not None) == len(right)


def test_deep_models_cost_no_more() -> None:
    found = difference(zoo("zoo:gpt2", layers=10), zoo("zoo:gpt2", layers=100_000, d=780))
    assert len(data(found)["regions"]) < 12


def test_command(tmp_path: Path, capsys: Any) -> None:
    assert main(["diff", "zoo:gpt2", "zoo:gpt2", "--set-b", "layers=24", "--exit-code"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "gpt2 -> gpt2 (layers=24)"
    assert out[1].split() == ["parameters", "124,439,808", "209,494,272", "+85,054,464", "+68.3%"]
    assert out[-1] == "~ layers.0..11 -> layers.0..23  gpt_layer  x12 -> x24"
    assert main(["diff", "zoo:gpt2", "zoo:gpt2:gpt2", "--exit-code", "--at", "T=8"]) == 0
    assert capsys.readouterr().out == "gpt2 and gpt2 are the same\n"
    assert main(["diff", "zoo:gpt2", "zoo:gpt2:gpt2_medium", "--format", "json", "--exit-code"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["differs"]
    assert found["figures"]["params"] == {"before": 124_439_808, "after": 354_823_168}
    numbers = [
        c["inside"] for region in found["regions"] for c in region["changes"] if c["inside"] is not None
    ]
    assert set(numbers) == set(range(1, len(found["regions"])))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["zoo:gpt2", "zoo:nothing"], 3, "no such spec"),
        (["-", "-"], 2, "standard input is one file only"),
        (["zoo:gpt2", "zoo:bert:bert_base", "--at", "Q=3"], 2, "neither model has a size Q"),
        (["zoo:gpt2", "zoo:gpt2", "--set-b", "d=13"], 1, "E0407"),
    ],
)
def test_wrong_use(arguments: list[str], code: int, words: str, capsys: Any) -> None:
    assert main(["diff", *arguments]) == code
    assert words in capsys.readouterr().err
