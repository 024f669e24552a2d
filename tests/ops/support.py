"""What the operator tests share: checkers, tensors for abstract types, samples by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from archdsl.backend.interpret import Interpreter, Surroundings
from archdsl.ops.base import Operator, Sample, Types
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operators
from archdsl.sizes.assumptions import Assumptions
from archdsl.tensors import TensorType


def checker() -> Checker:
    """A checker that assumes nothing beyond sizes being at least 1."""
    return Checker(Assumptions.empty())


def build(cls: type[Operator], arguments: Mapping[str, Any]) -> Operator:
    """The operator with these arguments, lists as the elaborator hands them over (tuples)."""
    return cls(**{name: _frozen(value) for name, value in arguments.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def outputs_of(op: Operator, inputs: Types, sizes: Checker | None = None) -> Types:
    """The output types, always as a tuple."""
    found = op.shape(inputs, sizes or checker())
    return (found,) if isinstance(found, TensorType) else found


def torch_dtype(name: str, model: torch.dtype = torch.float32) -> torch.dtype:
    """The torch dtype; float32 stands for the model's."""
    found: torch.dtype = model if name == "float32" else getattr(torch, name)
    return found


def tensor(
    kind: TensorType, device: str = "cpu", high: int = 2, model: torch.dtype = torch.float32
) -> torch.Tensor:
    """A tensor of that type: random floats, integers in ``range(high)``."""
    dtype = torch_dtype(kind.dtype, model)
    shape = [int(d) for d in kind.shape]  # type: ignore[call-overload]
    if device == "meta":
        return torch.empty(shape, dtype=dtype, device="meta")
    if kind.is_float:
        return torch.rand(shape, device=device).to(dtype)
    return torch.randint(0, 2 if kind.dtype == "bool" else high, shape, device=device).to(dtype)


def tensors(
    inputs: Types, device: str = "cpu", high: int = 2, model: torch.dtype = torch.float32
) -> list[torch.Tensor]:
    """One tensor per type."""
    return [tensor(t, device, high, model) for t in inputs]


def interpreter(
    op: Operator,
    inputs: Types,
    device: str = "cpu",
    model: torch.dtype = torch.float32,
    training: bool = False,
) -> Interpreter:
    """The operator's lowering, ready to be called."""
    lowered = op.lower(inputs, outputs_of(op, inputs))
    return Interpreter(lowered, Surroundings(torch.device(device), model)).train(training)


def as_tuple(value: Any) -> tuple[torch.Tensor, ...]:
    """The outputs as a flat tuple of tensors."""
    return (value,) if isinstance(value, torch.Tensor) else tuple(value)


def described(values: Sequence[torch.Tensor]) -> list[tuple[tuple[int, ...], torch.dtype]]:
    """Shapes and dtypes, to be compared."""
    return [(tuple(v.shape), v.dtype) for v in values]


def promised(types: Types, model: torch.dtype = torch.float32) -> list[tuple[Any, torch.dtype]]:
    """What ``described`` must give for tensors of these types."""
    return [(t.shape, torch_dtype(t.dtype, model)) for t in types]


def all_samples(valid: bool) -> Iterator[tuple[str, type[Operator], Sample]]:
    """Every sample of every operator with a name for it."""
    for name, cls in sorted(operators().items()):
        for i, sample in enumerate(cls.samples()):
            if (sample.code is None) == valid:
                yield f"{name}-{i}", cls, sample
