"""Statements as a person would leave them: copies dropped, values used once written in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from archdsl.backend.code import Assign, Call, Expr, For, Generator, Items, Rounds, Stmt, Var
from archdsl.backend.printer import flat
from archdsl.backend.walking import all_expressions, blocks, change_all, own_expressions, parts, rebuilt, walk

LONGEST = 72  # an expression that is put together from several stays below this
DEEPEST = 4


def tidy(statements: list[Stmt], parameters: Iterable[Var]) -> list[Stmt]:
    """The same program, shorter."""
    drop_copies(statements, set(parameters))
    fold(statements)
    return statements


def reads(statements: list[Stmt]) -> Counter[Var]:
    """How often each variable is read."""
    return Counter(e for e in all_expressions(statements) if isinstance(e, Var))


def assigned(statements: Iterable[Stmt]) -> Counter[Var]:
    """How often each variable is given a value in the text."""
    found: Counter[Var] = Counter()
    for stmt in statements:
        if isinstance(stmt, Assign):
            found.update(t for t in stmt.targets if t is not None)
        if isinstance(stmt, For | Rounds):
            found.update(v for v, _ in stmt.header if v is not None)
        if isinstance(stmt, Rounds):
            found.update(stmt.outputs)
        for inner in blocks(stmt):
            found.update(assigned(inner))
    return found


def renamed(mapping: Mapping[Var, Expr]) -> Callable[[Expr], Expr | None]:
    """A change of variables."""
    return lambda e: mapping.get(e) if isinstance(e, Var) else None


# ------------------------------------------------------------------------------------------------------------ copies


class _Tally:
    """What each statement reads and assigns, those inside it included, counted once until it is changed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Counter[Var], Counter[Var]]] = {}

    def _of(self, stmt: Stmt) -> tuple[Counter[Var], Counter[Var]]:
        if id(stmt) not in self._known:
            self._known[id(stmt)] = reads([stmt]), assigned([stmt])
        return self._known[id(stmt)]

    def reads(self, statements: Iterable[Stmt], var: Var) -> int:
        return sum(self._of(stmt)[0][var] for stmt in statements)

    def assigned(self, statements: Iterable[Stmt], var: Var) -> int:
        return sum(self._of(stmt)[1][var] for stmt in statements)

    def rename(self, statements: list[Stmt], old: Var, new: Var) -> None:
        """``old`` becomes ``new`` everywhere; what spoke of either is counted anew."""
        touched = [stmt for stmt in statements if any(c[v] for c in self._of(stmt) for v in (old, new))]
        change_all(touched, renamed({old: new}), {old: new})
        self._forget(touched)

    def _forget(self, statements: Iterable[Stmt]) -> None:
        for stmt in statements:
            self._known.pop(id(stmt), None)
            for inner in blocks(stmt):
                self._forget(inner)


def drop_copies(statements: list[Stmt], parameters: set[Var]) -> None:
    """``y = x`` goes where one variable can stand for both."""
    tally = _Tally()
    while _drop(statements, statements, parameters, True, tally):
        pass


def _drop(block: list[Stmt], everything: list[Stmt], parameters: set[Var], top: bool, tally: _Tally) -> bool:
    """One pass over a block and those inside it: whether any copy went."""
    dropped, k = False, 0
    while k < len(block):
        if new := _needless(block, k, everything, parameters, top, tally):
            _remove(block, k, new)
            dropped = True
            continue
        for inner in blocks(block[k]):
            dropped |= _drop(inner, everything, parameters, False, tally)
        k += 1
    return dropped


def _needless(
    block: list[Stmt], k: int, everything: list[Stmt], parameters: set[Var], top: bool, tally: _Tally
) -> Var | None:
    """The first variable assigned at ``k`` that is now one with what it copied."""
    stmt = block[k]
    for old, new in _copies(stmt) if isinstance(stmt, Assign) else ():
        if _forward(block, k, old, new, everything, parameters, top, tally):
            return new
        if _backward(block, k, old, new, everything, parameters, tally):
            return new
    return None


def _copies(stmt: Assign) -> list[tuple[Var, Var]]:
    values: tuple[Expr, ...] = (stmt.value,)
    if isinstance(stmt.value, Items) and stmt.value.kind == "bare":
        values = stmt.value.items
    if len(values) != len(stmt.targets):
        return []
    return [(v, t) for v, t in zip(values, stmt.targets, strict=True) if isinstance(v, Var) and t is not None]


def _remove(block: list[Stmt], k: int, target: Var) -> None:
    stmt = block[k]
    assert isinstance(stmt, Assign)
    if len(stmt.targets) == 1:
        del block[k]
        return
    assert isinstance(stmt.value, Items)
    keep = [(t, v) for t, v in zip(stmt.targets, stmt.value.items, strict=True) if t is not target]
    stmt.targets = tuple(t for t, _ in keep)
    stmt.value = keep[0][1] if len(keep) == 1 else Items(tuple(v for _, v in keep), "bare")
    if not keep:
        del block[k]


def _forward(
    block: list[Stmt],
    k: int,
    old: Var,
    new: Var,
    everything: list[Stmt],
    parameters: set[Var],
    top: bool,
    tally: _Tally,
) -> bool:
    """``new = old`` where nothing reads ``old`` any more: from here on ``old`` is called ``new``."""
    here = _definition(block, k, old, tally)
    if here is None and not (top and old in parameters):
        return False
    if tally.reads(block[k:], old) != 1 or tally.reads(everything, old) != tally.reads(block[: k + 1], old):
        return False
    if here is not None and (tally.assigned(everything, old) > 1 and not isinstance(block[here], For)):
        return False
    if tally.assigned(block[k + 1 :], old) or (here is not None and tally.assigned(block[here:k], new)):
        return False
    if tally.reads(block[:k], new) or tally.assigned(block[:k], new):
        return False
    old.name = old.name if old in parameters else (new.name or old.name)
    tally.rename(everything, new, old)
    return True


def _backward(
    block: list[Stmt],
    k: int,
    old: Var,
    new: Var,
    everything: list[Stmt],
    parameters: set[Var],
    tally: _Tally,
) -> bool:
    """``new = old`` where ``old`` is made just for that: what makes it gives ``new`` at once."""
    here = _definition(block, k, old, tally)
    if (
        here is None
        or tally.assigned(everything, old) != 1
        or old in parameters
        or not isinstance(block[here], Assign)
    ):
        return False
    between = block[here + 1 : k]
    other_reads = tally.reads(block[here + 1 : k + 1], new)
    if other_reads or tally.assigned(between, new) or tally.assigned(block[k + 1 :], new):
        return False
    if tally.reads(everything, old) != tally.reads(block[here:], old):
        return False
    new.name = new.name or old.name
    tally.rename(everything, old, new)
    return True


def _definition(block: list[Stmt], k: int, var: Var, tally: _Tally) -> int | None:
    """The last statement before ``k`` that assigns ``var``."""
    return next((i for i in range(k - 1, -1, -1) if tally.assigned(block[i : i + 1], var)), None)


# ----------------------------------------------------------------------------------------------------------- folding


def fold(statements: list[Stmt]) -> None:
    """A value without a name that only the next statement reads is written there, while that stays readable."""
    counts, times = reads(statements), assigned(statements)
    _fold(statements, counts, times)


def _fold(block: list[Stmt], counts: Counter[Var], times: Counter[Var]) -> None:
    for stmt in block:
        for inner in blocks(stmt):
            _fold(inner, counts, times)
    k = 0
    while k < len(block):
        while k > 0 and _fold_into(block, k, counts, times):
            k -= 1
        k += 1


def _fold_into(block: list[Stmt], k: int, counts: Counter[Var], times: Counter[Var]) -> bool:
    made, user = block[k - 1], block[k]
    if not isinstance(made, Assign) or len(made.targets) != 1 or made.targets[0] is None:
        return False
    var = made.targets[0]
    if var.name is not None or counts[var] != 1 or times[var] != 1:
        return False
    inside = [e for own in own_expressions(user) for e in walk(own)]
    if not any(e is var for e in inside) or any(isinstance(e, Generator) for e in inside):
        return False
    trial = [flat_size(own, var, made.value) for own in own_expressions(user)]
    if max(trial) > LONGEST or (isinstance(user, For) and len(flat(made.value, _short)) > 40):
        return False
    if max(depth(own) for own in own_expressions(user)) + depth(made.value) > DEEPEST:
        return False
    kept = user.header if isinstance(user, For) else None
    if kept is not None:
        user.header = [(v, _put(i, var, made.value)) for v, i in kept]  # type: ignore[union-attr]
    else:
        name = "condition" if hasattr(user, "condition") else "value"
        setattr(user, name, rebuilt(getattr(user, name), renamed({var: made.value})))
    del block[k - 1]
    return True


def _put(expression: Expr, var: Var, value: Expr) -> Expr:
    return rebuilt(expression, renamed({var: value}))


def _short(var: Var) -> str:
    return var.name or "x"


def flat_size(expression: Expr, var: Var, value: Expr) -> int:
    """How long an expression gets where ``value`` is written for ``var``."""
    from archdsl.backend.containers import shown

    return len(flat(shown(_put(expression, var, value)), _short))


def depth(expression: Expr) -> int:
    """How many calls are nested."""
    below = max((depth(p) for p in parts(expression)), default=0)
    return below + isinstance(expression, Call)
