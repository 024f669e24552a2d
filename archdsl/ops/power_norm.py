"""Power normalisation: by a running quadratic mean, with a gradient that runs along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops import keeping_layers, passing
from archdsl.ops.base import Lowered, Mod, Operator, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.errors import wrong_rank
from archdsl.ops.linear import int_size
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel, require_model_float
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@operator
@dataclass(frozen=True)
class PowerNorm(Operator):
    """``x / psi * weight + bias`` over the last dim, ``psi^2`` the running mean of ``x^2`` per feature over all that
    went before ("PowerNorm: Rethinking Batch Normalization in Transformers", Shen et al., 2020, algorithm 2).

    ``[..., D]``, unchanged. In training the gradient of ``x`` is ``(g - nu * x / psi) / psi`` with ``g`` that of
    ``x / psi`` and ``nu`` a running mean too; both, kept as buffers, move by ``1 - alpha`` at each step. The released
    code also starts with a warm-up on the batch's own mean and scales every token first. ``elementwise`` counts output
    elements.

        input x: [B, T=16, 64]
        linear(64) -> power_norm
    """

    name: ClassVar[str] = "power_norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.power_norm
    inside = passing.twice_more

    eps: float = argument("float", 1e-5, above=0, keyword_only=True)
    alpha: float = argument("float", 0.9, at_least=0, at_most=1, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < 2:
            raise wrong_rank("power_norm", "a batch and a last dim for the features", x)
        require_model_float("power_norm", x)
        sizes.constant(x.shape[-1], "the number of features")
        return replace(x, features="last")

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        features = (int_size(inputs[0]),)
        return (
            Weight("weight", features, self.weight_init),
            Weight("bias", features, self.bias_init),
            Weight("running_square", features, kind="buffer"),
            Weight("running_gradient", features, kind="buffer"),
        )

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        words = {"eps": (self.eps, 1e-5), "alpha": (self.alpha, 0.9)}
        return Mod(
            power_norm,
            (int_size(inputs[0]),),
            {name: value for name, (value, default) in words.items() if value != default},
        )

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((4, 3), (2, 7, 3), (2, 3, 5, 4)):
            yield Sample((TensorType(shape),), training_differs=False)
        yield Sample((TensorType((2, 7, 3)),), {"eps": 1e-3, "alpha": 0.5})
        yield Sample((TensorType((3,)),), {}, "E0404")
        yield Sample((TensorType((2, 3), "int64"),), {}, "E0405")


# ------------------------------------------------------------------------------------- helpers of the emitted source


def power_norm() -> type[nn.Module]:
    """A module, because it keeps running means, and corrects a gradient on its way back."""

    class PowerNorm(nn.Module):
        running_square: Tensor
        running_gradient: Tensor

        def __init__(self, features: int, eps: float = 1e-5, alpha: float = 0.9) -> None:
            super().__init__()
            self.eps, self.alpha = eps, alpha
            self.weight = nn.Parameter(torch.ones(features))
            self.bias = nn.Parameter(torch.zeros(features))
            self.register_buffer("running_square", torch.ones(features))
            self.register_buffer("running_gradient", torch.zeros(features))

        def forward(self, x: Tensor) -> Tensor:
            psi = torch.rsqrt(self.running_square + self.eps)
            if self.training:
                y = self.Corrected.apply(x, psi, self.running_gradient, 1 - self.alpha)  # type: ignore[no-untyped-call]
                square = x.detach().square().mean(dim=tuple(range(x.ndim - 1)))
                # A new tensor, not the old one changed: compiled (torch 2.13), what was read off the old one would be
                # computed again on the way back, from what it holds by then, and nothing says so.
                self.running_square = torch.lerp(self.running_square, square, 1 - self.alpha)
            else:
                y = x * psi
            found: Tensor = y * self.weight + self.bias
            return found

        class Corrected(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Tensor, psi: Tensor, running: Tensor, step: float) -> Tensor:
                y = x * psi
                ctx.save_for_backward(y, psi)
                ctx.running, ctx.step = running, step
                return y

            @staticmethod
            def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
                y, psi = ctx.saved_tensors
                found = gradient - ctx.running * y
                moved = (found * y).mean(dim=tuple(range(y.ndim - 1)))
                ctx.running.add_(moved, alpha=ctx.step)
                return found * psi, None, None, None

    return PowerNorm
