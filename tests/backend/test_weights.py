"""Checkpoints: all or nothing, with a table; sound files only."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from archdsl.backend.errors import WeightsError
from archdsl.backend.module import module
from archdsl.backend.weights import load_weights, save_weights
from tests.backend.programs import PROGRAMS
from tests.backend.support import network


@pytest.fixture
def net() -> torch.nn.Module:
    return module(network(PROGRAMS["residual_loop"]))


def test_what_is_saved_is_loaded(net: torch.nn.Module, tmp_path: Path) -> None:
    other = module(network(PROGRAMS["residual_loop"]), seed=5)
    save_weights(other, tmp_path / "w.safetensors")
    assert load_weights(net, tmp_path / "w.safetensors") == []
    assert all(
        torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True)
    )
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_everything_that_does_not_fit_is_in_the_table(net: torch.nn.Module, tmp_path: Path) -> None:
    state = {k: v.clone() for k, v in net.state_dict().items()}
    before = {k: v.clone() for k, v in state.items()}
    state["head.weight"] = torch.zeros(5, 8)
    state["extra"] = torch.zeros(1)
    del state["head.bias"]
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError) as caught:
        load_weights(net, tmp_path / "w.safetensors")
    text = str(caught.value)
    for part in ("missing     head.bias", "unexpected  extra", "head.weight", "[4, 8]", "[5, 8]"):
        assert part in text
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_keys_can_be_mapped_and_dtypes_converted(net: torch.nn.Module, tmp_path: Path) -> None:
    state = {f"model.{k}": v.bfloat16() for k, v in net.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    load_weights(net, tmp_path / "w.safetensors", {k: k.removeprefix("model.") for k in state})


def test_values_that_are_not_finite_are_told(net: torch.nn.Module, tmp_path: Path) -> None:
    state = {k: v.clone() for k, v in net.state_dict().items()}
    state["head.bias"][0] = float("nan")
    save_file(state, tmp_path / "w.safetensors")
    assert load_weights(net, tmp_path / "w.safetensors") == ["head.bias holds values that are not finite"]


def _file(path: Path, header: bytes, length: int | None = None) -> Path:
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + b"\0" * 64)
    return path


@pytest.mark.parametrize("cut", range(16))
def test_a_file_cut_off_anywhere_is_refused(net: torch.nn.Module, tmp_path: Path, cut: int) -> None:
    save_weights(net, tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(data[: len(data) * cut // 16])
    with pytest.raises(WeightsError):
        load_weights(net, tmp_path / "w.safetensors")


def test_hostile_headers_are_refused(net: torch.nn.Module, tmp_path: Path) -> None:
    entry = json.dumps({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})
    for i, file in enumerate((
        _file(tmp_path / "a", b"{}", 1 << 62),
        _file(tmp_path / "b", f'{{"a": {entry}, "a": {entry}}}'.encode()),
        _file(tmp_path / "c", b"[" * 5000),
        _file(tmp_path / "d", b"not json"),
        tmp_path / "missing",
    )):  # fmt: skip
        with pytest.raises(WeightsError):
            load_weights(net, file)
        del i
