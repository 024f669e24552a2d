"""How a class holds its members: attributes, lists and named groups, such that the state dict's keys are the paths."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from archdsl.backend.code import Attr, Call, Dict, Expr, Generator, Index, Items, Lit, Member, Name, Star
from archdsl.backend.errors import BackendError
from archdsl.backend.members import Entry
from archdsl.backend.names import ORDINAL
from archdsl.backend.skeleton import skeleton
from archdsl.backend.walking import rebuilt, walk
from archdsl.network.types import Path

GROUP = '''class Group(nn.Module):
    """Modules under one name."""

    def __init__(self, **members: nn.Module) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)'''


@dataclass(eq=False)
class Holder:
    """A node of the tree of members: one made at once, or what is below it."""

    entry: Entry | None = None
    rounds: list[Entry] = field(default_factory=list)
    below: dict[str, Holder] = field(default_factory=dict)

    @property
    def is_list(self) -> bool:
        """Whether its parts are numbered from 0 without a gap."""
        return bool(self.rounds or self.below) and [f for f, _, _ in self.elements()] == self._expected()

    def _expected(self) -> list[int]:
        places, total = [], 0
        for _, count, _ in self.elements():
            places.append(total)
            total += count
        return places

    def elements(self) -> list[tuple[int, int, Entry | Holder]]:
        """First place, number and maker of its numbered parts, in order; a name counts as -1."""
        found: list[tuple[int, int, Entry | Holder]] = [(e.first or 0, e.count, e) for e in self.rounds]
        found += [(int(k) if ORDINAL.match(k) else -1, 1, h) for k, h in self.below.items()]
        return sorted(found, key=lambda item: item[0])

    @property
    def length(self) -> int:
        return sum(count for _, count, _ in self.elements())


def tree(entries: list[Entry]) -> Holder:
    """The members of a class as a tree."""
    root = Holder()
    for entry in entries:
        at = root
        for component in entry.path:
            at = at.below.setdefault(component, Holder())
        if entry.first is None:
            at.entry = entry
        else:
            at.rounds.append(entry)
    return root


def shown(node: Expr, root: Holder | None = None) -> Expr:
    """Members as a person reaches them: ``self.a.b``, ``self.a[0]``."""

    def change(e: Expr) -> Expr | None:
        if not isinstance(e, Member):
            return None
        base: Expr = Name("self")
        at = root
        for component in e.path:
            numbered = ORDINAL.match(component) is not None
            if numbered:
                base = Index(base, Lit(int(component)) if at is None or at.is_list else Lit(component))
            else:
                named = (
                    at is not None and at is not root and not at.is_list and any(map(_needs_dict, at.below))
                )
                base = Index(base, Lit(component)) if named else attribute(base, component)
            at = at.below.get(component) if at is not None else None
        return base

    return rebuilt(node, change)


def attribute(base: Expr, name: str) -> Expr:
    """``base.name``; by ``getattr`` where Python has no other way to say it."""
    return Call(Name("getattr"), (base, Lit(name))) if keyword.iskeyword(name) else Attr(base, name)


def _needs_dict(name: str) -> bool:
    return ORDINAL.match(name) is not None or keyword.iskeyword(name)


def list_lengths(root: Holder) -> Callable[[Path], int]:
    """How many elements the list at a path has."""

    def length(path: Path) -> int:
        holder = root
        for component in path:
            holder = holder.below[component]
        return holder.length if holder.is_list else -1

    return length


def made(holder: Holder) -> Expr:
    """The code that makes a member, containers and all."""
    if holder.entry is not None and not holder.below and not holder.rounds:
        return _frozen(holder.entry.made[0], holder.entry)
    if holder.entry is not None:
        raise BackendError(f"{'.'.join(holder.entry.path)}: weights at a path and below it")
    if holder.is_list:
        parts = [p for _, _, part in holder.elements() for p in _elements(part)]
        if len(parts) == 1 and isinstance(parts[0], Star):
            return Call(Name("nn.ModuleList"), (parts[0].operand,))
        return Call(Name("nn.ModuleList"), (Items(tuple(parts), "list"),))
    if holder.rounds or any(map(_needs_dict, holder.below)):
        pairs = [
            (str(first), made(part))
            for first, _, part in holder.elements()
            if isinstance(part, Holder) and first >= 0
        ]
        for entry in holder.rounds:
            first = entry.first or 0
            pairs += [
                (str(first + k), _frozen(entry.made[k if len(entry.made) > 1 else 0], entry))
                for k in range(entry.count)
            ]
        pairs += [(k, made(h)) for k, h in holder.below.items() if not ORDINAL.match(k)]
        return Call(Name("nn.ModuleDict"), (Dict(tuple(pairs)),))
    return Call(Name("Group"), (), tuple((k, made(h)) for k, h in holder.below.items()))


def _frozen(expression: Expr, entry: Entry) -> Expr:
    if not entry.frozen:
        return expression
    if isinstance(expression, Call) and expression.function == Name("nn.Buffer"):
        return expression
    return Call(Attr(expression, "requires_grad_"), (Lit(False),))


def _elements(part: Entry | Holder) -> list[Expr]:
    if isinstance(part, Holder):
        return [made(part)]
    if part.count == 1 and part.counter is None:
        return [_frozen(part.made[0], part)]
    if len(part.made) == 1:
        times = Call(Name("range"), (part.counter or Lit(part.count),))
        return [Star(Generator(_frozen(part.made[0], part), (Name("_"),), times))]
    one = _comprehension([_frozen(m, part) for m in part.made])
    return [Star(one)] if one is not None else [_frozen(m, part) for m in part.made]


def list_of(parts: list[Expr]) -> Expr:
    """A list of modules for the rounds of a loop."""
    one = _comprehension(parts)
    return Call(Name("nn.ModuleList"), (one if one is not None else Items(tuple(parts), "list"),))


def _comprehension(parts: list[Expr]) -> Expr | None:
    """Calls that differ in one constant only, as a generator over its values."""
    holes: list[list[Lit]] = []
    texts = []
    for part in parts:
        found: list[Lit] = []
        texts.append(skeleton(part, literals=False, holes=found))
        holes.append(found)
    if any(t != texts[0] for t in texts[1:]):
        return None
    columns = list(zip(*holes, strict=True))
    varying = [c for c in columns if any(lit.value != c[0].value for lit in c)]
    values = {tuple(lit.value for lit in c) for c in varying}
    if len(values) != 1:
        return None
    name = Name(next((c[0].hint for c in varying if c[0].hint), "rate"))
    swap = {id(c[0]): name for c in varying}
    element = rebuilt(parts[0], lambda e: swap.get(id(e)) if isinstance(e, Lit) else None)
    return Generator(element, (name,), Items(tuple(Lit(v) for v in values.pop())))


def uses_group(root: Holder) -> bool:
    """Whether the members need the class Group."""
    return any(isinstance(e, Name) and e.text == "Group" for h in root.below.values() for e in walk(made(h)))


def paths(root: Holder) -> Iterator[tuple[Path, Holder]]:
    """Attributes of the class in order."""
    for name, holder in root.below.items():
        yield (name,), holder


__all__ = ["GROUP", "Holder", "list_lengths", "list_of", "made", "shown", "tree", "uses_group"]
