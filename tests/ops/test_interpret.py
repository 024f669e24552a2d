"""The interpreter of lowerings itself: what it may reach, what helpers see, what stands for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from archdsl.backend.interpret import Interpreter, LoweringError, Surroundings, run
from archdsl.dims import symbol
from archdsl.ops.base import Fn, Late, Lowered, Mod, Slot
from archdsl.ops.linear import Linear

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.nn import functional as F

X = torch.arange(6.0).view(2, 3)


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)


def twice_if_even(x: Tensor, n: int) -> Tensor:
    return F.relu(x) * 2 if even(n) else x


def scaled() -> type:
    class Scaled(nn.Module):
        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = by

        def forward(self, x: Tensor) -> Tensor:
            return x * self.by

    return Scaled


def value(lowered: Lowered, *tensors: Tensor, **around: Any) -> Any:
    return Interpreter(lowered, Surroundings(**around))(*tensors)


def test_functions_methods_and_operators_nest() -> None:
    rows = Fn("operator.getitem", (Fn(".shape", (Slot(0),)), 0))
    assert value(Fn("operator.mul", (rows, Fn("math.sqrt", (4,)))), X) == 4.0
    part = Fn("operator.getitem", (Slot(0), (slice(None), slice(Fn("operator.sub", (rows, 1)), None))))
    assert torch.equal(value(part, X), X[:, 1:])
    assert torch.equal(
        value(Fn("torch.cat", ((Slot(0), Slot(1)),), {"dim": 1}), X, X), torch.cat((X, X), dim=1)
    )


def test_constants_sizes_and_markers() -> None:
    made = Fn(
        "torch.full",
        ((symbol("N") * 2, 3), Fn("math.log", (1,))),
        {"dtype": Fn("dtype"), "device": Fn("device")},
    )
    found = value(made, sizes={"N": 2}, dtype=torch.float64, device=torch.device("meta"))
    assert (found.shape, found.dtype, found.device.type) == ((4, 3), torch.float64, "meta")
    assert value(Fn(".to", (Slot(0), Fn("torch.float16"))), X).dtype == torch.float16


def test_helpers_see_the_names_of_the_emitted_file_and_each_other() -> None:
    assert torch.equal(value(Fn(twice_if_even, (Slot(0), 4)), X), X * 2)
    assert torch.equal(value(Fn(twice_if_even, (Slot(0), 3)), X), X)


def test_late_values_and_modules_of_our_own() -> None:
    lowered = Mod(scaled, (Late("rate"),), inputs=(Fn("torch.neg", (Slot(0),)),))
    assert torch.equal(value(lowered, X, late={"rate": 3.0}), X * -3)


def test_a_module_mentioned_twice_is_one() -> None:
    once = Mod("nn.Linear", (3, 3))
    both = Interpreter(Fn("operator.add", (once, once)))
    assert list(both.own_parameters()) == ["weight", "bias"]
    assert len(both.parts) == 1


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "torch",
        "torch.no_such_thing",
        "torch._C",
        "builtins.eval",
        "nn.functional.__dict__",
        "eval",
    ],
)
def test_targets_outside_of_torch_are_refused(target: str) -> None:
    with pytest.raises(LoweringError):
        value(Fn(target, (Slot(0),)), X)


def test_private_methods_are_refused() -> None:
    with pytest.raises(LoweringError, match="not a public name"):
        value(Fn(".__class__", (Slot(0),)), X)


def test_helpers_must_be_plain_functions() -> None:
    with pytest.raises(LoweringError, match="plain function"):
        value(Fn(torch.relu, (Slot(0),)), X)


def test_run_takes_device_and_dtype_from_the_tensors() -> None:
    lowered = Mod("nn.Linear", (3, 4))
    assert run(Linear(4), lowered, [X.to("meta", torch.float64)]).dtype == torch.float64
    with pytest.raises(LoweringError, match="linear: "):
        run(Linear(4), Fn("os.system", ("true",)), [X])
