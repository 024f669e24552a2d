"""Activations that let large numbers pass: ReLU and its smooth and leaky kin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ops import errors, keeping
from archdsl.ops.base import argument
from archdsl.ops.pointwise import Pointwise
from archdsl.ops.registry import operator


@operator
@dataclass(frozen=True)
class Relu(Pointwise):
    """``max(0, x)`` (``torch.nn.functional.relu``).

    Any shape, unchanged (Nair and Hinton, 2010). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> relu
    """

    name: ClassVar[str] = "relu"
    function: ClassVar[str] = "F.relu"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Relu6(Pointwise):
    """``min(max(0, x), 6)`` (``torch.nn.functional.relu6``).

    Any shape, unchanged (Krizhevsky, 2010). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> relu6
    """

    name: ClassVar[str] = "relu6"
    function: ClassVar[str] = "F.relu6"


@operator
@dataclass(frozen=True)
class LeakyRelu(Pointwise):
    """``x`` where positive, else ``negative_slope * x`` (``torch.nn.functional.leaky_relu``).

    Any shape, unchanged (Maas et al., 2013). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> leaky_relu(0.1)
    """

    name: ClassVar[str] = "leaky_relu"
    function: ClassVar[str] = "F.leaky_relu"
    uses = ({"negative_slope": 0.2},)

    negative_slope: float = argument("float", 0.01)


@operator
@dataclass(frozen=True)
class Elu(Pointwise):
    """``x`` where positive, else ``alpha * (exp(x) - 1)`` (``torch.nn.functional.elu``).

    Any shape, unchanged (Clevert et al., 2015). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> elu
    """

    name: ClassVar[str] = "elu"
    function: ClassVar[str] = "F.elu"
    uses = ({"alpha": 0.5},)

    alpha: float = argument("float", 1.0)


@operator
@dataclass(frozen=True)
class Selu(Pointwise):
    """``1.0507 * (x where positive, else 1.6733 * (exp(x) - 1))`` (``torch.nn.functional.selu``).

    Any shape, unchanged (Klambauer et al., 2017). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> selu
    """

    name: ClassVar[str] = "selu"
    function: ClassVar[str] = "F.selu"


@operator
@dataclass(frozen=True)
class Celu(Pointwise):
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`` (``torch.nn.functional.celu``).

    Any shape, unchanged (Barron, 2017). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> celu(0.5)
    """

    name: ClassVar[str] = "celu"
    function: ClassVar[str] = "F.celu"
    uses = (
        {"alpha": 0.5},
        {"alpha": -2.0},
    )
    misuses = ({"alpha": 0.0},)

    alpha: float = argument("float", 1.0)

    def check(self) -> None:
        if self.alpha == 0:
            raise errors.bad_argument("alpha", "celu divides by alpha, so it can't be 0")


@operator
@dataclass(frozen=True)
class Softplus(Pointwise):
    """``log(1 + exp(beta * x)) / beta``; ``x`` where ``beta * x > threshold`` (``torch.nn.functional.softplus``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> softplus
    """

    name: ClassVar[str] = "softplus"
    function: ClassVar[str] = "F.softplus"
    uses = ({"beta": 2.0, "threshold": 5.0},)

    beta: float = argument("float", 1.0)
    threshold: float = argument("float", 20.0)


@operator
@dataclass(frozen=True)
class Silu(Pointwise):
    """``x * sigmoid(x)``, also called swish (``torch.nn.functional.silu``).

    Any shape, unchanged (Elfwing et al., 2017; Ramachandran et al., 2017). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> silu
    """

    name: ClassVar[str] = "silu"
    function: ClassVar[str] = "F.silu"


@operator
@dataclass(frozen=True)
class Mish(Pointwise):
    """``x * tanh(softplus(x))`` (``torch.nn.functional.mish``).

    Any shape, unchanged (Misra, 2019). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> mish
    """

    name: ClassVar[str] = "mish"
    function: ClassVar[str] = "F.mish"


@operator
@dataclass(frozen=True)
class HardSwish(Pointwise):
    """``x * relu6(x + 3) / 6`` (``torch.nn.functional.hardswish``).

    Any shape, unchanged (Howard et al., 2019). ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> hard_swish
    """

    name: ClassVar[str] = "hard_swish"
    function: ClassVar[str] = "F.hardswish"
