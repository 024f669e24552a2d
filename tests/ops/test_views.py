"""Whose storage an output looks into, and how its elements lie, against PyTorch, for inputs in order and turned round."""

from __future__ import annotations

from math import prod

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from archdsl.ops.base import Operator, Sample
from archdsl.ops.keeping import Backward
from archdsl.ops.strides import contiguous, view_of
from archdsl.ops.strides import outputs_of as views_of
from tests.ops.support import all_samples, as_tuple, build, interpreter, outputs_of, tensors
from tests.ops.test_kept import LOOSE, SMALLEST, _bytes, _choices

VALID = list(all_samples(valid=True))
valid = pytest.mark.parametrize(("cls", "sample"), [v[1:] for v in VALID], ids=[v[0] for v in VALID])


def _turned(x: torch.Tensor) -> torch.Tensor:
    """The same numbers with the last dim outermost in memory."""
    return x if x.dim() < 2 else x.movedim(-1, 0).contiguous().movedim(0, -1)


def _strides(x: torch.Tensor) -> tuple[int, ...]:
    return tuple(x.stride())


@valid
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned"])
def test_views_share_as_in_torch(cls: type[Operator], sample: Sample, turned: bool) -> None:
    op = build(cls, sample.arguments)
    if turned and op.name == "local_response_norm" and sample.inputs[0].rank == 5:
        pytest.skip("torch's own function takes no such input")
    given = tensors(sample.inputs, high=sample.high)
    given = [_turned(x) for x in given] if turned else given
    with torch.no_grad(), sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
        found = as_tuple(interpreter(op, sample.inputs)(*given))
    outputs = outputs_of(op, sample.inputs)
    promised = views_of(op, sample.inputs, outputs, [_strides(x) for x in given], False, True)
    assert len(promised) == len(found)
    for view, y in zip(promised, found, strict=True):
        place = y.untyped_storage().data_ptr()
        shared = [i for i, x in enumerate(given) if x.untyped_storage().data_ptr() == place]
        assert (view.source in shared) if shared else view.source is None, (view, _strides(y))
        if view.source is not None:
            sizes = [(size, a, b) for size, a, b in zip(y.shape, view.strides, _strides(y), strict=True)]
            assert all(size == 1 or a == b for size, a, b in sizes), sizes


@valid
def test_kept_of_inputs_that_are_turned(cls: type[Operator], sample: Sample) -> None:
    """Bytes are what the hooks see where inputs don't lie in order: products copy what they can't take as it is."""
    op = build(cls, sample.arguments)
    if op.role != "linear" or op.name in LOOSE:
        pytest.skip("copies nothing for itself")
    for wanted, trained in _choices(op, sample):
        module = interpreter(op, sample.inputs, training=True)
        own = {p.untyped_storage().data_ptr() for p in module.parameters()}
        for parameter in module.parameters():
            parameter.requires_grad_(trained)
        given = [_turned(x).requires_grad_(w) for x, w in zip(tensors(sample.inputs), wanted, strict=True)]
        kept: dict[int, torch.Tensor] = {}

        def pack(t: torch.Tensor, kept: dict[int, torch.Tensor] = kept) -> torch.Tensor:
            kept[t.untyped_storage().data_ptr()] = t
            return t

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            module(*given)
        sizes = [t.untyped_storage().nbytes() for place, t in kept.items() if place not in own]
        strides = tuple(_strides(x) for x in given)
        promised = op.kept(
            sample.inputs, outputs_of(op, sample.inputs), Backward(wanted, trained, strides=strides)
        )
        total = sum(_bytes(sample.inputs[i]) for i in promised.inputs) + sum(map(_bytes, promised.own))
        assert total == sum(size for size in sizes if size > SMALLEST), (wanted, trained, promised, sizes)


def test_a_flatten_that_cannot_look_is_a_copy() -> None:
    from archdsl.ops.base import Fn, Slot

    turned = Fn(".flatten", (Fn(".transpose", (Slot(0), 1, 2)), 2))
    shape = (2, 3, 5, 4)
    (copied,) = view_of(turned, [shape], [contiguous(shape)]) or ()
    assert copied.source is None
    (looked,) = view_of(turned, [shape], [(60, 4, 12, 1)]) or ()
    assert (looked.source, looked.strides) == (0, (60, 12, 1))
    real = torch.empty(2, 5, 3, 4).transpose(1, 2)
    assert real.stride() == (60, 4, 12, 1)
    assert real.transpose(1, 2).flatten(2).stride() == looked.strides
    assert prod(shape) == real.numel()
