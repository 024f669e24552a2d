"""Formulas of whole models: against published counts at other sizes, against formulas made by hand, and where none is."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from archdsl import driver, inquiries
from archdsl.analysis.figures import Figures
from archdsl.analysis.formulas import Formulas, formulas
from archdsl.analysis.summary import Mode
from archdsl.analysis.variations import Variations
from archdsl.cli import main
from archdsl.diagnostics import DiagnosticError
from archdsl.failures import UsageFailure
from archdsl.network.program import load
from archdsl.source import Source
from tests.random_networks.generate import generate


def found(target: str, *figures: str, at: Mapping[str, int] | None = None, **settings: Any) -> Formulas:
    address = driver.address(target)
    chosen = driver.model(driver.load(address, driver.Options()), address.model, settings)
    return formulas(Variations(chosen.program, chosen.network, settings, at or {}), figures)


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "m.arch"
    path.write_text(text)
    return str(path)


def value(made: Formulas, figure: str, **others: int) -> int:
    """The formula at other values, read as Python reads it."""
    (item,) = [f for f in made.formulas if f.figure == figure]
    names = {v.name: v.value for v in made.variables} | others
    return int(eval(item.text, {}, names))


def test_gpt_as_people_write_it() -> None:
    made = found("zoo:gpt2", "params", "macs")
    assert made.formulas[0].text == "layers*(12*d**2 + 13*d) + vocab*d + context*d + 2*d"
    assert made.formulas[1].text == "B*T*(layers*(12*d**2 + 2*T*d) + vocab*d)"
    assert made.formulas[0].checked >= 10
    # published: the other sizes of GPT-2, and GPT-3
    assert value(made, "params", layers=24, d=1024) == 354_823_168
    assert value(made, "params", layers=36, d=1280) == 774_030_080
    assert value(made, "params", layers=48, d=1600) == 1_557_611_200
    assert value(made, "params", layers=96, d=12288, context=2048) == 174_604_259_328
    assert value(made, "macs", layers=96, d=12288, T=2048) == 367_402_130_866_176


def test_figures_against_formulas_by_hand() -> None:
    sympy = pytest.importorskip("sympy")
    L, d, V, C, B, T, h = sympy.symbols("layers d vocab context B T heads")
    # An attention has four d*d and their biases, a feed-forward 2*4*d*d and 5*d, a layer two norms of 2*d.
    layer = 4 * (d * d + d) + (d * 4 * d + 4 * d + 4 * d * d + d) + 2 * (2 * d)
    by_hand = {
        "params": V * d + C * d + L * layer + 2 * d,
        "macs": B * L * (T * (4 * d * d + 8 * d * d) + 2 * T * T * d) + B * T * d * V,
        "macs_attention_full": B * L * h * 2 * T * T * (d / h),
        "macs_attention_masked": B * L * h * 2 * (T * (T + 1) / 2) * (d / h),
    }
    for item in found("zoo:gpt2", *by_hand).formulas:
        assert sympy.expand(sympy.sympify(item.text) - by_hand[item.figure]) == 0, item
    # Attention Is All You Need: the embedding is shared by both sides and the head.
    ffn = 2 * d * sympy.Symbol("hidden") + sympy.Symbol("hidden") + d
    transformer = V * d + L * (3 * 4 * (d * d + d) + 2 * ffn + 5 * 2 * d)
    (item,) = found("zoo:transformer:transformer_base", "params").formulas
    assert sympy.expand(sympy.sympify(item.text) - transformer) == 0, item


def test_lists_vary_item_by_item() -> None:
    made = found("zoo:resnet:resnet50", "params", "macs")
    names = {v.name: f"l{i}" for i, v in enumerate(made.variables)}
    text = made.formulas[0].text
    for name, plain in names.items():
        text = text.replace(name, plain)
    usual = {names[v.name]: v.value for v in made.variables}
    assert eval(text, {}, usual) == 25_557_032
    assert eval(text, {}, usual | {names["layers[2]"]: 23}) == 44_549_160  # ResNet-101, torchvision
    assert eval(text, {}, usual | {names["layers[1]"]: 8, names["layers[2]"]: 36}) == 60_192_808  # ResNet-152
    assert made.formulas[1].conditions == ("H % 32 == 0", "W % 32 == 0")
    assert made.formulas[1].polynomial([3, 4, 6, 3, 1000, 1, 224, 224]) == 4_089_184_256


def test_settings_and_sizes_given_are_numbers() -> None:
    made = found("zoo:gpt2", "params", "macs", at={"T": 512}, d=768, vocab=1000)
    assert made.formulas[0].text == "7087872*layers + 768*context + 769536"
    assert [v.name for v in made.variables] == ["layers", "heads", "context", "B"]
    assert dict(made.fixed) == {"d": 768, "vocab": 1000, "rate": 0.1}
    assert value(made, "macs", layers=1, B=2) == 2 * 512 * (12 * 768**2 + 2 * 512 * 768 + 768 * 1000)


CONV = """model m(c=64, k=3, r=8, depth=3) {{
  input x: [B, 3, H=32, W=32]
  conv(c, k)
  {rest}
  global_avg_pool -> linear(10)
}}
"""


@pytest.mark.parametrize(
    ("rest", "condition"),
    [
        ("conv(c // 8, 1)", "c % 8 == 0"),
        ("conv(c // 64 + 5, 1)", "c % 64 == 0"),
        ("conv(min(c, 100), 1)", "c <="),
        ("conv(min(c, 800), 1)", "c <="),  # seen from far only
        ("conv(max(c, 30), 1)", "c >="),
        ("conv(4 * 2 ** depth, 1)", "depth == 3"),
        ("conv(c * c, 1)", ""),
    ],
)
def test_where_a_formula_holds(rest: str, condition: str, tmp_path: Path) -> None:
    target = written(tmp_path, CONV.format(rest=rest))
    made = found(target, "params")
    (item,) = made.formulas
    joined = ", ".join(item.conditions)
    assert condition in joined if condition else "c" not in joined.replace("depth", "")
    program = driver.load(driver.address(target), driver.Options())
    tried = 0
    for c in (*range(1, 140, 3), 64, 128, 192, 640, 768, 900):  # what the conditions allow, the model counts
        if all(eval(text, {}, {"c": c, "k": 5, "r": 8, "depth": 3}) for text in item.conditions):
            summary = driver.analyse(driver.model(program, None, {"c": c, "k": 5}).network)
            assert value(made, "params", c=c, k=5) == summary.params, c
            tried += 1
    assert tried >= 3


def test_two_variables_that_do_not_go_together(tmp_path: Path) -> None:
    """Straight along each of the two, and no polynomial of both."""
    target = written(
        tmp_path, "model m(a=4, b=4) {\n  input x: [B, 3]\n  linear(a * b // 4, bias=false)\n}\n"
    )
    made = found(target, "params")
    (item,) = made.formulas
    assert item.conditions
    program, tried = driver.load(driver.address(target), driver.Options()), 0
    for a in range(1, 14):
        for b in range(1, 14):
            if a * b >= 4 and all(eval(text, {}, {"a": a, "b": b}) for text in item.conditions):
                summary = driver.analyse(driver.model(program, None, {"a": a, "b": b}).network)
                assert value(made, "params", a=a, b=b) == summary.params, (a, b, item)
                tried += 1
    assert tried > 5


def test_what_nothing_can_vary_in_is_a_number(tmp_path: Path) -> None:
    target = written(tmp_path, "model m {\n  input x: [1, 3, 8, 8]\n  conv(4, bias=false)\n}\n")
    made = found(target)
    kept = str(3 * 8 * 8 * 4)  # the input, for the gradient of the weight
    assert {item.figure: item.text for item in made.formulas} == {
        "params": "108", "macs": "6912", "saved_for_backward_bytes": kept
    }  # fmt: skip
    assert made.variables == ()


def test_command(capsys: Any) -> None:
    assert main(["summary", "zoo:gpt2", "--symbolic"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("gpt2 over layers, d, heads, vocab, context and the sizes B, T; rate=0.1\n")
    assert "\nparameters                layers*(12*d**2 + 13*d) + vocab*d + context*d + 2*d\n" in out
    assert main(["summary", "zoo:gpt2", "--symbolic", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    params = data["formulas"]["params"]
    assert params["value"] == 124_439_808
    assert {"coefficient": "12", "powers": {"layers": 1, "d": 2}} in params["terms"]
    assert main(["summary", "zoo:gpt2", "--symbolic", "--field", "total.params", "--set", "d=12"]) == 0
    assert capsys.readouterr().out == "12*vocab + 1884*layers + 12*context + 24\n"


def test_random_networks() -> None:
    """Formulas over the sizes of random programs, at other sizes that satisfy what they say."""
    chance, compared, models = random.Random(5), 0, 0
    for seed in range(60):
        text = re.sub(
            r"(?<=, )([A-Z]\w*)(?=[],])", r"\1=24", generate(seed).text
        )  # sizes get numbers to start from
        program = load(Source("r.arch", text))
        try:
            chosen = driver.model(program, None)
            made = inquiries.formulas(chosen, {}, {}, ["macs", "elementwise", "saved_for_backward_bytes"])
        except (DiagnosticError, UsageFailure):
            continue
        models += 1
        for _ in range(6):
            sizes = {
                v.name: chance.choice([v.value, v.value + chance.randrange(1, 40), 3 * v.value])
                for v in made.variables
            }
            try:
                counted = Figures(driver.analyse(chosen.network, sizes))
            except UsageFailure:
                continue
            for item in made.formulas:
                if all(eval(text, {}, sizes) for text in item.conditions):
                    exact = item.polynomial([sizes[v.name] for v in made.variables])
                    assert exact == counted[item.figure], (program.source.text, item, sizes)
                    compared += any(sizes[v.name] != v.value for v in made.variables)
    assert models > 15
    assert compared > 60


def test_memory() -> None:
    made = found("zoo:gpt2", "saved_for_backward_bytes", "key_value_cache_bytes", "weight_bytes")
    assert (
        round(value(made, "saved_for_backward_bytes") / 1e6, 1) == 611.1
    )  # published with the method, batch 1
    assert value(made, "key_value_cache_bytes", B=3, T=100) == 2 * 12 * 3 * 100 * 768 * 4
    assert value(made, "weight_bytes", layers=24, d=1024) == 4 * 354_823_168
    address = driver.address("zoo:gpt2")
    chosen = driver.model(driver.load(address, driver.Options()), None)
    (item,) = inquiries.formulas(
        chosen, {}, {}, ["saved_for_backward_bytes"], Mode(train=True, dtype="bfloat16")
    ).formulas
    at = {"layers": 5, "d": 120, "heads": 12, "vocab": 900, "context": 64, "B": 3, "T": 50}
    set_to = {name: at[name] for name in ("layers", "d", "vocab", "context")}
    other = driver.model(chosen.program, None, set_to).network
    counted = driver.analyse(other, {"B": 3, "T": 50}, Mode(train=True, dtype="bfloat16")).memory.saved
    assert eval(item.text, {}, at) == counted


def test_wrong_use(capsys: Any) -> None:
    assert main(["summary", "zoo:gpt2", "--symbolic", "--format", "csv"]) == 2
    assert "--symbolic has no format csv" in capsys.readouterr().err
    assert main(["summary", "zoo:gpt2", "--symbolic", "--field", "total.regions"]) == 2
    assert "there is no formula of regions; there are params" in capsys.readouterr().err
