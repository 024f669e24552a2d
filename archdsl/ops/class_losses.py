"""Losses of scores per class against the right class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping_losses, passing
from archdsl.ops.axes import resolve_dim
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.losses import REDUCTIONS, reduction_keyword
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType, Values


@dataclass(frozen=True)
class ClassLoss(Operator):
    """What cross_entropy and nll share: which dim holds the classes, and what a target may be."""

    role: ClassVar[Role] = "loss"
    takes_wire: ClassVar[bool] = False
    function: ClassVar[str]
    # What F.cross_entropy and F.nll_loss leave out where nothing is said.
    torch_ignores: ClassVar[int] = -100

    logits: Slot = argument("tensor")
    target: Slot = argument("tensor")
    ignore_index: int | None = argument("int", None, keyword_only=True)
    dim: int | None = argument("int", None, keyword_only=True)
    reduction: str = argument("str", "mean", choices=REDUCTIONS, keyword_only=True)

    def class_dim(self, logits: TensorType) -> int:
        """The dim of the classes: ``dim``, else where the features are; of a matrix the second. Raises E0501."""
        if self.dim is not None:
            return resolve_dim(self.name, self.dim, logits)
        if not logits.rank:
            raise errors.wrong_rank(self.name, "scores [.., classes]", logits)
        if logits.rank <= 2 or logits.features == "last":
            return logits.rank - 1
        if logits.features == "first":
            return 1
        raise errors.bad_argument(
            "dim",
            f"which dim of {logits} holds the classes isn't known here",
            help="write dim=-1 for scores per token, dim=1 for a map of scores",
        )

    def soft(self, inputs: Types) -> bool:
        """Whether the target is a distribution over the classes instead of a class."""
        return False

    def options(self) -> dict[str, Any]:
        """Keywords of the torch function that differ from its defaults, beside those that both have."""
        return {}

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        logits, target = inputs[self.logits.index], inputs[self.target.index]
        if not logits.is_float:
            raise errors.wrong_dtype(self.name, "scores that are floats", logits)
        dim = self.class_dim(logits)
        left = (*logits.shape[:dim], *logits.shape[dim + 1 :])
        if self.soft(inputs):
            want, what = logits.shape, f"a distribution of the scores' shape, {logits}"
        else:
            want, what = left, f"a class for each place, {TensorType(left, 'int64')}"
            if target.dtype != "int64":  # uint8 too runs eagerly, but not when compiled
                raise errors.wrong_dtype(self.name, "classes that are int64", target)
        if target.rank != len(want):
            raise errors.wrong_rank(self.name, what, target)
        for place, (a, b) in enumerate(zip(target.shape, want, strict=True)):
            sizes.equal(a, b, f"dim {place} of {self.name}'s target")
        classes = logits.shape[dim]
        if not self.soft(inputs) and isinstance(classes, int):
            also = self.torch_ignores if self.ignore_index is None else self.ignore_index
            # A class that is ignored may lie outside: below, or above.
            low, high = (0, classes) if self.ignore_index is None else (min(0, also), max(classes, also + 1))
            sizes.values(target, low, high, f"the classes of {self.name}")
        return TensorType(left if self.reduction == "none" else (), logits.dtype)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The scores."""
        count = inputs[self.logits.index].numel
        assert isinstance(count, int)
        return count

    def reach(self, inputs: Types) -> Reach:
        return Reach("pointwise" if self.reduction == "none" else "whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        logits_type = inputs[self.logits.index]
        dim, last = self.class_dim(logits_type), logits_type.rank - 1
        keywords = self.options() | reduction_keyword(self.reduction)
        if self.ignore_index is not None and self.ignore_index != self.torch_ignores:
            keywords = {"ignore_index": self.ignore_index, **keywords}
        logits: Slot | Fn = self.logits
        target: Slot | Fn = self.target
        soft = self.soft(inputs)
        if last > 1 and dim == last:
            # torch wants the classes at dim 1; rows of scores are faster than moving the dim.
            logits = Fn(".flatten", (logits, 0, -2))
            target = Fn(".flatten", (target, 0, -2) if soft else (target,))
            loss = Fn(self.function, (logits, target), keywords)
            if self.reduction != "none":
                return loss
            like = Fn(".select", (self.target, -1, 0)) if soft else self.target
            return Fn(".view_as", (loss, like))
        if last > 0 and dim != 1:
            logits = Fn(".movedim", (logits, dim, 1))
            target = Fn(".movedim", (target, dim, 1)) if soft else target
        return Fn(self.function, (logits, target), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        pair = {"logits": Slot(0), "target": Slot(1)}

        def use(
            shape: tuple[int, ...],
            target: tuple[int, ...],
            features: Any = None,
            code: str | None = None,
            **more: Any,
        ) -> Sample:
            dtype = more.pop("dtype", "int64")
            types = (TensorType(shape, features=features), TensorType(target, dtype))
            return Sample(types, {**pair, **more}, code=code, high=4)

        for reduction in REDUCTIONS:
            yield use((3, 4), (3,), reduction=reduction)
            yield use((3, 5, 4), (3, 5), "last", reduction=reduction)
            yield use((3, 4, 5, 6), (3, 5, 6), "first", reduction=reduction)
            yield use((4, 3, 5), (3, 5), dim=0, reduction=reduction)
        yield use((4,), ())
        yield use((4, 3), (3,), dim=0)
        yield use((2, 3, 4, 5), (2, 3, 5), dim=-2, reduction="none")
        yield use((3, 4), (3,), ignore_index=1)
        yield use((3, 5, 4), (3, 5), "last", ignore_index=-1)
        yield use((3, 5, 4), (3, 5), code="E0501")
        yield use((3, 4), (3,), dim=2, code="E0409")
        yield use((), (), code="E0404")
        yield use((3, 4), (2,), code="E0401")
        yield use((3, 4), (3, 1), code="E0404")
        yield use((3, 4), (3,), dtype="int32", code="E0405")
        yield use((3, 4), (3,), dtype="uint8", code="E0405")
        yield Sample((TensorType((3, 4), "int64"), TensorType((3,), "int64")), pair, code="E0405")
        yield Sample((TensorType((3, 4)), TensorType((3,), "int64", values=Values(0, 5))), pair, code="E0410")


@operator
@dataclass(frozen=True)
class CrossEntropy(ClassLoss):
    """``-log softmax(logits)[target]``, the mean by default (``F.cross_entropy``): the softmax is in it.

    The classes are where the features are: last for ``[B, C]`` and for scores per token ``[B, T, C]``, at dim 1 for
    a map ``[B, C, H, W]``; where that isn't known ``dim=`` must say it. The target has the shape without that dim, with
    classes as int64; or the shape of the logits, as probabilities. ``label_smoothing`` takes so much from the right
    class for all (Szegedy et al., 2016); targets equal to ``ignore_index`` don't count.

        input logits: [B, 10]
        input target: int[B]
        cross_entropy(logits, target)
    """

    name: ClassVar[str] = "cross_entropy"
    function: ClassVar[str] = "F.cross_entropy"
    kept = keeping_losses.classes
    inside = passing.nothing

    label_smoothing: float = argument("float", 0.0, at_least=0, at_most=1, keyword_only=True)

    def soft(self, inputs: Types) -> bool:
        return inputs[self.target.index].is_float

    def options(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing} if self.label_smoothing else {}

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if self.soft(inputs):
            logits, target = inputs[self.logits.index], inputs[self.target.index]
            if logits.is_float and target.dtype != logits.dtype:
                raise errors.wrong_dtype(
                    self.name, f"probabilities of the logits' type, {logits.dtype}", target
                )
            if self.ignore_index is not None:
                raise errors.bad_argument(
                    "ignore_index", "ignore_index is for classes, and the target is probabilities"
                )
        return super().shape(inputs, sizes)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        pair = {"logits": Slot(0), "target": Slot(1)}
        x, tokens = TensorType((3, 4)), TensorType((3, 5, 4), features="last")
        classes = TensorType((3, 5), "int64")
        yield Sample((x, x), {**pair, "label_smoothing": 0.1})
        for reduction in REDUCTIONS:
            yield Sample((tokens, TensorType((3, 5, 4))), {**pair, "reduction": reduction})
            yield Sample((tokens, classes), {**pair, "label_smoothing": 0.1, "reduction": reduction}, high=4)
        yield Sample((TensorType((4, 3, 5)), TensorType((4, 3, 5))), {**pair, "dim": 0})
        yield Sample((x, TensorType((3, 5))), pair, code="E0401")
        yield Sample((x, x), {**pair, "ignore_index": 0}, code="E0501")
        yield Sample((x, TensorType((3, 4), "float64")), pair, code="E0405")


@operator
@dataclass(frozen=True)
class Nll(ClassLoss):
    """``-logits[target]`` of log-probabilities (``log_softmax``), the mean by default (``F.nll_loss``).

    Where the classes are and what the target may be is as for ``cross_entropy``, classes only.

        input scores: [B, 10]
        input target: int[B]
        nll(log_softmax(scores), target)
    """

    name: ClassVar[str] = "nll"
    function: ClassVar[str] = "F.nll_loss"
    kept = keeping_losses.picked
    inside = passing.nothing
