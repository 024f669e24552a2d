"""What wrappers of a weight share: an operator around another one, whose weight it makes from others at each use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.ops import keeping_layers
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Types, Weight
from archdsl.ops.checker import Checker
from archdsl.tensors import TensorType

STORED = "parametrizations.weight"


@dataclass(frozen=True)
class WrappedWeight(Operator):
    """``inner`` with another weight: ``around`` is torch's parametrization, ``says`` what a caption adds."""

    role: ClassVar[Role] = "normalisation"
    around: ClassVar[str] = ""
    says: ClassVar[str] = ""
    kept = keeping_layers.wrapped

    inner: Operator

    @classmethod
    def fits(cls, inner: Operator, inputs: Types, outputs: Types) -> bool:
        """Whether an operator is one of torch's modules with a matrix for a weight."""
        weights = {w.name: w for w in inner.weights(inputs)}
        has_matrix = "weight" in weights and len(weights["weight"].shape) > 1
        return has_matrix and _torch_module(inner.lower(inputs, outputs)) is not None

    @classmethod
    def refuses(cls, inner: Operator) -> bool:
        """Whether ``inner`` starts in a way that can't be told to what it is made from."""
        return False

    def split(self, inputs: Types) -> tuple[Weight, tuple[Weight, ...], tuple[Weight, ...]]:
        """The weight that is wrapped, the other parameters, the buffers."""
        inner = self.inner.weights(inputs)
        (weight,) = (w for w in inner if w.name == "weight")
        others = tuple(w for w in inner if w.name != "weight" and w.kind == "parameter")
        return weight, others, tuple(w for w in inner if w.kind != "parameter")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType | Types:
        return self.inner.shape(inputs, sizes)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        return self.inner.macs(inputs, outputs)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return self.inner.elementwise(inputs, outputs)

    def reach(self, inputs: Types) -> Reach:
        return self.inner.reach(inputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        made = _torch_module(self.inner.lower(inputs, outputs))
        assert made is not None
        return replace(made, around=self.around)

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"{self.inner.caption(inputs, outputs)}, {self.says}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


def _torch_module(lowered: Lowered) -> Mod | None:
    return lowered if isinstance(lowered, Mod) and isinstance(lowered.target, str) else None
