"""Names for the variables of one function: the author's, else few short ones used again when their value is dead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from archdsl.backend.code import Assign, For, Stmt, Var
from archdsl.backend.names import minted, unique
from archdsl.backend.walking import blocks, own_expressions, walk

POOL = ("x", "y", "z", "u", "v", "w", "h", "g", "s", "t")


@dataclass(eq=False)
class _Life:
    first: int
    last: int
    made_of: list[Var] = field(default_factory=list)
    target_of_loop: bool = False


def name_variables(
    statements: list[Stmt], parameters: Iterable[tuple[Var, str]], taken: Iterable[str]
) -> dict[Var, str]:
    """A name for every variable; ``parameters`` have theirs already, ``taken`` are names of other things."""
    parameters = list(parameters)
    lives: dict[Var, _Life] = {var: _Life(0, 0) for var, _ in parameters}
    order: list[Var] = list(lives)
    _measure(statements, lives, order, 1)
    names = dict(parameters)
    reserved = set(taken)
    authors = {minted(v.name, "") for v in lives if v.name} | set(names.values())
    holder: dict[str, Var] = {name: var for var, name in names.items()}

    def free(name: str, life: _Life, made_together: list[Var]) -> bool:
        if name in reserved:
            return False
        other = holder.get(name)
        if other is None:
            return True
        if any(names.get(v) == name for v in made_together):
            return False
        last = lives[other].last
        return last < life.first or (last == life.first and not life.target_of_loop and other in life.made_of)

    for var in order:
        if var in names:
            continue
        life = lives[var]
        together = [v for v in order if v in names and lives[v].first == life.first]
        wanted = minted(var.name, "") if var.name else ""
        if wanted:
            name, number = wanted, 2
            while not free(name, life, together):
                name, number = f"{wanted}{number}", number + 1
        else:
            given = {var for var, _ in parameters}
            dying = [
                names[v] for v in life.made_of
                if v in names and lives[v].last == life.first and (v.name is None or v in given)
            ]  # fmt: skip
            pool = [n for n in dying if n in POOL] + [n for n in POOL if n not in authors]
            found = next((n for n in pool if free(n, life, together)), None)
            name = found or unique("t", reserved | set(holder) | authors)
        names[var] = name
        holder[name] = var
    return names


def _measure(statements: list[Stmt], lives: dict[Var, _Life], order: list[Var], position: int) -> int:
    for stmt in statements:
        read = [e for own in own_expressions(stmt) for e in walk(own) if isinstance(e, Var)]
        for var in read:
            lives[var].last = max(lives[var].last, position)
        targets: list[Var] = []
        if isinstance(stmt, Assign):
            targets = [t for t in stmt.targets if t is not None]
        elif isinstance(stmt, For):
            targets = [v for v, _ in stmt.header if v is not None]
        for var in targets:
            if var not in lives:
                lives[var] = _Life(position, position, read, isinstance(stmt, For))
                order.append(var)
            lives[var].last = max(lives[var].last, position)
        start = position
        position += 1
        for inner in blocks(stmt):
            position = _measure(inner, lives, order, position)
        if isinstance(stmt, For):
            # What comes from before the loop, and what a round leaves for the next, lives through all of it.
            inside = _mentioned(stmt.body)
            for var in inside | set(targets):
                if (lives[var].first <= start and lives[var].last > start) or var in targets:
                    lives[var].last = max(lives[var].last, position)
            position += 1
    return position


def _mentioned(statements: list[Stmt]) -> set[Var]:
    found: set[Var] = set()
    for stmt in statements:
        found |= {e for own in own_expressions(stmt) for e in walk(own) if isinstance(e, Var)}
        if isinstance(stmt, Assign):
            found |= {t for t in stmt.targets if t is not None}
        for inner in blocks(stmt):
            found |= _mentioned(inner)
    return found
