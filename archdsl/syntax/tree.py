"""The tree of a program as written: immutable nodes with spans; no names resolved, no shapes known.

Nodes compare by identity, so that they can key tables; :mod:`archdsl.syntax.fingerprint` compares them by structure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archdsl.source import Source, Span


@dataclass(frozen=True, eq=False)
class Node:
    """Anything with a place in the text."""

    span: Span = field(repr=False)


# ---------------------------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, eq=False)
class Expression(Node):
    """A function of the wire."""


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """``64``, ``25_557_032``, ``0.1``, ``1e9``: ``value`` is an int where the text has no point or exponent."""

    value: int | float
    text: str


@dataclass(frozen=True, eq=False)
class String(Expression):
    """``"b c h w"``: ``value`` with escapes resolved."""

    value: str


@dataclass(frozen=True, eq=False)
class Boolean(Expression):
    value: bool


@dataclass(frozen=True, eq=False)
class NoneLiteral(Expression):
    """``none``."""


@dataclass(frozen=True, eq=False)
class Name(Expression):
    """A name, ``id`` and ``training`` included."""

    name: str


@dataclass(frozen=True, eq=False)
class Argument(Node):
    """One argument of a call; ``name`` is None for a positional one."""

    name: str | None
    value: Expression


@dataclass(frozen=True, eq=False)
class Call(Expression):
    """``f(a, k=b)``."""

    function: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, eq=False)
class Attribute(Expression):
    """``x.T``, ``x.shape``, ``tok.weight``, ``head.bias``; in a top-level ``expect`` also ``resnet50.params``."""

    value: Expression
    name: str


@dataclass(frozen=True, eq=False)
class Index(Expression):
    """``xs[i]``: lists and shapes only."""

    value: Expression
    index: Expression


@dataclass(frozen=True, eq=False)
class ListLiteral(Expression):
    """``[f, g]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Comprehension(Expression):
    """``[body for a, b in iterable if condition]``."""

    body: Expression
    targets: tuple[str, ...]
    iterable: Expression
    condition: Expression | None


@dataclass(frozen=True, eq=False)
class Unary(Expression):
    """``-x`` and ``not x``."""

    operator: Literal["-", "not"]
    operand: Expression


@dataclass(frozen=True, eq=False)
class Binary(Expression):
    """Arithmetic, concatenation, comparison and logic, with the operator as written."""

    operator: Literal[
        "+", "-", "*", "/", "//", "%", "@", "**", "++", "==", "!=", "<", "<=", ">", ">=", "and", "or"
    ]
    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Conditional(Expression):
    """``then if condition else otherwise``."""

    then: Expression
    condition: Expression
    otherwise: Expression


@dataclass(frozen=True, eq=False)
class Labelled(Expression):
    """``value as label``: the place under which the weights of ``value`` are stored."""

    value: Expression
    label: str
    label_span: Span = field(repr=False)


@dataclass(frozen=True, eq=False)
class Pipe(Expression):
    """``a -> b -> c``: each step takes what the last one left. At least two steps."""

    steps: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Repeat(Expression):
    """``repeat n { ... }`` and, with ``until``, ``repeat n until stop { ... }``."""

    count: Expression
    until: Expression | None
    body: Body


@dataclass(frozen=True, eq=False)
class For(Expression):
    """``for a, b in iterable { ... }``."""

    targets: tuple[str, ...]
    iterable: Expression
    body: Body


# ----------------------------------------------------------------------------------------------------- statements


@dataclass(frozen=True, eq=False)
class Statement(Node):
    """One line of a body."""


@dataclass(frozen=True, eq=False)
class Body(Node):
    """What stands between braces; ``docstring`` is a string that starts the body and is not all of it."""

    docstring: str | None
    statements: tuple[Statement, ...]


@dataclass(frozen=True, eq=False)
class Parameter(Node):
    """``k``, ``stride=1``, ``from: tensor = id``, ``f: block``. ``kind`` is ``value`` where none is written."""

    name: str
    kind: Literal["value", "tensor", "block"]
    default: Expression | None


@dataclass(frozen=True, eq=False)
class Use(Statement):
    """``use a, b from "blocks.arch"``."""

    names: tuple[str, ...]
    path: str
    path_span: Span = field(repr=False)


@dataclass(frozen=True, eq=False)
class Edition(Statement):
    """``edition 1``."""

    number: int


@dataclass(frozen=True, eq=False)
class Definition(Statement):
    """``block b(...) { }``, ``model m(...) { }``, or with ``alias`` instead of ``body``: ``block b = pipe``.

    ``layer e = pipe`` is one with ``keyword`` "layer", no parameters and an alias.
    """

    keyword: Literal["block", "model", "layer"]
    name: str
    name_span: Span = field(repr=False)
    parameters: tuple[Parameter, ...]
    body: Body | None
    alias: Expression | None


@dataclass(frozen=True, eq=False)
class Assign(Statement):
    """``y = f`` and ``q, k, v = fs``."""

    targets: tuple[str, ...]
    target_spans: tuple[Span, ...] = field(repr=False)
    value: Expression


@dataclass(frozen=True, eq=False)
class Dimension(Node):
    """One entry of a declared shape: ``3``, ``H``, ``c // 8`` or, with a ``default``, ``H=224``."""

    size: Expression
    default: Expression | None


@dataclass(frozen=True, eq=False)
class Input(Statement):
    """``input image: [B, 3, H=224, W=224]``, ``input tokens: int[B, T=64]``. ``dtype`` is as written, or None."""

    name: str
    name_span: Span = field(repr=False)
    dtype: str | None
    shape: tuple[Dimension, ...]


@dataclass(frozen=True, eq=False)
class Output(Statement):
    """``output logits = id @ tok.weight.T`` and, for a value that has the name already, ``output logits``."""

    name: str
    name_span: Span = field(repr=False)
    value: Expression | None


@dataclass(frozen=True, eq=False)
class RawTensor(Statement):
    """``param gamma: [] = 0`` and ``buffer steps: int[n] = arange(n)``."""

    keyword: Literal["param", "buffer"]
    name: str
    name_span: Span = field(repr=False)
    dtype: str | None
    shape: tuple[Expression, ...]
    initial: Expression | None


@dataclass(frozen=True, eq=False)
class If(Statement):
    """``if c { } else if d { } else { }``: ``otherwise`` holds the rest, a chained ``if`` as a one-statement body."""

    condition: Expression
    then: Body
    otherwise: Body | None


@dataclass(frozen=True, eq=False)
class Expect(Statement):
    condition: Expression


@dataclass(frozen=True, eq=False)
class ExpressionStatement(Statement):
    """A pipe: the wire goes through it."""

    value: Expression


@dataclass(frozen=True, eq=False)
class Comment:
    """``# text``, with its offset and whether it has a line to itself; kept beside the tree for the formatter."""

    text: str
    start: int
    own_line: bool


@dataclass(frozen=True, eq=False)
class File:
    """One parsed file: the statements at top level, and the comments in the order of the text."""

    source: Source
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]
