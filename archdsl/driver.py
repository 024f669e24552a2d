"""The pipeline, written out: text -> tree -> typed network -> { table | drawing | nn.Module source }.

    read -> load (parse, find what is used) -> elaborate -> analyse -> table, drawing, module

Every stage is a function of the one before and returns immutable data; ``check`` and ``model`` below are the two ways
through the first half. Nothing here prints or exits, and nothing imports torch.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.data import data_root
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.failures import FileFailure, UsageFailure
from archdsl.network.context import Limits
from archdsl.network.elaborate import check as elaborate_all
from archdsl.network.elaborate import elaborate, setting_value
from archdsl.network.program import Program
from archdsl.network.program import load as load_program
from archdsl.network.types import FigureExpectation, Network
from archdsl.report import has_errors
from archdsl.source import Source
from archdsl.syntax.reading import MAX_BYTES, read_source

if TYPE_CHECKING:
    from archdsl.analysis.summary import Mode, Summary

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODEL = re.compile(r"^model\s+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


@dataclass(frozen=True)
class Options:
    """What a command line may say about every command: how far ``use`` reaches, and the limits."""

    root: Path | None = None
    limits: Mapping[str, int] = field(default_factory=dict)

    def elaboration(self) -> Limits:
        known = {name: value for name, value in self.limits.items() if name in Limits.__dataclass_fields__}
        return Limits(**known)

    @property
    def most_instances(self) -> int:
        """So many uses of regions may be written out as modules."""
        return self.limits.get("instances", 1_000_000)

    @property
    def most_bytes(self) -> int:
        return self.limits.get("file", MAX_BYTES)


@dataclass(frozen=True)
class Address:
    """``FILE[:MODEL]``, ``zoo:NAME`` or ``-``: the name shown, the file (None: standard input), the model asked for."""

    name: str
    path: Path | None
    model: str | None


@dataclass(frozen=True)
class Checked:
    """A program, its models that are right, and all that is to be said."""

    program: Program
    networks: Mapping[str, Network]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Chosen:
    """One model of a program, elaborated with the settings asked for; warnings only are left to be said."""

    program: Program
    network: Network
    diagnostics: tuple[Diagnostic, ...]


# ------------------------------------------------------------------------------------------------------- the stages


def read(address: Address, options: Options) -> Source:
    """The text of a file, or of standard input. Raises FileFailure, DiagnosticError."""
    data = (
        _standard_input(options.most_bytes)
        if address.path is None
        else _file(address.path, options.most_bytes)
    )
    source, found = read_source(address.name, data, options.most_bytes)
    if source is None:
        raise DiagnosticError(found)
    return source


def load(address: Address, options: Options) -> Program:
    """Parse a file and find what it uses; what is wrong is in the program's diagnostics."""
    folder = address.path.parent if address.path is not None else None
    root = options.root if folder is not None else None
    return load_program(read(address, options), folder=folder, root=root, limits=options.elaboration())


def check(program: Program, only: str | None = None) -> Checked:
    """Elaborate every model that is not a template, then measure what is expected of figures."""
    if only is None:
        networks, found = elaborate_all(program)
    else:
        network, found = elaborate(program, only, {})
        found = (*program.diagnostics, *found)
        networks = {only: network} if network is not None else {}
    expected = [item for network in networks.values() for item in network.expectations]
    if only is None:
        expected += program.expectations
    figures = measure(program, tuple(expected), networks) if expected else []
    return Checked(program, networks, (*found, *figures, *lints(networks.values())))


def model(program: Program, name: str | None, settings: Mapping[str, Any] | None = None) -> Chosen:
    """Elaborate one model. Raises DiagnosticError, UsageFailure."""
    if has_errors(program.diagnostics) and not program.models:
        raise DiagnosticError(program.diagnostics)
    chosen = choose(program, name)
    network, found = elaborate(program, chosen, dict(settings or {}))
    found = (*program.diagnostics, *found)
    if network is not None and not settings and not has_errors(found):
        found = (*found, *measure(program, network.expectations, {chosen: network}))
    if network is None or has_errors(found):
        raise DiagnosticError(found)
    return Chosen(program, network, found)


def measure(
    program: Program, expected: tuple[FigureExpectation, ...], networks: Mapping[str, Network]
) -> list[Diagnostic]:
    """What the figures are against what is expected of them."""
    from archdsl.analysis.expectations import check_expectations

    return check_expectations(expected, networks, frozenset(program.models))


def lints(networks: Iterable[Network]) -> list[Diagnostic]:
    """Warnings about what is allowed and yet rarely meant."""
    from archdsl.analysis.lint import lint_all

    return lint_all(networks)


def analyse(network: Network, at: Mapping[str, int] | None = None, mode: Mode | None = None) -> Summary:
    """Count everything, at the sizes asked for. Raises UsageFailure where they can't be used."""
    from archdsl.analysis.sizes import SizesError
    from archdsl.analysis.summary import INFERENCE, summarise

    try:
        return summarise(network, at, mode or INFERENCE)
    except SizesError as error:
        raise UsageFailure(str(error)) from None


# ---------------------------------------------------------------------------------------------- naming what is meant


def address(text: str) -> Address:
    """What a command line means by ``FILE[:MODEL]``, ``zoo:NAME[:MODEL]`` or ``-[:MODEL]``. Raises FileFailure."""
    if text == "-" or text.startswith("-:"):
        return Address("-", None, text[2:].strip() or None)
    if text.startswith("zoo:"):
        name, _, chosen = text.removeprefix("zoo:").partition(":")
        path, found = _in_zoo(name)
        return Address(f"zoo:{path.stem}", path, chosen or found)
    head, colon, tail = text.rpartition(":")
    if colon and head and _IDENTIFIER.fullmatch(tail) and not os.path.lexists(text):
        return Address(head, Path(head), tail)
    return Address(text, Path(text), None)


def zoo_files() -> list[Path]:
    """The specs that ship with the package."""
    return sorted((data_root() / "specs" / "zoo").glob("*.arch"))


def _in_zoo(name: str) -> tuple[Path, str | None]:
    """The file of that name, or the file that has a model of that name."""
    files = zoo_files()
    for path in files:
        if path.stem == name.removesuffix(".arch"):
            return path, None
    for path in files:
        if name in _MODEL.findall(path.read_text(encoding="utf-8")):
            return path, name
    raise FileFailure(f"zoo:{name}: there is no such spec; `archdsl zoo` lists them")


def choose(program: Program, name: str | None) -> str:
    """The model asked for, the only one, or the one named like the file. Raises UsageFailure, with the list."""
    models = program.models
    file = program.source.name
    listed = f"its models are {', '.join(models)}" if models else "it has no model"
    if name is not None:
        if name not in models:
            raise UsageFailure(f"{file} has no model {name}: {listed}")
        return name
    ready = [key for key, item in models.items() if not item.template]
    stem = Path(file.removeprefix("zoo:")).stem
    for candidates in (list(models), ready, [key for key in models if key == stem]):
        if len(candidates) == 1:
            return candidates[0]
    raise UsageFailure(f"{file}: say which model, as in {file}:{ready[0] if ready else 'NAME'}; {listed}")


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """``--set heads=12,bias=false``: values as a program would write them. Raises UsageFailure."""
    found: dict[str, Any] = {}
    for text in (part for joined in texts for part in _separate(joined)):
        name, equals, value = text.partition("=")
        if not equals or not _IDENTIFIER.fullmatch(name.strip()) or not value.strip():
            raise UsageFailure(f"--set wants NAME=VALUE, and this is {text!r}")
        try:
            found[name.strip()] = setting_value(value.strip())
        except ValueError:
            raise UsageFailure(f"--set {name.strip()}: {value.strip()!r} is no value") from None
    return found


def _separate(text: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    start = depth = 0
    quoted = False
    for i, character in enumerate(text):
        quoted ^= character == '"'
        depth += 0 if quoted else (character in "([{") - (character in ")]}")
        if character == "," and not quoted and depth == 0:
            yield text[start:i]
            start = i + 1
    yield text[start:]


def numbers(option: str, texts: Iterable[str]) -> dict[str, int]:
    """``--at B=8,T=1024`` and ``--limit regions=20000``. Raises UsageFailure."""
    found: dict[str, int] = {}
    for text in (part for joined in texts for part in joined.split(",")):
        name, equals, value = (part.strip() for part in text.partition("="))
        digits = value.replace("_", "")
        if not equals or not _IDENTIFIER.fullmatch(name) or not (digits.isascii() and digits.isdigit()):
            raise UsageFailure(f"{option} wants NAME=NUMBER, and this is {text!r}")
        if len(digits) > 18:
            raise UsageFailure(f"{option} {name}: the number is too large")
        found[name] = int(digits)
    return found


def limits(texts: Iterable[str]) -> dict[str, int]:
    """``--limit``, with the names that there are. Raises UsageFailure."""
    found = numbers("--limit", texts)
    known = [*Limits.__dataclass_fields__, "file", "instances"]
    for name in found:
        if name not in known:
            raise UsageFailure(f"--limit: there is no limit {name}; there are {', '.join(known)}")
    return found


def _file(path: Path, most: int) -> bytes:
    """A regular file, read once and never past the limit: devices and pipes have no end."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise FileFailure(f"{path}: is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise FileFailure(f"{path}: is not a regular file")
        with path.open("rb") as file:
            return file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileFailure(f"{path}: {reason[:1].lower()}{reason[1:]}") from None


def _standard_input(most: int) -> bytes:
    if sys.stdin is None:
        raise FileFailure("-: there is no standard input")
    return sys.stdin.buffer.read(most + 1)
