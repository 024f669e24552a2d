"""What an operator's backward keeps of its forward: the record, and the rules that many operators share.

Each rule is a function that an operator's class takes for its method ``kept``. What PyTorch keeps is what counts, where
an operator is a composition of torch calls too; tests ask its saved-tensor hooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Operator, Types


@dataclass(frozen=True)
class Kept:
    """Which inputs and outputs are kept whole (their storage is), and what is kept beside them.

    Parameters and buffers are kept anyway, and never named.
    """

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    own: Types = ()


@dataclass(frozen=True)
class Backward:
    """Which gradients are asked for, and what the forward runs as.

    ``inputs``: one truth for each input; ``weights``: whether the operator's own are trained; ``training``: the mode of
    the module; ``fused``: whether attention never writes its scores down; ``strides``: those of the inputs, if known.
    """

    inputs: tuple[bool, ...]
    weights: bool = False
    training: bool = True
    fused: bool = True
    strides: tuple[tuple[int, ...], ...] = ()

    @property
    def asked(self) -> bool:
        return self.weights or any(self.inputs)

    def wants(self, value: Any) -> bool:
        """Whether the gradient of an operand is asked for; numbers have none."""
        return bool(self.inputs[value.index]) if hasattr(value, "index") else False


NOTHING = Kept()


def slots(*values: Any) -> tuple[int, ...]:
    """The places of those operands that are tensors."""
    return tuple(dict.fromkeys(value.index for value in values if hasattr(value, "index")))


def numbers(*shape: Any, dtype: str = "float32") -> TensorType:
    """A buffer of that shape, every size a number by now."""
    return TensorType(tuple(shape), dtype)


def sizes_of(x: TensorType) -> tuple[int, ...]:
    """The shape of a tensor whose sizes are numbers by now."""
    return tuple(dim for dim in x.shape if isinstance(dim, int))


def count(x: TensorType) -> int:
    return prod(sizes_of(x))


def by_role(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Where nothing is said: what operators of that role keep, and rather too much than too little."""
    everything = tuple(range(len(inputs)))
    match op.role:
        case "merge" | "shape" | "source" | "resample" | "regularisation" | "position":
            return NOTHING
        case "index":
            return indices(op, inputs, outputs, backward)
        case "activation" | "pool" | "convolution" | "embedding" | "linear" | "loss":
            return Kept(everything)
        case _:
            return Kept(everything, tuple(range(len(outputs))))


def nothing(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Sums, copies, comparisons: the gradient needs no number of the forward."""
    return NOTHING


def wire(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The first input."""
    return Kept((0,))


def result(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The output alone: its slope can be told from it."""
    return Kept((), (0,))


def wire_and_result(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    return Kept((0,), (0,))


def all_inputs(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    return Kept(tuple(range(len(inputs))))


def wire_and_buffer(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The first input, and as much again."""
    return Kept((0,), (), (inputs[0],))


def indices(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The integers: where things were taken from."""
    return Kept(
        tuple(i for i, x in enumerate(inputs) if not x.is_float),
        tuple(i for i, y in enumerate(outputs) if not y.is_float),
    )


def places(op: Operator, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The first input, and an integer for each output: which element was taken."""
    return Kept((0,), (), tuple(numbers(*y.shape, dtype="int64") for y in outputs))


# --------------------------------------------------------------------------------------- operators with two operands


def factors(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of a product: each side where the other's gradient is asked for."""
    left, right = op.given()
    if backward.wants(left) and backward.wants(right):
        return Kept(slots(left, right))
    return Kept(slots(right) if backward.wants(left) else slots(left))


def quotient(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The divisor, and what is divided where the divisor's gradient is asked for; a number over a tensor is a product
    with its reciprocal."""
    left, right = op.given()
    if not slots(left):
        return Kept((), (), outputs)
    return Kept(slots(left, right) if backward.wants(right) else slots(right))


def remainder(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    left, right = op.given()
    return Kept(slots(left, right)) if slots(left) and backward.wants(right) else NOTHING


def power(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The base; the result too, where the exponent is a tensor."""
    left, right = op.given()
    return Kept(slots(left, right), (0,) if slots(right) else ())


def operands(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """All of them, whichever was the larger."""
    return Kept(slots(*op.given()))
