"""Losses between a prediction and a target of the same shape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping, keeping_losses, passing
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class PairLoss(Operator):
    """What losses between two tensors of one shape share; ``function`` is torch's.

    Shapes: twice ``[...]`` to ``[]``, or ``[...]`` with ``reduction="none"``. Sizes of 1 don't broadcast: where torch
    would do so (and warns), something has been forgotten.
    """

    role: ClassVar[Role] = "loss"
    takes_wire: ClassVar[bool] = False
    function: ClassVar[str] = ""

    input: Slot = argument("tensor")
    target: Slot = argument("tensor")
    reduction: str = argument("str", "mean", choices=REDUCTIONS, keyword_only=True)

    def options(self) -> dict[str, Any]:
        """Keywords of the torch function that differ from its defaults."""
        return {}

    def operands(self, inputs: Types, sizes: Checker) -> tuple[TensorType, TensorType]:
        """Both tensors, once it is clear that they fit each other."""
        x, target = inputs[self.input.index], inputs[self.target.index]
        for one in (x, target):
            if not one.is_float:
                raise errors.wrong_dtype(self.name, "floats", one)
        if x.dtype != target.dtype:
            raise errors.wrong_dtype(self.name, f"a target of the prediction's type, {x.dtype}", target)
        if x.rank != target.rank:
            raise errors.wrong_rank(self.name, f"a target of the prediction's shape, {x}", target)
        for dim, (a, b) in enumerate(zip(x.shape, target.shape, strict=True)):
            sizes.equal(a, b, f"dim {dim} of {self.name}'s prediction and target")
        return x, target

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, _ = self.operands(inputs, sizes)
        return x if self.reduction == "none" else x.with_shape(())

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The numbers compared."""
        count = inputs[self.input.index].numel
        assert isinstance(count, int)
        return count

    def reach(self, inputs: Types) -> Reach:
        return Reach("pointwise" if self.reduction == "none" else "whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords = self.options() | reduction_keyword(self.reduction)
        return Fn(self.function, (self.input, self.target), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        pair = {"input": Slot(0), "target": Slot(1)}
        x = TensorType((3, 4))
        for reduction in REDUCTIONS:
            yield Sample((x, x), {**pair, "reduction": reduction})
        yield Sample((x, TensorType((3, 1))), pair, code="E0401")
        yield Sample((x, TensorType((3,))), pair, code="E0404")
        yield Sample((x, TensorType((3, 4), "int64")), pair, code="E0405")
        yield Sample((x, TensorType((3, 4), "float64")), pair, code="E0405")


def reduction_keyword(reduction: str) -> dict[str, Any]:
    """``reduction=`` where it isn't torch's default."""
    return {} if reduction == "mean" else {"reduction": reduction}


def reduced(loss: Fn, reduction: str) -> Fn:
    """The mean or sum of a loss that is computed element by element."""
    return loss if reduction == "none" else Fn(f".{reduction}", (loss,))


def with_option(samples: Iterable[Sample], **options: Any) -> Iterable[Sample]:
    """The first of the samples once more, with further arguments."""
    first = next(iter(samples))
    yield Sample(first.inputs, {**first.arguments, **options})


@operator
@dataclass(frozen=True)
class Mse(PairLoss):
    """``(input - target) ** 2``, the mean by default (``F.mse_loss``).

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 10]
        input y: [B, 10]
        mse(x, y)
    """

    name: ClassVar[str] = "mse"
    function: ClassVar[str] = "F.mse_loss"
    kept = keeping.all_inputs


@operator
@dataclass(frozen=True)
class L1(PairLoss):
    """``|input - target|``, the mean by default (``F.l1_loss``).

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 10]
        input y: [B, 10]
        l1(x, y)
    """

    name: ClassVar[str] = "l1"
    function: ClassVar[str] = "F.l1_loss"
    kept = keeping_losses.signs
    inside = passing.nothing


@operator
@dataclass(frozen=True)
class SmoothL1(PairLoss):
    """``d ** 2 / (2 beta)`` where ``d = |input - target| < beta``, else ``d - beta / 2`` (Girshick, 2015;
    ``F.smooth_l1_loss``).

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 4]
        input y: [B, 4]
        smooth_l1(x, y, beta=0.1)
    """

    name: ClassVar[str] = "smooth_l1"
    function: ClassVar[str] = "F.smooth_l1_loss"
    kept = keeping_losses.smooth

    beta: float = argument("float", 1.0, at_least=0)

    def options(self) -> dict[str, Any]:
        return {} if self.beta == 1.0 else {"beta": self.beta}

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield from with_option(super().samples(), beta=0.0)
        yield from with_option(super().samples(), beta=0.1)


@operator
@dataclass(frozen=True)
class Huber(PairLoss):
    """``d ** 2 / 2`` where ``d = |input - target| < delta``, else ``delta (d - delta / 2)`` (``F.huber_loss``).

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 4]
        input y: [B, 4]
        huber(x, y)
    """

    name: ClassVar[str] = "huber"
    function: ClassVar[str] = "F.huber_loss"
    kept = keeping.all_inputs

    delta: float = argument("float", 1.0, above=0)

    def options(self) -> dict[str, Any]:
        return {} if self.delta == 1.0 else {"delta": self.delta}

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield from with_option(super().samples(), delta=0.3)


@operator
@dataclass(frozen=True)
class Bce(PairLoss):
    """``-target log(input) - (1 - target) log(1 - input)`` of probabilities (``F.binary_cross_entropy``).

    Of logits, ``bce_with_logits`` is exact where this overflows.

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 1]
        input y: [B, 1]
        bce(sigmoid(x), y)
    """

    name: ClassVar[str] = "bce"
    function: ClassVar[str] = "F.binary_cross_entropy"
    kept = keeping.all_inputs


@operator
@dataclass(frozen=True)
class BceWithLogits(PairLoss):
    """The binary cross-entropy of ``sigmoid(input)``, computed from the logits
    (``F.binary_cross_entropy_with_logits``).

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 1]
        input y: [B, 1]
        bce_with_logits(x, y)
    """

    name: ClassVar[str] = "bce_with_logits"
    function: ClassVar[str] = "F.binary_cross_entropy_with_logits"
    kept = keeping.all_inputs


@operator
@dataclass(frozen=True)
class KlDiv(PairLoss):
    """``target (log(target) - input)``: how far the distribution ``target`` is from that whose logarithm is ``input``
    (``F.kl_div``). ``log_target`` says that the target is a logarithm too. ``reduction="batchmean"`` divides the sum by
    the first dim only, as the definition does; "mean" is torch's default.

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 10]
        input y: [B, 10]
        kl_div(log_softmax(x), softmax(y), reduction="batchmean")
    """

    name: ClassVar[str] = "kl_div"
    function: ClassVar[str] = "F.kl_div"
    kept = keeping_losses.divergence
    inside = passing.nothing

    reduction: str = argument("str", "mean", choices=(*REDUCTIONS, "batchmean"), keyword_only=True)
    log_target: bool = argument("bool", False, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if self.reduction == "batchmean" and not inputs[self.input.index].rank:
            raise errors.wrong_rank(
                "kl_div", 'a batch to take reduction="batchmean" over', inputs[self.input.index]
            )
        return super().shape(inputs, sizes)

    def options(self) -> dict[str, Any]:
        return {"log_target": True} if self.log_target else {}

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield from with_option(super().samples(), reduction="batchmean")
        yield from with_option(super().samples(), log_target=True, reduction="none")
        pair = {"input": Slot(0), "target": Slot(1), "reduction": "batchmean"}
        yield Sample((TensorType(()), TensorType(())), pair, code="E0404")


@operator
@dataclass(frozen=True)
class Hinge(PairLoss):
    """``max(0, margin - target * input)`` for targets of 1 and -1 (support vector machines; discriminators of GANs).

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 1]
        input y: [B, 1]
        hinge(x, y)
    """

    name: ClassVar[str] = "hinge"
    kept = keeping_losses.margin

    margin: float = argument("float", 1.0)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        product = Fn("operator.mul", (self.target, self.input))
        loss = Fn("F.relu", (Fn("operator.sub", (self.margin, product)),))
        return reduced(loss, self.reduction)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield from with_option(super().samples(), margin=0.5)
