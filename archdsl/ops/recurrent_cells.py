"""One step of a recurrent network, for loops over time that are written out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping_recurrence, passing
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Slot, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.linear import int_size
from archdsl.ops.recurrence import check_state
from archdsl.ops.registry import operator
from archdsl.ops.spatial import require_model_float
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class Cell(Operator):
    """What the cells share; ``gates`` is how many matrices a step has."""

    role: ClassVar[Role] = "recurrence"
    module: ClassVar[str]
    gates: ClassVar[int]

    hidden_size: int = argument("int", at_least=1)
    h: Slot = argument("tensor")

    _: KW_ONLY
    bias: bool = argument("bool", True, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def states(self) -> tuple[tuple[str, Slot], ...]:
        """The states that are carried, in the order in which torch's cell takes them."""
        return (("h", self.h),)

    def options(self) -> dict[str, Any]:
        """Keywords of the module beside those that all have."""
        return {}

    def shape(self, inputs: Types, sizes: Checker) -> TensorType | Types:
        x = inputs[0]
        if x.rank != 2:
            raise errors.wrong_rank(self.name, "[B, features]", x)
        if not x.is_float:
            raise errors.wrong_dtype(self.name, "floats", x)
        require_model_float(self.name, x)
        sizes.constant(x.shape[-1], f"the number of features that {self.name} reads")
        shape = (x.shape[0], self.hidden_size)
        for name, slot in self.states():
            check_state(self.name, name, inputs[slot.index], shape, x.dtype, sizes)
        new = tuple(TensorType(shape, x.dtype, "last") for _ in self.states())
        return new if len(new) > 1 else new[0]

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        rows = self.gates * self.hidden_size
        matrices = (
            Weight("weight_ih", (rows, int_size(inputs[0])), self.weight_init),
            Weight("weight_hh", (rows, self.hidden_size), self.weight_init),
        )
        if not self.bias:
            return matrices
        return (
            *matrices,
            Weight("bias_ih", (rows,), self.bias_init),
            Weight("bias_hh", (rows,), self.bias_init),
        )

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        batch, features = inputs[0].shape
        assert isinstance(batch, int)
        assert isinstance(features, int)
        return Macs(matmul=batch * self.gates * self.hidden_size * (features + self.hidden_size))

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        slots = tuple(slot for _, slot in self.states())
        keywords = self.options() | ({} if self.bias else {"bias": False})
        state = slots if len(slots) > 1 else slots[0]
        return Mod(self.module, (int_size(inputs[0]), self.hidden_size), keywords, (Slot(0), state))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        names = ("h", "c") if cls.module == "nn.LSTMCell" else ("h",)
        states = {name: Slot(1 + i) for i, name in enumerate(names)}
        x = TensorType((2, 6))

        def step(x: TensorType, h: TensorType, code: str | None = None, **more: Any) -> Sample:
            return Sample((x, *[h] * len(names)), {"hidden_size": 4, **states, **more}, code=code)

        yield step(x, TensorType((2, 4)))
        yield step(x, TensorType((2, 4)), bias=False)
        yield step(x, TensorType((2, 5)), "E0401")
        yield step(x, TensorType((3, 4)), "E0401")
        yield step(x, TensorType((1, 2, 4)), "E0404")
        yield step(x, TensorType((2, 4), "float64"), "E0405")
        yield step(TensorType((2, 5, 6)), TensorType((2, 4)), "E0404")
        yield step(TensorType((2, 6), "int64"), TensorType((2, 4)), "E0405")
        yield step(TensorType((2, 6), "float16"), TensorType((2, 4), "float16"), "E0405")


@operator
@dataclass(frozen=True)
class RnnCell(Cell):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or ``relu`` (``torch.nn.RNNCell``).

    Shapes: ``[B, features]`` and ``h [B, hidden_size]`` to ``[B, hidden_size]``.

        input x: [B, 32]
        input state: [B, 64]
        x -> rnn_cell(64, state)
    """

    name: ClassVar[str] = "rnn_cell"
    module: ClassVar[str] = "nn.RNNCell"
    gates: ClassVar[int] = 1
    kept = keeping_recurrence.rnn_cell
    inside = passing.gates

    nonlinearity: str = argument("str", "tanh", choices=("tanh", "relu"), keyword_only=True)

    def options(self) -> dict[str, Any]:
        return {} if self.nonlinearity == "tanh" else {"nonlinearity": self.nonlinearity}

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        arguments = {"hidden_size": 4, "h": Slot(1), "nonlinearity": "relu"}
        yield Sample((TensorType((2, 6)), TensorType((2, 4))), arguments)


@operator
@dataclass(frozen=True)
class GruCell(Cell):
    """One step of ``gru`` (``torch.nn.GRUCell``).

    Shapes: ``[B, features]`` and ``h [B, hidden_size]`` to ``[B, hidden_size]``.

        input x: [B, 32]
        input state: [B, 64]
        x -> gru_cell(64, state)
    """

    name: ClassVar[str] = "gru_cell"
    module: ClassVar[str] = "nn.GRUCell"
    gates: ClassVar[int] = 3
    kept = keeping_recurrence.gru_cell
    inside = passing.gates


@operator
@dataclass(frozen=True)
class LstmCell(Cell):
    """One step of ``lstm``; gives the list of the new ``h`` and ``c`` (``torch.nn.LSTMCell``).

    Shapes: ``[B, features]``, ``h`` and ``c [B, hidden_size]`` to two of ``[B, hidden_size]``.

        input x: [B, 32]
        input h: [B, 64]
        input c: [B, 64]
        next = x -> lstm_cell(64, h, c)
        next[0] ++ next[1]
    """

    name: ClassVar[str] = "lstm_cell"
    module: ClassVar[str] = "nn.LSTMCell"
    gates: ClassVar[int] = 4
    kept = keeping_recurrence.lstm_cell
    inside = passing.gates

    c: Slot = argument("tensor")

    def states(self) -> tuple[tuple[str, Slot], ...]:
        return (("h", self.h), ("c", self.c))
