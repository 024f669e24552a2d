"""What the parser does at each rule: one plain function per alias of the grammar, from children to a node.

Children come as Lark hands them over, tokens and nodes mixed, in the order of the text. Lists grow as pairs
``(rest, item)``, so that no step changes a value which a snapshot of the recovery still holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from archdsl.source import Span
from archdsl.syntax import errors, tree
from archdsl.syntax.tokens import Token

Children = list[Any]


def _span(first: Any, last: Any) -> Span:
    start = first if type(first) is Token else first.span
    end = last if type(last) is Token else last.span
    return Span(start.source, start.start, end.end)


def _whole(children: Children) -> Span:
    return _span(children[0], children[-1])


# -------------------------------------------------------------------------------------------------------- lists


def first(children: Children) -> Any:
    return (None, children[0])


def more(children: Children) -> Any:
    return (children[0], children[2])


def two(children: Children) -> Any:
    return ((None, children[0]), children[2])


def _items(pairs: Any) -> tuple[Any, ...]:
    found = []
    while pairs is not None:
        pairs, item = pairs
        found.append(item)
    found.reverse()
    return tuple(found)


def _texts(names: tuple[Token, ...]) -> tuple[str, ...]:
    return tuple(name.text for name in names)


# --------------------------------------------------------------------------------------------------- statements


def file(children: Children) -> tuple[tree.Statement, ...]:
    return tuple(s for s in _items(children[0]) if s is not None)


def empty_file(children: Children) -> tuple[tree.Statement, ...]:
    return ()


def error(children: Children) -> None:
    """A statement that could not be read leaves nothing in the tree."""


def body(children: Children) -> tree.Body:
    statements = tuple(s for s in _items(children[1]) if s is not None)
    docstring = None
    if len(statements) > 1:
        head = statements[0]
        if isinstance(head, tree.ExpressionStatement) and isinstance(head.value, tree.String):
            docstring, statements = head.value.value, statements[1:]
    return tree.Body(_whole(children), docstring, statements)


def empty_body(children: Children) -> tree.Body:
    return tree.Body(_whole(children), None, ())


def use(children: Children) -> tree.Use:
    path = children[3]
    return tree.Use(_whole(children), _texts(_items(children[1])), path.value, path.span)


def edition(children: Children) -> tree.Edition:
    number = children[1]
    if not isinstance(number.value, int):
        raise errors.Fault(errors.edition_not_whole(number.span))
    return tree.Edition(_whole(children), number.value)


def _definition(children: Children, parameters: tuple[tree.Parameter, ...]) -> tree.Definition:
    word, name = children[0], children[1]
    return tree.Definition(_whole(children), word.text, name.text, name.span, parameters, children[-1], None)


def block(children: Children) -> tree.Definition:
    return _definition(children, ())


def block_with_parameters(children: Children) -> tree.Definition:
    return _definition(children, _items(children[3]))


def alias(children: Children) -> tree.Definition:
    word, name, _, value = children
    return tree.Definition(_whole(children), word.text, name.text, name.span, (), None, value)


def assign(children: Children) -> tree.Assign:
    targets = _items(children[0])
    spans = tuple(target.span for target in targets)
    return tree.Assign(_span(targets[0], children[-1]), _texts(targets), spans, children[2])


def input(children: Children) -> tree.Input:
    dtype, dimensions, _ = children[3]
    name = children[1]
    span = Span(name.source, children[0].start, children[3][2])
    return tree.Input(span, name.text, name.span, dtype, dimensions)


def output(children: Children) -> tree.Output:
    name = children[1]
    return tree.Output(_whole(children), name.text, name.span, children[3] if len(children) > 3 else None)


def raw_tensor(children: Children) -> tree.RawTensor:
    word, name, _, (dtype, dimensions, end) = children[:4]
    for dimension in dimensions:
        if dimension.default is not None:
            raise errors.Fault(errors.default_in_raw_tensor(dimension.span, word.text))
    initial = children[5] if len(children) > 5 else None
    span = Span(name.source, word.start, initial.span.end if initial is not None else end)
    shape = tuple(dimension.size for dimension in dimensions)
    return tree.RawTensor(span, word.text, name.text, name.span, dtype, shape, initial)


def if_(children: Children) -> tree.If:
    return tree.If(_whole(children), children[1], children[2], None)


def if_else(children: Children) -> tree.If:
    return tree.If(_whole(children), children[1], children[2], children[4])


def if_else_if(children: Children) -> tree.If:
    rest = children[4]
    return tree.If(_whole(children), children[1], children[2], tree.Body(rest.span, None, (rest,)))


def expect(children: Children) -> tree.Expect:
    return tree.Expect(_whole(children), children[1])


def expression_statement(children: Children) -> tree.ExpressionStatement:
    return tree.ExpressionStatement(children[0].span, children[0])


# -------------------------------------------------------------------------------------- parameters and shapes


def parameter(children: Children) -> tree.Parameter:
    default = children[2] if len(children) > 1 else None
    return tree.Parameter(_whole(children), children[0].text, "value", default)


def typed_parameter(children: Children) -> tree.Parameter:
    word = children[2]
    if word.text not in ("tensor", "block"):
        raise errors.Fault(errors.unknown_kind(word.span, word.text))
    default = children[4] if len(children) > 3 else None
    return tree.Parameter(_whole(children), children[0].text, word.text, default)


def typed(children: Children) -> tuple[str | None, tuple[tree.Dimension, ...], int]:
    dimensions, end = children[-1]
    return (children[0].text if len(children) == 2 else None), dimensions, end


def empty_shape(children: Children) -> tuple[tuple[tree.Dimension, ...], int]:
    return (), children[-1].end


def shape(children: Children) -> tuple[tuple[tree.Dimension, ...], int]:
    return _items(children[1]), children[-1].end


def dimension(children: Children) -> tree.Dimension:
    return tree.Dimension(children[0].span, children[0], None)


def dimension_default(children: Children) -> tree.Dimension:
    size = children[0]
    if not isinstance(size, tree.Name):
        raise errors.Fault(errors.default_without_name(size.span))
    return tree.Dimension(_whole(children), size, children[2])


# -------------------------------------------------------------------------------------------------- expressions


def pipe(children: Children) -> tree.Pipe:
    steps = _items(children[0])
    return tree.Pipe(_span(steps[0], steps[-1]), steps)


def conditional(children: Children) -> tree.Conditional:
    return tree.Conditional(_whole(children), children[0], children[2], children[4])


def binary(children: Children) -> tree.Binary:
    return tree.Binary(_whole(children), children[1].text, children[0], children[2])


def unary(children: Children) -> tree.Unary:
    return tree.Unary(_whole(children), children[0].text, children[1])


def call(children: Children) -> tree.Call:
    arguments = _items(children[2]) if len(children) > 3 else ()
    return tree.Call(_whole(children), children[0], arguments)


def positional(children: Children) -> tree.Argument:
    return tree.Argument(children[0].span, None, children[0])


def keyword(children: Children) -> tree.Argument:
    return tree.Argument(_whole(children), children[0].text, children[2])


def index(children: Children) -> tree.Index:
    return tree.Index(_whole(children), children[0], children[2])


def attribute(children: Children) -> tree.Attribute:
    return tree.Attribute(_whole(children), children[0], children[2].text)


def labelled(children: Children) -> tree.Labelled:
    label = children[2]
    return tree.Labelled(_whole(children), children[0], label.text, label.span)


def name(children: Children) -> tree.Name:
    return tree.Name(children[0].span, children[0].text)


def number(children: Children) -> tree.Number:
    return tree.Number(children[0].span, cast("int | float", children[0].value), children[0].text)


def string(children: Children) -> tree.String:
    return tree.String(children[0].span, cast(str, children[0].value))


def true(children: Children) -> tree.Boolean:
    return tree.Boolean(children[0].span, True)


def false(children: Children) -> tree.Boolean:
    return tree.Boolean(children[0].span, False)


def none(children: Children) -> tree.NoneLiteral:
    return tree.NoneLiteral(children[0].span)


def group(children: Children) -> tree.Expression:
    """Parentheses leave no node: they widen the span of what they hold, so that carets cover them."""
    return replace(cast(tree.Expression, children[1]), span=_whole(children))


def list_literal(children: Children) -> tree.ListLiteral:
    return tree.ListLiteral(_whole(children), _items(children[1]) if len(children) > 2 else ())


def comprehension(children: Children) -> tree.Comprehension:
    condition = children[7] if len(children) > 7 else None
    return tree.Comprehension(
        _whole(children), children[1], _texts(_items(children[3])), children[5], condition
    )


def repeat(children: Children) -> tree.Repeat:
    return tree.Repeat(
        _whole(children), children[1], children[3] if len(children) > 3 else None, children[-1]
    )


def for_(children: Children) -> tree.For:
    return tree.For(_whole(children), _texts(_items(children[1])), children[3], children[4])
