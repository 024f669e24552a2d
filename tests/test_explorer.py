"""The data of the interactive drawing: figures that add up, one entry for each distinct region, text that stays text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from archdsl import api
from archdsl.analysis.summary import summarise
from archdsl.drawing.viewer import embedded
from archdsl.explorer import explored, interactive
from tests.drawing.models import SAMPLES, gpt, network


def data_of(text: str) -> Any:
    return explored(summarise(network(text)))


def total(data: Any, region: int) -> tuple[int, int]:
    """Parameters and MACs of a region from the rows that are no regions: what a reader would add up."""
    params = macs = 0
    for row in data["regions"][region]["rows"]:
        own = row["figures"]
        if "region" in row:
            inner = total(data, row["region"])
            steps = 0 if row.get("idle") else row.get("steps", 1)
            own = [0 if row.get("tied") else inner[0], inner[1] * steps]
        params, macs = params + row.get("times", 1) * own[0], macs + row.get("times", 1) * own[1]
    return params, macs


@pytest.mark.parametrize(
    "name",
    [
        "resnet:resnet50", "gpt2:gpt2", "inception:inception_v3", "seq2seq:seq2seq", "albert:albert_base",
        "universal:universal_transformer", "overfeat:overfeat_multiscale",
    ],
)  # fmt: skip
def test_what_stands_at_the_leaves_adds_up_to_the_model(name: str) -> None:
    """Rows of training alone (an auxiliary classifier) count as parameters, as they do in the summary."""
    file, _, model = name.partition(":")
    summary = api.load(f"zoo:{file}")[model].summary()
    data = explored(summary)
    assert total(data, data["root"]) == (summary.params, summary.macs)


def boxes(data: Any) -> tuple[int, int]:
    params = macs = 0
    for item in data["regions"][data["root"]]["items"]:
        times = item.get("times", 1)
        params, macs = (
            params + times * item.get("figures", [0, 0])[0],
            macs + times * item.get("figures", [0, 0])[1],
        )
    return params, macs


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("resnet:resnet50", 25_557_032, 4_089_184_256), ("vit:vit_b_16", 86_567_656, 17_563_828_224)],
)
def test_the_boxes_of_the_first_level_have_the_published_figures(name: str, params: int, macs: int) -> None:
    file, _, model = name.partition(":")
    data = explored(api.load(f"zoo:{file}")[model].summary())
    assert boxes(data) == (params, macs)
    assert (data["total"]["params"], data["total"]["macs"]) == (params, macs)
    items = data["regions"][data["root"]]["items"]
    held = sum(
        item.get("times", 1) * item.get("figures", [0, 0, 0])[2:][0]
        for item in items
        if len(item.get("figures", [])) > 2
    )
    assert held == pytest.approx(data["total"]["memory"], rel=1e-6)


def test_depth_costs_nothing() -> None:
    """Only numbers grow: 96 layers are told in as many regions, and nearly as many bytes, as 2."""
    few, many = data_of(gpt(2)), data_of(gpt(96))
    assert len(few["regions"]) == len(many["regions"])
    assert abs(len(json.dumps(few)) - len(json.dumps(many))) < 60


def test_a_loop_of_one_block_opens_as_that_block() -> None:
    data = data_of(gpt(5))
    layers = next(item for item in data["regions"][data["root"]]["items"] if item.get("times") == 5)
    assert layers["title"] == "layers: gpt_layer ×5"
    assert (layers["inner"], data["regions"][layers["region"]]["name"]) == ("layers.0", "gpt_layer")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_number_leads_somewhere(name: str) -> None:
    data = data_of(SAMPLES[name])
    for region in data["regions"]:
        for one in [*region["items"], *region["rows"]]:
            assert one.get("region", 0) < len(data["regions"])
            assert one["type"] < len(data["types"])
            assert one.get("place", 0) < len(data["places"])
        for source, target, kind, *_ in region["arrows"]:
            assert max(source, target) < len(region["items"])
            assert kind < len(data["types"])


def test_json_cannot_leave_its_element() -> None:
    hostile = [
        "</script><script>alert(1)</script>",
        "<!--",
        "]]>",
        "&lt;",
        "\u2028\u2029",
        "\ud800",
        '"',
        "\\u003c",
    ]
    text = embedded(hostile)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == [h.replace("\ud800", "\ufffd") for h in hostile]


def test_the_page_is_one_file_and_the_same_each_time() -> None:
    page = interactive(summarise(network(SAMPLES["residual"])))
    assert page == interactive(summarise(network(SAMPLES["residual"])))
    assert not re.search(r"(src|href)=", page)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"\bon\w+=\"", page)
    assert ' style="' not in page
    assert "default-src 'none'" in page
    assert len(page) < 70_000


@pytest.mark.slow
def test_every_model_of_the_zoo_is_small() -> None:
    from archdsl import driver
    from archdsl.analysis.sizes import SizesError

    sizes = {}
    for path in driver.zoo_files():
        for name, model in api.load(f"zoo:{path.stem}").models.items():
            try:
                sizes[name] = len(interactive(summarise(model.network)).encode("utf-8"))
            except SizesError:
                continue
    assert len(sizes) > 100
    assert {name: size for name, size in sizes.items() if size >= 300_000} == {}


def test_operators_that_begin_at_the_same_spot_are_told_apart() -> None:
    """``scale * id @ keys.T -> softmax`` begins with three operators; 50 x 50 x 1,000 MACs are the matmul's."""
    data = explored(api.load("zoo:seq2seq")["seq2seq"].summary())
    (attend,) = [region for region in data["regions"] if region["name"] == "attend"]
    figures = {" ".join(item.get("lines", [])): item.get("figures", [0, 0])[1] for item in attend["items"]}
    assert figures["matmul softmax"] == figures["matmul"] == 2_500_000
    assert figures["× 1"] == 0
