"""Generated code as data: expressions and statements, before they have variable names or lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archdsl.dims import Size
from archdsl.tensors import TensorType


@dataclass(eq=False)
class Var:
    """A variable of ``forward``. ``name`` is what it would like to be called; assigned more than once in loops."""

    name: str | None = None
    type: TensorType | None = None


@dataclass(frozen=True, eq=False)
class Lit:
    """A constant. Identity matters: two classes are one where only constants differ. ``hint`` names it."""

    value: Any
    hint: str = ""


@dataclass(frozen=True)
class Name:
    """Text that is code already: ``torch.relu``, ``self``. Never made from what a user wrote without minting."""

    text: str


@dataclass(frozen=True)
class Attr:
    base: Expr
    name: str


@dataclass(frozen=True)
class Index:
    base: Expr
    item: Expr


@dataclass(frozen=True)
class Range:
    """A slice inside an index."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None = None


@dataclass(frozen=True)
class Call:
    function: Expr
    args: tuple[Expr, ...] = ()
    kwargs: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Unary:
    operator: str
    operand: Expr


@dataclass(frozen=True)
class Items:
    """``(a, b)``, ``[a, b]`` or, bare, ``a, b``."""

    items: tuple[Expr, ...]
    kind: str = "tuple"


@dataclass(frozen=True)
class Dict:
    items: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Star:
    operand: Expr


@dataclass(frozen=True)
class Generator:
    element: Expr
    targets: tuple[Expr, ...]
    iterable: Expr


@dataclass(frozen=True)
class SizeExpression:
    """A size computed from others; ``symbols`` says where each of its symbols is found."""

    size: Size
    symbols: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, eq=False)
class New:
    """An instance of the class of a unit (a pair of regions); ``late`` are the rates handed down, by slot."""

    unit: Any
    late: tuple[tuple[int, Expr], ...] = ()


@dataclass(frozen=True)
class SlotValue:
    """The value of a late slot of the region at hand."""

    slot: int


@dataclass(frozen=True)
class Member:
    """What is stored at a path of the class at hand; how it is reached is decided once all members are known."""

    path: tuple[str, ...]


Expr = (
    Member | Var | Lit | Name | Attr | Index | Range | Call | Binary | Unary | Items | Dict | Star | Generator
    | SizeExpression | New | SlotValue
)  # fmt: skip


@dataclass(eq=False)
class Assign:
    """``targets = value``; several targets unpack. ``types`` are the targets' types where they are tensors."""

    targets: tuple[Var | None, ...]
    value: Expr
    types: tuple[TensorType, ...] = ()


@dataclass(eq=False)
class For:
    """``for targets in iterables``; several are zipped."""

    header: list[tuple[Var | None, Expr]]
    body: list[Stmt]


@dataclass(eq=False)
class Rounds:
    """Rounds of a loop before they are a ``for``: so that rounds of equal code can still be joined.

    ``inputs`` are variables of the body with what they start as; ``results`` are the values of ``outputs`` after a
    round; output j goes to input i for (j, i) in ``carry``. ``element`` is the round's module, out of ``container``.
    """

    element: Var | None
    container: Expr | None
    first: int
    count: int
    inputs: list[tuple[Var, Expr]]
    body: list[Stmt]
    results: list[Expr]
    outputs: list[Var]
    carry: tuple[tuple[int, int], ...]
    header: list[tuple[Var | None, Expr]]
    stop: Expr | None = None


@dataclass(eq=False)
class If:
    condition: Expr
    body: list[Stmt]
    otherwise: list[Stmt] = field(default_factory=list)


@dataclass(eq=False)
class Return:
    value: Expr


@dataclass(eq=False)
class Do:
    """An expression for its effect."""

    value: Expr


@dataclass(eq=False)
class Break:
    pass


Stmt = Assign | For | Rounds | If | Return | Do | Break
