"""``archdsl ops``: the operators and standard blocks, each with its signature, formula and an example."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

from archdsl.commands import setup, streams
from archdsl.failures import UsageFailure
from archdsl.network.program import standard_block, standard_names
from archdsl.network.suggestions import suggest
from archdsl.ops.base import Operator, arguments_of
from archdsl.ops.registry import operators
from archdsl.source import Span


def run(arguments: argparse.Namespace) -> int:
    setup.plugins(arguments.plugin)
    known = operators()
    blocks = standard_names()
    if arguments.name is None:
        streams.result(_listing(known, blocks))
    elif arguments.name in known:
        streams.result(_page(known[arguments.name]))
    elif arguments.name in blocks:
        streams.result(_block(arguments.name))
    else:
        close = suggest(arguments.name, [*known, *blocks])
        hint = f"; did you mean {' or '.join(close)}?" if close else "; `archdsl ops` lists them all"
        raise UsageFailure(f"there is no operator or block {arguments.name}{hint}")
    return 0


def _doc(cls: type[Operator]) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def signature(cls: type[Operator]) -> str:
    """``conv(out_channels, kernel_size=3, *, weight_init=none)`` as it is written in a program."""
    parts: list[str] = []
    starred = False
    for item in arguments_of(cls):
        if item.metadata["keyword_only"] and not starred:
            parts.append("*")
            starred = True
        kind = item.metadata["kind"]
        typed = f"{item.name}: tensor" if kind in ("tensor", "tensors") else item.name
        required = item.default is inspect.Parameter.empty or repr(item.default).startswith(
            "<dataclasses._MISSING"
        )
        parts.append(typed if required else f"{typed}={_value(item.default)}")
    return f"{cls.name}({', '.join(parts)})"


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _listing(known: dict[str, type[Operator]], blocks: tuple[str, ...]) -> str:
    roles: dict[str, list[str]] = {}
    for name, cls in sorted(known.items()):
        roles.setdefault(cls.role, []).append(name)
    lines = [f"{role:15} {' '.join(names)}" for role, names in sorted(roles.items())]
    if blocks:
        lines.append(f"{'blocks':15} {' '.join(sorted(blocks))}")
    return "\n".join(lines) + "\n"


def _page(cls: type[Operator]) -> str:
    lines = [signature(cls), "", _doc(cls), ""]
    for item in arguments_of(cls):
        data = item.metadata
        said = [data["kind"]]
        said += [f"one of {', '.join(data['choices'])}"] if data["choices"] else []
        limits = (
            ("at_least", "at least"),
            ("above", "more than"),
            ("at_most", "at most"),
            ("below", "less than"),
        )
        said += [f"{word} {data[key]}" for key, word in limits if data[key] is not None]
        said += ["may be none"] if data["optional"] else []
        lines.append(f"  {item.name:18} {', '.join(said)}")
    return "\n".join(lines).rstrip() + "\n"


def _block(name: str) -> str:
    from archdsl.network.program import _standard_index

    recipe = standard_block(_standard_index()[name], name)
    span: Span = recipe.definition.span
    return f"# {span.source.name}:{span.line}\n{span.text}\n"
