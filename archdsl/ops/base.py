"""What an operator is: an immutable class whose fields are its signature and whose methods are all one knows of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, Literal

from archdsl.dims import Dim
from archdsl.ops.checker import Checker
from archdsl.ops.keeping import Backward, Kept, by_role
from archdsl.tensors import TensorType

Types = tuple[TensorType, ...]

Role = Literal[
    "convolution", "linear", "attention", "recurrence", "embedding", "position", "normalisation", "activation",
    "pool", "regularisation", "merge", "arithmetic", "shape", "index", "resample", "source", "loss",
]  # fmt: skip

Kind = Literal[
    "int",  # a whole number
    "float",  # any number
    "bool",
    "str",  # one of ``choices``
    "pattern",  # an einops or einsum pattern
    "ints",  # a whole number, or a list of them (one per spatial dim)
    "floats",  # a number, or a list of them
    "dim",  # a size: a whole number or symbolic
    "dims",  # a list of sizes, or one
    "dtype",
    "tensor",  # arrives as a Slot
    "tensors",  # a list of tensors, arrives as a tuple of Slots
    "operand",  # a tensor (Slot) or a number or a size
    "mask",  # a Mask of archdsl.ops.masks, tensors inside as Slots
    "initializer",  # an Initializer of archdsl.ops.initializers
    "lambda",  # a number list of any nesting, passed on as tuples
]


@dataclass(frozen=True)
class Slot:
    """The ``index``-th tensor input of an operator; stands wherever a tensor was given as an argument."""

    index: int


@dataclass(frozen=True)
class Late:
    """A rate that is known per instance only (see ARCHITECTURE: late fields). ``key`` orders and names it."""

    key: str


def argument(
    kind: Kind,
    default: Any = MISSING,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    choices: Sequence[str] | None = None,
    keyword_only: bool = False,
    late: bool = False,
    optional: bool = False,
) -> Any:
    """A field of an operator that is one of its arguments.

    The limits hold for a number and for each number of a list. ``optional`` allows ``none``. ``late`` marks a rate
    that can change neither types nor weights: it may differ between the instances of a region.
    Fields stand in the order of positional arguments; a ``tensor`` with a default is always keyword-only.
    """
    metadata = {
        "kind": kind, "at_least": at_least, "above": above, "at_most": at_most, "below": below,
        "choices": tuple(choices) if choices else None, "late": late,
        "keyword_only": keyword_only or (kind in ("tensor", "mask") and default is not MISSING),
        "optional": optional or default is None,
    }  # fmt: skip
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Weight:
    """A named tensor an operator owns. ``initializer`` None leaves what torch's own module does.

    ``kind`` "parameter" is counted; "buffer" is stored in the state dict but not counted; "constant" is neither.
    """

    name: str
    shape: tuple[int, ...]
    initializer: Any = None
    dtype: str = "float32"
    kind: Literal["parameter", "buffer", "constant"] = "parameter"


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates by kind, exact. ``attention_masked`` is what the mask leaves of ``attention_full``."""

    convolution: int = 0
    matmul: int = 0
    attention_full: int = 0
    attention_masked: int = 0

    @property
    def total(self) -> int:
        """Convolutions, matmuls and attention in full."""
        return self.convolution + self.matmul + self.attention_full

    def __add__(self, other: Macs) -> Macs:
        return Macs(
            self.convolution + other.convolution,
            self.matmul + other.matmul,
            self.attention_full + other.attention_full,
            self.attention_masked + other.attention_masked,
        )

    def __mul__(self, times: int) -> Macs:
        return Macs(
            self.convolution * times,
            self.matmul * times,
            self.attention_full * times,
            self.attention_masked * times,
        )


@dataclass(frozen=True)
class Reach:
    """How far an output element looks, per spatial dim: ``kernel`` is the effective extent (dilation included).

    ``kind`` "pointwise" looks at its own position, "window" at ``kernel`` positions every ``stride``, "transposed" is
    a window whose stride goes up instead of down, "whole" sees the whole input, "none" has no spatial meaning.
    """

    kind: Literal["pointwise", "window", "transposed", "whole", "none"] = "pointwise"
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()


# ------------------------------------------------------------------------------------------------ lowering to torch
# A lowering is a small expression: what a person would write in ``forward``.
# Leaves: Slot (a tensor input), a Dim (a size, symbolic ones too), Python constants, tuples and lists of these, Late.


@dataclass(frozen=True)
class Fn:
    """A call of a torch function.

    ``target``: a dotted name under ``torch``, ``F`` or ``math`` ("torch.cat", "F.relu"); ".reshape" for a method of
    the first argument; "operator.add" and its kin for Python's operators ("operator.getitem" indexes); or a helper
    function of the operator's own file, whose source is copied into the emitted file. A helper may use the names
    ``torch``, ``nn``, ``F``, ``math``, ``Tensor`` (imported in the operator's file under TYPE_CHECKING only) and
    other helpers.
    """

    target: str | Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mod:
    """An ``nn.Module`` created once (``arguments``, ``keywords``: constants or Late) and called with ``inputs``.

    ``target``: "nn.Conv2d" and the like, or a function of the operator's own file that takes nothing and returns the
    class it defines; the class's source is copied into the emitted file. Its state-dict names are those of ``weights``.
    ``around`` is a dotted name under ``nn``: a function that is given the module as it is made, and gives it back.
    """

    target: str | Callable[[], type]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = (Slot(0),)
    around: str | None = None


Lowered = Fn | Mod | Slot


@dataclass(frozen=True)
class Sample:
    """A use of an operator for the generic tests: input types, arguments by name (tensors as Slots), valid or refused.

    ``code`` is the expected error code of a refused one. ``low``/``high`` bound the random integers of int inputs.
    """

    inputs: Types
    arguments: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    high: int = 2
    training_differs: bool = False


@dataclass(frozen=True)
class Operator(ABC):
    """Base of all operators. Subclasses are frozen dataclasses registered with ``@operator``.

    ``inputs`` everywhere are the types of the tensor inputs: the wire first where ``takes_wire``, then the tensors
    among the arguments in the order of the fields (those inside masks and lists too), as the Slots in the fields say.
    """

    name: ClassVar[str]
    role: ClassVar[Role]
    takes_wire: ClassVar[bool] = True
    # The field that collects unknown keywords (the axis sizes of patterns), where there is one.
    extra_keywords: ClassVar[str | None] = None

    @abstractmethod
    def shape(self, inputs: Types, sizes: Checker) -> TensorType | Types:
        """Output type, or a tuple for several outputs (a list in the language). Raises OperatorError.

        ``sizes`` proves and records: ``sizes.equal``, ``at_least``, ``at_most``, ``divisible``, ``constant``.
        """

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        """The tensors it owns, in the order of torch's ``named_parameters``, then buffers."""
        return ()

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        """Exact multiply-accumulates; here every size in the types is a plain int."""
        return Macs()

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """Elementwise results computed (activations, norms, additions, pools); 0 for matmul-like and shape operators.

        Every size in the types is a plain int.
        """
        return 0

    def reach(self, inputs: Types) -> Reach:
        """What one output position sees of the input's spatial dims."""
        return Reach()

    def kept(self, inputs: Types, outputs: Types, backward: Backward) -> Kept:
        """What the forward keeps for the gradients asked for; sizes are numbers, dtypes those of the run."""
        return by_role(self, inputs, outputs, backward)

    def inside(self, inputs: Types, outputs: Types, backward: Backward) -> Types:
        """What an inference makes on the way and holds at once beside the outputs; ``backward`` asks for all."""
        return self.kept(inputs, outputs, backward).own

    @abstractmethod
    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        """What runs. For several outputs an expression whose value is a tuple of tensors."""

    def caption(self, inputs: Types, outputs: Types) -> str:
        """What stands in the box of a drawing: the name and the hyper-parameters a reader needs."""
        parts = [
            str(value) if f.default is MISSING else f"{f.name}={value}"
            for f in arguments_of(type(self))
            if not isinstance(value := getattr(self, f.name), Slot | Late)
            and f.metadata["kind"] not in ("tensor", "tensors", "mask", "initializer")
            and (f.default is MISSING or value != f.default)
        ]
        return " ".join([self.name, ", ".join(parts)]).strip()

    @classmethod
    @abstractmethod
    def samples(cls) -> Iterable[Sample]:
        """Valid and invalid uses from which every generic test draws."""


def arguments_of(cls: type[Operator]) -> tuple[Field[Any], ...]:
    """The fields that are arguments, in positional order."""
    return tuple(f for f in fields(cls) if "kind" in f.metadata)


def broadcast_ints(value: int | tuple[int, ...], rank: int) -> tuple[int, ...] | None:
    """``3`` or ``(3, 5)`` as one number per spatial dim; None where a list has another length."""
    if isinstance(value, int):
        return (value,) * rank
    return tuple(value) if len(value) == rank else None


def is_dim(value: object) -> bool:
    """Whether a field's value is a size (and not a Slot)."""
    from archdsl.dims import Size

    return isinstance(value, int | Size) and not isinstance(value, bool)


__all__ = [
    "Dim", "Fn", "Kind", "Late", "Lowered", "Macs", "Mod", "Operator", "Reach", "Role", "Sample", "Slot", "Types",
    "Weight", "argument", "arguments_of", "broadcast_ints", "is_dim",
]  # fmt: skip
