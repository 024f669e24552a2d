"""Every operator against torch itself, over the registry: what is promised of its samples is what torch does."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archdsl.dims import evaluate, symbol
from archdsl.ops.base import Operator, Sample, Types, arguments_of
from archdsl.ops.errors import OperatorError
from archdsl.ops.registry import operators
from tests.ops.support import (
    all_samples,
    as_tuple,
    build,
    checker,
    described,
    interpreter,
    outputs_of,
    promised,
    tensors,
    torch_dtype,
)

VALID = list(all_samples(valid=True))
REFUSED = list(all_samples(valid=False))
SMALL = 1_000_000

valid = pytest.mark.parametrize(("cls", "sample"), [v[1:] for v in VALID], ids=[v[0] for v in VALID])
refused = pytest.mark.parametrize(("cls", "sample"), [v[1:] for v in REFUSED], ids=[v[0] for v in REFUSED])
every_operator = pytest.mark.parametrize(
    "cls", [c for _, c in sorted(operators().items())], ids=lambda c: c.name
)


@valid
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_shape_and_dtype_are_those_of_torch_on_meta(
    cls: type[Operator], sample: Sample, training: bool
) -> None:
    op = build(cls, sample.arguments)
    module = interpreter(op, sample.inputs, "meta", training=training)
    real = as_tuple(module(*tensors(sample.inputs, "meta")))
    assert described(real) == promised(outputs_of(op, sample.inputs))


@valid
def test_shape_and_dtype_are_those_of_torch_on_cpu(cls: type[Operator], sample: Sample) -> None:
    """Meta kernels check less than real ones."""
    if sum(math.prod(t.shape) for t in sample.inputs) > SMALL:  # type: ignore[arg-type]
        pytest.skip("large")
    op = build(cls, sample.arguments)
    with torch.no_grad():
        real = as_tuple(interpreter(op, sample.inputs)(*tensors(sample.inputs, high=sample.high)))
    assert described(real) == promised(outputs_of(op, sample.inputs))


@valid
def test_a_model_in_bfloat16_stays_in_bfloat16(cls: type[Operator], sample: Sample) -> None:
    """float32 in a type stands for the model's dtype: a lowering must not write one of its own."""
    if any(t.is_float and t.dtype != "float32" for t in sample.inputs):
        pytest.skip("has floats of a fixed dtype")
    op = build(cls, sample.arguments)
    model = torch.bfloat16
    real = as_tuple(
        interpreter(op, sample.inputs, "meta", model)(*tensors(sample.inputs, "meta", model=model))
    )
    assert described(real) == promised(outputs_of(op, sample.inputs), model)


@refused
def test_refusal_carries_its_code(cls: type[Operator], sample: Sample) -> None:
    op = build(cls, sample.arguments)
    with pytest.raises(OperatorError) as caught:
        op.shape(sample.inputs, checker())
    assert caught.value.code == sample.code
    assert caught.value.message


@valid
def test_weights_are_those_of_the_module(cls: type[Operator], sample: Sample) -> None:
    op = build(cls, sample.arguments)
    module = interpreter(op, sample.inputs, "meta")
    weights = op.weights(sample.inputs)

    def promise(*kinds: str) -> list[tuple[str, tuple[int, ...], torch.dtype]]:
        return [(w.name, w.shape, torch_dtype(w.dtype)) for w in weights if w.kind in kinds]

    def real(found: dict[str, torch.Tensor]) -> list[tuple[str, tuple[int, ...], torch.dtype]]:
        return [(name, tuple(t.shape), t.dtype) for name, t in found.items()]

    assert promise("parameter") == real(module.own_parameters())
    assert promise("buffer", "constant") == real(module.own_buffers())
    assert sorted(promise("parameter", "buffer")) == sorted(real(module.own_state()))


@valid
def test_macs_are_those_that_torch_counts(cls: type[Operator], sample: Sample) -> None:
    op = build(cls, sample.arguments)
    module = interpreter(op, sample.inputs, "meta")
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*tensors(sample.inputs, "meta"))
    outputs = outputs_of(op, sample.inputs)
    macs = op.macs(sample.inputs, outputs)
    assert 2 * macs.total == counter.get_total_flops()
    assert 0 <= macs.attention_masked <= macs.attention_full
    assert op.elementwise(sample.inputs, outputs) >= 0


def _with_symbol(inputs: Types, places: set[tuple[int, int]], name: str) -> Types:
    return tuple(
        replace(t, shape=tuple(symbol(name) if (i, d) in places else size for d, size in enumerate(t.shape)))
        for i, t in enumerate(inputs)
    )


@valid
def test_symbolic_sizes_agree_with_numbers(cls: type[Operator], sample: Sample) -> None:
    """As many sizes as the operator lets be free are made free; at their numbers the result must be the same.

    Sizes at one place of a shape, sizes of one value, and single ones are freed together where that is accepted.
    """
    op = build(cls, sample.arguments)
    expected = promised(outputs_of(op, sample.inputs))
    all_places = [(i, d) for i, t in enumerate(sample.inputs) for d in range(t.rank)]
    size = {(i, d): sample.inputs[i].shape[d] for i, d in all_places}
    groups = [{p for p in all_places if size[p] == value} for value in dict.fromkeys(size.values())]
    groups += [{p} for p in all_places]

    inputs, values, freed = sample.inputs, dict[str, int](), set[tuple[int, int]]()
    for group in groups:
        if group & freed:
            continue
        trial = _with_symbol(inputs, group, name := f"S{len(values)}")
        refusal = None
        try:
            found = op.shape(trial, sizes := checker())
        except OperatorError as error:
            refusal = error
        if refusal is not None:
            assert refusal.code.startswith("E04"), refusal.message
            continue
        inputs, freed = trial, freed | group
        values[name] = int(size[min(group)])  # type: ignore[call-overload]
        outputs = found if isinstance(found, tuple) else (found,)
        at_numbers = [tuple(evaluate(d, values) for d in t.shape) for t in outputs]
        assert at_numbers == [shape for shape, _ in expected], inputs
        assert all(b.relation.holds(values) for b in sizes.bounds), sizes.bounds


@valid
def test_valid_samples_are_within_the_limits_of_the_arguments(cls: type[Operator], sample: Sample) -> None:
    op = build(cls, sample.arguments)
    hash(op)
    assert op.caption(sample.inputs, outputs_of(op, sample.inputs))
    for f in arguments_of(cls):
        for value in _numbers(getattr(op, f.name)):
            limits = f.metadata
            assert limits["at_least"] is None or value >= limits["at_least"], f.name
            assert limits["above"] is None or value > limits["above"], f.name
            assert limits["at_most"] is None or value <= limits["at_most"], f.name
            assert limits["below"] is None or value < limits["below"], f.name
        value = getattr(op, f.name)
        if f.metadata["choices"] and value is not None:
            assert value in f.metadata["choices"]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, bool) or not isinstance(value, int | float | tuple):
        return []
    return [n for v in value for n in _numbers(v)] if isinstance(value, tuple) else [value]


@every_operator
def test_docstring_has_an_example(cls: type[Operator]) -> None:
    lines = [line.strip() for line in (cls.__doc__ or "").splitlines()]
    assert any(line.startswith("input ") for line in lines), (
        f"{cls.name} has no example program in its docstring"
    )


@every_operator
def test_has_valid_samples(cls: type[Operator]) -> None:
    assert any(s.code is None for s in cls.samples())


@every_operator
def test_compiles_without_a_graph_break(cls: type[Operator]) -> None:
    """One sample each: traced whole by dynamo, the graph run eagerly."""
    sample = next(s for s in cls.samples() if s.code is None)
    op = build(cls, sample.arguments)
    module = interpreter(op, sample.inputs)
    torch._dynamo.reset()
    compiled = torch.compile(_Frozen(module), backend="eager", fullgraph=True, dynamic=False)
    with torch.no_grad(), torch._dynamo.config.patch(allow_rnn=True):
        real = as_tuple(compiled(*tensors(sample.inputs, high=sample.high)))
    assert described(real) == promised(outputs_of(op, sample.inputs))


class _Frozen(torch.nn.Module):
    """The module under test, as dynamo sees it."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *args: torch.Tensor) -> Any:
        return self.module(*args)
