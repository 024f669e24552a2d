"""What the backward of recurrent layers and cells keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import Backward, Kept, numbers, sizes_of, slots
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Types

_LEAST = 28_672
"""Bytes of the smallest workspace of a fused LSTM layer: seven pages."""


def _sizes(op: Any, inputs: Types) -> tuple[int, int, int, int]:
    batch, length, features = sizes_of(inputs[0])
    return batch, length, features, op.hidden_size


def _between(op: Any, backward: Backward) -> bool:
    return op.dropout > 0 and backward.training and op.layers > 1


def _states(op: Any, inputs: Types, per_state: int) -> tuple[tuple[int, ...], Types]:
    """The states that a run starts from: given ones are inputs, others are zeros that are made for it."""
    given = op.initial()
    batch, _, _, hidden = _sizes(op, inputs)
    made = numbers(per_state * op.layers * op.directions, batch, hidden, dtype=inputs[0].dtype)
    return (slots(*given), ()) if given else ((), (made,))


def _steps(op: Any, inputs: Types, backward: Backward, per_step: int, less: int = 0) -> list[TensorType]:
    """What a run that is written out step by step keeps: the sequence each layer reads, and numbers for each step."""
    batch, length, features, hidden = _sizes(op, inputs)
    dtype, both = inputs[0].dtype, op.directions
    own = [numbers(op.layers * both * (per_step * length - less), batch, hidden, dtype=dtype)]
    if backward.weights:
        own.append(numbers(both, length, batch, features, dtype=dtype))
        own += [numbers(length, batch, hidden * both, dtype=dtype)] * (op.layers - 1)
    if _between(op, backward):
        own += [numbers(length, batch, hidden * both, dtype=dtype)] * (op.layers - 1)
    return own


def rnn(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What each layer reads, and every state."""
    given, made = _states(op, inputs, 1)
    if not backward.weights:
        return Kept((), (), tuple(_steps(op, inputs, backward, 1)))
    return Kept(given, (), (*_steps(op, inputs, backward, 1), *made))


def gru(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What each layer reads, and for each step the state, three gates and what goes into the last of them."""
    given, _ = _states(op, inputs, 1)
    if not backward.weights:
        return Kept((), (), tuple(_steps(op, inputs, backward, 6)))
    return Kept(given, (), tuple(_steps(op, inputs, backward, 7, less=1 if given else 0)))


def lstm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What each layer reads and gives, states at both ends, and the kernel's workspace, as measured on a CPU."""
    batch, length, features, hidden = _sizes(op, inputs)
    dtype, runs = inputs[0].dtype, op.layers * op.directions
    given, _ = _states(op, inputs, 2)
    both = op.directions > 1
    own = [numbers(length, batch, features, dtype=dtype)]
    own.append(numbers(runs - (0 if both else 1), length, batch, hidden, dtype=dtype))
    if both:
        own += [numbers(length, batch, 2 * hidden, dtype=dtype)] * (op.layers - 1)
    if _between(op, backward):
        own += [numbers(length, batch, hidden * op.directions, dtype=dtype)] * (2 * (op.layers - 1))
    own.append(numbers(2 if given else 4, runs, batch, hidden, dtype=dtype))
    workspace = 4 * batch * hidden * (15 * length + 12)
    own.append(numbers(runs * max(workspace, _LEAST), dtype="uint8"))
    return Kept(given, () if both else (0,), tuple(own))


def _read(inputs: Types, backward: Backward) -> tuple[int, ...]:
    """What the matrices multiply, for their gradients."""
    return tuple(range(len(inputs))) if backward.weights else ()


def rnn_cell(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Input and state, and the new state."""
    return Kept(_read(inputs, backward), (0,))


def gru_cell(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Input and state, the gates, and what goes into the last of them."""
    return Kept(_read(inputs, backward), (), (numbers(6, *outputs[0].shape, dtype=outputs[0].dtype),))


def lstm_cell(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Input and states, the four gates, and the hyperbolic tangent of the new cell."""
    through_gates = backward.weights or backward.inputs[0] or backward.wants(op.h)
    kept = {*_read(inputs, backward), *((op.c.index,) if through_gates else ())}
    return Kept(tuple(sorted(kept)), (), (numbers(5, *outputs[0].shape, dtype=outputs[0].dtype),))
