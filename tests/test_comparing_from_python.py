"""Formulas and differences from Python, and that none of it loads a heavy library."""

from __future__ import annotations

import subprocess
import sys

import pytest

import archdsl


def test_formulas() -> None:
    model = archdsl.load("zoo:gpt2")["gpt2"]
    assert model.formulas("params") == {"params": "layers*(12*d**2 + 13*d) + vocab*d + context*d + 2*d"}
    smaller = model.with_parameters(d=24).with_parameters(vocab=100)
    assert smaller.params == 12 * (12 * 24**2 + 13 * 24) + 100 * 24 + 1024 * 24 + 2 * 24
    assert smaller.formulas("params") == {"params": "7224*layers + 24*context + 2448"}
    assert set(model.formulas(T=128)) >= {"params", "macs", "elementwise"}
    with pytest.raises(ValueError, match="no formula of regions"):
        model.formulas("regions")
    with pytest.raises(ValueError, match="no size Q"):
        model.formulas(Q=3)


def test_differences() -> None:
    model = archdsl.load("zoo:gpt2")["gpt2"]
    found = model.difference(model.with_parameters(layers=24))
    assert found
    assert str(found).endswith("~ layers.0..11 -> layers.0..23  gpt_layer  x12 -> x24\n")
    assert not model.difference(model.with_parameters(layers=12))


def test_no_heavy_library_is_loaded() -> None:
    commands = [
        ["diff", "zoo:gpt2", "zoo:gpt2", "--set-b", "layers=3", "-o", "d.svg"],
        ["solve", "zoo:gpt2", "--params", "1e9", "--for", "d"],
        ["summary", "zoo:gpt2", "--symbolic", "--field", "params"],
    ]
    code = f"""
import os, sys, tempfile
from archdsl.cli import main
os.chdir(tempfile.mkdtemp())
assert [main(arguments) for arguments in {commands!r}] == [0, 0, 0]
print([name for name in ("torch", "sympy", "networkx", "numpy") if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
