"""A region's graph as statements of ``forward``: inner regions called or written in place, loops, both modes in one."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from torch import fx

from archdsl.backend import loops
from archdsl.backend.code import (
    Assign,
    Attr,
    Call,
    Expr,
    If,
    Index,
    Lit,
    Member,
    Name,
    Stmt,
    Unary,
    Var,
)
from archdsl.backend.constructors import Rates
from archdsl.backend.errors import BackendError
from archdsl.backend.expressions import expression, function_code, is_view
from archdsl.backend.graphs import Lowered, OpMember
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.members import all_rounds, pairs, same_text
from archdsl.backend.modes import Key, keys, matched, signature
from archdsl.backend.names import unique
from archdsl.backend.regions import Unit
from archdsl.network.types import CallNode, Path

Arguments = Mapping[Key, Expr]
Finish = Callable[[list[Expr], bool], list[Stmt]]


@dataclass(frozen=True)
class Place:
    """Where a region's members are: below a path of the class, or in the one module that stands for the region."""

    prefix: Path = ()
    element: Expr | None = None
    header: list[tuple[Var | None, Expr]] | None = (
        None  # of the loop around, to walk over modules of its rounds
    )

    def at(self, path: Path) -> Expr:
        if self.element is None:
            return Member(self.prefix + path)
        if path:
            raise BackendError(f"{'.'.join(path)}: a member of a region that is one module")
        return self.element

    def inside(self, path: Path) -> Place:
        return Place(self.prefix + path, self.element if not path else None, self.header)


@dataclass(eq=False)
class Flow:
    """Writes the statements of one class. ``parts`` are the modules without weights that it needs as well."""

    lowering: Lowering
    helpers: Helpers
    taken: set[str]
    parts: dict[str, list[Expr]] = field(default_factory=dict)

    def write(
        self,
        unit: Unit,
        given: Arguments,
        place: Place,
        rates: Rates,
        out: list[Stmt],
        finish: Finish | None = None,
    ) -> list[Expr]:
        """The statements of a unit; returns its outputs, unless ``finish`` has written what becomes of them."""
        first, second = self.lowering(unit.inference), self.lowering(unit.training)
        children = pairs(unit, self.lowering.regions)
        if unit.same:
            env = self._inputs(first, given)
            for node in first.graph.nodes:
                self._node(node, first, env, children, place, rates, out)
            outs = _outputs(first, env)
            if finish is not None:
                out += finish(outs, False)
            return outs
        partner = matched(first, second, children)
        env = self._inputs(first, given) | self._inputs(second, given)
        common = set(partner.values())
        for node in first.graph.nodes:
            if node in common:
                self._node(node, first, env, children, place, rates, out)
        env |= {mine: env[theirs] for mine, theirs in partner.items() if theirs in env}
        results: dict[bool, list[Expr]] = {}
        branches: dict[bool, list[Stmt]] = {True: [], False: []}
        for training, lowered in ((True, second), (False, first)):
            for node in lowered.graph.nodes:
                if node not in env and node not in common and node not in partner:
                    self._node(node, lowered, env, children, place, rates, branches[training])
            results[training] = _outputs(lowered, env)
        return _join(results, branches, out, finish)

    def _inputs(self, lowered: Lowered, given: Arguments) -> dict[fx.Node, Expr]:
        placeholders = [n for n in lowered.graph.nodes if n.op == "placeholder"]
        return {node: given[key] for node, key in zip(placeholders, keys(lowered), strict=True)}

    def _node(
        self, node: fx.Node, lowered: Lowered, env: dict[fx.Node, Expr], children: Mapping[CallNode, Unit],
        place: Place, rates: Rates, out: list[Stmt],
    ) -> None:  # fmt: skip
        if node.op in ("placeholder", "output") or node in env:
            return
        call = node.meta.get("call")
        if call is not None:
            self._call(node, call, lowered, env, children, place, rates, out)
            return
        value = self._value(node, lowered, env, place, rates)
        if "types" in node.meta:
            _unpack(node, value, env, out)
        elif node.meta.get("item") or is_view(node):
            env.setdefault(node, value)
        else:
            type = node.meta.get("type")
            env[node] = var = Var(node.meta.get("author"), type)
            out.append(Assign((var,), value, () if type is None else (type,)))

    def _value(
        self, node: fx.Node, lowered: Lowered, env: dict[fx.Node, Expr], place: Place, rates: Rates
    ) -> Expr:
        args = tuple(expression(a, env) for a in node.args)
        kwargs = tuple((k, expression(a, env)) for k, a in node.kwargs.items())
        target: Any = node.target
        match node.op:
            case "get_attr":
                return place.at(node.meta["member"])
            case "call_method":
                return Call(Attr(args[0], target), args[1:], kwargs)
            case "call_module":
                member = lowered.members[target]
                assert isinstance(member, OpMember)
                owner = (
                    place.at(member.node.path) if member.owns else self._part(target, member, place, rates)
                )
                return Call(owner, args, kwargs)
        return function_code(node, args, kwargs, self.helpers)

    def _part(self, target: str, member: OpMember, place: Place, rates: Rates) -> Expr:
        """A module without weights of its own: equal ones of a class are one."""
        made = self.helpers.module(member, rates)
        if isinstance(made, list):
            if all(same_text(made[0], m) for m in made):
                made = made[0]
            elif place.header is None:
                raise BackendError(f"{target}: rates of rounds outside their loop")
        each = made if isinstance(made, list) else [made]
        for name, known in self.parts.items():
            if not isinstance(made, list) and len(known) == 1 and same_text(known[0], made):
                return Member((name,))
        name = unique(target, self.taken)
        self.taken.add(name)
        self.parts[name] = each
        if len(each) == 1:
            return Member((name,))
        assert place.header is not None
        var = Var(target)
        place.header.append((var, Member((name,))))
        return var

    # ------------------------------------------------------------------------------------------------ inner regions

    def _call(
        self, node: fx.Node, call: CallNode, lowered: Lowered, env: dict[fx.Node, Expr],
        children: Mapping[CallNode, Unit], place: Place, rates: Rates, out: list[Stmt],
    ) -> None:  # fmt: skip
        regions = self.lowering.regions
        unit = children.get(call) or regions.unit(call.region, call.region)
        inner = self.lowering(call.region)
        args = [expression(a, env) for a in node.args]
        module: Expr | None = None
        if node.target is operator.call:
            module, *args = args
        elif call.kind == "layer" and node.target not in lowered.members:
            module = place.at(node.meta["member"])
        given = dict(zip(keys(inner), args, strict=True))
        owns = regions.owns_state(call.region)
        write_in_place = not owns or regions.is_transparent(call.region)
        at = place.inside(call.path) if module is None else Place((), module, place.header)

        def call_class(element: Expr, given: Arguments) -> Expr:
            return Call(element, tuple(given.get(k, Lit(None)) for k in signature(unit, self.lowering)))

        if call.kind in ("call", "layer"):
            if write_in_place:
                outs = self.write(unit, given, at, _passed(call, rates), out)
            else:
                element = module if module is not None else place.at(call.path)
                outs = self._assigned(call, call_class(element, given), node, out)
        else:
            loop = loops.Loop(call, unit.inference, given, keys(inner), node.meta.get("size"))
            container = place.at(call.path) if owns else None
            if write_in_place:

                def body(
                    element: Expr | None, given: Arguments, header: Any, into: list[Stmt]
                ) -> list[Expr] | Expr:
                    at = Place((), element, header)
                    return self.write(unit, given, at, all_rounds(call, rates), into)
            else:

                def body(
                    element: Expr | None, given: Arguments, header: Any, into: list[Stmt]
                ) -> list[Expr] | Expr:
                    assert element is not None
                    return call_class(element, given)

            outs = loops.write(loop, container, body, out)
        _bind(node, call, outs, env)

    def _assigned(self, call: CallNode, value: Expr, node: fx.Node, out: list[Stmt]) -> list[Expr]:
        targets = tuple(Var(v.name, v.type) for v in call.outputs)
        out.append(Assign(targets, value, tuple(v.type for v in call.outputs)))
        return list(targets)


def _passed(call: CallNode, rates: Rates) -> Rates:
    return all_rounds(call, rates)


def _join(
    results: dict[bool, list[Expr]], branches: dict[bool, list[Stmt]], out: list[Stmt], finish: Finish | None
) -> list[Expr]:
    training = Attr(Name("self"), "training")
    if finish is not None:
        if not any(branches.values()) and all(
            a is b for a, b in zip(results[True], results[False], strict=False)
        ):
            out += finish(results[False], False)
            return []
        out.append(If(training, branches[True] + finish(results[True], True)))
        out += branches[False] + finish(results[False], False)
        return []
    targets: list[Expr] = []
    for yes, no in zip(results[True], results[False], strict=True):
        if yes is no:
            targets.append(yes)
            continue
        var = Var(getattr(no, "name", None), getattr(no, "type", None))
        for mode, value in ((True, yes), (False, no)):
            branches[mode].append(Assign((var,), value))
        targets.append(var)
    if branches[True] and branches[False]:
        out.append(If(training, branches[True], branches[False]))
    elif branches[True]:
        out.append(If(training, branches[True]))
    elif branches[False]:
        out.append(If(Unary("not", training), branches[False]))
    return targets


def _outputs(lowered: Lowered, env: dict[fx.Node, Expr]) -> list[Expr]:
    (result,) = next(n for n in reversed(lowered.graph.nodes) if n.op == "output").args
    return [env[node] for node in cast(tuple[fx.Node, ...], result)]


def _unpack(node: fx.Node, value: Expr, env: dict[fx.Node, Expr], out: list[Stmt]) -> None:
    types = node.meta["types"]
    items = {n.args[1]: n for n in node.users if n.meta.get("item")}
    targets: list[Var | None] = []
    for i, type in enumerate(types):
        item = items.get(i)
        if item is None or not (item.users):
            targets.append(None)
            continue
        env[item] = var = Var(item.meta.get("author"), type)
        targets.append(var)
    env[node] = Lit(None)
    out.append(Assign(tuple(targets), value, types) if len(targets) > 1 else _single(targets, value, types))


def _single(targets: list[Var | None], value: Expr, types: Any) -> Assign:
    return Assign(tuple(targets), Index(value, Lit(0)), types)


def _bind(node: fx.Node, call: CallNode, outs: list[Expr], env: dict[fx.Node, Expr]) -> None:
    for value, got in zip(call.outputs, outs, strict=True):
        if isinstance(got, Var) and got.name is None:
            got.name = value.name
    if "types" not in node.meta:
        env[node] = outs[0]
        return
    env[node] = Lit(None)
    for item in node.users:
        if item.meta.get("item"):
            env[item] = outs[item.args[1]]  # type: ignore[index]
