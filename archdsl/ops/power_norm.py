"""Power normalisation: by a running quadratic mean, with a gradient that runs along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

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
    code also starts with a warm-up on the batch's own mean and scales every token first. Training isn't compiled: the
    graph breaks here. ``elementwise`` counts output elements.

        input x: [B, T=16, 64]
        linear(64) -> power_norm
    """

    name: ClassVar[str] = "power_norm"
    role: ClassVar[Role] = "normalisation"

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
            y: Tensor = self.trained(x) if self.training else x * torch.rsqrt(self.running_square + self.eps)
            return y * self.weight + self.bias

        # Compiled (torch 2.13), what comes back to x is wrong, and nothing says so.
        @torch.compiler.disable  # type: ignore[untyped-decorator]
        def trained(self, x: Tensor) -> Tensor:
            y = x * torch.rsqrt(self.running_square + self.eps)
            square = x.detach().square().mean(dim=tuple(range(x.ndim - 1)))
            self.running_square.lerp_(square, 1 - self.alpha)
            if y.requires_grad:
                fixed = y.detach()
                y.register_hook(lambda g: self.corrected(g, fixed))  # type: ignore[no-untyped-call]
            return y

        def corrected(self, gradient: Tensor, y: Tensor) -> Tensor:
            found = gradient - self.running_gradient * y
            moved = (found * y).mean(dim=tuple(range(y.ndim - 1)))
            self.running_gradient.add_(moved, alpha=1 - self.alpha)
            return found

    return PowerNorm
