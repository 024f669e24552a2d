"""What activations share: one number in, one number out, whatever the shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar

from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, arguments_of
from archdsl.ops.checker import Checker
from archdsl.ops.spatial import numel, require_float
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class Pointwise(Operator):
    """An activation: its arguments are the keywords of the torch function it lowers to, defaults included.

    A subclass says ``function``, and in ``uses`` and ``misuses`` which arguments the samples shall cover.
    """

    role: ClassVar[Role] = "activation"
    function: ClassVar[str]
    uses: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    misuses: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def check(self) -> None:
        """Refuse arguments that don't fit each other. Raises E0501."""

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        require_float(self.name, x)
        self.check()
        return x

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def written(self) -> dict[str, Any]:
        """The arguments that differ from their defaults."""
        return {
            f.name: value
            for f in arguments_of(type(self))
            if (value := getattr(self, f.name)) != f.default or f.default is MISSING
        }

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(self.function, (Slot(0),), self.written())

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 5, 8), features="last"),))
        yield Sample((TensorType(()),))
        yield Sample((TensorType((3, 4), "float16"),))
        for arguments in cls.uses:
            yield Sample((TensorType((2, 3)),), arguments)
        for arguments in cls.misuses:
            yield Sample((TensorType((2, 3)),), arguments, "E0501")
        yield Sample((TensorType((2, 3), "int64"),), {}, "E0405")
        yield Sample((TensorType((2, 3), "bool"),), {}, "E0405")
