"""Normalisation per channel, and the norm that fits where the features are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.ops import errors, keeping_layers
from archdsl.ops.base import Fn, Lowered, Mod, Operator, Role, Sample, Slot, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.layer_norm import LayerNorm
from archdsl.ops.registry import operator
from archdsl.ops.spatial import int_dim, more_than_one, numel, require_model_float
from archdsl.tensors import TensorType


@operator
@dataclass(frozen=True)
class BatchNorm(Operator):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` per channel (Ioffe and Szegedy, 2015; ``torch.nn.BatchNorm2d``).

    ``[B, C]`` or ``[B, C, *spatial]``, unchanged. The statistics are those of the batch in training and running ones,
    kept as buffers, at inference; always those of the batch with ``track_running_stats=false``; then, and with
    ``affine=false``, there are no weights, and the number of channels may be free. torch's
    ``momentum=None`` is left out: it reads a tensor's value, which no compiled graph can. ``elementwise`` counts output
    elements.

        input image: [B, 3, H=32, W=32]
        conv(8) -> batch_norm -> relu
    """

    name: ClassVar[str] = "batch_norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.batch_norm

    eps: float = argument("float", 1e-5, above=0, keyword_only=True)
    momentum: float = argument("float", 0.1, at_least=0, at_most=1, keyword_only=True)
    affine: bool = argument("bool", True, keyword_only=True)
    track_running_stats: bool = argument("bool", True, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if not 2 <= x.rank <= 5:
            raise errors.wrong_rank("batch_norm", "a batch, channels and at most 3 spatial dims", x)
        require_model_float("batch_norm", x)
        if self.affine or self.track_running_stats:
            sizes.constant(x.shape[1], "the number of channels")
        if not self.track_running_stats:
            more_than_one(sizes, (x.shape[0], *x.shape[2:]), "the number of values per channel")
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
            eps = {} if self.eps == 1e-5 else {"eps": self.eps}
            return Fn("F.batch_norm", (Slot(0), None, None), {"training": True, **eps})
        words = {"eps": (self.eps, 1e-5), "momentum": (self.momentum, 0.1), "affine": (self.affine, True)}
        words |= {"track_running_stats": (self.track_running_stats, True)}
        return Mod(
            f"nn.BatchNorm{max(x.rank - 2, 1)}d",
            (int_dim(x, 1),),
            {name: value for name, (value, default) in words.items() if value != default},
        )

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((4, 3), (2, 3, 7), (2, 3, 5, 4), (2, 3, 2, 3, 4)):
            yield Sample((TensorType(shape),))
        image = TensorType((2, 3, 5, 4))
        yield Sample((image,), {"eps": 1e-3, "momentum": 0.01})
        yield Sample((image,), {"affine": False})
        yield Sample((image,), {"track_running_stats": False})
        yield Sample((image,), {"affine": False, "track_running_stats": False})
        yield Sample((TensorType((1, 3)),), {"track_running_stats": False}, "E0406")
        yield Sample((TensorType((3,)),), {}, "E0404")
        yield Sample((TensorType((2, 3, 1, 1, 1, 1)),), {}, "E0404")
        yield Sample((TensorType((2, 3), "int64"),), {}, "E0405")


@operator
@dataclass(frozen=True)
class Norm(Operator):
    """Batch norm where the features are at dim 1, layer norm where they are last, with the defaults of each.

    Which it is, the operator that made the tensor says: convolutions, pools and ``batch_norm`` put features at dim 1,
    ``linear``, ``embedding``, attention and ``layer_norm`` last. Where nothing says so, an error asks.

        input image: [B, 3, H=32, W=32]
        conv(8) -> norm -> relu
    """

    name: ClassVar[str] = "norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.batch_or_layer_norm

    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def chosen(self, x: TensorType) -> Operator:
        """The norm that fits. Raises E0504."""
        if x.features is None:
            raise errors.unknown_features("norm", x)
        kind = BatchNorm if x.features == "first" else LayerNorm
        return kind(weight_init=self.weight_init, bias_init=self.bias_init)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        found = self.chosen(inputs[0]).shape(inputs, sizes)
        assert isinstance(found, TensorType)
        return found

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        return self.chosen(inputs[0]).weights(inputs)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return self.chosen(inputs[0]).lower(inputs, outputs)

    def caption(self, inputs: Types, outputs: Types) -> str:
        return self.chosen(inputs[0]).caption(inputs, outputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 3, 5, 4), features="first"),))
        yield Sample((TensorType((2, 5, 8), features="last"),))
        yield Sample((TensorType((2, 5, 8)),), {}, "E0504")
        yield Sample((TensorType((2, 5, 8), "int64", features="last"),), {}, "E0405")
