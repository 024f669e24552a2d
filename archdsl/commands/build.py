"""``archdsl build``: check, count, draw, write model.py, then build the module, run it once and compare."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archdsl import driver
from archdsl.analysis.exports import render_json
from archdsl.analysis.summary import Summary
from archdsl.analysis.tables import render_table, short_number
from archdsl.commands import manifest, setup, streams
from archdsl.commands.render import draw
from archdsl.driver import Chosen
from archdsl.failures import EnvironmentFailure, FileFailure, LimitFailure, UsageFailure
from archdsl.network.elaborate import elaborate

FILES = ("summary.txt", "summary.json", "diagram.svg", "model.py", manifest.NAME)


def run(arguments: argparse.Namespace) -> int:
    if arguments.emit is None and arguments.output is None:
        raise UsageFailure("build needs -o DIR, where to write")
    _progress("checking")
    chosen = setup.chosen(arguments)
    streams.show(chosen.diagnostics)
    at = driver.numbers("--at", arguments.at)
    _within_limits(chosen, arguments)
    if arguments.emit is not None:
        streams.result(_emitted(chosen, arguments, at))
        return 0
    if arguments.weights is not None and not Path(arguments.weights).is_file():
        raise FileFailure(f"--weights {arguments.weights}: there is no such file")
    directory = Path(arguments.output)
    may_replace: Callable[[Path], bool] = (lambda path: True) if arguments.force else manifest.ours(directory)
    _refuse_early(directory, may_replace)
    summary = driver.analyse(chosen.network, at)
    if _level(arguments) != "none":
        _progress("loading torch")
        _backend("trial").refuse(summary.parameters.bytes, arguments.device, arguments.dtype)
    files = _files(chosen, summary, arguments, at)
    facts, lines = _verified(chosen, summary, arguments)
    files[manifest.NAME] = manifest.manifest(files, _facts(chosen, summary, arguments) | facts)
    _write(directory, files, arguments, may_replace)
    _progress("")
    lines.insert(0, f"{chosen.network.name}: {summary.params:,} parameters, {summary.macs:,} MACs")
    lines.append(f"written to {directory}{os.sep}: {', '.join(sorted(files))}")
    streams.result("".join(f"{line}\n" for line in lines))
    return 0


def _within_limits(chosen: Chosen, arguments: argparse.Namespace) -> None:
    """A module has an object for every instance: what counts in a moment may be more than can be written out."""
    from archdsl.analysis.compute import WorkCounter

    most = driver.Options(limits=driver.limits(arguments.limit)).most_instances
    count = WorkCounter({}).instances(chosen.network.inference)
    if count > most and arguments.emit not in ("tree", "network", "dot"):
        raise LimitFailure(
            f"{chosen.network.name} has {short_number(count).strip()} instances of its regions, and at most "
            f"{most:,} are built; `--limit instances=N` raises it"
        )


def _progress(text: str) -> None:
    """What is being done, on a terminal only; the empty text wipes the line."""
    if streams.colour(sys.stderr):
        sys.stderr.write(f"\r\x1b[K{text + ' ...' if text else ''}")
        sys.stderr.flush()


def _source(chosen: Chosen, arguments: argparse.Namespace) -> str:
    """The module's source, with those of the model's parameters as keywords that change nothing but numbers."""
    settings = driver.settings(arguments.set)

    def other(values: Mapping[str, Any]) -> Any:
        return elaborate(chosen.program, chosen.network.name, {**settings, **values})[0]

    variants = _backend("parameters").variants(chosen.network, other)
    text: str = _backend("module").emitted(chosen.network, variants).source
    return text


def _backend(name: str) -> Any:
    """A module of the back end. Raises EnvironmentFailure where torch can't be imported."""
    from importlib import import_module

    try:
        return import_module(f"archdsl.backend.{name}")
    except ImportError as error:
        if (error.name or "").startswith("archdsl"):
            raise
        raise EnvironmentFailure(f"torch can't be imported: {error}") from None


def _emitted(chosen: Chosen, arguments: argparse.Namespace, at: Mapping[str, int]) -> str:
    """What one stage made."""
    if arguments.emit == "tree":
        from archdsl.emit import tree_text

        return tree_text(chosen.program.file)
    if arguments.emit == "network":
        from archdsl.emit import network_text

        return network_text(chosen.network)
    if arguments.emit == "dot":
        return draw(chosen.network, "dot", at).decode("utf-8")
    if arguments.emit == "fx":
        graphs: str = _backend("fx_text").fx_text(chosen.network)
        return graphs
    return _source(chosen, arguments)


def _files(
    chosen: Chosen, summary: Summary, arguments: argparse.Namespace, at: Mapping[str, int]
) -> dict[str, bytes]:
    """Everything that is written, but for the manifest."""
    _progress("drawing")
    drawing = draw(chosen.network, "svg", at, engine=arguments.engine)
    _progress("writing the module")
    texts = {
        "summary.txt": render_table(summary),
        "summary.json": render_json(summary),
        "model.py": _source(chosen, arguments),
    }
    return {name: text.encode("utf-8") for name, text in texts.items()} | {"diagram.svg": drawing}


def _level(arguments: argparse.Namespace) -> str:
    if arguments.verify is not None:
        return str(arguments.verify)
    return "eager" if arguments.compile == "none" else "compiled"


def _verified(
    chosen: Chosen, summary: Summary, arguments: argparse.Namespace
) -> tuple[dict[str, Any], list[str]]:
    """What was compared, for the manifest and for the user."""
    level = _level(arguments)
    if level == "none":
        if arguments.weights is not None:
            raise UsageFailure("--weights needs the module to be built: leave out --verify none")
        return {"verified": None}, ["not verified: --verify none"]
    _progress("building the module and running it" + (", compiled" if level == "compiled" else ""))
    trial = _backend("trial").try_out(
        chosen.network,
        summary.parameters.bytes,
        device=arguments.device,
        dtype=arguments.dtype,
        mode=arguments.compile,
        level=level,
        at=summary.sizes,
        seed=arguments.seed,
        weights=arguments.weights,
    )
    checks = [check.name for check in trial.verification.checks]
    mode, regions = trial.compilation.mode, len(trial.compilation.regions)
    facts = {
        "torch": str(sys.modules["torch"].__version__),
        "device": arguments.device,
        "dtype": arguments.dtype,
        "seed": arguments.seed,
        "verified": {"level": level, "checks": checks, "compiled": mode, "regions": regions},
    }
    for remark in trial.remarks:
        streams.message(f"archdsl: {remark}")
    how = {"none": "eager", "whole": "compiled whole", "regional": f"compiled by region ({regions})"}[mode]
    return facts, [f"{trial.verification}; {how}, on {arguments.device} in {arguments.dtype}"]


def _facts(chosen: Chosen, summary: Summary, arguments: argparse.Namespace) -> dict[str, Any]:
    source = chosen.program.source
    return {
        "model": chosen.network.name,
        "source": {"file": Path(source.name).name, "sha256": manifest.digest(source.text.encode("utf-8"))},
        "set": list(arguments.set),
        "at": dict(summary.sizes),
        "params": summary.params,
    }


def _refuse_early(directory: Path, may_replace: Callable[[Path], bool]) -> None:
    """Say before the long work that something stands in the way."""
    from archdsl.files import FileError

    if directory.exists() and not directory.is_dir():
        raise FileError(directory, "not a directory")
    for name in FILES:
        path = directory / name
        if path.is_file() and not may_replace(path):
            raise FileError(
                path, "exists and was not written by archdsl, or was changed since; --force replaces it"
            )


def _write(
    directory: Path,
    files: Mapping[str, bytes],
    arguments: argparse.Namespace,
    may_replace: Callable[[Path], bool],
) -> None:
    from archdsl.files import write_files

    source = driver.address(arguments.target).path
    inputs = [path for path in (source, arguments.weights) if path is not None]
    write_files(directory, files, inputs=inputs, may_replace=may_replace)
