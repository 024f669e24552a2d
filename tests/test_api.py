"""archdsl from Python: what is promised in COMMANDS, and that figures need no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archdsl
from tests.test_cli import BAD, GOOD


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "good.arch"
    path.write_text(GOOD)
    spec = archdsl.load(path)
    assert list(spec) == list(spec.models) == ["m"]
    assert spec["m"].params == 314
    with pytest.raises(KeyError, match="there are m"):
        spec["n"]
    with pytest.raises(FileNotFoundError):
        archdsl.load(tmp_path / "none.arch")
    with pytest.raises(OSError, match="directory"):
        archdsl.load(tmp_path)


def test_figures_at_sizes() -> None:
    model = archdsl.load("zoo:resnet")["resnet50"]
    assert model.params == 25_557_032
    assert model.macs(B=8) == 8 * 4_089_184_256
    assert model.shape("out", B=8) == (8, 1000)
    assert model.shape("image", H=256) == (1, 3, 256, 224)
    assert "25,557,032" in str(model.summary())
    assert model.with_parameters(classes=10).params == 23_528_522
    with pytest.raises(ValueError, match="no size Q"):
        model.macs(Q=3)
    with pytest.raises(archdsl.DiagnosticError, match="E0904"):
        model.with_parameters(clases=10)


def test_errors() -> None:
    with pytest.raises(archdsl.DiagnosticError, match=r"error\[E0301\]: nothing is named") as raised:
        archdsl.parse(BAD)
    assert [item.code for item in raised.value.diagnostics] == ["E0301"]


def test_module() -> None:
    torch = pytest.importorskip("torch")
    model = archdsl.parse(GOOD)["m"]
    net = model.module(seed=3)
    assert sum(p.numel() for p in net.parameters()) == model.params
    assert tuple(net(torch.zeros(2, 3, 40, 32)).shape) == model.shape("out", B=2, H=40)
    assert model.module(dtype=torch.bfloat16).state_dict()["head.weight"].dtype == torch.bfloat16
    again = model.module(seed=3)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    assert model.compile("none").training == net.training


def test_graph() -> None:
    graph = archdsl.load("zoo:gpt2")["gpt2"].to_networkx()
    import networkx

    assert networkx.is_directed_acyclic_graph(graph)
    nodes = graph.nodes.values()
    assert (
        sum(node["params"] * node["times"] for node in nodes if node["path"].startswith("layers"))
        == 85_054_464
    )
    assert {node["op"] for node in nodes} >= {"attention", "linear", "layer_norm", "input", "output"}


def test_notebook(capsys: Any) -> None:
    spec = archdsl.parse(GOOD)
    shown = spec._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/svg+xml", "text/html"}
    assert shown["text/plain"] == str(spec["m"].summary())

    class Shell:
        def __init__(self) -> None:
            self.magics: dict[str, Any] = {}
            self.names: dict[str, Any] = {}

        def register_magic_function(self, function: Any, kind: str, name: str) -> None:
            self.magics[name] = function

        def push(self, names: dict[str, Any]) -> None:
            self.names.update(names)

    shell = Shell()
    archdsl.load_ipython_extension(shell)
    assert shell.magics["arch"]("net", GOOD)["m"].params == 314
    assert shell.names["net"]["m"].params == 314
    assert shell.magics["arch"]("", BAD) is None
    assert "E0301" in capsys.readouterr().out


def test_figures_need_no_torch() -> None:
    code = (
        "import sys, archdsl; model = archdsl.load('zoo:resnet')['resnet50']; model.macs(B=2); model.render('dot')\n"
        "print('torch' in sys.modules, dir(archdsl)[0])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False Diagnostic\n"


def test_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        archdsl.nothing  # noqa: B018
