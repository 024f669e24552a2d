"""Normalisation within a sample: over groups of channels, or over each channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.ops import errors, keeping_layers
from archdsl.ops.base import Fn, Lowered, Mod, Operator, Role, Sample, Slot, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import (
    int_dim,
    more_than_one,
    numel,
    require_float,
    require_model_float,
    spatial_rank,
)
from archdsl.tensors import TensorType


@operator
@dataclass(frozen=True)
class GroupNorm(Operator):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, statistics per sample over ``C / groups`` channels each.

    ``[B, C, *spatial]``, unchanged (Wu and He, 2018; ``torch.nn.GroupNorm``). ``elementwise`` counts output elements.

        input image: [B, 3, H=32, W=32]
        conv(8) -> group_norm(4) -> relu
    """

    name: ClassVar[str] = "group_norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.group_norm

    groups: int = argument("int", at_least=1)
    eps: float = argument("float", 1e-5, above=0, keyword_only=True)
    affine: bool = argument("bool", True, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < 2:
            raise errors.wrong_rank("group_norm", "a batch and channels", x)
        (require_model_float if self.affine else require_float)("group_norm", x)
        channels = sizes.constant(x.shape[1], "the number of channels")
        sizes.divisible(channels, self.groups, "the channels in groups", "groups")
        if channels == self.groups:
            # torch looks at the batch too, although each sample is normalised on its own.
            more_than_one(sizes, (x.shape[0], *x.shape[2:]), "the number of values per channel")
        return replace(x, features="first")

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        channels = (int_dim(inputs[0], 1),)
        both = Weight("weight", channels, self.weight_init), Weight("bias", channels, self.bias_init)
        return both if self.affine else ()

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        words: dict[str, Any] = {} if self.eps == 1e-5 else {"eps": self.eps}
        words |= {} if self.affine else {"affine": False}
        return Mod("nn.GroupNorm", (self.groups, int_dim(inputs[0], 1)), words)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        image = TensorType((2, 6, 5, 4))
        yield Sample((image,), {"groups": 3})
        yield Sample((TensorType((2, 6)),), {"groups": 2, "eps": 1e-3})
        yield Sample((TensorType((2, 6, 5)),), {"groups": 6, "affine": False})
        yield Sample((TensorType((2, 6, 2, 2, 2, 2)),), {"groups": 1})
        yield Sample((TensorType((2, 6, 4), "float16"),), {"groups": 1, "affine": False})
        yield Sample((image,), {"groups": 4}, "E0407")
        yield Sample((TensorType((1, 6)),), {"groups": 6}, "E0406")
        yield Sample((TensorType((6,)),), {"groups": 2}, "E0404")
        yield Sample((TensorType((2, 6), "int64"),), {"groups": 2}, "E0405")


@operator
@dataclass(frozen=True)
class InstanceNorm(Operator):
    """``(x - mean) / sqrt(var + eps)``, statistics per sample and channel (``torch.nn.InstanceNorm2d``).

    ``[B, C, *spatial]``, unchanged (Ulyanov et al., 2016). As in torch it has no weights unless ``affine``, and uses
    running statistics at inference only with ``track_running_stats``. ``elementwise`` counts output elements.

        input image: [B, 3, H=32, W=32]
        conv(8) -> instance_norm(affine=true) -> relu
    """

    name: ClassVar[str] = "instance_norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.instance_norm

    eps: float = argument("float", 1e-5, above=0, keyword_only=True)
    momentum: float = argument("float", 0.1, at_least=0, at_most=1, keyword_only=True)
    affine: bool = argument("bool", False, keyword_only=True)
    track_running_stats: bool = argument("bool", False, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        spatial_rank("instance_norm", x)
        weighted = self.affine or self.track_running_stats
        (require_model_float if weighted else require_float)("instance_norm", x)
        if weighted:
            sizes.constant(x.shape[1], "the number of channels")
        # With running statistics one value would do at inference, never in training.
        more_than_one(sizes, x.shape[2:], "the number of positions")
        return replace(x, features="first")

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        if not (self.affine or self.track_running_stats):
            return ()
        channels = (int_dim(inputs[0], 1),)
        found: list[Weight] = []
        if self.affine:
            found += [Weight("weight", channels, self.weight_init), Weight("bias", channels, self.bias_init)]
        if self.track_running_stats:
            found += [
                Weight("running_mean", channels, kind="buffer"),
                Weight("running_var", channels, kind="buffer"),
                Weight("num_batches_tracked", (), dtype="int64", kind="buffer"),
            ]
        return tuple(found)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        if not isinstance(x.shape[1], int):  # no weights, and no number for a module
            return Fn("F.instance_norm", (Slot(0),), {} if self.eps == 1e-5 else {"eps": self.eps})
        words = {"eps": (self.eps, 1e-5), "momentum": (self.momentum, 0.1), "affine": (self.affine, False)}
        words |= {"track_running_stats": (self.track_running_stats, False)}
        return Mod(
            f"nn.InstanceNorm{x.rank - 2}d",
            (int_dim(x, 1),),
            {name: value for name, (value, default) in words.items() if value != default},
        )

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((2, 3, 7), (2, 3, 5, 4), (2, 3, 2, 3, 4)):
            yield Sample((TensorType(shape),))
        image = TensorType((2, 3, 5, 4))
        yield Sample((image,), {"affine": True, "eps": 1e-3})
        yield Sample((image,), {"track_running_stats": True, "momentum": 0.5})
        yield Sample((TensorType((2, 3, 1, 1)),), {}, "E0406")
        yield Sample((TensorType((2, 3)),), {}, "E0404")
        yield Sample((TensorType((2, 3, 4), "int64"),), {}, "E0405")
