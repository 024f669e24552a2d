"""Every sample of the page this language started from: checked, its expectations proved, its keys frozen as goldens."""

from __future__ import annotations

from pathlib import Path

import pytest

from archdsl.analysis.weights import model_weights
from tests.conftest import Golden
from tests.language.support import HERE, check_file, keys, weights

SAMPLES = sorted((HERE / "samples").glob("*.arch"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_right_and_stores_its_weights_where_it_always_did(path: Path, golden: Golden) -> None:
    networks, found = check_file(path)
    assert not found, [(d.code, str(d.span), d.message) for d in found]
    lines = []
    for name, network in networks.items():
        lines += [f"== {name}", *(f"{key} {shape}" for key, shape in weights(network).items()), ""]
    golden(f"language/{path.stem}.keys", "\n".join(lines))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_analysis_sees_the_same_weights(path: Path) -> None:
    for network in check_file(path)[0].values():
        assert sorted(".".join(owned.path) for owned in model_weights(network)) == sorted(keys(network))


def test_the_keys_are_what_the_page_says() -> None:
    """The examples that its section on paths gives, and how a reader of the samples would spell the others."""
    found = {
        name: set(keys(network))
        for path in SAMPLES
        for name, network in check_file(path)[0].items()
    }  # fmt: skip
    assert "layers.0.q_proj.weight" in found["decoder"]  # not layers.0.decoder_layer.q_proj
    assert "stages.0.blocks.0.conv_bn.conv.weight" in found["resnet"]
    assert "stages.3.blocks.2.conv_bn_3.bn.running_mean" in found["resnet"]
    assert "stages.0.blocks.0.shortcut.conv.weight" in found["resnet"]
    assert "stages.0.blocks.1.shortcut.conv.weight" not in found["resnet"]
    assert found["resnet"] == found["resnet50"]
    assert "encoder.5.post_2.f.fc2.bias" in found["transformer"]
    assert "decoder.0.post_2.f.query.weight" in found["transformer"]
    assert "decoder.0.post_3.layer_norm.weight" in found["transformer"]
    assert found["sagan_attention"] == {
        "gamma",
        *(f"{c}.{w}" for c in ("conv", "conv_2", "conv_3") for w in ("weight", "bias")),
    }
    assert "level.skip.deeper.inner.skip.deeper.up.weight" in found["unet"]
    assert "head.weight" in found["levels"]
    assert "for.2.weight" in found["levels"]
    assert {"step.attention.query.weight", "ponder.weight", "words.weight"} <= found["universal"]
