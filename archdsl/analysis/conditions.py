"""For which sizes a model holds: the author's assumptions and the bounds operators need, only the strongest of each."""

from __future__ import annotations

from archdsl.dims import Dim, Size, render, symbol, symbols
from archdsl.network.types import Network
from archdsl.sizes.assumptions import Relation
from archdsl.sizes.relations import normal_form


def conditions(network: Network) -> tuple[str, ...]:
    """The conditions in the language's notation: the author's first, then those that operators add to them."""
    assumed = tuple(relation.render() for relation in network.assumed)
    added = [
        relation.render() for relation in strongest([bound.relation for bound in network.bounds], network)
    ]
    return tuple(dict.fromkeys([*assumed, *added, *_values(network)]))


def strongest(relations: list[Relation], network: Network | None = None) -> list[Relation]:
    """Without those that follow from another one, from the model's assumptions, or from sizes being at least 1."""
    low: dict[str, int] = {}
    high: dict[str, int] = {}
    others: dict[tuple[Dim, str], Relation] = {}
    for relation in relations:
        difference, operator = normal_form(relation)
        single = _single(difference) if operator == ">=" else None
        if single is None:
            others.setdefault((difference, operator), relation)
            continue
        name, factor, constant = single
        if factor > 0:
            low[name] = max(low.get(name, 1), -(constant // factor))
        else:
            limit = constant // -factor
            high[name] = min(high.get(name, limit), limit)
    found = [Relation(symbol(name), ">=", value) for name, value in sorted(low.items()) if value > 1]
    found += [Relation(symbol(name), "<=", value) for name, value in sorted(high.items())]
    kept = [relation for relation in [*found, *others.values()] if not _follows(relation, network)]
    return kept


def _single(difference: Dim) -> tuple[str, int, int] | None:
    """``factor * name + constant`` where a difference is nothing more than that."""
    if isinstance(difference, int):
        return None
    names = symbols(difference)
    if len(names) != 1:
        return None
    (name,) = names
    if set(difference.terms) - {(name,), ()}:
        return None
    return name, difference.terms[(name,)], difference.terms.get((), 0)


def _follows(relation: Relation, network: Network | None) -> bool:
    if network is None:
        return False
    return network.assumptions.compare(relation).kind == "always"


def _values(network: Network) -> list[str]:
    """What the integers of an input may be, one line each."""
    low: dict[str, int] = {}
    high: dict[str, list[Dim]] = {}
    for bound in network.value_bounds:
        if isinstance(bound.low, int):
            low[bound.input] = max(low.get(bound.input, bound.low), bound.low)
        limits = high.setdefault(bound.input, [])
        if bound.high not in limits:
            limits.append(bound.high)
    found = []
    for name, limits in high.items():
        numbers = [limit for limit in limits if isinstance(limit, int)]
        kept = ([min(numbers)] if numbers else []) + [limit for limit in limits if isinstance(limit, Size)]
        found += [f"{low.get(name, 0)} <= {name} < {render(limit)}" for limit in kept]
    return found
