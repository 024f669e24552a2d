"""Programs: a file with what it uses, its models and top-level expectations; names only, nothing elaborated yet."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path as FilePath
from typing import Any

from archdsl.data import data_root
from archdsl.diagnostics import Diagnostic
from archdsl.network import errors, model_errors
from archdsl.network.broken import broken_names
from archdsl.network.context import Limits
from archdsl.network.functions import builtin_names
from archdsl.network.names import free_names
from archdsl.network.naming import StaticNames
from archdsl.network.types import FigureExpectation
from archdsl.network.values import UNKNOWN, BlockRecipe, OperatorRecipe, Scope
from archdsl.ops.registry import names
from archdsl.source import Source
from archdsl.syntax.parser import parse
from archdsl.syntax.reading import read_source
from archdsl.syntax.tree import Definition, Edition, Expect, File, Use

_BLOCK = re.compile(r"^block\s+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
MOST_BYTES = 16 * 1024 * 1024


class TopNames(dict[str, Any]):
    """The names a file sees at its own level. Standard blocks are read when they are first asked for."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, _Pending):
            value = self[name] = standard_block(value.file, name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        found: Any = super().get(name, default)
        return self[name] if isinstance(found, _Pending) else found


@dataclass(frozen=True)
class _Pending:
    """A standard block that nobody has asked for yet."""

    file: str


@dataclass(frozen=True, eq=False)
class ModelDefinition:
    """A model as written, with the scope of its file. ``template``: it can be checked through aliases only."""

    name: str
    definition: Definition
    scope: Scope

    @property
    def template(self) -> bool:
        return any(p.default is None for p in self.definition.parameters)


@dataclass(frozen=True, eq=False)
class Program:
    """One file, with everything it uses found."""

    source: Source
    file: File
    scope: Scope
    models: Mapping[str, ModelDefinition]
    diagnostics: tuple[Diagnostic, ...]
    expectations: tuple[FigureExpectation, ...]
    limits: Limits = field(default_factory=Limits)


@lru_cache(maxsize=1)
def _standard_index() -> dict[str, str]:
    """Which standard file defines which block."""
    found = {}
    for path in sorted((data_root() / "specs" / "std").glob("*.arch")):
        for name in _BLOCK.findall(path.read_text(encoding="utf-8")):
            found[name] = path.name
    return found


def standard_names() -> tuple[str, ...]:
    """The names of the standard blocks."""
    return tuple(_standard_index())


@cache
def standard_file(name: str) -> tuple[File, Scope]:
    """One file of the standard blocks. It is ours: a mistake in it is a bug, not a diagnostic."""
    path = data_root() / "specs" / "std" / name
    file, found = parse(Source(f"std:{name}", path.read_text(encoding="utf-8")))
    assert not found, found
    scope = new_scope()
    _define(file, scope, [])
    return file, scope


def standard_block(file: str, name: str) -> BlockRecipe:
    recipe = standard_file(file)[1].names[name]
    assert isinstance(recipe, BlockRecipe)
    return recipe


def new_scope() -> Scope:
    """A file's outermost scope: built-in names, operators and standard blocks."""
    scope = Scope(None, None, TopNames(builtin_names()))
    scope.static = StaticNames(None, scope)
    scope.names.update({name: OperatorRecipe(name) for name in names()})
    for name, file in _standard_index().items():
        scope.names[name] = _Pending(file)
    return scope


def model_key(name: str) -> str:
    """The key under which a model is found whatever else has its name; no identifier can look like it."""
    return f"model {name}"


def _define(
    file: File, scope: Scope, found: list[Diagnostic], broken: frozenset[str] = frozenset()
) -> dict[str, Definition]:
    used = {name for s in file.statements if isinstance(s, Use) for name in s.names}
    defined: dict[str, Definition] = {}
    for statement in file.statements:
        match statement:
            case Definition(keyword="layer"):
                found.append(
                    errors.misplaced(
                        "layer", "at the top of a file", statement.span, "layers live in models and blocks"
                    )
                )
            case Definition():
                if statement.name in defined:
                    kind = defined[statement.name].keyword
                    found.append(errors.duplicate_name(statement.name, statement.name_span, kind))
                    continue
                if statement.name in used:
                    found.append(errors.duplicate_name(statement.name, statement.name_span, "used name"))
                    continue
                defined[statement.name] = statement
                recipe = BlockRecipe(statement, scope)
                if statement.keyword == "model":
                    scope.names[model_key(statement.name)] = recipe
                if statement.keyword == "block" or statement.name not in scope.names:
                    scope.names[statement.name] = (
                        recipe  # a model named like an operator leaves the operator its name
                    )
            case Use() | Expect() | Edition():
                pass
            case _:
                word = type(statement).__name__.lower().replace("expressionstatement", "a pipe")
                found.append(
                    errors.misplaced(
                        word, "at the top of a file", statement.span, "put it into a model or block"
                    )
                )
    for name in broken:
        scope.names[name] = scope.names[model_key(name)] = UNKNOWN
    return defined


@dataclass(eq=False)
class Loader:
    """Files on their way in: each is read once, cycles and escapes are refused."""

    root: FilePath | None
    limits: Limits
    files: dict[str, Scope] = field(default_factory=dict)
    loading: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def scope_of(self, source: Source, folder: FilePath | None) -> tuple[File, Scope, dict[str, Definition]]:
        file, found = parse(source)
        self.diagnostics.extend(found)
        scope = new_scope()
        for statement in file.statements:
            if isinstance(statement, Use):
                self._use(statement, scope, folder)
        return file, scope, _define(file, scope, self.diagnostics, broken_names(source, found))

    def _use(self, node: Use, scope: Scope, folder: FilePath | None) -> None:
        used = self._file(node, folder)
        if used is None:
            scope.names.update(dict.fromkeys(node.names, UNKNOWN))
            return
        for name in node.names:
            value = used.names.get(model_key(name)) or used.names.get(name)
            if value is UNKNOWN or (isinstance(value, BlockRecipe) and value.scope is used):
                scope.names[name] = value
            else:
                known = [
                    n
                    for n, v in used.names.items()
                    if isinstance(v, BlockRecipe) and v.scope is used and " " not in n
                ]
                self.diagnostics.append(model_errors.not_in_file(name, node.path, node.span, known))
                scope.names[name] = UNKNOWN

    def _file(self, node: Use, folder: FilePath | None) -> Scope | None:
        from archdsl.network.files import Refused, locate

        try:
            name, path = locate(node.path, folder, self.root)
            if name.startswith("std:"):
                return standard_file(path.name)[1]
            key = str(path.resolve())
            if key in self.files:
                return self.files[key]
            if key in self.loading:
                chain = [*(FilePath(p).name for p in self.loading[self.loading.index(key) :]), path.name]
                self.diagnostics.append(model_errors.import_cycle(chain, node.path_span))
                return None
            if len(self.files) + len(self.loading) >= self.limits.files or len(self.loading) > 100:
                self.diagnostics.append(
                    errors.limit_reached("too many files", self.limits.files, "files", node.span)
                )
                return None
            from archdsl.network.files import read_bytes

            source, found = read_source(shown_name(node, name), read_bytes(path))
        except Refused as reason:
            self.diagnostics.append(model_errors.cannot_use(node.path, str(reason), node.path_span))
            return None
        self.diagnostics.extend(found)
        if source is None:
            return None
        self.loading.append(key)
        _, scope, _ = self.scope_of(source, path.parent)
        self.loading.pop()
        self.files[key] = scope
        return scope


def shown_name(node: Use, name: str) -> str:
    """What messages call a used file: its path from where the first file's is from, ``zoo:bert.arch`` as it is."""
    if re.match(r"[a-z]+:", name):
        return name
    return posixpath.normpath(posixpath.join(posixpath.dirname(node.span.source.name), name))


def load(
    source: Source,
    *,
    folder: FilePath | None = None,
    root: FilePath | None = None,
    limits: Limits | None = None,
) -> Program:
    """A program from its text. ``folder`` is where its relative ``use`` paths start, ``root`` how far they reach."""
    limits = limits or Limits()
    reach = root or folder
    loader = Loader(reach.resolve() if reach is not None else None, limits)
    if folder is not None:
        loader.loading.append(str((folder / FilePath(source.name).name).resolve()))
    file, scope, defined = loader.scope_of(source, folder)
    models = {name: ModelDefinition(name, d, scope) for name, d in defined.items() if d.keyword == "model"}
    top = tuple(
        FigureExpectation(s.condition, {}, "")
        for s in file.statements
        if isinstance(s, Expect) and all(scope.names.get(n) is not UNKNOWN for n in free_names(s.condition))
    )
    return Program(source, file, scope, models, tuple(loader.diagnostics), top, limits)
