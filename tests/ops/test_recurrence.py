"""Recurrent networks in all their options against torch's modules."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archdsl.dims import symbol
from archdsl.ops.base import Slot
from archdsl.ops.errors import OperatorError
from archdsl.ops.recurrence import Gru, Lstm, Recurrence, Rnn
from archdsl.ops.recurrent_cells import GruCell, LstmCell, RnnCell
from archdsl.tensors import TensorType
from tests.ops.support import as_tuple, checker, interpreter, outputs_of

MODULES: dict[type[Recurrence], Any] = {Rnn: nn.RNN, Lstm: nn.LSTM, Gru: nn.GRU}
GRID = list(itertools.product([1, 2, 3], [False, True], [False, True]))


@pytest.mark.parametrize("cls", MODULES, ids=lambda c: c.name)
@pytest.mark.parametrize(("layers", "both", "bias"), GRID)
def test_weights_figures_and_values_are_torchs(
    cls: type[Recurrence], layers: int, both: bool, bias: bool
) -> None:
    torch.manual_seed(0)
    keywords = {"num_layers": layers, "bidirectional": both, "bias": bias, "batch_first": True}
    reference = MODULES[cls](5, 7, **keywords)
    x = TensorType((2, 3, 5))
    op = cls(7, layers, both, bias, return_state=True)
    promised = [(w.name, w.shape) for w in op.weights((x,))]
    assert promised == [(name, tuple(p.shape)) for name, p in reference.named_parameters()]

    module = interpreter(op, (x,))
    for name, parameter in module.own_parameters().items():
        parameter.data.copy_(reference.get_parameter(name))
    tensor = torch.randn(2, 3, 5)
    y, state = reference(tensor)
    for mine, theirs in zip(module(tensor), (y, *as_tuple(state)), strict=True):
        torch.testing.assert_close(mine, theirs)

    with FlopCounterMode(display=False) as counter:
        MODULES[cls](5, 7, device="meta", **keywords)(torch.empty(2, 3, 5, device="meta"))
    assert 2 * op.macs((x,), outputs_of(op, (x,))).matmul == counter.get_total_flops()


@pytest.mark.parametrize("cls", MODULES, ids=lambda c: c.name)
def test_starts_from_the_state_that_is_given(cls: type[Recurrence]) -> None:
    count = 2 if cls is Lstm else 1
    types = (TensorType((2, 3, 5)), *[TensorType((1, 2, 7))] * count)
    slots = (Slot(1), Slot(2))[:count]
    op = cls(7, return_state=True, state=slots if count > 1 else slots[0])  # type: ignore[call-arg]
    module = interpreter(op, types)
    x, state = torch.randn(2, 3, 5), [torch.randn(1, 2, 7) for _ in range(count)]
    whole, *_ = module(x, *state)
    # Two halves, the second from where the first ended, are the whole.
    first, *after = module(x[:, :1], *state)
    second, *_ = module(x[:, 1:], *after)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


def test_cells_step_as_the_sequence_does() -> None:
    x = torch.randn(2, 4, 5)
    for cls, cell_cls in ((Rnn, RnnCell), (Lstm, LstmCell), (Gru, GruCell)):
        op = cls(7)
        module = interpreter(op, (TensorType((2, 4, 5)),))
        names = ("h", "c") if cls is Lstm else ("h",)
        cell_op = cell_cls(7, **dict(zip(names, (Slot(1), Slot(2)), strict=False)))
        cell = interpreter(cell_op, (TensorType((2, 5)), *[TensorType((2, 7))] * len(names)))
        for name, parameter in cell.own_parameters().items():
            parameter.data.copy_(module.own_parameters()[f"{name}_l0"])
        states = tuple(torch.zeros(2, 7) for _ in names)
        outputs = []
        for t in range(4):
            states = as_tuple(cell(x[:, t], *states))
            outputs.append(states[0])
        torch.testing.assert_close(torch.stack(outputs, dim=1), module(x))


def test_dropout_of_one_layer_is_left_out() -> None:
    x = (TensorType((2, 3, 5)),)
    for cls in MODULES:
        with torch.no_grad():
            module = interpreter(cls(7, dropout=0.5), x, training=True)
            assert module.parts[0].dropout == 0.0


def test_batch_and_length_may_be_free_but_features_not() -> None:
    batch, length = symbol("B"), symbol("T")
    y = Lstm(7, bidirectional=True, return_state=True).shape((TensorType((batch, length, 5)),), checker())
    assert [t.shape for t in y] == [(batch, length, 14), (2, batch, 7), (2, batch, 7)]  # type: ignore[union-attr]
    with pytest.raises(OperatorError) as caught:
        Gru(7).shape((TensorType((batch, 3, length)),), checker())
    assert caught.value.code == "E0408"
