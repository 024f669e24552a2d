"""The summary as people and programs read it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from archdsl.analysis import exports
from archdsl.analysis.summary import summarise
from archdsl.analysis.tables import PathError, percent, render_table, short_number
from archdsl.ops.registry import operators
from archdsl.tensors import TensorType
from tests.analysis import zoo
from tests.analysis.support import Maker, floats, network
from tests.analysis.test_figures import auxiliary, bomb, tied


@pytest.mark.parametrize("name", ["resnet", "gpt", "alexnet", "erfnet_encoder"])
def test_table(golden: Any, name: str) -> None:
    golden(f"analysis/{name}.txt", render_table(summarise(getattr(zoo, name)())))


def test_gpt3_fits_on_a_screen() -> None:
    assert len(render_table(summarise(zoo.gpt())).splitlines()) <= 20
    shallow = render_table(summarise(zoo.gpt(2)))
    assert len(shallow.splitlines()) == len(render_table(summarise(zoo.gpt())).splitlines())


def test_tied_and_training_only(golden: Any) -> None:
    golden("analysis/tied.txt", render_table(summarise(tied())))
    golden("analysis/auxiliary.txt", render_table(summarise(auxiliary())))


@pytest.mark.parametrize("path", ["stages.1.blocks.3.conv_bn_2", "stages.3", "stages", "stem"])
def test_expand(golden: Any, path: str) -> None:
    golden(f"analysis/expand-{path}.txt", render_table(summarise(zoo.resnet()), [path]))


@pytest.mark.parametrize("path", ["nowhere", "stages.4", "stages.1.blocks.9", "head.weight.x"])
def test_expand_nowhere(path: str) -> None:
    with pytest.raises(PathError):
        render_table(summarise(zoo.resnet()), [path])


def test_json_is_the_contract() -> None:
    data = json.loads(exports.render_json(summarise(zoo.resnet())))
    assert list(data) == [
        "schema", "model", "file", "at", "inputs", "outputs", "outputs_training", "conditions", "total", "rows",
    ]  # fmt: skip
    assert data["at"] == {"B": 1, "H": 224, "W": 224}
    assert data["inputs"] == {
        "image": {"dtype": "float32", "shape": [1, 3, 224, 224], "symbolic": ["B", 3, "H", "W"]}
    }
    assert data["outputs"]["out"]["shape"] == [1, 1000]
    total = data["total"]
    assert total["params"] == total["params_trainable"] == 25_557_032
    assert total["macs"] == 4_089_184_256
    assert total["receptive_field"] == [427, 427]
    assert total["output_stride"] == [32, 32]
    assert (
        total["weight_bytes"] == 4 * 25_557_032 + 4 * 2 * 26_560 + 8 * 53
    )  # floats, statistics, batch counters
    assert total["saved_for_backward_bytes"] == pytest.approx(
        86.3e6, rel=0.05
    )  # FIELD.md, saved-tensor hooks
    assert total["gradient_bytes"] * 2 == total["optimizer_bytes"] == 8 * 25_557_032
    assert (total["dtype"], total["attention"], total["optimizer"]) == ("float32", "fused", "Adam")
    assert (total["params_frozen"], total["params_tied"], total["flops"]) == (0, 0, 2 * total["macs"])
    assert not [name for name, value in total.items() if value is None]
    row = next(row for row in data["rows"] if row["path"] == "stages.0.blocks.0.conv_bn.conv")
    assert row["op"] == "conv"
    assert (row["times"], row["params"], row["macs"]) == (1, 4096, 64 * 64 * 56 * 56)
    assert row["in"] == [[1, 64, 56, 56]]
    assert len(row["span"]) == 4


def test_other_formats(golden: Any) -> None:
    small = summarise(zoo.gpt(2, 64, 4, 100, 16))
    golden("analysis/gpt.csv", exports.render_csv(small))
    golden("analysis/gpt.md", exports.render_markdown(small))
    golden("analysis/gpt.tex", exports.render_latex(small))
    golden("analysis/gpt.json", exports.render_json(small))


def test_fields() -> None:
    found = summarise(zoo.resnet())
    assert exports.field(found, "total.params") == "25557032"
    assert exports.field(found, "total.receptive_field") == "[427, 427]"
    assert exports.field(found, "outputs.out.shape.1") == "1000"
    assert exports.field(found, "model") == "resnet50"
    with pytest.raises(exports.FieldError, match="it has params"):
        exports.field(found, "total.parms")


def test_a_bomb_is_listed_up_to_a_limit() -> None:
    found = summarise(bomb())
    rows = list(found.leaves(100))
    assert len(rows) < 500
    assert sum(row.params * row.times for row in rows) == found.params
    assert len(render_table(found).splitlines()) < 30


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "  =x", "\tx", "\rx"])
def test_csv_holds_no_formulas(text: str) -> None:
    m = Maker(floats("B", 4), kind="model")
    m.op("linear", m.inputs[0], path="x", out_features=4)
    m.nodes[-1] = replace(m.nodes[-1], path=(text,))
    found = summarise(network(m.done(m.nodes[-1].outputs[0])))
    rows = list(csv.reader(io.StringIO(exports.render_csv(found))))
    assert rows[1][0] in ("'" + text, text.replace("\t", r"\x09").replace("\r", r"\x0d"))
    assert rows[1][0][0] not in "=+-@\t\r "


def test_markup_is_escaped() -> None:
    m = Maker(floats("B", 4), kind="model")
    m.op("linear", m.inputs[0], path="x", out_features=4)
    m.nodes[-1] = replace(m.nodes[-1], path=(r"a|b_c$&<i>\x",))
    found = summarise(network(m.done(m.nodes[-1].outputs[0])))
    assert r"a\|b\_c$&\<i\>" in exports.render_markdown(found)
    assert r"a|b\_c\$\&\textless{}i\textgreater{}\textbackslash{}x" in exports.render_latex(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (99_999, "99,999"), (100_000, "100.0 k"), (25_557_032, "25.56 M"), (174_604_259_328, "174.6 G"),
     (10**20, "100.0 E"), (84 * 10**30, "8.40e31")],
)  # fmt: skip
def test_short_numbers(value: int, text: str) -> None:
    assert short_number(value) == text


def test_percent() -> None:
    assert [percent(1, 3), percent(1, 10**6), percent(0, 5), percent(5, 0)] == ["33.3%", "<0.1%", "", ""]


def test_figures_need_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from tests.analysis import zoo; from archdsl.analysis.summary import summarise\n"
        "from archdsl.analysis.tables import render_table; render_table(summarise(zoo.resnet()))\n"
        "print([m for m in ('torch', 'numpy', 'networkx', 'sympy', 'rich') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
    assert operators()


def test_every_operator_can_be_counted() -> None:
    """The default figures of operators never fail on the valid samples of all operators."""
    from archdsl.ops.checker import Checker
    from archdsl.sizes.assumptions import Assumptions

    for cls in operators().values():
        for sample in cls.samples():
            if sample.code is None:
                arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in sample.arguments.items()}
                op = cls(**arguments)
                found = op.shape(sample.inputs, Checker(Assumptions()))
                outputs = (found,) if isinstance(found, TensorType) else found
                assert op.macs(sample.inputs, outputs).total >= 0
                assert op.elementwise(sample.inputs, outputs) >= 0
                op.reach(sample.inputs)
