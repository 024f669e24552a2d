"""Elementwise operators and reductions against torch: which dtypes and shapes are taken, and what comes out."""

# ruff: noqa: B023  (every lambda here is called before its loop goes on)

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from archdsl.dims import symbol
from archdsl.ops.arithmetic import Add
from archdsl.ops.base import Operator, Slot
from archdsl.ops.errors import OperatorError
from archdsl.ops.registry import find
from archdsl.tensors import DTYPES, TensorType
from tests.ops.support import checker, interpreter, outputs_of

INFIX: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "power": operator.pow, "equal": operator.eq,
    "not_equal": operator.ne, "less": operator.lt, "less_equal": operator.le, "greater": operator.gt,
    "greater_equal": operator.ge, "maximum": torch.maximum, "minimum": torch.minimum,
}  # fmt: skip
UNARY = (
    "exp", "log", "sqrt", "rsqrt", "abs", "sign", "sin", "cos", "floor", "ceil", "round", "square", "reciprocal",
    "erf", "isnan", "negative",
)  # fmt: skip


def real(kind: TensorType, fill: int = 1) -> torch.Tensor:
    return torch.full([int(d) for d in kind.shape], fill, dtype=getattr(torch, kind.dtype))  # type: ignore[arg-type]


def outcome(call: Callable[[], Any]) -> Any:
    """Shape and dtype of what torch makes, or None where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = call()
        except (RuntimeError, TypeError, IndexError, ValueError):
            return None
    tensors = (found,) if isinstance(found, torch.Tensor) else tuple(found)
    return [(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for t in tensors]


def promise(op: Operator, *inputs: TensorType) -> Any:
    """The same of the operator."""
    try:
        found = outputs_of(op, inputs)
    except OperatorError:
        return None
    return [(t.shape, t.dtype) for t in found]


def make(name: str, **arguments: Any) -> Operator:
    cls = find(name)
    assert cls is not None
    return cls(**arguments)


@pytest.mark.parametrize("name", INFIX)
def test_dtypes_of_two_tensors(name: str) -> None:
    for a, b in itertools.product(DTYPES, repeat=2):
        for shapes in (((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())):
            x, y = TensorType(shapes[0], a), TensorType(shapes[1], b)
            want = outcome(lambda x=x, y=y: INFIX[name](real(x), real(y)))  # type: ignore[misc]
            assert promise(make(name, left=Slot(0), right=Slot(1)), x, y) == want, (x, y)


@pytest.mark.parametrize("name", INFIX)
def test_dtypes_of_a_tensor_and_a_number(name: str) -> None:
    for dtype, number in itertools.product(DTYPES, (2, 0.5, -1, True)):
        for shape in ((2,), ()):
            x = TensorType(shape, dtype)
            if name == "power" and dtype == "bool" and isinstance(number, bool):
                continue  # torch has no power of bools but with a literal exponent; refused here
            forward, backward = make(name, left=Slot(0), right=number), make(name, left=number, right=Slot(0))
            if name in ("maximum", "minimum"):
                if isinstance(number, bool):
                    assert promise(forward, x) is None
                    continue
                bound = {"min" if name == "maximum" else "max": number}
                assert promise(forward, x) == promise(backward, x) == outcome(lambda: real(x).clamp(**bound))
                continue
            assert promise(forward, x) == outcome(lambda: INFIX[name](real(x), number)), (x, number)
            assert promise(backward, x) == outcome(lambda: INFIX[name](number, real(x))), (number, x)


@pytest.mark.parametrize("name", UNARY)
def test_dtypes_of_functions_of_one_tensor(name: str) -> None:
    for dtype in DTYPES:
        x = TensorType((2,), dtype)
        function = getattr(torch, {"negative": "neg"}.get(name, name))
        assert promise(make(name), x) == outcome(lambda: function(real(x))), x


def test_shapes_broadcast_as_in_torch() -> None:
    shapes = [s for rank in range(4) for s in itertools.product((1, 2, 3), repeat=rank)]
    for a, b in itertools.product(shapes, repeat=2):
        x, y = TensorType(a), TensorType(b)
        want = outcome(lambda: torch.empty(a) + torch.empty(b))
        assert promise(Add(Slot(0), Slot(1)), x, y) == want, (a, b)


def test_only_a_literal_one_broadcasts_and_the_message_has_both_shapes() -> None:
    height = symbol("H")
    x, y = TensorType((2, 3, height - 2)), TensorType((2, 3, height))
    with pytest.raises(OperatorError) as caught:
        Add(Slot(0), Slot(1)).shape((x, y), checker())
    assert caught.value.message == "dim 2 of the sum of [2, 3, H - 2] and [2, 3, H]: H - 2 against H", (
        caught.value.message
    )
    with pytest.raises(OperatorError) as caught:
        Add(Slot(0), Slot(1)).shape((TensorType((height,)), TensorType((4,))), checker())
    assert caught.value.code == "E0402"
    assert "H == 4" in caught.value.help
    one = Add(Slot(0), Slot(1)).shape((TensorType((height, 1)), TensorType((4,))), checker())
    assert one.shape == (height, 4)


def test_features_of_sums() -> None:
    last, first = TensorType((2, 3, 4), features="last"), TensorType((2, 3, 4), features="first")
    unknown, table = TensorType((2, 3, 4)), TensorType((3, 4))
    gate = TensorType((2, 3, 1))

    def features(*inputs: TensorType) -> Any:
        return Add(Slot(0), Slot(1)).shape(inputs, checker()).features

    assert features(last, last) == "last"
    assert features(last, table) == features(table, last) == "last"
    assert features(first, gate) == "first"
    assert features(last, first) is None
    assert features(last, unknown) is None
    assert Add(Slot(0), 2).shape((last,), checker()).features == "last"


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp,
    "var": torch.var, "std": torch.std, "any": torch.any, "all": torch.all,
    "norm_p": lambda x, dim, keepdim: torch.linalg.vector_norm(x, 2, dim, keepdim),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    dims: list[Any] = [
        *range(-4, 4), *itertools.product(range(-3, 3), repeat=2), (0, 1, 2), (2, -3, 1)
    ]  # fmt: skip
    for dim, keep in itertools.product(dims, (False, True)):
        x = TensorType((2, 3, 4))
        want = outcome(lambda: REDUCTIONS[name](real(x), dim=dim, keepdim=keep))
        assert promise(make(name, dim=dim, keep=keep), x) == want, (dim, keep)
    for dtype in DTYPES:
        y = TensorType((2, 3), dtype)
        assert promise(make(name, dim=1), y) == outcome(
            lambda: REDUCTIONS[name](real(y), dim=1, keepdim=False)
        )


def test_products_over_several_dims_are_those_of_all_elements() -> None:
    x = torch.rand(2, 3, 4, dtype=torch.float64)
    kind = TensorType((2, 3, 4), "float64")
    for keep in (False, True):
        found = interpreter(make("prod", dim=(2, 0), keep=keep), (kind,))(x)
        want = x.permute(1, 0, 2).reshape(3, 8).prod(1)
        torch.testing.assert_close(found, want.reshape(1, 3, 1) if keep else want)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("argmax", torch.argmax), ("argmin", torch.argmin), ("cumsum", torch.cumsum), ("cumprod", torch.cumprod),
        ("sort", torch.sort), ("argsort", torch.argsort), ("topk", lambda x, dim: torch.topk(x, 2, dim)),
    ],
)  # fmt: skip
def test_along_a_dim(name: str, function: Callable[..., Any]) -> None:
    extra = {"k": 2} if name == "topk" else {}
    for dtype, dim in itertools.product(DTYPES, range(-4, 4)):
        x = TensorType((2, 3, 4), dtype)
        assert promise(make(name, dim=dim, **extra), x) == outcome(lambda: function(real(x), dim=dim)), x


def test_where_takes_dtypes_as_torch_does() -> None:
    mask = TensorType((2,), "bool")
    given: list[Any] = [*(TensorType(s, d) for d in DTYPES for s in ((2,), ())), 1, 0.5, True]
    for a, b in itertools.product(given, repeat=2):
        inputs = [mask]
        operands = []
        for value in (a, b):
            if isinstance(value, TensorType):
                inputs.append(value)
                operands.append(Slot(len(inputs) - 1))
            else:
                operands.append(value)
        op = make("where", condition=Slot(0), a=operands[0], b=operands[1])
        values = [real(v) if isinstance(v, TensorType) else v for v in (a, b)]
        assert promise(op, *inputs) == outcome(lambda: torch.where(real(mask), *values)), (a, b)


def test_known_ranges_of_integers() -> None:
    from archdsl.tensors import Values

    ids = TensorType((4,), "int64", values=Values(0, 10))
    assert Add(Slot(0), 5).shape((ids,), checker()).values == Values(5, 15)
    assert make("multiply", left=-2, right=Slot(0)).shape((ids,), checker()).values == Values(-18, 1)  # type: ignore[union-attr]
    assert make("remainder", left=Slot(0), right=7).shape((ids,), checker()).values == Values(0, 7)  # type: ignore[union-attr]
    assert make("argmax", dim=0).shape((TensorType((symbol("N"), 2)),), checker()).values == Values(  # type: ignore[union-attr]
        0, symbol("N")
    )
