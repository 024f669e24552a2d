"""Random trees for Hypothesis: everything that the parser can return, with spans that point nowhere."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, cast

from hypothesis import strategies as st

from archdsl.source import Source, Span
from archdsl.syntax import tree
from archdsl.syntax.tokens import STATEMENT_WORDS

HERE = Span(Source("random", ""), 0, 0)
RESERVED = {"if", "else", "for", "in", "repeat", "until", "as", "and", "or", "not", "true", "false", "none"}
BINARY = ["+", "-", "*", "/", "//", "%", "@", "**", "++", "==", "!=", "<", "<=", ">", ">=", "and", "or"]

anywhere = st.sampled_from(
    ["x", "from", "output", "block", "a_rather_long_name_that_fills_lines", "id", "input", "use"]
)
names = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=6).filter(
    lambda name: not name[0].isdigit() and name not in RESERVED and name not in STATEMENT_WORDS
)
labels = st.one_of(names, anywhere)
some_names = st.lists(names, min_size=1, max_size=3).map(tuple)
texts = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]) | st.sampled_from(' \n\t"\\'), max_size=8
).filter(lambda text: not set(text) & set("\u3164\uffa0\u115f\u1160"))
numbers = st.one_of(
    st.integers(0, 10**20).map(lambda n: tree.Number(HERE, n, str(n))),
    st.floats(0, 1e300).filter(lambda f: "e-3" not in repr(f)).map(lambda f: tree.Number(HERE, f, repr(f))),
)


# Composites, drawn by depth: nested `builds` have representations of hundreds of megabytes when a test fails.

Draw = Callable[[st.SearchStrategy[Any]], Any]

leaves: st.SearchStrategy[tree.Expression] = st.one_of(
    names.map(lambda name: tree.Name(HERE, name)),
    numbers,
    texts.map(lambda text: tree.String(HERE, text)),
    st.booleans().map(lambda value: tree.Boolean(HERE, value)),
    st.just(tree.NoneLiteral(HERE)),
)


@st.composite
def expressions(draw: Draw, depth: int = 3) -> tree.Expression:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return cast(tree.Expression, draw(leaves))

    def inner() -> tree.Expression:
        return cast(tree.Expression, draw(expressions(depth - 1)))

    def several(least: int) -> tuple[tree.Expression, ...]:
        return tuple(inner() for _ in range(draw(st.integers(least, 3))))

    def perhaps() -> tree.Expression | None:
        return inner() if draw(st.booleans()) else None

    def argument() -> tree.Argument:
        return tree.Argument(HERE, draw(st.none() | labels), inner())

    makers: list[Callable[[], tree.Expression]] = [
        lambda: tree.Call(HERE, inner(), tuple(argument() for _ in range(draw(st.integers(0, 3))))),
        lambda: tree.Attribute(HERE, inner(), draw(labels)),
        lambda: tree.Index(HERE, inner(), inner()),
        lambda: tree.ListLiteral(HERE, several(0)),
        lambda: tree.Comprehension(HERE, inner(), draw(some_names), inner(), perhaps()),
        lambda: tree.Unary(HERE, draw(st.sampled_from(["-", "not"])), inner()),
        lambda: tree.Binary(HERE, draw(st.sampled_from(BINARY)), inner(), inner()),
        lambda: tree.Conditional(HERE, inner(), inner(), inner()),
        lambda: tree.Labelled(HERE, inner(), draw(labels), HERE),
        lambda: tree.Pipe(HERE, several(2)),
        lambda: tree.Repeat(HERE, inner(), perhaps(), draw(bodies(depth - 1))),
        lambda: tree.For(HERE, draw(some_names), inner(), draw(bodies(depth - 1))),
    ]
    return cast(tree.Expression, draw(st.sampled_from(makers))())


@st.composite
def bodies(draw: Draw, depth: int) -> tree.Body:
    items = draw(st.lists(statements(depth), max_size=3)) if depth > 0 else []
    docstring = draw(st.none() | texts) if items else None
    head = items[0] if items else None
    if (
        docstring is None
        and isinstance(head, tree.ExpressionStatement)
        and isinstance(head.value, tree.String)
    ):
        items = items[:1]  # else it would be the docstring
    return tree.Body(HERE, docstring, tuple(items))


@st.composite
def statements(draw: Draw, depth: int = 3) -> tree.Statement:
    value = expressions(max(0, depth - 1))
    dtype = st.none() | names

    def assign() -> tree.Statement:
        targets = draw(some_names)
        return tree.Assign(HERE, targets, (HERE,) * len(targets), draw(value))

    def dimension() -> tree.Dimension:
        if draw(st.booleans()):
            return tree.Dimension(HERE, draw(value), None)
        return tree.Dimension(HERE, tree.Name(HERE, draw(names)), draw(value))

    def shape() -> tuple[tree.Dimension, ...]:
        return tuple(dimension() for _ in range(draw(st.integers(0, 3))))

    def parameter() -> tree.Parameter:
        kind = draw(st.sampled_from(["value", "tensor", "block"]))
        return tree.Parameter(HERE, draw(labels), kind, draw(st.none() | value))

    def block() -> tree.Statement:
        parameters = tuple(parameter() for _ in range(draw(st.integers(0, 3))))
        return tree.Definition(HERE, "block", draw(labels), HERE, parameters, draw(bodies(depth - 1)), None)

    def alias() -> tree.Statement:
        return tree.Definition(
            HERE, draw(st.sampled_from(["block", "layer"])), draw(labels), HERE, (), None, draw(value)
        )

    def raw() -> tree.Statement:
        word = draw(st.sampled_from(["param", "buffer"]))
        sizes = tuple(draw(st.lists(value, max_size=2)))
        return tree.RawTensor(HERE, word, draw(labels), HERE, draw(dtype), sizes, draw(st.none() | value))

    makers: list[Callable[[], tree.Statement]] = [
        lambda: tree.ExpressionStatement(HERE, draw(value)),
        assign,
        lambda: tree.Expect(HERE, draw(value)),
        lambda: tree.Input(HERE, draw(labels), HERE, draw(dtype), shape()),
        lambda: tree.Output(HERE, draw(labels), HERE, draw(st.none() | value)),
        raw,
        alias,
        block,
        lambda: tree.If(HERE, draw(value), draw(bodies(depth - 1)), draw(st.none() | bodies(depth - 1))),
    ]
    return cast(tree.Statement, draw(st.sampled_from(makers))())


@st.composite
def files(draw: Draw) -> tree.File:
    def use() -> tree.Statement:
        return tree.Use(HERE, draw(some_names), draw(texts), HERE)

    def model() -> tree.Statement:
        return tree.Definition(HERE, "model", draw(labels), HERE, (), draw(bodies(3)), None)

    found = [
        draw(statements()) if kind > 1 else (use, model)[kind]()
        for kind in draw(st.lists(st.integers(0, 4), max_size=4))
    ]
    return tree.File(HERE.source, tuple(found), ())
