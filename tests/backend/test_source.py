"""The generated file: readable, formatted, on its own, and proof against names and texts that want to be code."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from archdsl.backend.emit import emit
from archdsl.backend.errors import NameRefused
from archdsl.backend.module import emitted, load, module
from archdsl.backend.names import checked_component, minted
from archdsl.backend.printer import literal
from archdsl.backend.text import docstring
from tests.backend.programs import PROGRAMS
from tests.backend.support import golden, network

GOLDEN = (
    "residual_loop",
    "shared_layer",
    "captured_layer",
    "training_output",
    "scan",
    "until",
    "schedule",
    "initialised",
)


@pytest.mark.parametrize("name", GOLDEN)
def test_reads_as_before(name: str) -> None:
    golden(f"{name}.py.txt", emit(network(PROGRAMS[name])).source)


def test_is_formatted_as_ruff_would(tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or str(Path(sys.executable).parent / "ruff")
    for name, text in PROGRAMS.items():
        if (
            "mha" not in text and "sinusoidal" not in text
        ):  # helpers are copied with the line breaks of this repository
            (tmp_path / f"{name}.py").write_text(emit(network(text)).source, encoding="utf-8")
    for command in (["format", "--diff"], ["check", "--select", "E9,F,B"]):
        made = subprocess.run(
            [ruff, *command, "--isolated", "--line-length", "100", str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stdout


@pytest.mark.parametrize("name", ["residual_loop", "training_output", "scan", "attention"])
def test_runs_as_a_script_with_torch_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(emitted(network(PROGRAMS[name])).source, encoding="utf-8")
    script = "import sys; sys.modules['archdsl'] = None; import runpy; runpy.run_path('model.py', run_name='__main__')"
    made = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert "[1, " in made.stdout


def test_emitting_is_deterministic() -> None:
    for text in PROGRAMS.values():
        assert emit(network(text)).source == emit(network(text)).source


def test_one_class_however_deep() -> None:
    text = """
block b {{ id + (linear(16) as up -> relu -> linear(8) as down) }}
model net {{ input x: [B, 8]
  repeat {} {{ b }} }}
"""
    shallow, deep = (emit(network(text.format(n))).source for n in (2, 48))
    assert shallow.replace("range(2)", "range(48)") == deep


def test_constants_become_arguments() -> None:
    text = """
block unit(c, k) { conv(c, k) as conv -> relu -> conv(2 * c, 1) as wide }
model net { input x: [B, 3, H=16, W=16]
  unit(4, 3) as a -> unit(8, 5) as b -> unit(16, 3) as d }
"""
    source = emit(network(text)).source
    assert source.count("class ") == 2
    assert "2 * c" in source
    assert "Unit(in_channels=3, c=4" in source


def test_a_traceback_shows_the_generated_line() -> None:
    net = module(network(PROGRAMS["chain"]))
    net.linear = torch.nn.Linear(3, 16)  # breaks it
    with pytest.raises(RuntimeError) as caught:
        net(torch.randn(2, 8))
    import traceback

    assert "self.linear(x)" in "".join(traceback.format_exception(caught.value))


# ---------------------------------------------------------------------------------------------------------- guards


def test_sizes_outside_the_conditions_are_refused_by_name() -> None:
    net = module(network(PROGRAMS["head_shared_by_levels"]))
    with pytest.raises(ValueError, match="H must be at least 4, got 3"):
        net(torch.randn(1, 3, 3, 16))
    with pytest.raises(ValueError, match=r"dim 1 of x must be 3, got 4"):
        net(torch.randn(1, 4, 16, 16))
    with pytest.raises(ValueError, match=r"x must be \[B, 3, H, W\], got \[3, 16, 16\]"):
        net(torch.randn(3, 16, 16))


def test_assumptions_equal_sizes_and_values_are_enforced() -> None:
    text = """
model net { input a: int[B, T=4]
  input b: [B, T, 8]
  expect T % 2 == 0
  (a -> embedding(10, 8)) + b }
"""
    net = module(network(text))
    with pytest.raises(ValueError, match=r"T % 2 == 0 must hold, got T = 3"):
        net(torch.zeros(1, 3, dtype=torch.long), torch.randn(1, 3, 8))
    with pytest.raises(ValueError, match=r"dim 1 of b must be T = 4, got 6"):
        net(torch.zeros(1, 4, dtype=torch.long), torch.randn(1, 6, 8))
    with pytest.raises(ValueError, match="integers from 0 up to, not including, 10, got 0 to 10"):
        net(torch.tensor([[0, 1, 2, 10]]), torch.randn(1, 4, 8))


def test_guards_cost_little() -> None:
    import time

    net = module(network(PROGRAMS["head_shared_by_levels"]))
    x = torch.randn(1, 3, 16, 16)
    best = min(_timed(lambda: [net._check(x) for _ in range(100)], time.perf_counter) for _ in range(5))
    assert best / 100 < 500e-6  # 20e-6 on a quiet machine


def _timed(call, clock):  # type: ignore[no-untyped-def]
    start = clock()
    call()
    return clock() - start


# -------------------------------------------------------------------------------------------------------- injection

PAYLOADS = [
    'x"); import os; os.system("touch pwned"); ("', "__import__('os').system('touch pwned')", "a; b", "a.b", "a b",
    "self", "class", "forward", "__class__", "x = 1", "a\nb", "a\\", '"""', "'", "é", "", "1a", "_hidden", "a" * 300,
    "train", "parameters", "half", "type", "T_destination", "{x}", "%s", "lambda: 0", "\x00", "ﬁ", "getattr(self,'x')",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_reach_paths_only_where_they_are_harmless(payload: str) -> None:
    try:
        path = checked_component(payload)
    except NameRefused:
        return
    assert path.isidentifier()
    assert path not in dir(torch.nn.Module())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_variables_are_minted(payload: str) -> None:
    name = minted(payload, "x")
    assert name.isidentifier()
    ast.parse(f"{name} = 1")
    assert name not in ("self", "torch", "nn", "F", "math", "len", "class")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_names_and_texts_never_become_code(
    payload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser lets none of these through; the back end doesn't rely on it."""
    monkeypatch.chdir(tmp_path)
    made = network(PROGRAMS["training_output"])

    def poisoned(region):  # type: ignore[no-untyped-def]
        values = {v: replace(v, name=payload) for v in region.inputs}
        nodes = tuple(
            replace(n, inputs=tuple(values.get(v, v) for v in n.inputs)) if hasattr(n, "inputs") else n
            for n in region.nodes
        )
        return replace(
            region, inputs=tuple(values.values()), input_names=(payload,), nodes=nodes, docstring=payload,
            outputs=tuple(values.get(v, v) for v in region.outputs), name=payload, output_names=tuple(
                f"{payload}{i}" if i else payload for i in range(len(region.output_names))
            ), arguments={payload: payload},
        )  # fmt: skip

    hostile = replace(
        made, inference=poisoned(made.inference), training=poisoned(made.training), name=payload, docstring=payload,
        inputs=tuple(replace(i, name=payload) for i in made.inputs), parameters={payload: payload, "p": payload},
    )  # fmt: skip
    made_source = emit(hostile)
    for node in ast.walk(ast.parse(made_source.source)):
        if isinstance(node, ast.Name | ast.Attribute):
            assert "system" not in ast.dump(node)
    net = getattr(load(made_source), made_source.model)()
    net(torch.randn(2, 8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    ['ends in a quote"', 'three """ of them', "back\\slash \\n", "a\nb\n  c", "\\", '"', "nul \x00", "é ü"],
)
def test_docstrings_stay_texts(text: str) -> None:
    lines = "\n".join(["class A:", *docstring(text, 4), "    x = 1"])
    (cls,) = ast.parse(lines).body
    assert isinstance(cls, ast.ClassDef)
    found = ast.get_docstring(cls)
    assert found is not None
    assert len(cls.body) == 2
    if text.isprintable():
        assert found.strip() == textwrap.dedent(text).strip()


@pytest.mark.parametrize(
    "value", [float("inf"), -float("inf"), 1e300, 0.1, -0.0, 10**30, True, None, "a\"b'\\", (1, "x"), [1]]
)
def test_constants_come_back_as_they_were(value: object) -> None:
    import math

    assert eval(literal(value), {"math": math}) == value


def test_what_is_no_constant_is_refused() -> None:
    with pytest.raises(TypeError):
        literal(object())
