"""ReLU with a learned slope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping
from archdsl.ops.base import Lowered, Mod, Operator, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.initializers import Initializer
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel, require_model_float
from archdsl.tensors import TensorType


@operator
@dataclass(frozen=True)
class Prelu(Operator):
    """``x`` where positive, else ``weight * x`` with a learned weight: one, or one per channel (``torch.nn.PReLU``).

    Any shape, unchanged (He et al., 2015); channels are at dim 1. ``elementwise`` counts output elements.

        input image: [B, 3, H=32, W=32]
        conv(8) -> prelu(8)
    """

    name: ClassVar[str] = "prelu"
    role: ClassVar[Role] = "activation"
    kept = keeping.wire

    num_parameters: int = argument("int", 1, at_least=1)
    init: float = argument("float", 0.25)
    weight_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        require_model_float("prelu", x)
        if self.num_parameters != 1:
            channels = sizes.constant(x.shape[1], "the number of channels") if x.rank > 1 else 1
            if channels != self.num_parameters:
                raise errors.bad_argument(
                    "num_parameters",
                    f"prelu has 1 slope or one per channel: {self.num_parameters} for {channels} channels",
                )
        return x

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        start = self.weight_init
        if start is None and self.init != 0.25:
            start = Initializer("constant", (("val", self.init),))
        return (Weight("weight", (self.num_parameters,), start),)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        words: dict[str, Any] = {} if self.num_parameters == 1 else {"num_parameters": self.num_parameters}
        return Mod("nn.PReLU", (), words | ({} if self.init == 0.25 else {"init": self.init}))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 4, 5, 5), features="first"),))
        yield Sample((TensorType((2, 4, 5, 5)),), {"num_parameters": 4})
        yield Sample((TensorType((2, 4)),), {"num_parameters": 4, "init": 0.1})
        yield Sample((TensorType((4,)),))
        yield Sample((TensorType((2, 4, 5)),), {"num_parameters": 5}, "E0501")
        yield Sample((TensorType((4,)),), {"num_parameters": 4}, "E0501")
        yield Sample((TensorType((2, 4), "int64"),), {}, "E0405")
        yield Sample((TensorType((2, 4), "float16"),), {}, "E0405")
