"""Random trees for Hypothesis: everything that the parser can return, with spans that point nowhere."""

from __future__ import annotations

import string
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


def bodies(statements: st.SearchStrategy[tree.Statement]) -> st.SearchStrategy[tree.Body]:
    def body(docstring: str | None, items: list[tree.Statement]) -> tree.Body:
        if (
            items
            and isinstance(items[0], tree.ExpressionStatement)
            and isinstance(items[0].value, tree.String)
        ):
            items = items[:1] if docstring is None else items
        return tree.Body(HERE, docstring if items else None, tuple(items))

    return st.builds(body, st.none() | texts, st.lists(statements, max_size=3))


def grown(inner: st.SearchStrategy[tree.Expression]) -> st.SearchStrategy[tree.Expression]:
    arguments = st.lists(st.builds(tree.Argument, st.just(HERE), st.none() | labels, inner), max_size=3).map(
        tuple
    )
    items = st.lists(inner, max_size=3).map(tuple)
    body = bodies(simple(inner))
    here = st.just(HERE)
    return st.one_of(
        st.builds(tree.Call, here, inner, arguments),
        st.builds(tree.Attribute, here, inner, labels),
        st.builds(tree.Index, here, inner, inner),
        st.builds(tree.ListLiteral, here, items),
        st.builds(tree.Comprehension, here, inner, some_names, inner, st.none() | inner),
        st.builds(tree.Unary, here, st.sampled_from(["-", "not"]), inner),
        st.builds(tree.Binary, here, st.sampled_from(BINARY), inner, inner),
        st.builds(tree.Conditional, here, inner, inner, inner),
        st.builds(tree.Labelled, here, inner, labels, here),
        st.builds(tree.Pipe, here, st.lists(inner, min_size=2, max_size=4).map(tuple)),
        st.builds(tree.Repeat, here, inner, st.none() | inner, body),
        st.builds(tree.For, here, some_names, inner, body),
    )


def simple(inner: st.SearchStrategy[tree.Expression]) -> st.SearchStrategy[tree.Statement]:
    here = st.just(HERE)
    assign = st.builds(
        lambda targets, value: tree.Assign(HERE, targets, (HERE,) * len(targets), value), some_names, inner
    )
    sizes = st.one_of(
        st.builds(tree.Dimension, here, inner, st.none()),
        st.builds(tree.Dimension, here, names.map(lambda name: tree.Name(HERE, name)), inner),
    )
    shapes = st.lists(sizes, max_size=3).map(tuple)
    dtype = st.none() | names
    return st.one_of(
        st.builds(tree.ExpressionStatement, here, inner),
        assign,
        st.builds(tree.Expect, here, inner),
        st.builds(tree.Input, here, labels, here, dtype, shapes),
        st.builds(tree.Output, here, labels, here, st.none() | inner),
        st.builds(
            tree.RawTensor,
            here,
            st.sampled_from(["param", "buffer"]),
            labels,
            here,
            dtype,
            st.lists(inner, max_size=2).map(tuple),
            st.none() | inner,
        ),
    )


leaves: st.SearchStrategy[tree.Expression] = st.one_of(
    names.map(lambda name: tree.Name(HERE, name)),
    numbers,
    texts.map(lambda text: tree.String(HERE, text)),
    st.booleans().map(lambda value: tree.Boolean(HERE, value)),
    st.just(tree.NoneLiteral(HERE)),
)
expressions = st.recursive(leaves, grown, max_leaves=12)


def compound(inner: st.SearchStrategy[tree.Statement]) -> st.SearchStrategy[tree.Statement]:
    here = st.just(HERE)
    parameters = st.lists(
        st.builds(
            tree.Parameter,
            here,
            labels,
            st.sampled_from(["value", "tensor", "block"]),
            st.none() | expressions,
        ),
        max_size=3,
    ).map(tuple)

    def definition(keyword: Any, name: str, given: Any, body: tree.Body | None, alias: Any) -> tree.Statement:
        if keyword == "layer" or alias is not None:
            return tree.Definition(HERE, keyword, name, HERE, (), None, alias or tree.Name(HERE, "f"))
        return tree.Definition(HERE, keyword, name, HERE, given, body, None)

    return st.one_of(
        st.builds(
            definition,
            st.sampled_from(["block", "layer"]),
            labels,
            parameters,
            bodies(inner),
            st.none() | expressions,
        ),
        st.builds(tree.If, here, expressions, bodies(inner), st.none() | bodies(inner)),
    )


statements = st.recursive(simple(expressions), compound, max_leaves=6)
top = st.one_of(
    statements,
    st.builds(tree.Use, st.just(HERE), some_names, texts, st.just(HERE)),
    st.builds(
        lambda name, body: tree.Definition(HERE, "model", name, HERE, (), body, None),
        labels,
        bodies(statements),
    ),
)
files = st.lists(top, max_size=4).map(lambda found: tree.File(HERE.source, tuple(found), ()))


def first_is_not_an_edition(file: tree.File) -> bool:
    return not any(isinstance(cast(Any, s), tree.Edition) for s in file.statements[1:])
