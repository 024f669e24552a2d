"""Einstein sums: products of tensors over named axes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import ascii_letters
from typing import Any, ClassVar

from archdsl.dims import Dim, product
from archdsl.ops import contractions, errors
from archdsl.ops.base import Fn, Lowered, Macs, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

ELLIPSIS = "..."
Axes = tuple[str, ...]


@operator
@dataclass(frozen=True)
class Einsum(Operator):
    """The product of tensors over named axes, summed over those that the result doesn't name (``torch.einsum``).

    Axes are names with spaces between them, as in einops (``"b i d, b j d -> b i j"``); a pattern in which no term has
    a space is read letter by letter (``"bid,bjd->bij"``). ``...`` stands for further dims, aligned at their last;
    a name twice in a term takes the diagonal. More than two tensors are multiplied from left to right.

        input q: [B, T=16, 64]
        input k: [B, S=16, 64]
        einsum("b i d, b j d -> b i j", [q, k])
    """

    name: ClassVar[str] = "einsum"
    role: ClassVar[Role] = "linear"
    takes_wire: ClassVar[bool] = False
    kept = contractions.contraction

    pattern: str = argument("pattern")
    tensors: tuple[Slot, ...] = argument("tensors")

    @cached_property
    def _terms(self) -> tuple[tuple[Axes, ...], Axes]:
        return parse(self.pattern)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        terms, result = self._terms
        tensors = [inputs[slot.index] for slot in self.tensors]
        if len(terms) != len(tensors):
            raise errors.bad_pattern(
                f'"{self.pattern}" names the axes of {len(terms)} tensors, and {len(tensors)} are given'
            )
        for x in tensors:
            if not x.is_float:
                raise errors.wrong_dtype("einsum", "floats", x)
            if x.dtype != tensors[0].dtype:
                raise errors.wrong_dtype("einsum", f"tensors of one type, {tensors[0].dtype} as the first", x)
        for term, x in zip(terms, tensors, strict=True):
            self._check_rank(term, x)
        terms, result = self._expanded(inputs)
        lengths: dict[str, Dim] = {}
        for term, x in zip(terms, tensors, strict=True):
            own: dict[str, Dim] = {}
            for axis, size in zip(term, x.shape, strict=True):
                if axis in own:  # a diagonal: torch wants the same size here, 1 against 3 too
                    sizes.equal(own[axis], size, f'axis {axis}, twice in one term of "{self.pattern}"')
                own.setdefault(axis, size)
            for axis, size in own.items():
                known = lengths.get(axis, 1)
                if known != 1 and size != 1:
                    sizes.equal(known, size, f'axis {axis} of "{self.pattern}"')
                lengths[axis] = size if known == 1 else known
        if len(lengths) > len(ascii_letters):
            raise errors.bad_pattern(
                f"an einsum has at most {len(ascii_letters)} axes, and this one {len(lengths)}"
            )
        return TensorType(tuple(lengths[axis] for axis in result), tensors[0].dtype)

    def _check_rank(self, term: Axes, x: TensorType) -> None:
        named = len([axis for axis in term if axis != ELLIPSIS])
        if x.rank == named or (x.rank > named and ELLIPSIS in term):
            return
        help = ""
        if _by_letters(self.pattern) and x.rank == 1 and ELLIPSIS not in term:
            help = "a pattern in which no term has a space is read letter by letter"
        wanted = f"at least {named}" if ELLIPSIS in term else str(named)
        text = " ".join(term)
        raise errors.bad_pattern(
            f'"{text}" names {wanted} axes, and its tensor has shape {x}, {x.rank} dims', help
        )

    def _expanded(self, inputs: Types) -> tuple[tuple[Axes, ...], Axes]:
        """The terms and the result with ``...`` written out as axes "...1", the last dim, "...2" and so on."""
        terms, result = self._terms
        hidden = [
            inputs[s.index].rank - len(t) + 1
            for s, t in zip(self.tensors, terms, strict=True)
            if ELLIPSIS in t
        ]
        counts = iter(hidden)
        written = tuple(_written_out(t, next(counts) if ELLIPSIS in t else 0) for t in terms)
        return written, _written_out(result, max(hidden, default=0))

    def _steps(self, inputs: Types) -> list[tuple[Axes, Axes, Axes]]:
        """For each product of two, left to right: the axes of the left, of the right and of their result."""
        terms, result = self._expanded(inputs)
        steps = []
        left = terms[0]
        for place, right in enumerate(terms[1:], 2):
            needed = {axis for term in (*terms[place:], result) for axis in term}
            both = dict.fromkeys((*left, *right))
            out = result if place == len(terms) else tuple(axis for axis in both if axis in needed)
            steps.append((left, right, out))
            left = out
        return steps

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        """Of each product of two tensors that sums; axes that only one of them has are summed before."""
        tensors = [inputs[slot.index] for slot in self.tensors]
        terms, _ = self._expanded(inputs)
        left_sizes = dict(zip(terms[0], tensors[0].shape, strict=True))
        total = 0
        for (_, right, out), x in zip(self._steps(inputs), tensors[1:], strict=True):
            right_sizes = dict(zip(right, x.shape, strict=True))
            joined: dict[str, Dim] = {}
            sums = False
            for axis in left_sizes | right_sizes:
                a, b = left_sizes.get(axis, 1), right_sizes.get(axis, 1)
                if axis in out or (a != 1 and b != 1):
                    joined[axis] = b if a == 1 else a
                    sums |= axis not in out
            count = product(joined.values())
            assert isinstance(count, int)
            total += count if sums else 0
            left_sizes = {axis: joined[axis] for axis in out}
        return Macs(matmul=total)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        terms, result = self._expanded(inputs)
        letters = _letters(terms)
        spelled = ["".join(letters[axis] for axis in term) for term in terms]
        if len(terms) == 1:
            out = "".join(letters[axis] for axis in result)
            return Fn("torch.einsum", (f"{spelled[0]}->{out}", self.tensors[0]))
        value: Fn | Slot = self.tensors[0]
        for (left, right, axes), slot in zip(self._steps(inputs), self.tensors[1:], strict=True):
            a, b, out = ("".join(letters[axis] for axis in term) for term in (left, right, axes))
            value = Fn("torch.einsum", (f"{a},{b}->{out}", value, slot))
        return value

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"einsum {self.pattern}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        def use(pattern: str, *shapes: tuple[int, ...], code: str | None = None, **more: Any) -> Sample:
            types = tuple(TensorType(shape, **more) for shape in shapes)
            tensors = tuple(Slot(i) for i in range(len(shapes)))
            return Sample(types, {"pattern": pattern, "tensors": tensors}, code=code)

        yield use("b i d, b j d -> b i j", (2, 3, 4), (2, 5, 4))
        yield use("bid,bjd->bij", (2, 3, 4), (2, 5, 4))
        yield use("b ... c, c d -> b ... d", (2, 3, 5, 4), (4, 6))
        yield use("... i j, ... j k -> ... i k", (2, 3, 4), (5, 2, 4, 6))
        yield use("...ij,...jk->ik", (2, 3, 4), (2, 4, 6))
        yield use("i i -> i", (3, 3))
        yield use("b s (h), h -> b", (2, 3, 4), (4,), code="E0502")
        yield use("row column -> column row", (3, 4))
        yield use("i, j -> i j", (3,), (4,))
        yield use("i, i ->", (3,), (3,))
        yield use("b i, i j, b j -> b", (2, 3), (3, 4), (2, 4))
        yield use("b i, b j, b k, i j k -> b", (2, 3), (2, 4), (2, 5), (3, 4, 5))
        yield use("b i d, b j d -> b i j", (2, 3, 4), (1, 5, 4))
        yield use("b i k, b j l -> b i j", (2, 3, 4), (2, 5, 6))
        yield use("b i d, b j d -> b i j", (2, 3, 4), (2, 5, 6), code="E0401")
        yield use("b i d, b j d -> b i j", (2, 3, 4), (3, 5, 4), code="E0401")
        yield use("i i -> i", (3, 4), code="E0401")
        yield use("b i d, b j d -> b i j", (2, 3), (2, 5, 4), code="E0502")
        yield use("b i d, b j d -> b i j", (2, 3, 4), code="E0502")
        yield use("b i, b j", (2, 3), (2, 4), code="E0502")
        yield use("b i -> b k", (2, 3), code="E0502")
        yield use("b i -> b b", (2, 3), code="E0502")
        yield use("b 2 -> b", (2, 3), code="E0502")
        yield use("b i -> ... b i", (2, 3), code="E0502")
        yield use("... i ... -> i", (2, 3), code="E0502")
        yield use("i -> j -> k", (2,), code="E0502")
        yield use("b i, i j -> b j", (2, 3), (3, 4), code="E0405", dtype="int64")


def parse(pattern: str) -> tuple[tuple[Axes, ...], Axes]:
    """The axes of each tensor and of the result. Raises E0502 with the place, counted from 1."""
    left, arrow, right = pattern.partition("->")
    if not arrow:
        raise errors.bad_pattern(
            f'"{pattern}" has no ->: what comes out must be said', help='"b i d, b j d -> b i j"'
        )
    if (again := right.find("->")) >= 0:
        raise _refused(pattern, len(left) + 2 + again, "a second ->")
    letters = _by_letters(pattern)
    terms = []
    start = 0
    for text in left.split(","):
        terms.append(_axes(pattern, start, text, letters))
        start += len(text) + 1
    result = _axes(pattern, len(left) + 2, right, letters)
    known = {axis for term in terms for axis in term}
    for number, axis in enumerate(result):
        if axis not in known:
            raise errors.bad_pattern(f'"{pattern}": {axis} comes out, and no tensor has it')
        if axis in result[:number]:
            raise errors.bad_pattern(f'"{pattern}": {axis} comes out twice')
    return tuple(terms), result


_TOKEN = re.compile(r"\.\.\.|[A-Za-z_][A-Za-z_0-9]*|\s+|.", re.DOTALL)


def _by_letters(pattern: str) -> bool:
    """Whether no term has two things with a space between them: then every letter is an axis."""
    terms = pattern.replace("->", ",").split(",")
    return not any(len(term.split()) > 1 for term in terms)


def _axes(pattern: str, start: int, text: str, letters: bool) -> Axes:
    axes: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token.isspace():
            continue
        if token == ELLIPSIS:
            if ELLIPSIS in axes:
                raise _refused(pattern, start + match.start(), "a second ... in one term")
            axes.append(token)
        elif not (token[0].isascii() and (token[0].isalpha() or token[0] == "_")):
            raise _refused(
                pattern, start + match.start(), f"{token!r}, where the name of an axis is expected"
            )
        elif letters:
            for place, letter in enumerate(token):
                if not letter.isalpha():
                    raise _refused(
                        pattern, start + match.start() + place, f"{letter!r}, where a letter is expected"
                    )
            axes.extend(token)
        else:
            axes.append(token)
    return tuple(axes)


def _refused(pattern: str, place: int, what: str) -> errors.OperatorError:
    return errors.bad_pattern(f'"{pattern}" has at character {place + 1} {what}')


def _written_out(term: Axes, count: int) -> Axes:
    if ELLIPSIS not in term:
        return term
    place = term.index(ELLIPSIS)
    return (*term[:place], *(f"{ELLIPSIS}{n}" for n in range(count, 0, -1)), *term[place + 1 :])


def _letters(terms: Sequence[Axes]) -> dict[str, str]:
    """A letter for each axis, its own first one where that is free."""
    axes = list(dict.fromkeys(axis for term in terms for axis in term))
    letters = {axis: axis for axis in axes if len(axis) == 1 and axis in ascii_letters}
    for axis in axes:
        if axis not in letters:
            taken = set(letters.values())
            wanted = [axis[0]] if axis[0] in ascii_letters else []
            letters[axis] = next(letter for letter in (*wanted, *ascii_letters) if letter not in taken)
    return letters
