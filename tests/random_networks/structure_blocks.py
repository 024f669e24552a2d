"""Random structure with a body: loops, conditions, layers, parameters, blocks, scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tests.random_networks.choose_pointwise import infixed
from tests.random_networks.choose_sequence import has_features
from tests.random_networks.choose_spatial import is_map
from tests.random_networks.maker import Maker
from tests.random_networks.meaning import call
from tests.random_networks.pieces import Piece, Statement, body_of, braced, do, name, outer, pipe
from tests.random_networks.runtime import Raw, Run
from tests.random_networks.structure import adapted, chain, plain, step, steps


def body(g: Maker, most: int, nested: bool = True) -> list[Statement]:
    """Statements inside braces, from the wire at hand."""
    for _ in range(g.rng.randint(1, most)):
        if not g.failed:
            step(g) if nested and g.maybe(0.3) else plain(g)
    return list(g.statements)


@steps(1.2)
def loop(g: Maker) -> Statement | None:
    """``repeat n { } as w`` or ``for k in [..] { } as w``."""
    label, target = g.fresh("w"), g.fresh("k")
    count = g.pick([1, 2, 3], [0])
    over = g.maybe(0.4)
    values = [g.pick([1, 3, 5]) for _ in range(count)]
    first = {target: values[0] if values else 1}
    with g.inside(label, "0"):
        for run in g.runs:
            run.env.update(first)
        over = over and is_map(g) and g.add(do(g.call("conv", g.dims[1], name(target))))
        inner = body(g, 2)
    if not inner:
        return None
    run_body = body_of(inner)

    def go(run: Run, wire: Any) -> Any:
        for i in range(count):
            with run.place(label, str(i)), run.scope({target: values[i]} if over else {}):
                wire = run_body(run, wire)
        return wire

    header = f"for {target} in [{', '.join(map(str, values))}]" if over else f"repeat {count}"
    more = outer(inner)
    more["names"] -= {target}
    return Statement(braced(header, inner, f" as {label}"), go, assigns=(), **more)


def condition(g: Maker) -> tuple[str, Callable[[Run, Any], bool]]:
    """Something that can be decided for all sizes; in wild programs perhaps not."""
    known = [i for i, d in enumerate(g.dims) if d is not None]
    if g.wild() and g.program.symbols and not g.depth:
        symbol = g.rng.choice(g.program.symbols)
        return f"{symbol} > 60", lambda run, w: run.sizes[symbol] > 60
    if known and g.maybe(0.7):
        dim = g.rng.choice(known)
        limit = g.pick([g.dims[dim], 5])
        return f"id.shape[{dim}] == {limit}", lambda run, w: w.shape[dim] == limit
    for assumption in g.program.assumptions if not g.depth else ():  # a block doesn't see the model's sizes
        if "%" in assumption.text:
            return assumption.text, lambda run, w, assumption=assumption: assumption.holds(run.sizes)
    return "2 > 1", lambda run, w: True


@steps(0.8)
def choice(g: Maker) -> Statement | None:
    """``if c { } else { }``, or ``f if c else g``."""
    text, test = condition(g)
    with g.inside():
        yes = body(g, 2, nested=False)
    with g.inside():
        no = body(g, 2, nested=False)
    if not yes or not no:
        return None
    one, two = body_of(yes), body_of(no)

    def go(run: Run, wire: Any) -> Any:
        return one(run, wire) if test(run, wire) else two(run, wire)

    if len(yes) == len(no) == 1 and len(yes[0].lines) == len(no[0].lines) == 1 and g.maybe(0.5):
        lines: tuple[str, ...] = (f"({yes[0].lines[0]}) if {text} else ({no[0].lines[0]})",)
    else:
        lines = (
            *braced(f"if {text}", yes)[:-1],
            "} else {",
            *(f"  {line}" for s in no for line in s.lines),
            "}",
        )
    return Statement(lines, go, assigns=(), **outer([*yes, *no]))


@steps(0.8)
def shared(g: Maker) -> Statement | None:
    """A layer, mentioned twice; its weights are stored where it is declared."""
    if g.depth:
        return None
    label = g.fresh("shared")
    if is_map(g) and g.maybe(0.5):
        made = call("conv", g.dims[1], g.pick([1, 3]))
    elif has_features(g):
        made = call("linear", g.dims[-1])
    else:
        return None

    def use(run: Run, wire: Any) -> Any:
        with run.place(label, absolute=True):
            return made.run(run, wire)

    mention = Piece(label, use, True, made.ops, True)
    twice = (
        pipe(mention, call("relu"), mention)
        if g.maybe(0.6)
        else infixed(mention, "+", pipe(call("tanh"), mention))
    )
    return Statement((f"layer {label} = {made.text}", twice.text), twice.run, twice.ops, weighted=True)


@steps(0.6)
def raw(g: Maker) -> Statement | None:
    """A ``param`` or ``buffer`` added to the wire or multiplied with it."""
    if g.depth or not g.is_float or not g.rank or g.dims[-1] is None:
        return None
    keyword, label = g.pick(["param", "param", "buffer"]), g.fresh("p")
    shape = g.pick([[g.dims[-1]], [1], []], [[3, 3]])

    def go(run: Run, wire: Any) -> Any:
        with run.place(label, absolute=True):
            value = run.module(lambda: Raw(keyword, shape)).value
        return wire * value if times else wire + value

    times = g.maybe(0.5)
    lines = (f"{keyword} {label}: {shape} = 0.5", f"id {'*' if times else '+'} {label}")
    return Statement(lines, go, frozenset({"multiply" if times else "add"}), weighted=True)


@steps(1.2)
def block(g: Maker) -> Statement | None:
    """A block with a size as its parameter, or one that is handed a recipe; used once or twice."""
    title, label = g.fresh("b"), g.fresh("w")
    if g.depth > 1:
        return None
    recipe = g.maybe(0.4)
    if recipe:
        given = chain(g, 2)
        given = adapted(g, given) if given else None
        if given is None or given.names:
            return None
        lines: tuple[str, ...] = (f"block {title}(f: block) {{ id + f }}",)
        run_block = _with_recipe(given)
        text, made = (
            f"{title}({given.text})",
            Statement(("",), run_block, given.ops | {"add"}, weighted=given.weighted),
        )
    else:
        size = g.pick([4, 8])
        with g.inside(label, names={"c": size}):
            head = (
                g.call("conv", name("c"), 3)
                if is_map(g)
                else g.call("linear", name("c"))
                if has_features(g)
                else None
            )
            if head is not None:
                g.add(do(head))
            inner = body(g, 2)
        if not inner:
            return None
        lines = braced(f"block {title}(c)", inner)
        run_inner = body_of(inner)

        def run_block(run: Run, wire: Any) -> Any:
            with run.scope({"c": size}, fresh=True):
                return run_inner(run, wire)

        text, made = f"{title}({size})", Statement(("",), run_block, **outer(inner))
    local = g.depth == 0 and g.maybe(0.3)
    again = g.fresh("w") if g.maybe(0.3) else None

    def go(run: Run, wire: Any) -> Any:
        for place in (label, again):
            if place:
                with run.place(place):
                    wire = made.run(run, wire)
        return wire

    uses = [f"{text} as {place}" for place in (label, again) if place]
    if local:
        return Statement((*lines, " -> ".join(uses)), go, made.ops, weighted=made.weighted)
    g.program.blocks.append(lines)
    return Statement((" -> ".join(uses),), go, made.ops, weighted=made.weighted)


def _with_recipe(given: Piece) -> Callable[[Run, Any], Any]:
    def go(run: Run, wire: Any) -> Any:
        with run.place("f"):
            return wire + given.run(run, wire)

    return go


@steps(0.4)
def scan(g: Maker) -> Statement | None:
    """A recurrence over time: one linear layer on the step and the state."""
    if g.rank != 3 or not has_features(g) or g.depth or (g.dims[1] is None and not g.maybe(0.15)):
        return None
    label, width = g.fresh("b"), g.dims[-1]
    made = call("linear", width)

    def go(run: Run, wire: Any) -> Any:
        state, found = torch.zeros(wire.shape[0], width or 1, device=wire.device), []
        with run.place(label, "w0"):
            for x in wire.unbind(1):
                state = torch.tanh(made.run(run, torch.cat([x, state], 1)))
                found.append(state * x)
        return torch.stack(found, 1)

    lines = (
        f"block step_{label} {{",
        "  x, h = id",
        f"  n = x ++ h -> linear({width}) as w0 -> tanh",
        "  [n * x, n]",
        "}",
        f"(scan(step_{label}, state=zeros([id.shape[0], {width}])) as {label})[0]",
    )
    return Statement(lines, go, frozenset({"linear", "tanh", "concatenate", "multiply"}), weighted=True)
