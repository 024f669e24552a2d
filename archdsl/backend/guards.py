"""The checks at the door of a generated model: ranks, declared sizes, assumptions, ranges of integers."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from archdsl.backend.names import minted, unique
from archdsl.backend.printer import quoted
from archdsl.dims import Dim, Size, render, symbols, to_python
from archdsl.network.types import Network
from archdsl.ops.checker import ValueBound
from archdsl.sizes.relations import Relation


def guard_lines(network: Network, inputs: dict[str, str]) -> list[str]:
    """The body of ``_check``, unindented; ``inputs`` maps the inputs' names to the arguments' names."""
    lines: list[str] = []
    names: dict[str, str] = {}
    taken = set(inputs.values()) | {"self"}
    later: list[tuple[str, int, Dim]] = []
    unpacked: list[tuple[int, str, list[str]]] = []
    for given in network.inputs:
        arg, shape = inputs[given.name], given.type.shape
        want = f"{arg} must be [{', '.join(render(d) for d in shape)}]"
        lines += [
            f"if {arg}.dim() != {len(shape)}:",
            f"    raise ValueError({formatted(want + ', got ', f'list({arg}.shape)')})",
        ]
        targets = []
        for place, dim in enumerate(shape):
            name = _lone(dim)
            if name is not None and name not in names:
                names[name] = unique(minted(name, "size"), taken)
                taken.add(names[name])
                targets.append(names[name])
            else:
                targets.append("_")
                later.append((arg, place, dim))
        if any(t != "_" for t in targets):
            unpacked.append((len(lines), arg, targets))
            lines.append("")
    for arg, place, dim in later:
        if symbols(dim) <= names.keys():
            want = to_python(dim, names)
            text = f"dim {place} of {arg} must be {render(dim)}"
            shown = formatted(f"{text}, got ", f"{arg}.shape[{place}]")
            if isinstance(dim, Size):
                shown = formatted(f"{text} = ", want, ", got ", f"{arg}.shape[{place}]")
            lines += [f"if {arg}.shape[{place}] != {want}:", f"    raise ValueError({shown})"]
    conditions = [(r, "") for r in network.assumed] + [(b.relation, b.reason) for b in network.bounds]
    for relation, reason in strictest(conditions):
        if (symbols(relation.left) | symbols(relation.right)) <= names.keys():
            lines += _condition(relation, reason, names)
    for bound in network.value_bounds:
        if bound.input in inputs:
            lines += _values(bound, inputs[bound.input], names)
    code = "\n".join(line or "pass" for line in lines)
    used = {n.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name)}
    for place, arg, targets in unpacked:
        kept = [t if t in used else "_" for t in targets]
        comma = "," if len(kept) == 1 else ""
        lines[place] = f"{', '.join(kept)}{comma} = {arg}.shape" if any(t != "_" for t in kept) else ""
    return [line for line in lines if line]


def strictest(conditions: Iterable[tuple[Relation, str]]) -> list[tuple[Relation, str]]:
    """Without repetitions; of several lower (or upper) bounds of one size the strictest only."""
    limits: dict[tuple[str, str], tuple[int, Relation, str]] = {}
    rest: dict[tuple[Dim, str, Dim], tuple[Relation, str]] = {}
    for relation, reason in conditions:
        simple = limit(relation)
        if simple is None:
            rest.setdefault((relation.left, relation.operator, relation.right), (relation, reason))
            continue
        name, kind, number = simple
        known = limits.get((name, kind))
        if known is None or (number > known[0] if kind == ">=" else number < known[0]):
            limits[name, kind] = (number, relation, reason)
    kept = [
        (r, reason) for (_, kind), (number, r, reason) in limits.items() if not (kind == ">=" and number <= 1)
    ]
    return kept + list(rest.values())


def limit(relation: Relation) -> tuple[str, str, int] | None:
    """``H >= 33`` or ``T <= 1024``, however it is written: the size's name, ``>=`` or ``<=``, the number."""
    left, operator, right = relation.left, relation.operator, relation.right
    if isinstance(left, int) and isinstance(right, Size):
        flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator)
        if flipped is None:
            return None
        left, operator, right = right, flipped, left  # type: ignore[assignment]
    name = _lone(left)
    if name is None or not isinstance(right, int):
        return None
    match operator:
        case ">=":
            return name, ">=", right
        case ">":
            return name, ">=", right + 1
        case "<=":
            return name, "<=", right
        case "<":
            return name, "<=", right - 1
    return None


def _lone(dim: Dim) -> str | None:
    found = symbols(dim)
    return next(iter(found)) if len(found) == 1 and render(dim) in found else None


def _condition(relation: Relation, reason: str, names: dict[str, str]) -> list[str]:
    simple = limit(relation)
    if simple is not None:
        name, kind, number = simple
        word, test = ("at least", "<") if kind == ">=" else ("at most", ">")
        return [
            f"if {names[name]} {test} {number}:",
            f"    raise ValueError({formatted(f'{name} must be {word} {number}, got ', names[name])})",
        ]
    test = f"{to_python(relation.left, names)} {relation.operator} {to_python(relation.right, names)}"
    why = f" ({reason})" if reason else ""
    used = sorted(symbols(relation.left) | symbols(relation.right))
    parts: list[str] = []
    text = f"{relation.render()} must hold{why}, got "
    for i, name in enumerate(used):
        parts += [f"{', ' if i else text}{name} = ", names[name]]
    return [f"if not {test}:", f"    raise ValueError({formatted(*parts)})"]


def _values(bound: ValueBound, arg: str, names: dict[str, str]) -> list[str]:
    if not (symbols(bound.low) | symbols(bound.high)) <= names.keys():
        return []
    low, high = to_python(bound.low, names), to_python(bound.high, names)
    text = (
        f"{arg} must hold integers from {render(bound.low)} up to, not including, {render(bound.high)}, got "
    )
    return [
        f'if {arg}.device.type == "cpu" and {arg}.numel() and not torch.compiler.is_compiling():',
        f"    low, high = (int(v) for v in torch.aminmax({arg}))",
        f"    if low < {low} or high >= {high}:",
        f"        raise ValueError({formatted(text, 'low', ' to ', 'high')})",
    ]


def formatted(*parts: str) -> str:
    """An f-string of texts and expressions in turn; what stands in the texts can't become code."""
    out = []
    for i, part in enumerate(parts):
        if i % 2:
            out.append("{" + part + "}")
        else:
            plain = quoted(part)[1:-1].replace('\\"', '"').replace("\\'", "'")
            out.append(plain.replace("{", "{{").replace("}", "}}").replace('"', '\\"'))
    return 'f"' + "".join(out) + '"'
