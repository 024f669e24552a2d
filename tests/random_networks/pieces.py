"""What a random program is made of: each piece has a text in the language and what torch does for it, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.random_networks.runtime import Run, checked

Torch = Callable[[Run, Any], Any]


@dataclass(frozen=True)
class Piece:
    """An expression. ``tight`` ones need no parentheses beside operators; ``ops`` are the operators in it."""

    text: str
    run: Torch
    tight: bool = True
    ops: frozenset[str] = frozenset()
    weighted: bool = False
    names: frozenset[str] = frozenset()

    @property
    def closed(self) -> str:
        """The text where an operand is wanted."""
        return self.text if self.tight else f"({self.text})"


def union(pieces: Sequence[Piece]) -> dict[str, Any]:
    """What a piece made of others inherits from them."""
    return {
        "ops": frozenset().union(*(p.ops for p in pieces)),
        "weighted": any(p.weighted for p in pieces),
        "names": frozenset().union(*(p.names for p in pieces)),
    }


def literal(value: Any) -> str:
    """A constant as it is written."""
    match value:
        case Piece():
            return value.text
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join(literal(v) for v in value)}]"
        case float():
            return repr(value)
        case _:
            return str(value)


def resolved(run: Run, value: Any, wire: Any) -> Any:
    """An argument's value: pieces see the wire."""
    if isinstance(value, Piece):
        return value.run(run, wire)
    if isinstance(value, list | tuple):
        return [resolved(run, v, wire) for v in value]
    return value


def inner_pieces(value: Any) -> list[Piece]:
    """The pieces among arguments."""
    if isinstance(value, Piece):
        return [value]
    return [p for v in value for p in inner_pieces(v)] if isinstance(value, list | tuple) else []


IDENTITY = Piece("id", lambda run, wire: wire)


def name(text: str) -> Piece:
    """A tensor or number by its name."""
    return Piece(text, lambda run, wire: run.env[text], names=frozenset({text}))


def size(text: str, compute: Callable[[dict[str, int]], int], tight: bool = False) -> Piece:
    """A size computed from the declared ones."""
    return Piece(text, lambda run, wire: compute(run.sizes), tight)


def pipe(*parts: Piece) -> Piece:
    """``a -> b -> c``."""

    def go(run: Run, wire: Any) -> Any:
        for part in parts:
            wire = part.run(run, wire)
        return wire

    if len(parts) == 1:
        return parts[0]
    return Piece(" -> ".join(p.text for p in parts), go, False, **union(parts))


def infix(left: Piece, word: str, right: Piece, op: str, function: Callable[[Any, Any], Any]) -> Piece:
    """``left + right``, always with parentheses around operands that are no calls."""

    def go(run: Run, wire: Any) -> Any:
        return checked(function(left.run(run, wire), right.run(run, wire)))

    more = union([left, right])
    more["ops"] |= {op}
    return Piece(f"{left.closed} {word} {right.closed}", go, False, **more)


def listed(parts: Sequence[Piece]) -> Piece:
    """``[a, b]``."""

    def go(run: Run, wire: Any) -> Any:
        return [part.run(run, wire) for part in parts]

    return Piece(f"[{', '.join(p.text for p in parts)}]", go, **union(parts))


def labelled(piece: Piece, label: str) -> Piece:
    """``piece as label``."""

    def go(run: Run, wire: Any) -> Any:
        with run.place(label):
            return piece.run(run, wire)

    return Piece(f"{piece.closed} as {label}", go, True, piece.ops, piece.weighted, piece.names)


def comprehension(piece: Piece, target: str, items: Piece, label: str) -> Piece:
    """``([piece for target in items]) as label``: fresh weights for each item."""

    def go(run: Run, wire: Any) -> Any:
        found = []
        for i, item in enumerate(items.run(run, wire)):
            with run.place(label, str(i)), run.scope({target: item}):
                found.append(piece.run(run, wire))
        return found

    more = union([piece, items])
    more["names"] -= {target}
    return Piece(f"[{piece.text} for {target} in {items.text}] as {label}", go, True, **more)


@dataclass(frozen=True)
class Statement:
    """One or more lines; ``run`` takes the wire and gives the next one."""

    lines: tuple[str, ...]
    run: Torch
    ops: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    assigns: tuple[str, ...] = ()
    weighted: bool = False


def do(piece: Piece) -> Statement:
    """A pipe as a statement."""
    return Statement((piece.text,), piece.run, piece.ops, piece.names, (), piece.weighted)


def let(names: Sequence[str], piece: Piece) -> Statement:
    """``a, b = piece``: the wire stays."""

    def go(run: Run, wire: Any) -> Any:
        value = piece.run(run, wire)
        if len(names) == 1:
            run.env[names[0]] = value
        else:
            if not isinstance(value, list | tuple) or len(value) != len(names):
                raise ValueError("names and values differ in number")
            run.env.update(zip(names, value, strict=True))
        return wire

    return Statement(
        (f"{', '.join(names)} = {piece.text}",), go, piece.ops, piece.names, tuple(names), piece.weighted
    )


def body_of(statements: Sequence[Statement]) -> Torch:
    """Statements from top to bottom."""

    def go(run: Run, wire: Any) -> Any:
        for statement in statements:
            wire = statement.run(run, wire)
        return wire

    return go


def braced(head: str, statements: Sequence[Statement], tail: str = "") -> tuple[str, ...]:
    """``head {``, the lines further in, ``}``."""
    return (f"{head} {{", *(f"  {line}" for s in statements for line in s.lines), f"}}{tail}")


def outer(statements: Sequence[Statement]) -> dict[str, Any]:
    """What a statement made of others inherits: their operators, the names they read from outside."""
    inside = {n for s in statements for n in s.assigns}
    return {
        "ops": frozenset().union(*(s.ops for s in statements)),
        "names": frozenset().union(*(s.names for s in statements)) - inside,
        "weighted": any(s.weighted for s in statements),
    }


@dataclass(frozen=True)
class Input:
    """A model input: sizes are names or numbers; integers are below ``high``."""

    name: str
    dims: tuple[str | int, ...]
    dtype: str = "float32"
    high: int = 2

    @property
    def text(self) -> str:
        prefix = {"float32": "", "int64": "int"}.get(self.dtype, self.dtype)
        return f"input {self.name}: {prefix}[{', '.join(map(str, self.dims))}]"


@dataclass(frozen=True)
class Assumption:
    """An ``expect`` over declared sizes, and the same in Python."""

    text: str
    holds: Callable[[dict[str, int]], bool]


@dataclass
class Program:
    """A whole program: its text, and the network it stands for."""

    seed: int
    inputs: list[Input]
    assumptions: list[Assumption]
    blocks: list[tuple[str, ...]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)  # names; "out" is the last wire
    labelled: bool = True
    complete: bool = True  # no step failed while it was made

    @property
    def symbols(self) -> list[str]:
        return list(dict.fromkeys(d for i in self.inputs for d in i.dims if isinstance(d, str)))

    @property
    def ops(self) -> frozenset[str]:
        return frozenset().union(*(s.ops for s in self.statements))

    @property
    def text(self) -> str:
        lines = [line for block in self.blocks for line in block]
        lines.append("model m {")
        lines += [f"  {i.text}" for i in self.inputs]
        lines += [f"  expect {a.text}" for a in self.assumptions]
        lines += [f"  {line}" for s in self.statements for line in s.lines]
        if self.outputs != ["out"]:
            lines += [f"  output {n} = {'id' if n == 'out' else n}" for n in self.outputs]
        return "\n".join([*lines, "}", ""])

    def allows(self, sizes: dict[str, int]) -> bool:
        """Whether the author's assumptions hold."""
        return all(a.holds(sizes) for a in self.assumptions)
