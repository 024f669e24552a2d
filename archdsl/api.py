"""archdsl from Python: load a text, ask for figures, draw, build. Only ``module`` and ``compile`` import torch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from archdsl import driver
from archdsl.analysis.shares import MEASURES, ColorBy, shares
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Summary, summarise
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.driver import Options
from archdsl.failures import FileFailure
from archdsl.network.elaborate import elaborate
from archdsl.network.program import Program
from archdsl.network.program import load as load_program
from archdsl.network.types import Network
from archdsl.report import has_errors
from archdsl.source import Source

if TYPE_CHECKING:
    import networkx
    import torch

    from archdsl.analysis.differences import Difference
    from archdsl.backend.compile import Mode
    from archdsl.drawing.render import Format


def load(
    path: str | PathLike[str],
    *,
    root: str | PathLike[str] | None = None,
    limits: Mapping[str, int] | None = None,
) -> Spec:
    """Read and check a file, or ``zoo:NAME``. Raises DiagnosticError, and OSError where it can't be read."""
    made = Options(Path(root) if root is not None else None, dict(limits or {}))
    text = fspath(path)
    try:
        address = driver.address(text) if text.startswith("zoo:") else driver.Address(text, Path(text), None)
        program = driver.load(address, made)
    except FileFailure as failure:
        missing = not text.startswith("zoo:") and not Path(text).exists()
        raise (FileNotFoundError if missing else OSError)(failure.message) from None
    return _checked(program)


def parse(text: str, name: str = "<text>", *, limits: Mapping[str, int] | None = None) -> Spec:
    """Check a text. Raises DiagnosticError where it has errors."""
    return _checked(load_program(Source(name, text), limits=Options(None, dict(limits or {})).elaboration()))


def _checked(program: Program) -> Spec:
    checked = driver.check(program)
    if has_errors(checked.diagnostics):
        raise DiagnosticError(checked.diagnostics)
    return Spec(program, checked.networks, checked.diagnostics)


class Spec(Mapping[str, "Model"]):
    """A checked program: its models by name. Templates are there too, once ``model`` gives them their parameters."""

    def __init__(
        self, program: Program, networks: Mapping[str, Network], warnings: tuple[Diagnostic, ...]
    ) -> None:
        self._program = program
        self._models = {name: Model(network, program) for name, network in networks.items()}
        self.warnings = warnings

    @property
    def models(self) -> Mapping[str, Model]:
        """The models by name, in the order of the text."""
        return MappingProxyType(self._models)

    def model(self, name: str | None = None, **parameters: Any) -> Model:
        """A model with some of its parameters set; without a name the only one."""
        chosen = driver.choose(self._program, name)
        if not parameters and chosen in self._models:
            return self._models[chosen]
        return _elaborated(self._program, chosen, parameters)

    def __getitem__(self, name: str) -> Model:
        if name not in self._models:
            raise KeyError(f"no model {name!r}; there are {', '.join(self._models)}")
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return f"<archdsl spec {self._program.source.name}: {', '.join(self._models)}>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from archdsl.notebook import list_bundle

        if len(self._models) == 1:
            return next(iter(self._models.values()))._repr_mimebundle_(include, exclude)
        return list_bundle(self._models.values())


def _elaborated(program: Program, name: str, parameters: Mapping[str, Any]) -> Model:
    settings = {key: _value(value) for key, value in parameters.items()}
    network, found = elaborate(program, name, settings)
    if network is None or has_errors(found):
        raise DiagnosticError(found)
    return Model(network, program, settings)


def _value(value: Any) -> Any:
    """A Python value as the language has it: lists are tuples, None is ``none``."""
    if value is None:
        from archdsl.network.values import NONE

        return NONE
    return tuple(_value(item) for item in value) if isinstance(value, list | tuple) else value


class Model:
    """One model, checked. Its figures are exact; sizes are given by name, ``macs(B=8)``, else the defaults hold."""

    def __init__(self, network: Network, program: Program, settings: Mapping[str, Any] | None = None) -> None:
        self.network = network
        self._program = program
        self._settings = dict(settings or {})

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The model's own parameters, with the values it was elaborated for."""
        return self.network.parameters

    def with_parameters(self, **parameters: Any) -> Model:
        """The same model with other values of its parameters; those that were set before stay."""
        return _elaborated(self._program, self.name, {**self._settings, **parameters})

    @cached_property
    def params(self) -> int:
        """How many parameters it has: unique tensors, trained and frozen."""
        from archdsl.analysis.parameters import count_parameters

        return count_parameters(self.network).total

    def macs(self, **at: int) -> int:
        """Multiply-accumulates of one run: convolutions, matmuls, attention in full."""
        return self.summary(**at).macs

    def shape(self, name: str, **at: int) -> tuple[int, ...]:
        """The shape of an output or input."""
        return self.summary(**at).shape(name)

    def summary(self, **at: int) -> Summary:
        """All figures; printed, it is the table. Raises ValueError for sizes that can't be used."""
        try:
            return summarise(self.network, at)
        except SizesError as error:
            raise ValueError(str(error)) from None

    def formulas(self, *figures: str, **at: int) -> dict[str, str]:
        """Figures (``params``, ``macs``, ...; without names all that tell something) as formulas over the model's
        parameters and sizes. What was set and the sizes ``at`` are numbers in them. ValueError where there is none."""
        from archdsl.analysis.figures import TITLES
        from archdsl.analysis.formulas import formulas
        from archdsl.analysis.variations import Variations

        unknown = [name for name in figures if name not in TITLES]
        if unknown:
            raise ValueError(f"there is no formula of {unknown[0]}; there are {', '.join(TITLES)}")
        try:
            found = formulas(Variations(self._program, self.network, self._settings, at), figures)
        except SizesError as error:
            raise ValueError(str(error)) from None
        return {item.figure: item.text for item in found.formulas}

    def difference(self, other: Model) -> Difference:
        """What leads from this model to another; it is true where something differs, and printed it is the text."""
        from archdsl.analysis.differences import difference

        return difference(self.summary(), other.summary())

    def render(
        self, format: Format | Literal["html"] = "svg", *, color_by: ColorBy = "role", **options: Any
    ) -> str | bytes:
        """The drawing: svg, dot, mermaid, tikz, html, or png and pdf (bytes).

        ``color_by``: "role", or a box's share of all "params", "macs" or "memory". Other options: ``theme``,
        ``direction``, ``expand`` and ``fold`` (paths), ``engine``; for html ``theme`` alone.
        """
        from archdsl.drawing.render import render

        if format == "html":
            from archdsl.explorer import interactive

            return interactive(self.summary(), color_by=color_by, **options)
        if color_by != "role":
            summary = self.summary()
            options["shade"] = shares(summary, color_by), MEASURES[color_by]
        try:
            figures = summarise(self.network).by_place()
        except SizesError:
            figures = None
        return render(self.network, format=format, figures=figures, **options)

    def source(self) -> str:
        """The module's source, as ``archdsl build`` writes it to model.py."""
        from archdsl.backend.module import emitted

        return emitted(self.network).source

    def module(
        self, device: str | torch.device = "cpu", dtype: torch.dtype | None = None, seed: int | None = 0
    ) -> torch.nn.Module:
        """An ordinary ``nn.Module`` with fresh weights; its state dict's keys are the paths in the summary."""
        from archdsl.backend.module import module

        return module(self.network, device=device, dtype=dtype, seed=seed)

    def compile(
        self,
        mode: Mode = "auto",
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        seed: int | None = 0,
    ) -> torch.nn.Module:
        """A module whose repeated regions are compiled, each once."""
        from archdsl.backend.compile import compile_module

        made = self.module(device, dtype, seed)
        compile_module(self.network, made, mode)
        return made

    def to_networkx(self) -> networkx.MultiDiGraph:
        """The typed graph: operators with their figures, tensors as edges, loops folded."""
        from archdsl.analysis.graph import to_networkx

        return to_networkx(self.network)

    def __repr__(self) -> str:
        return f"<archdsl model {self.name}: {self.params:,} parameters>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        from archdsl.notebook import model_bundle

        return model_bundle(self, include, exclude)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext archdsl``: a cell that starts with ``%%arch NAME`` is a program; its spec is kept under NAME."""

    def arch(line: str, cell: str) -> Spec | None:
        try:
            spec = parse(cell, "<cell>")
        except DiagnosticError as error:
            print(error)
            return None
        if line.strip().isidentifier():
            shell.push({line.strip(): spec})
        return spec

    shell.register_magic_function(arch, "cell", "arch")
