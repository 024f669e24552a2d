"""Recurrent networks over a whole sequence, in one or more layers and one or both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.dims import Dim
from archdsl.ops import errors, keeping_recurrence, passing
from archdsl.ops.base import (
    Fn,
    Lowered,
    Macs,
    Mod,
    Operator,
    Reach,
    Role,
    Sample,
    Slot,
    Types,
    Weight,
    argument,
)
from archdsl.ops.checker import Checker
from archdsl.ops.linear import int_size
from archdsl.ops.registry import operator
from archdsl.ops.spatial import require_model_float
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Recurrence(Operator):
    """What rnn, lstm and gru share; ``gates`` is how many matrices a step has, ``states`` what it carries."""

    role: ClassVar[Role] = "recurrence"
    module: ClassVar[str]
    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("h",)

    hidden_size: int = argument("int", at_least=1)
    layers: int = argument("int", 1, at_least=1, at_most=1024)
    bidirectional: bool = argument("bool", False)
    bias: bool = argument("bool", True)
    dropout: float = argument("float", 0.0, at_least=0, at_most=1)
    return_state: bool = argument("bool", False, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def initial(self) -> tuple[Slot, ...]:
        """The given initial states, those of ``states`` in order; empty where they start at zero."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Keywords of the module beside those that all have."""
        return {}

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def shape(self, inputs: Types, sizes: Checker) -> TensorType | Types:
        x = inputs[0]
        if x.rank != 3:
            raise errors.wrong_rank(self.name, "[B, length, features]", x)
        if not x.is_float:
            raise errors.wrong_dtype(self.name, "floats", x)
        require_model_float(self.name, x)
        batch, length, features = x.shape
        sizes.constant(features, f"the number of features that {self.name} reads")
        sizes.at_least(length, 1, f"the length of the sequence that {self.name} reads")
        state: tuple[Dim, ...] = (self.layers * self.directions, batch, self.hidden_size)
        given = self.initial()
        if given and len(given) != len(self.states):
            want = ", ".join(self.states)
            raise errors.bad_argument(
                "state", f"{self.name} starts from [{want}], and {len(given)} tensors are given"
            )
        for slot, name in zip(given, self.states, strict=False):
            check_state(self.name, name, inputs[slot.index], state, x.dtype, sizes)
        y = TensorType((batch, length, self.hidden_size * self.directions), x.dtype, "last")
        if not self.return_state:
            return y
        return (y, *(TensorType(state, x.dtype, "last") for _ in self.states))

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        return tuple(self._weights(int_size(inputs[0])))

    def _weights(self, features: int) -> Iterator[Weight]:
        rows = self.gates * self.hidden_size
        for layer in range(self.layers):
            columns = self.hidden_size * self.directions if layer else features
            for direction in ("", "_reverse")[: self.directions]:
                yield Weight(f"weight_ih_l{layer}{direction}", (rows, columns), self.weight_init)
                yield Weight(f"weight_hh_l{layer}{direction}", (rows, self.hidden_size), self.weight_init)
                if self.bias:
                    yield Weight(f"bias_ih_l{layer}{direction}", (rows,), self.bias_init)
                    yield Weight(f"bias_hh_l{layer}{direction}", (rows,), self.bias_init)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        batch, length, _ = inputs[0].shape
        assert isinstance(batch, int)
        assert isinstance(length, int)
        matrices = sum(w.shape[0] * w.shape[1] for w in self.weights(inputs) if len(w.shape) == 2)
        return Macs(matmul=batch * length * matrices)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords: dict[str, Any] = {"num_layers": self.layers} if self.layers > 1 else {}
        keywords |= self.options()
        if not self.bias:
            keywords["bias"] = False
        keywords["batch_first"] = True
        # torch drops out between layers only, and warns where there is nothing between.
        if self.dropout and self.layers > 1:
            keywords["dropout"] = self.dropout
        if self.bidirectional:
            keywords["bidirectional"] = True
        given = self.initial()
        state = () if not given else (given if len(self.states) > 1 else given[0],)
        module = Mod(self.module, (int_size(inputs[0]), self.hidden_size), keywords, (Slot(0), *state))
        if not self.return_state:
            return Fn("operator.getitem", (module, 0))
        return module if len(self.states) == 1 else Fn(flat_state, (module,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 5, 6))
        yield Sample((x,), {"hidden_size": 4})
        yield Sample((x,), {"hidden_size": 4, "bias": False})
        yield Sample((x,), {"hidden_size": 4, "layers": 3, "bidirectional": True, "return_state": True})
        yield Sample((x,), {"hidden_size": 4, "dropout": 0.5})
        yield Sample((x,), {"hidden_size": 4, "layers": 2, "dropout": 0.5}, training_differs=True)
        yield Sample((x,), {"hidden_size": 4, "return_state": True})
        slots = tuple(Slot(1 + i) for i in range(len(cls.states)))
        state: Any = slots if len(slots) > 1 else slots[0]

        def start(*shape: int, dtype: str = "float32", code: str | None = None, **more: Any) -> Sample:
            tensors = (TensorType(shape, dtype),) * len(slots)
            return Sample((x, *tensors), {"hidden_size": 4, "state": state, **more}, code=code)

        yield start(1, 2, 4)
        yield start(4, 2, 4, layers=2, bidirectional=True, return_state=True)
        yield start(1, 3, 4, code="E0401")
        yield start(1, 2, 5, code="E0401")
        yield start(1, 2, 4, layers=2, code="E0401")
        yield start(2, 4, code="E0404")
        yield start(1, 2, 4, dtype="float64", code="E0405")
        yield Sample((TensorType((5, 6)),), {"hidden_size": 4}, code="E0404")
        yield Sample((TensorType((2, 5, 6), "int64"),), {"hidden_size": 4}, code="E0405")
        yield Sample((TensorType((2, 5, 6), "float64"),), {"hidden_size": 4}, code="E0405")
        yield Sample((TensorType((2, 0, 6)),), {"hidden_size": 4}, code="E0406")


def check_state(
    operator: str, name: str, state: TensorType, want: tuple[Dim, ...], dtype: str, sizes: Checker
) -> None:
    """Refuse a state of another shape or type."""
    if state.rank != len(want):
        shape = "[layers * directions, B, hidden_size]" if len(want) == 3 else "[B, hidden_size]"
        raise errors.wrong_rank(operator, f"a state {name} {shape}", state)
    if state.dtype != dtype:
        raise errors.wrong_dtype(operator, f"a state {name} of the input's type, {dtype}", state)
    for dim, (got, size) in enumerate(zip(state.shape, want, strict=True)):
        sizes.equal(got, size, f"dim {dim} of the state {name} of {operator}")


@dataclass(frozen=True)
class SingleState(Recurrence):
    """A recurrence that carries one tensor."""

    state: Slot | None = argument("tensor", None)

    def initial(self) -> tuple[Slot, ...]:
        return () if self.state is None else (self.state,)


@operator
@dataclass(frozen=True)
class Rnn(SingleState):
    """``h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)``, or ``relu`` (Elman, 1990; ``torch.nn.RNN``).

    ``state`` is ``h_0 [layers * directions, B, hidden_size]``, zeros where it isn't given; with ``return_state`` the
    result is the list of the outputs and the last ``h``. ``dropout`` stands between layers.

    Shapes: ``[B, length, features]`` to ``[B, length, hidden_size * directions]``.

        input x: [B, T=16, 32]
        rnn(64)
    """

    name: ClassVar[str] = "rnn"
    module: ClassVar[str] = "nn.RNN"
    gates: ClassVar[int] = 1
    kept = keeping_recurrence.rnn
    inside = passing.steps

    nonlinearity: str = argument("str", "tanh", choices=("tanh", "relu"), keyword_only=True)

    def options(self) -> dict[str, Any]:
        return {} if self.nonlinearity == "tanh" else {"nonlinearity": self.nonlinearity}

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((TensorType((2, 5, 6)),), {"hidden_size": 4, "nonlinearity": "relu"})


@operator
@dataclass(frozen=True)
class Gru(SingleState):
    """Gated recurrent units (Cho et al., 2014; ``torch.nn.GRU``):
    ``r, z = sigmoid(..)``, ``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))``, ``h' = (1 - z) * n + z * h``.

    ``state`` is ``h_0 [layers * directions, B, hidden_size]``, zeros where it isn't given; with ``return_state`` the
    result is the list of the outputs and the last ``h``. ``dropout`` stands between layers.

    Shapes: ``[B, length, features]`` to ``[B, length, hidden_size * directions]``.

        input x: [B, T=16, 32]
        gru(64, layers=2, bidirectional=true)
    """

    name: ClassVar[str] = "gru"
    module: ClassVar[str] = "nn.GRU"
    gates: ClassVar[int] = 3
    kept = keeping_recurrence.gru
    inside = passing.steps


@operator
@dataclass(frozen=True)
class Lstm(Recurrence):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; ``torch.nn.LSTM``):
    ``i, f, o = sigmoid(..)``, ``g = tanh(..)``, ``c' = f * c + i * g``, ``h' = o * tanh(c')``.

    ``state`` is ``[h_0, c_0]``, each ``[layers * directions, B, hidden_size]``, zeros where it isn't given; with
    ``return_state`` the result is the list of the outputs, the last ``h`` and the last ``c``. ``dropout`` stands
    between layers.

    Shapes: ``[B, length, features]`` to ``[B, length, hidden_size * directions]``.

        input x: [B, T=16, 32]
        lstm(64, layers=2)
    """

    name: ClassVar[str] = "lstm"
    module: ClassVar[str] = "nn.LSTM"
    gates: ClassVar[int] = 4
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    kept = keeping_recurrence.lstm
    inside = passing.sequence

    state: tuple[Slot, ...] | None = argument("tensors", None, keyword_only=True)

    def initial(self) -> tuple[Slot, ...]:
        return self.state or ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        x, h = TensorType((2, 5, 6)), TensorType((1, 2, 4))
        yield Sample((x, h), {"hidden_size": 4, "state": (Slot(1),)}, code="E0501")


# ------------------------------------------------------------------------------------- helpers of the emitted source


def flat_state(result: tuple[Tensor, tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """The outputs, the last hidden state and the last cell state of an LSTM."""
    y, (h, c) = result
    return y, h, c
