"""``summary --fits`` and its modes: the batch it finds fits, the next does not, and what it says can be acted on."""

from __future__ import annotations

import json

import pytest

from archdsl import driver
from archdsl.analysis.fits import Fit, NoSize, fit
from archdsl.analysis.memory_text import amount
from archdsl.analysis.summary import Mode, summarise
from archdsl.cli import main
from archdsl.network.types import Network

GIB = 2**30


def net(text: str) -> Network:
    from archdsl.api import parse

    return parse(text).model().network


def zoo(name: str) -> Network:
    address = driver.address(f"zoo:{name}")
    return driver.model(driver.load(address, driver.Options()), address.model, {}).network


def found(network: Network, budget: int, mode: Mode | None = None, size: str | None = None) -> Fit:
    return fit(network, {}, mode or Mode(), budget, size)


@pytest.mark.parametrize("mode", [Mode(), Mode(train=True), Mode(train=True, dtype="bfloat16")])
@pytest.mark.parametrize("name", ["resnet50", "gpt2"])
def test_the_next_batch_does_not_fit(name: str, mode: Mode) -> None:
    network = zoo(name)
    best = found(network, 24 * GIB, mode)
    assert best.value is not None
    for batch, fits in ((best.value, True), (best.value + 1, False)):
        memory = summarise(network, {"B": batch}, mode).memory
        taken = memory.training_total if mode.train else memory.inference_total
        assert (taken <= 24 * GIB) is fits


def test_training_takes_more_and_half_precision_less() -> None:
    network = zoo("gpt2")
    sizes = [
        found(network, 24 * GIB, mode).value or 0
        for mode in (Mode(train=True), Mode(train=True, dtype="bfloat16"), Mode(), Mode(dtype="float16"))
    ]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


def test_by_hand() -> None:
    """256 numbers in, 1024 out, float32: 5,120 bytes for each sample beside 1,052,672 of weights."""
    network = net("model m {\n  input x: [B, 256]\n  linear(1024)\n}\n")
    weights, each = 4 * (256 * 1024 + 1024), 4 * (256 + 1024)
    for batch in (1, 7, 1000):
        assert found(network, weights + batch * each).value == batch
        assert found(network, weights + batch * each - 1).value in (batch - 1, None)


def test_sizes_that_the_model_skips_are_skipped() -> None:
    network = net("model m {\n  input x: [1, 3, H=64]\n  expect H % 16 == 4\n  conv(8)\n}\n")
    best = found(network, 10**6, size="H")
    assert best.value is not None
    assert best.value % 16 == 4
    assert best.over is not None
    assert best.over > 10**6


def test_a_bound_ends_the_search() -> None:
    best = found(zoo("gpt2"), 10**15, size="T")
    assert (best.value, best.over) == (1024, None)


@pytest.mark.parametrize(
    ("text", "at", "size", "says"),
    [
        ("model m {\n  input x: [4, 8]\n  linear(2)\n}\n", {}, None, "all its inputs' sizes are numbers"),
        ("model m {\n  input x: [B, 8]\n  linear(2)\n}\n", {}, "T", "its sizes are B"),
        ("model m {\n  input x: [B, 8]\n  linear(2)\n}\n", {"B": 3}, None, "leave one out"),
    ],
)
def test_what_cannot_be_looked_for(text: str, at: dict[str, int], size: str | None, says: str) -> None:
    with pytest.raises(NoSize, match=says):
        fit(net(text), at, Mode(), GIB, size)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "zoo:gpt2", "--fits", "24GiB", "--train"]) == 0
    assert capsys.readouterr().out.startswith("B = 34  trains in 23.69 GiB of 24.00 GiB")
    assert main(["summary", "zoo:gpt2", "--fits", "24GiB", "--train", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["size"], data["value"], data["mode"], data["dtype"]) == ("B", 34, "training", "float32")
    assert sum(data["parts"].values()) == data["taken_bytes"] <= 24 * GIB < data["next_bytes"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["zoo:gpt3", "--fits", "24GiB"], 1, "gpt3 does not run in 24.00 GiB: with B = 1 it takes 651.5 GiB"),
        (["zoo:gpt2", "--fits", "24Gx"], 2, "'24Gx' is no amount; write 24GiB"),
        (["zoo:gpt2", "--for", "T"], 2, "give --fits 24GiB too"),
        (["zoo:gpt2", "--fits", "1GiB", "--format", "csv"], 2, "as a table or as json"),
        (["zoo:gpt2", "--symbolic", "--fits", "1GiB"], 2, "leave out one of them"),
    ],
)
def test_refusals_say_what_to_type(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", *arguments]) == code
    assert says in capsys.readouterr().err


def test_training_is_the_training_graph(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "zoo:googlenet"]) == 0
    inference = capsys.readouterr().out
    assert main(["summary", "zoo:googlenet", "--train"]) == 0
    training = capsys.readouterr().out
    assert "aux1" not in inference.splitlines()[0]
    assert training.splitlines()[0].startswith("googlenet in training: image")
    assert "aux1 [1, 1000]" in training.splitlines()[0]
    assert "aux_head" in training


@pytest.mark.parametrize(
    ("size", "text", "binary"),
    [(0, "0 B", "0 B"), (999, "999 B", "999 B"), (1024, "1.02 kB", "1.00 KiB"), (86_100_000, "86.10 MB", "82.11 MiB"),
     (154_898_800_000, "154.9 GB", "144.3 GiB"), (10**30, "1000000000000.0 EB", "867361737988.4 EiB")],
)  # fmt: skip
def test_amounts(size: int, text: str, binary: str) -> None:
    assert (amount(size), amount(size, binary=True)) == (text, binary)
