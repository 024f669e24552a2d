"""Statements: what each becomes, which words are reserved where, and where a line ends."""

from __future__ import annotations

import pytest

from archdsl.syntax import tree
from archdsl.syntax.tokens import STATEMENT_WORDS
from tests.syntax.support import SAMPLES, Path, codes, expression, good, shown


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_parse(path: Path) -> None:
    assert good(path.read_text("utf-8")).statements


def only(text: str) -> tree.Statement:
    (statement,) = good(text).statements
    assert statement.span.text == text
    return statement


def test_use_and_edition() -> None:
    file = good('edition 1\nuse a, b from "std:x.arch"')
    first, second = file.statements
    assert isinstance(first, tree.Edition)
    assert first.number == 1
    assert isinstance(second, tree.Use)
    assert (second.names, second.path, second.path_span.text) == (("a", "b"), "std:x.arch", '"std:x.arch"')


def test_definitions() -> None:
    block = only("block b(c, k=3, x: tensor = id, f: block, from: tensor = id,) { relu }")
    assert isinstance(block, tree.Definition)
    assert [(p.name, p.kind, p.default and shown(p.default)) for p in block.parameters] == [
        ("c", "value", None),
        ("k", "value", "3"),
        ("x", "tensor", "id"),
        ("f", "block", None),
        ("from", "tensor", "id"),
    ]
    assert block.alias is None
    assert block.name_span.text == "b"
    alias = only("model resnet50 = resnet(n=3) -> f")
    assert isinstance(alias, tree.Definition)
    assert (alias.keyword, alias.name, alias.body, alias.parameters) == ("model", "resnet50", None, ())
    layer = only("layer e = embedding(v, d)")
    assert isinstance(layer, tree.Definition)
    assert layer.keyword == "layer"


def test_docstring_is_a_string_that_is_not_all() -> None:
    def body(text: str) -> tree.Body:
        definition = only(text)
        assert isinstance(definition, tree.Definition)
        assert definition.body is not None
        return definition.body

    documented, alone = body('model m { "text"\n relu }'), body('model m { "text" }')
    assert (documented.docstring, len(documented.statements)) == ("text", 1)
    assert (alone.docstring, len(alone.statements)) == (None, 1)


def test_declarations() -> None:
    image = only("input image: int[B, 3, H = 224, c // 2]")
    assert isinstance(image, tree.Input)
    assert (image.name, image.dtype) == ("image", "int")
    assert [(shown(d.size), d.default and shown(d.default)) for d in image.shape] == [
        ("B", None),
        ("3", None),
        ("H", "224"),
        ("(// c 2)", None),
    ]
    gamma = only("param gamma: [] = 0")
    assert isinstance(gamma, tree.RawTensor)
    assert (gamma.keyword, gamma.dtype, gamma.shape) == ("param", None, ())
    steps = only("buffer steps: int[n]")
    assert isinstance(steps, tree.RawTensor)
    assert (steps.keyword, steps.dtype, steps.initial) == ("buffer", "int", None)
    output = only("output logits")
    assert isinstance(output, tree.Output)
    assert output.value is None


def test_assignment_to_several() -> None:
    statement = only("q, k, v = [f, g, h]")
    assert isinstance(statement, tree.Assign)
    assert statement.targets == ("q", "k", "v")
    assert [span.text for span in statement.target_spans] == ["q", "k", "v"]


def test_else_if_is_a_body_of_one_statement() -> None:
    statement = only("if a { b }\nelse if c { d }\nelse { e }")
    assert isinstance(statement, tree.If)
    assert statement.otherwise is not None
    (rest,) = statement.otherwise.statements
    assert isinstance(rest, tree.If)
    assert rest.otherwise is not None


@pytest.mark.parametrize("word", STATEMENT_WORDS)
def test_statement_words_are_names_elsewhere(word: str) -> None:
    assert expression(f"f({word}=1) -> {word}") == f"(-> (call f {word}=1) {word})"
    assert expression(f"x.{word} as {word}") == f"(as (. x {word}) {word})"
    assert len(good(f"block b({word}, a=\n  {word}) {{ x = {word} }}").statements) == 1
    assert [code for code, _, _ in codes(f"{word} -> relu")] in (["E0212"], ["E0201"])


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("a\nb", 2),
        ("a ->\nb", 1),
        ("a\n  -> b", 1),
        ("a\n\n# why\n  -> b", 1),
        ("a +\nb", 1),
        ("a\n(b)", 2),
        ("a\n[b]", 2),
        ("x =\n\n a", 1),
        ("a,\nb = c", 1),
        ("f(a\n,\nb\n)", 1),
        ("[a\nfor a in b]", 1),
        ("a if b\nelse c", 1),
        ("a if\nb else\nc", 1),
        ("f(repeat n {\na\nb\n}\n)\nc", 2),
        ("\n\n  a  \n\n\n b \n", 2),
        ("", 0),
        ("# only a comment", 0),
        ("a\r\nb\rc\nd", 4),
        ("a # b\nc", 2),
        ("\ta\n\t->\tb", 1),
    ],
)
def test_where_a_statement_ends(text: str, statements: int) -> None:
    assert len(good(text).statements) == statements


def test_comments_are_kept() -> None:
    comments = good("# one\na # two\nf(\n  # three\n  b) # four").comments
    assert [(c.text, c.own_line) for c in comments] == [
        ("# one", True),
        ("# two", False),
        ("# three", True),
        ("# four", False),
    ]
