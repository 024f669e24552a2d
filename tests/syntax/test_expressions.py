"""Precedence, and what each expression becomes."""

from __future__ import annotations

import pytest

from archdsl.syntax import tree
from tests.syntax.support import codes, expression, good


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b -> relu", "(-> (+ a b) relu)"),
        ("a -> b -> c", "(-> a b c)"),
        ("(a -> b) -> c", "(-> (-> a b) c)"),
        ("a -> (b -> c)", "(-> a (-> b c))"),
        ("a if b else c -> d", "(-> (if b a c) d)"),
        ("a if b else c if d else e", "(if b a (if d c e))"),
        ("a or b if c and d else not e", "(if (and c d) (or a b) (not e))"),
        ("a or b and c", "(or a (and b c))"),
        ("a and b or c and d or e", "(or (or (and a b) (and c d)) e)"),
        ("not a == b", "(not (== a b))"),
        ("not not a and b", "(and (not (not a)) b)"),
        ("a + 1 < b * 2", "(< (+ a 1) (* b 2))"),
        ("a != b", "(!= a b)"),
        ("a - b + c", "(+ (- a b) c)"),
        ("a ++ b ++ c", "(++ (++ a b) c)"),
        ("a ++ b * c", "(++ a (* b c))"),
        ("(a + b) ++ c", "(++ (+ a b) c)"),
        ("a * b / c // d % e @ f", "(@ (% (// (/ (* a b) c) d) e) f)"),
        ("a * -b", "(* a (- b))"),
        ("-a * b", "(* (- a) b)"),
        ("-a ** b", "(- (** a b))"),
        ("a ** -b ** c", "(** a (- (** b c)))"),
        ("a - -b", "(- a (- b))"),
        ("a<-b", "(< a (- b))"),
        ("64 * 2 ** i", "(* 64 (** 2 i))"),
        ("a * b as c", "(* a (as b c))"),
        ("-f(x) as y", "(- (as (call f x) y))"),
        ("f(x) as a as b", "(as (as (call f x) a) b)"),
        ("(conv(8) -> norm) as stem", "(as (-> (call conv 8) norm) stem)"),
        ("x.shape[-1] ** 2", "(** (index (. x shape) (- 1)) 2)"),
        ("id @ tok.weight.T", "(@ id (. (. tok weight) T))"),
        ("f()()[0].T", "(. (index (call (call f)) 0) T)"),
        ("f(a -> b, k=c -> d,)", "(call f (-> a b) k=(-> c d))"),
        ("f(layer=3, from=memory, input=x, if_=1)", "(call f layer=3 from=memory input=x if_=1)"),
        ("f(k = a if b else c)", "(call f k=(if b a c))"),
        ("[]", "[]"),
        ("[a, b -> c,]", "[a (-> b c)]"),
        ("[f -> g for f in xs]", "(list (-> f g) f xs)"),
        ("[f for f, g in zip(a, b) if f > g]", "(list f f,g (call zip a b) (> f g))"),
        ("[f for f in (a if b else c)]", "(list f f (if b a c))"),
        ("repeat n { a -> b } as c", "(as (repeat n {(-> a b)}) c)"),
        ("repeat n until all(h >= 1) { a }", "(repeat n (call all (>= h 1)) {a})"),
        ("for a, b in zip(x, y) { a\n b } -> c", "(-> (for a,b (call zip x y) {a b}) c)"),
        ("x + repeat 2 { }", "(+ x (repeat 2 {}))"),
        ("attention.output", "(. attention output)"),
        ("true and false or none", "(or (and true false) none)"),
        (r'"a\n\"\\\t é"', "'a\\n\"\\\\\\t é'"),
        ("id + (norm -> mha(heads=8, mask=causal))", "(+ id (-> norm (call mha heads=8 mask=causal)))"),
    ],
)
def test_precedence(text: str, expected: str) -> None:
    assert expression(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [("64", 64), ("25_557_032", 25557032), ("0.1", 0.1), ("1e9", 1e9), ("2.5e-3", 0.0025), ("0", 0)],
)
def test_numbers(text: str, value: float) -> None:
    (statement,) = good(text).statements
    assert isinstance(statement, tree.ExpressionStatement)
    number = statement.value
    assert isinstance(number, tree.Number)
    assert (number.value, type(number.value), number.text) == (value, type(value), text)


def test_spans_cover_parentheses() -> None:
    (statement,) = good("(a + b) * (c)").statements
    assert isinstance(statement, tree.ExpressionStatement)
    product = statement.value
    assert isinstance(product, tree.Binary)
    assert [product.span.text, product.left.span.text, product.right.span.text] == [
        "(a + b) * (c)",
        "(a + b)",
        "(c)",
    ]


def test_concatenation_does_not_mix() -> None:
    assert codes("a ++ b + c") == [("E0206", 1, 8)]
    assert codes("a - b ++ c") == [("E0206", 1, 7)]
    assert codes("a ++ (b + c)") == []


def test_comparisons_do_not_chain() -> None:
    assert codes("a < b <= c") == [("E0207", 1, 7)]
