"""Activations: those whose lowering is more than torch's function of that name, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl.dims import symbol
from archdsl.ops.base import Operator
from archdsl.ops.clamp import Clamp
from archdsl.ops.errors import OperatorError
from archdsl.ops.gelu import Gelu
from archdsl.ops.prelu import Prelu
from archdsl.ops.registry import find
from archdsl.ops.softmax import Glu
from archdsl.tensors import TensorType, Values
from tests.ops.support import checker, interpreter, outputs_of

KIND = TensorType((4, 6))

# What torch's own modules of these names compute, defaults included.
MODULES: dict[str, tuple[dict[str, Any], nn.Module]] = {
    "relu": ({}, nn.ReLU()),
    "relu6": ({}, nn.ReLU6()),
    "leaky_relu": ({}, nn.LeakyReLU()),
    "elu": ({"alpha": 0.5}, nn.ELU(0.5)),
    "selu": ({}, nn.SELU()),
    "celu": ({"alpha": 2.0}, nn.CELU(2.0)),
    "softplus": ({"beta": 2.0, "threshold": 1.0}, nn.Softplus(2.0, 1.0)),
    "silu": ({}, nn.SiLU()),
    "mish": ({}, nn.Mish()),
    "hard_swish": ({}, nn.Hardswish()),
    "sigmoid": ({}, nn.Sigmoid()),
    "logsigmoid": ({}, nn.LogSigmoid()),
    "hard_sigmoid": ({}, nn.Hardsigmoid()),
    "tanh": ({}, nn.Tanh()),
    "hardtanh": ({"min_val": -0.5, "max_val": 2.0}, nn.Hardtanh(-0.5, 2.0)),
    "softsign": ({}, nn.Softsign()),
    "softshrink": ({}, nn.Softshrink()),
    "hardshrink": ({"lambd": 0.2}, nn.Hardshrink(0.2)),
    "gelu": ({}, nn.GELU()),
    "softmax": ({}, nn.Softmax(-1)),
    "log_softmax": ({"dim": 0}, nn.LogSoftmax(0)),
    "softmin": ({}, nn.Softmin(-1)),
    "glu": ({}, nn.GLU()),
    "prelu": ({"num_parameters": 6}, nn.PReLU(6)),
}


@pytest.mark.parametrize("name", MODULES)
def test_values_are_those_of_the_torch_module(name: str) -> None:
    arguments, module = MODULES[name]
    cls = find(name)
    assert cls is not None
    x = torch.linspace(-6, 6, 24).view(4, 6)
    torch.testing.assert_close(interpreter(cls(**arguments), (KIND,))(x), module(x))


def test_every_activation_is_compared() -> None:
    from archdsl.ops.registry import operators

    mine = {
        n
        for n, c in operators().items()
        if c.role == "activation" and c.__module__.startswith("archdsl.ops.")
    }
    assert mine - MODULES.keys() == {"clamp"}


def test_gelu_with_a_sigmoid() -> None:
    x = torch.linspace(-3, 3, 24).view(4, 6)
    real = interpreter(Gelu(approximate="sigmoid"), (KIND,))(x)
    torch.testing.assert_close(real, x * torch.sigmoid(1.702 * x))
    torch.testing.assert_close(real, F.gelu(x), atol=0.021, rtol=0)  # the form's known error


@pytest.mark.parametrize(("low", "high"), [(0, None), (None, 3), (-2, 2), (5, 1)])
@pytest.mark.parametrize("before", [None, Values(0, 10), Values(-5, 1), Values(4, None)])
def test_clamp_knows_what_integers_are_left(low: int | None, high: int | None, before: Values | None) -> None:
    found = Clamp(low, high).shape((TensorType((2,), "int64", values=before),), checker())
    assert isinstance(found, TensorType)
    start = before or Values()
    first = start.low if isinstance(start.low, int) else -20
    last = start.high if isinstance(start.high, int) else 20
    real = torch.arange(first, last).clamp(low, high)
    known = found.values
    assert known is not None
    if known.low is not None:
        assert known.low == real.min()
    if known.high is not None:
        assert known.high == real.max() + 1


def test_glu_halves_a_free_size_that_is_even() -> None:
    (found,) = outputs_of(Glu(), (TensorType((2, 2 * symbol("N"))),))
    assert found.shape == (2, symbol("N"))
    with pytest.raises(OperatorError) as caught:
        Glu().shape((TensorType((2, symbol("N"))),), checker())
    assert caught.value.code == "E0407"


@pytest.mark.parametrize(
    ("op", "shape"),
    [(Prelu(2), (1, 3)), (Prelu(3), (3,)), (Glu(dim=0), (3, 2))],
    ids=["channels", "vector", "odd"],
)
def test_what_is_refused_torch_refuses(op: Operator, shape: tuple[int, ...]) -> None:
    kind = TensorType(shape)
    with pytest.raises(OperatorError):
        op.shape((kind,), checker())
    module = nn.PReLU(op.num_parameters) if isinstance(op, Prelu) else nn.GLU(0)
    with pytest.raises(RuntimeError):
        module(torch.rand(shape))
