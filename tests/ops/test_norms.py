"""Norms and noise: which shapes torch refuses, what the modules of our own compute, rates known per instance only."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl import api
from archdsl.backend.interpret import Interpreter, Surroundings
from archdsl.diagnostics import DiagnosticError
from archdsl.dims import symbol
from archdsl.ops.base import Late, Operator
from archdsl.ops.batch_norm import BatchNorm, Norm
from archdsl.ops.dropout import Dropout, DropoutChannels, DropPath
from archdsl.ops.errors import OperatorError
from archdsl.ops.group_norm import GroupNorm, InstanceNorm
from archdsl.ops.layer_norm import LayerNorm
from archdsl.ops.response_norm import L2Norm, LocalResponseNorm
from archdsl.tensors import TensorType
from tests.ops.support import checker, interpreter

SHAPES = [s for rank in range(1, 6) for s in itertools.product((1, 2), repeat=rank)]


def accepted(op: Operator, shape: tuple[int, ...]) -> bool:
    with contextlib.suppress(OperatorError):
        op.shape((TensorType(shape),), checker())
        return True
    return False


def runs(module: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether torch takes the shape at inference and in training."""
    with contextlib.suppress(RuntimeError, ValueError), torch.no_grad():
        for training in (False, True):
            module.train(training)(torch.rand(shape))
        return True
    return False


@pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 1], ids=str)
def test_shapes_that_have_too_few_values_are_those_torch_refuses(shape: tuple[int, ...]) -> None:
    for groups in (1, 2):
        if shape[1] % groups == 0:
            assert accepted(GroupNorm(groups), shape) == runs(nn.GroupNorm(groups, shape[1]), shape), groups
    batch_norm = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[max(len(shape) - 3, 0)]
    assert accepted(BatchNorm(track_running_stats=False), shape) == runs(
        batch_norm(shape[1], track_running_stats=False), shape
    )
    if len(shape) > 2:
        instance_norm = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[len(shape) - 3]
        assert accepted(InstanceNorm(), shape) == runs(instance_norm(shape[1]), shape)
        assert accepted(LocalResponseNorm(2), shape) == runs(nn.LocalResponseNorm(2), shape)


@pytest.mark.parametrize("sizes", ["B", "B, T", "B, H, W"])
def test_batch_norm_without_weights_takes_any_number_of_channels(sizes: str) -> None:
    """F.batch_norm without running statistics, at two numbers of channels; with weights the number must be known."""
    dims = sizes.replace("B", "B, C", 1)
    text = f"model net {{ input x: [{dims}]\n batch_norm(affine=false, track_running_stats=false, eps=0.1) }}"
    model = api.parse(text)["net"]
    net = model.module(seed=0)
    assert model.params == 0
    for training, channels in ((True, 3), (False, 5)):
        x = torch.randn(4, channels, *(6, 7)[: sizes.count(",")])
        expected = F.batch_norm(x, None, None, training=True, eps=0.1)
        torch.testing.assert_close(net.train(training)(x), expected)
    for weighted in ("affine=false", "track_running_stats=false", ""):
        with pytest.raises(DiagnosticError, match="can't depend on a free size"):
            api.parse(f"model net {{ input x: [{dims}]\n batch_norm({weighted}) }}")


def test_running_statistics_need_no_second_value_at_inference() -> None:
    assert accepted(BatchNorm(), (1, 3))


def test_free_sizes_that_may_be_too_few_leave_a_bound() -> None:
    sizes = checker()
    InstanceNorm().shape((TensorType((symbol("B"), 3, symbol("H"), symbol("W"))),), sizes)
    (bound,) = sizes.bounds
    assert not bound.relation.holds({"B": 5, "H": 1, "W": 1})
    assert bound.relation.holds({"B": 1, "H": 2, "W": 1})
    sizes = checker()
    GroupNorm(3).shape((TensorType((symbol("B"), 3, 4)),), sizes)
    assert not sizes.bounds


def test_norm_chooses_by_where_the_features_are() -> None:
    first, last = TensorType((2, 3, 4, 4), features="first"), TensorType((2, 5, 8), features="last")
    assert Norm().lower((first,), (first,)) == BatchNorm().lower((first,), (first,))
    assert Norm().lower((last,), (last,)) == LayerNorm().lower((last,), (last,))
    with pytest.raises(OperatorError) as caught:
        Norm().shape((TensorType((2, 3, 4)),), checker())
    assert caught.value.code == "E0504"


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_l2_norm_scales_along_its_dim(dim: int) -> None:
    x = torch.randn(2, 3, 4)
    module = interpreter(L2Norm(dim=dim, scale=20), (TensorType((2, 3, 4)),))
    (weight,) = module.own_parameters().values()
    with torch.no_grad():
        assert weight.tolist() == [20] * x.shape[dim]
        weight.copy_(torch.rand_like(weight))
        expected = torch.movedim(torch.movedim(F.normalize(x, dim=dim), dim, -1) * weight, -1, dim)
        torch.testing.assert_close(module(x), expected)


def test_local_response_norm_divides_alpha_by_the_size() -> None:
    """The paper's formula with torch's alpha: SYSTEMS.md has it that torch divides by the size."""
    x, size, alpha, beta, k = torch.rand(1, 6, 2, 2), 5, 5e-1, 0.75, 2.0
    near = [x[:, max(0, c - size // 2) : c + size // 2 + 1].square().sum(1) for c in range(6)]
    expected = x / (k + alpha / size * torch.stack(near, 1)) ** beta
    op = LocalResponseNorm(size, alpha=alpha, beta=beta, k=k)
    torch.testing.assert_close(interpreter(op, (TensorType((1, 6, 2, 2)),))(x), expected)


# ------------------------------------------------------------------------------------------------------------- noise
NOISE = {Dropout: (16, 8, 4, 4), DropoutChannels: (16, 8, 1, 1), DropPath: (16, 1, 1, 1)}
KIND = TensorType((16, 8, 4, 4))


def noise(
    cls: type[Any], p: float, late: bool, training: bool = True, dtype: torch.dtype = torch.float32
) -> nn.Module:
    op = cls(Late("rate")) if late else cls(p)
    around = Surroundings(dtype=dtype, late={"rate": p})
    return Interpreter(op.lower((KIND,), (KIND,)), around).train(training)


@pytest.mark.parametrize("late", [False, True], ids=["known", "late"])
@pytest.mark.parametrize("cls", NOISE)
def test_noise(cls: type[Operator], late: bool) -> None:
    torch.manual_seed(0)
    x = torch.rand(KIND.shape) + 1  # type: ignore[arg-type]
    assert noise(cls, 0.4, late, training=False)(x) is x
    torch.testing.assert_close(noise(cls, 0.0, late)(x), x)
    for _ in range(5):
        y = noise(cls, 0.4, late)(x)
        kept = y != 0
        parts = kept[tuple(slice(n) for n in NOISE[cls])]
        assert torch.equal(parts.expand_as(kept), kept), "what is left out together must be"
        torch.testing.assert_close(y[kept], x[kept] / 0.6)
    counts = torch.stack([(noise(cls, 0.4, late)(x) != 0).float().mean() for _ in range(200)])
    error = 4 * (0.24 / (torch.Size(NOISE[cls]).numel() * 200)) ** 0.5
    assert abs(counts.mean().item() - 0.6) < error


@pytest.mark.parametrize("late", [False, True], ids=["known", "late"])
@pytest.mark.parametrize("cls", NOISE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_everything_left_out_gives_zeros_and_finite_gradients(
    cls: type[Operator], late: bool, dtype: torch.dtype
) -> None:
    x = torch.rand(KIND.shape, dtype=dtype, requires_grad=True)  # type: ignore[arg-type]
    y = noise(cls, 1.0, late, dtype=dtype)(x)
    assert y.dtype == dtype
    assert not y.any()
    y.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert not x.grad.any()


@pytest.mark.parametrize("cls", NOISE)
def test_layers_with_different_late_rates_share_one_graph(cls: type[Operator]) -> None:
    graphs = []

    def count(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    def call(module: nn.Module, x: torch.Tensor) -> Any:
        return module(x)

    torch._dynamo.reset()
    compiled = torch.compile(call, backend=count, fullgraph=True)
    layers = [noise(cls, p / 10, late=True).parts[0] for p in range(1, 6)]
    for layer in layers:
        compiled(layer, torch.rand(KIND.shape))  # type: ignore[arg-type]
    assert len(graphs) == 1


def test_a_late_rate_is_in_no_checkpoint() -> None:
    assert not noise(Dropout, 0.5, late=True).state_dict()
