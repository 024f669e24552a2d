"""Compiled by region: as many graphs as distinct compiled regions, flat in depth, none after the first call."""

from __future__ import annotations

import copy
import io
import time
from collections.abc import Callable

import pytest
import torch
from torch._dynamo.utils import counters

from archdsl.backend import compile as compiling
from archdsl.backend import verify as verifying
from archdsl.backend.compile import compile_module, compile_plan
from archdsl.backend.inputs import sample_inputs
from archdsl.backend.module import module
from archdsl.backend.verify import verify
from tests.backend.support import network

GPT = """
block layer_(heads) {{ id + (layer_norm as n1 -> mha(heads, mask=causal) as attention)
  id + (layer_norm as n2 -> linear(128) as up -> gelu -> linear(32) as down) }}
model net {{ input tokens: int[B, T=16]
  embedding(50, 32) -> repeat {} {{ layer_(4) }} as layers -> layer_norm -> linear(50) as head }}
"""
MANY = """
block unit(c) { id + (linear(c) as up -> relu -> linear(8) as down -> tanh -> sigmoid) }
model net { input x: [B, 8]
  for c in [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96] { repeat 4 { unit(c) } as same } as groups }
"""


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


@pytest.fixture(autouse=True)
def _fresh() -> None:
    torch._dynamo.reset()
    counters.clear()


@pytest.mark.parametrize("depth", [2, 48])
def test_one_graph_however_deep(depth: int) -> None:
    made = network(GPT.format(depth))
    net = module(made).eval()
    done = compile_module(made, net, "regional", backend="aot_eager")
    assert done.mode == "regional"
    assert [len(r.paths) for r in done.regions] == [depth]
    with torch.no_grad():
        for _ in range(3):
            net(*sample_inputs(made))
    assert graphs() == 1


def test_more_regions_of_one_class_than_the_recompile_limit() -> None:
    made = network(MANY)
    net = module(made).eval()
    done = compile_module(made, net, "regional", backend="aot_eager")
    assert len(done.regions) == 12
    with torch.no_grad():
        for _ in range(2):
            net(*sample_inputs(made))
    assert graphs() == 12


def test_training_compiles_and_agrees() -> None:
    made = network(GPT.format(4))
    eager, fast = module(made).train(), module(made).train()
    compile_module(made, fast, "regional", backend="aot_eager")
    inputs = sample_inputs(made)
    for net in (eager, fast):
        net(*inputs).square().mean().backward()
    for (name, a), (_, b) in zip(eager.named_parameters(), fast.named_parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)
    count = graphs()
    assert (
        count <= 2
    )  # the first layer's input wants no gradient where the embedding is frozen, the others' does
    fast(*inputs)
    assert graphs() == count


def test_rates_that_differ_share_a_graph() -> None:
    text = """
block unit(rate) { id + (linear(8) as fc -> relu -> linear(8) as out -> drop_path(rate)) }
model net { input x: [B, 8]
  for i in range(12) { unit(0.05 * i) } as blocks }
"""
    made = network(text)
    net = module(made).train()
    compile_module(made, net, "regional", backend="aot_eager")
    x = sample_inputs(made)[0].requires_grad_()
    net(x)
    assert graphs() == 1


def test_compile_time_is_flat_in_depth() -> None:
    took = {}
    for depth in (2, 24, 2, 24):
        torch._dynamo.reset()
        made = network(GPT.format(depth))
        net = module(made).eval()
        compile_module(made, net, "regional", backend="aot_eager")
        inputs = sample_inputs(made)
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            start = time.process_time()
            net(*inputs)
            plain = time.process_time() - start
        with torch.no_grad():
            start = time.process_time()
            net(*inputs)
            took[depth] = min(took.get(depth, 1e9), time.process_time() - start - plain)
    assert took[24] < 6 * took[2] + 3, took  # twelve times the layers; the exact ratio is in benchmarks


def test_auto_takes_the_outermost_region_that_pays() -> None:
    assert [r.name for r in compile_plan(network(GPT.format(12)))] == ["layer_"]
    assert compile_plan(network(GPT.format(2))) == ()  # compiling two layers apart saves too little
    assert compile_plan(network(GPT.format(12)), "whole") == ()


def test_compiled_is_verified_against_eager() -> None:
    made = network(GPT.format(6))
    net = module(made)
    done = compile_module(made, net, backend="aot_eager")
    found = verify(made, net, sample_inputs(made), done)
    assert found.ok, str(found)
    assert {c.name for c in found.checks} >= {"state dict keys", "shape of out", "compiled = eager"}


def test_verification_names_the_region_that_fails() -> None:
    made = network(GPT.format(6))
    net = module(made)
    net.layers[3].up = torch.nn.Linear(5, 5)
    found = verify(made, net, sample_inputs(made))
    assert not found.ok
    assert "Layer" in str(found)


def test_without_a_compiler_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "can_compile", lambda device: False)
    made = network(GPT.format(2))
    net = module(made)
    with pytest.warns(UserWarning, match="no C\\+\\+ compiler"):
        done = compile_module(made, net)
    assert done.mode == "none"
    net.eval()(*sample_inputs(made))


def test_a_compiled_module_is_copied_and_saved_as_any_other() -> None:
    made = network(GPT.format(4))
    net = module(made).eval()
    before = set(net.state_dict())
    compile_module(made, net, "regional", backend="aot_eager")
    assert set(net.state_dict()) == before
    again = copy.deepcopy(net)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for other in (again, loaded):
        torch.testing.assert_close(other(*sample_inputs(made)), net(*sample_inputs(made)))


def test_recurrent_layers_are_left_to_eager() -> None:
    made = network("model net { input x: [B, T=4, 6]\n linear(6) -> lstm(8) -> linear(3) }")
    net = module(made)
    done = compile_module(made, net, backend="aot_eager")
    found = verify(made, net, sample_inputs(made), done)
    assert found.ok, str(found)


NEARLY_EQUAL = (
    "model net {{ input x: [B=4, 64]\n y = linear(64)\n output smooth = y\n output order = argsort({}) }}"
)


@pytest.mark.parametrize(
    ("scores", "off", "ok"),
    [
        # An order that the last digits decide is not compared, and that is said; the rest is, as ever.
        ("sin(1e6 * y)", 1e-6, True),
        ("sin(1e6 * y)", 1e-2, False),
        # Compared, and equal.
        ("cast(arange(64), float) + 0.01 * sigmoid(y)", 1e-6, True),
    ],
)
def test_what_rounding_decides(monkeypatch: pytest.MonkeyPatch, scores: str, off: float, ok: bool) -> None:
    run = verifying._run

    def imprecise(net: torch.nn.Module, inputs: tuple[torch.Tensor, ...], *, eager: bool) -> object:
        return run(net, inputs if eager else [x * (1 + off) for x in inputs], eager=True)

    monkeypatch.setattr(verifying, "_run", imprecise)
    made = network(NEARLY_EQUAL.format(scores))
    net = module(made, seed=0)
    done = compile_module(made, net, backend="aot_eager", mode="whole")
    found = verify(made, net, sample_inputs(made), done)
    assert found.ok is ok, str(found)
    decided = any("rounding decides order: not compared" in c.name for c in found.checks)
    assert decided is (ok and "1e6" in scores)


def _checked(
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    change: Callable[[torch.Tensor], torch.Tensor],
    dtype: torch.dtype | None = None,
) -> list[str]:
    """What verification says is wrong with a model that ``change`` makes something else of when compiled."""
    run = verifying._run

    def changed(net: torch.nn.Module, inputs: tuple[torch.Tensor, ...], *, eager: bool) -> object:
        found, failed = run(net, inputs, eager=True)
        return (found if eager or found is None else tuple(map(change, found))), failed

    monkeypatch.setattr(verifying, "_run", changed)
    made = network(source)
    net = module(made, seed=0, dtype=dtype)
    done = compile_module(made, net, backend="aot_eager", mode="whole")
    found = verify(made, net, sample_inputs(made, dtype=dtype), done)
    return [f"{c.name}: {c.detail}" for c in found.checks if not c.passed]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_an_ordinary_model_compiled_wrong_is_refused(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    """However coarse its numbers are, its outputs don't count as decided by rounding."""
    ordinary = "model net { input x: [B=4, 64]\n linear(64) -> relu -> linear(64) }"
    (wrong,) = _checked(monkeypatch, ordinary, lambda y: y / 2, dtype)
    assert wrong.startswith("compiled = eager: out differs by")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda y: -y, []),
        (lambda y: y[:2], ["compiled = eager: out is torch.float32 [2, 64], not torch.float32 [4, 64]"]),
        (lambda y: y.half(), ["compiled = eager: out is torch.float16 [4, 64], not torch.float32 [4, 64]"]),
        (lambda y: y / 0 * 0, ["compiled = eager: out is not a number"]),
    ],
)
def test_what_rounding_decides_has_its_type(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[torch.Tensor], torch.Tensor], wrong: list[str]
) -> None:
    wild = "model net { input x: [B=4, 64]\n y = linear(64)\n sin(1e6 * y) }"
    assert _checked(monkeypatch, wild, change) == wrong
