"""What every operator's backward keeps, against the storages that PyTorch's saved-tensor hooks see."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from archdsl.ops.base import Operator, Sample, Types
from archdsl.ops.keeping import Backward, Kept
from archdsl.ops.strides import View, contiguous
from archdsl.ops.strides import outputs_of as views_of
from archdsl.tensors import TensorType
from tests.ops.support import all_samples, as_tuple, build, interpreter, outputs_of, tensors, torch_dtype

VALID = list(all_samples(valid=True))
# Where a kernel's workspace, or an optimised order of products, decides: within this share of what is seen.
LOOSE = {"lstm": 0.05, "giou": 0.25, "focal": 0.15}
SMALLEST = 8
"""A lone number is kept as a scalar; such are not counted."""


@dataclass(frozen=True)
class Seen:
    """Bytes of the storages that are kept, and which of inputs and outputs are among them."""

    total: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def _run(op: Operator, sample: Sample, wanted: tuple[bool, ...], trained: bool, training: bool) -> Seen:
    module = interpreter(op, sample.inputs, training=training)
    for parameter in module.parameters():
        parameter.requires_grad_(trained)
    given = tensors(sample.inputs, high=sample.high)
    for x, asked in zip(given, wanted, strict=True):
        x.requires_grad_(asked)
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    kept: dict[int, torch.Tensor] = {}

    def pack(t: torch.Tensor) -> torch.Tensor:
        if t.untyped_storage().data_ptr() not in own:
            kept[t.untyped_storage().data_ptr()] = t
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        found = as_tuple(module(*given))
    if not any(y.requires_grad for y in found):
        return Seen(0, (), ())
    places = {x.untyped_storage().data_ptr(): i for i, x in enumerate(given)}
    results = {y.untyped_storage().data_ptr(): i for i, y in reversed(list(enumerate(found)))}
    sizes = {key: t.untyped_storage().nbytes() for key, t in kept.items()}
    return Seen(
        sum(size for size in sizes.values() if size > SMALLEST),
        tuple(sorted(places[k] for k in sizes if k in places and sizes[k] > SMALLEST)),
        tuple(sorted(results[k] for k in sizes if k in results and k not in places and sizes[k] > SMALLEST)),
    )


def _run_by(
    op: Operator, sample: Sample, wanted: tuple[bool, ...], trained: bool, training: bool, fused: bool
) -> Seen | None:
    """With one kind of attention; None where PyTorch has no such kernel for the operands."""
    try:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION if fused else SDPBackend.MATH):
            return _run(op, sample, wanted, trained, training)
    except RuntimeError as error:
        if fused and "No available kernel" in str(error):
            return None
        raise


def _promise(op: Operator, inputs: Types, backward: Backward) -> tuple[Kept, Seen]:
    outputs = outputs_of(op, inputs)
    strides = tuple(contiguous([int(d) for d in x.shape]) for x in inputs)  # type: ignore[call-overload]
    views: tuple[View, ...] = views_of(op, inputs, outputs, strides, backward.training, backward.fused)
    asked = any(y.is_float for y in outputs) and backward.asked
    kept = op.kept(inputs, outputs, backward) if asked else Kept()
    from_inputs = {i for i in kept.inputs if _bytes(inputs[i]) > SMALLEST}
    made = {j for j in kept.outputs if views[j].source is None and _bytes(outputs[j]) > SMALLEST}
    from_inputs |= {s for j in kept.outputs if (s := views[j].source) is not None}
    own = sum(_bytes(x) for x in kept.own if _bytes(x) > SMALLEST)
    total = own + sum(_bytes(inputs[i]) for i in from_inputs) + sum(_bytes(outputs[j]) for j in made)
    return kept, Seen(total, tuple(sorted(from_inputs)), tuple(sorted(made)))


def _bytes(x: TensorType) -> int:
    return prod(int(d) for d in x.shape) * torch_dtype(x.dtype).itemsize  # type: ignore[call-overload]


def _choices(op: Operator, sample: Sample) -> list[tuple[tuple[bool, ...], bool]]:
    """Which gradients to ask for: all, each input's alone, the weights' alone."""
    floats = [x.is_float for x in sample.inputs]
    has_weights = any(w.kind == "parameter" for w in op.weights(sample.inputs))
    found = [(tuple(floats), has_weights)]
    if sum(floats) > 1:
        found += [(tuple(i == j for i in range(len(floats))), False) for j, f in enumerate(floats) if f]
    if has_weights:
        found.append(((False,) * len(floats), True))
    return [(wanted, trained) for wanted, trained in found if any(wanted) or trained]


@pytest.mark.parametrize(("cls", "sample"), [v[1:] for v in VALID], ids=[v[0] for v in VALID])
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
def test_kept_is_what_the_hooks_see(cls: type[Operator], sample: Sample, training: bool) -> None:
    op = build(cls, sample.arguments)
    strides = tuple(contiguous([int(d) for d in x.shape]) for x in sample.inputs)  # type: ignore[call-overload]
    for wanted, trained in _choices(op, sample):
        for fused in (True, False) if op.name == "attention" else (True,):
            backward = Backward(wanted, trained, training, fused, strides)
            _, promised = _promise(op, sample.inputs, backward)
            seen = _run_by(op, sample, wanted, trained, training, fused)
            if seen is None:
                continue
            slack = LOOSE.get(op.name, 0) * seen.total + (16 if op.name in LOOSE else 0)
            assert abs(promised.total - seen.total) <= slack, (wanted, trained, fused, promised, seen)
            if op.name not in LOOSE:
                assert promised == seen, (wanted, trained, fused)


def test_a_rule_that_forgets_an_input_is_noticed() -> None:
    """The comparison can fail: a product that kept nothing would be seen."""
    cls, sample = next((c, s) for name, c, s in VALID if name == "multiply-0")
    seen = _run(build(cls, sample.arguments), sample, (True, True), False, True)
    assert seen.inputs == (0, 1)
    assert seen.total == sum(_bytes(x) for x in sample.inputs)
    assert seen != Seen(0, (), ())
