"""Values within a budget: against trying every value, with steps, holes, limits, and figures that fall again."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from archdsl import amounts, driver, inquiries
from archdsl.analysis.solve import NothingFits, Solution
from archdsl.analysis.summary import Mode, Summary
from archdsl.cli import main
from archdsl.diagnostics import DiagnosticError
from archdsl.failures import UsageFailure

MODELS = {
    "linear": "linear(c) -> relu -> linear(7)",
    "square": "linear(c) -> linear(c, bias=false) -> linear(7)",
    "heads": "linear(c) -> mha(6) -> linear(7)",  # multiples of 6 only
    "finer": "linear(c) -> mha(6 if c < 40 else 3) -> linear(7)",  # of 6, then of 3
    "floor": "linear(c // 16 + 1) -> linear(7)",
    "stairs": "linear(8 * (c // 24 + 1)) -> linear(7)",
    "count": "repeat c { id + linear(16) } -> linear(7)",
}
TEXT = "model m(c=12) {{\n  input x: [B, T=8, 16]\n  {body}\n}}\n"


def program(tmp_path: Path, body: str) -> Any:
    path = tmp_path / "m.arch"
    path.write_text(TEXT.format(body=body))
    return driver.load(driver.address(str(path)), driver.Options())


def figures(made: Any, value: int) -> Summary | None:
    try:
        return driver.analyse(driver.model(made, None, {"c": value}).network)
    except DiagnosticError:
        return None


def solved(made: Any, budget: dict[str, int], step: int | None = None, name: str = "c") -> Solution:
    return inquiries.solve(made, None, {}, {}, name, budget, step)[0]


@pytest.mark.parametrize("body", MODELS)
def test_against_trying_every_value(body: str, tmp_path: Path) -> None:
    made = program(tmp_path, MODELS[body])
    every = {n: found for n in range(1, 130) if (found := figures(made, n)) is not None}
    assert len(every) > 10
    chance = random.Random(3)
    for _ in range(12):
        around = every[chance.choice([n for n in every if n < 80])]
        figure, most = chance.choice([("params", around.params), ("macs", around.macs)])
        most += chance.choice([-1, 0, 1, 40])
        fitting = [n for n, s in every.items() if (s.params if figure == "params" else s.macs) <= most]
        if not fitting:
            with pytest.raises(NothingFits, match="nothing fits: c = "):
                solved(made, {figure: most})
            continue
        found = solved(made, {figure: most})
        assert found.value == max(fitting), (figure, most, found)
        assert found.figures[figure] <= most
        assert found.next is not None
        assert found.next[1][figure] > most
        assert found.steady


def test_multiples_of_a_step(tmp_path: Path) -> None:
    made = program(tmp_path, MODELS["heads"])
    most = figures(made, 66).params  # type: ignore[union-attr]
    assert solved(made, {"params": most}).value == 66
    assert solved(made, {"params": most}).step == 6
    assert solved(made, {"params": most}, 4).value == 60  # of 4 and of 6
    with pytest.raises(NothingFits, match="nothing fits: c = 96"):
        solved(made, {"params": most}, 32)


def test_a_figure_that_falls_again(tmp_path: Path) -> None:
    made = program(tmp_path, "linear(c if c % 2 == 0 else 2 * c) -> linear(7)")
    most = figures(made, 20).params  # type: ignore[union-attr]
    found = solved(made, {"params": most})
    assert found.value == 20
    assert not found.steady


def test_both_budgets_hold(tmp_path: Path) -> None:
    made = program(tmp_path, MODELS["square"])
    at = figures(made, 40)
    assert at is not None
    assert solved(made, {"params": at.params, "macs": 10**12}).value == 40
    assert solved(made, {"params": 10**12, "macs": at.macs - 1}).value == 39


@pytest.mark.parametrize("mode", [Mode(), Mode(train=True), Mode(train=True, dtype="bfloat16", fused=False)])
def test_memory_against_trying_every_value(mode: Mode, tmp_path: Path) -> None:
    made = program(tmp_path, MODELS["heads"])
    figure = "training_bytes" if mode.train else "inference_bytes"

    def needs(c: int) -> int:
        found = driver.analyse(driver.model(made, None, {"c": c}).network, None, mode).memory
        return found.training_total if mode.train else found.inference_total

    every = {c: needs(c) for c in range(6, 120, 6)}
    for most in (every[24], every[60] - 1, every[90] + 5):
        found, _ = inquiries.solve(made, None, {}, {}, "c", {figure: most}, None, mode)
        assert found.value == max(c for c, bytes in every.items() if bytes <= most)


def test_what_nothing_depends_on(tmp_path: Path) -> None:
    with pytest.raises(NothingFits, match="whatever T is"):
        solved(program(tmp_path, MODELS["linear"]), {"params": 10**6}, name="T")


def test_a_limit_of_the_model() -> None:
    made = driver.load(driver.address("zoo:gpt2"), driver.Options())
    found = inquiries.solve(made, None, {}, {}, "T", {"macs": 10**12}, None)[0]
    assert (found.value, found.next) == (1024, None)
    assert "T <= 1024" in (found.limit or "")


def test_settings_that_do_not_go_with_the_usual_value() -> None:
    made = driver.load(driver.address("zoo:gpt2"), driver.Options())
    found = inquiries.solve(
        made, None, {"heads": 25, "layers": 48}, {}, "d", {"params": 1_557_611_200}, None
    )[0]
    assert (found.value, found.step) == (1600, 25)  # GPT-2 XL, as published
    with pytest.raises(DiagnosticError):
        inquiries.solve(made, None, {"heads": 0}, {}, "d", {"params": 10**9}, None)
    with pytest.raises(UsageFailure, match="given and asked for"):
        inquiries.solve(made, None, {"d": 768}, {}, "d", {"params": 10**9}, None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e9", 10**9),
        ("1_000", 1000),
        ("350M", 350_000_000),
        ("1.5G", 1_500_000_000),
        ("7B", 7 * 10**9),
        ("2.5e3k", 2_500_000),
    ],
)
def test_counts(text: str, number: int) -> None:
    assert amounts.count(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("24GiB", 24 * 2**30), ("800MB", 800_000_000), ("1.5KiB", 1536), ("77", 77)]
)
def test_bytes(text: str, number: int) -> None:
    assert amounts.size_in_bytes(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1e-3", "0", "1.5", "1e9999", "1 M x", "9" * 60, "GiB", "1KiB", "0x10"]
)
def test_no_counts(text: str) -> None:
    with pytest.raises(ValueError, match=r"no (whole )?amount"):
        amounts.count(text)


def test_command(capsys: Any) -> None:
    command = ["solve", "zoo:gpt2", "--set", "layers=24", "--params", "1e9", "--for", "d"]
    assert main(command) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "d = 1764  (in steps of 12, as the model allows)"
    assert out[1] == "parameters  987,182,028 of 1,000,000,000 (98.7%)"
    assert out[-1] == "next        d = 1776 has 1,000,035,408 parameters"
    assert main(["solve", "zoo:gpt2", "--memory", "24GiB", "--train", "--for", "B"]) == 0
    assert capsys.readouterr().out.startswith("B = 34\n")
    assert main(["summary", "zoo:gpt2", "--fits", "24GiB", "--train"]) == 0
    assert capsys.readouterr().out.startswith("B = 34 ")  # another way to the same number
    assert main([*command, "--format", "json", "--step", "64"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["for"], data["value"], data["step"]) == ("d", 1728, 64)
    assert data["figures"]["params"] <= data["budget"]["params"] < data["next"]["figures"]["params"]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--params", "1k", "--for", "d"], 1, "nothing fits: d = 12 has"),
        (["--for", "d"], 2, "say within what"),
        (["--params", "many", "--for", "d"], 2, "--params: 'many' is no amount"),
        (["--params", "1e9", "--for", "width"], 2, "what can vary is layers, d,"),
        (["--params", "1e9", "--for", "d", "--step", "0"], 2, "--step wants"),
        (["--params", "1e9", "--for", "d", "--set", "layerz=3"], 1, "E0904"),
    ],
)
def test_wrong_use(more: list[str], code: int, said: str, capsys: Any) -> None:
    assert main(["solve", "zoo:gpt2", *more]) == code
    assert said in capsys.readouterr().err
