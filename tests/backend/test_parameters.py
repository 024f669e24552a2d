"""A model's parameters as keywords of its class: those that can be said in code, and those that stay fixed."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from archdsl.backend.emit import Emitted, emit
from archdsl.backend.inputs import sample_inputs
from archdsl.backend.module import load
from archdsl.backend.parameters import variants
from archdsl.backend.promises import promised_weights
from archdsl.network.elaborate import elaborate
from archdsl.network.program import load as read
from archdsl.network.types import Network
from archdsl.source import Source
from tests.backend.oracle import Oracle

TEXT = """
block unit(heads, hidden) { D = id.shape[-1]
  id + (layer_norm as n1 -> mha(heads, mask=causal) as attention)
  id + (layer_norm as n2 -> linear(hidden) as up -> gelu -> linear(D) as down) }
model net(d=32, heads=4, depth=2, vocab=40, classes=5, wide=true, widths=[8, 16], rate=0.1) {
  input tokens: int[B, T=8]
  sqrt(d) * embedding(vocab, d) -> dropout(rate)
  repeat depth { unit(heads, 4 * d) } as layers
  for w in widths { linear(w) } as tail
  linear(2 * classes if wide else classes) as head }
"""


@cache
def program():  # type: ignore[no-untyped-def]
    return read(Source("test.arch", TEXT))


def at(**settings: object) -> Network:
    made, found = elaborate(program(), "net", settings)
    assert made is not None, found
    return made


@cache
def made() -> Emitted:
    net = at()
    return emit(net, variants(net, lambda settings: elaborate(program(), "net", settings)[0]))


@pytest.mark.parametrize(
    "settings",
    [{}, {"d": 48}, {"d": 80, "heads": 5}, {"heads": 8}, {"depth": 1}, {"depth": 5}, {"vocab": 7}, {"classes": 3},
     {"rate": 0.9}, {"d": 64, "heads": 2, "depth": 3, "vocab": 11, "classes": 1, "rate": 0.0}],
)  # fmt: skip
def test_other_values_give_the_network_that_the_language_gives(settings: dict[str, object]) -> None:
    other = at(**settings)
    net = getattr(load(made()), made().model)(**settings).eval()
    state = net.state_dict()
    assert {k: tuple(v.shape) for k, v in state.items()} == promised_weights(other)
    inputs = sample_inputs(other)
    torch.testing.assert_close(net(*inputs), Oracle(other, state)(*inputs)[0])


def test_parameters_that_change_the_structure_are_refused() -> None:
    cls = getattr(load(made()), made().model)
    cls(widths=[8, 16])
    with pytest.raises(ValueError, match=r"widths must be \(8, 16\): this file was built for it"):
        cls(widths=[8, 8])
    with pytest.raises(ValueError, match="wide must be True"):
        cls(wide=False)


def test_the_guards_follow_the_parameters() -> None:
    net = getattr(load(made()), made().model)(vocab=7)
    with pytest.raises(ValueError, match="integers from 0 up to, not including, 7, got 7 to 7"):
        net(torch.full((1, 8), 7))


def test_without_variants_all_parameters_are_fixed() -> None:
    cls = load(emit(at())).Net
    cls(d=32)
    with pytest.raises(ValueError, match="d must be 32"):
        cls(d=64)
