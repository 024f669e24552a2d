"""Helper functions and classes of operators: what a generated file copies in, each once."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any

from archdsl.backend import interpret
from archdsl.backend.code import Expr, Name
from archdsl.backend.errors import BackendError
from archdsl.backend.names import unique

if TYPE_CHECKING:
    from archdsl.backend.constructors import Rates
    from archdsl.backend.graphs import OpMember

MODULES = ("nn.",)


@dataclass(eq=False)
class Helpers:
    """The helpers that one file needs, in order, with the names they have in it."""

    names: dict[object, str] = field(default_factory=dict)
    sources: dict[object, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def function(self, target: Callable[..., Any]) -> Name:
        """A helper function by its name in the file; those that it calls come first."""
        if target not in self.names:
            self.names[target] = unique(target.__name__, self.taken)
            self.taken.add(self.names[target])
            if self.names[target] != target.__name__:
                raise BackendError(f"two operators have a helper called {target.__name__}")
            self._others(target)
            self.sources[target] = source(target)
        return Name(self.names[target])

    def cls(self, target: Callable[[], type]) -> tuple[Name, type]:
        """A helper class by its name in the file, and the class itself."""
        made = interpret.function(target)()
        if target not in self.names:
            name = made.__name__
            if name in self.taken:
                raise BackendError(f"two operators have a helper called {name}")
            self.names[target] = name
            self.taken.add(name)
            self._others(target)
            self.sources[target] = inner_class(target, name)
        return Name(self.names[target]), made

    def module(self, member: OpMember, rates: Rates) -> Expr | list[Expr]:
        """The code that makes an operator's module."""
        from archdsl.backend.constructors import module_code

        mod = member.mod
        if isinstance(mod.target, str):
            if not mod.target.startswith(MODULES):
                raise BackendError(f"{mod.target!r} is no module of torch.nn")
            cls = interpret.function(mod.target)
            return module_code(mod, Name(mod.target), cls, member, rates)
        name, cls = self.cls(mod.target)
        return module_code(mod, name, cls, member, rates)

    def _others(self, target: Any) -> None:
        """The helpers and constants of its own file that a helper names."""
        home = vars(sys.modules[target.__module__])
        for name in sorted(interpret._names_used(target.__code__) - interpret.EMITTED_NAMES.keys()):
            other = home.get(name)
            if isinstance(other, FunctionType):
                self.function(other)


def source(target: Callable[..., Any]) -> str:
    """The text of a helper function."""
    return textwrap.dedent(inspect.getsource(target)).strip()


def inner_class(target: Any, name: str) -> str:
    """The text of the class that a helper function defines."""
    text = source(target)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            lines = text.splitlines()[
                min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 : node.end_lineno
            ]
            return textwrap.dedent("\n".join(lines)).strip()
    raise BackendError(f"{target.__name__} defines no class {name}")
