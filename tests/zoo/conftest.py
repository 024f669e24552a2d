"""With ARCHDSL_ZOO_RESULTS=FILE, what the comparisons of the zoo found is written down (`make zoo-results`)."""

from __future__ import annotations

import ast
import inspect
import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

RESULTS = os.environ.get("ARCHDSL_ZOO_RESULTS")
LIBRARIES = ("torchvision", "timm", "transformers", "lambda_networks", "reformer_pytorch")
# Tests that call for a difference, or for one between random states.
OTHERWISE = ("perturbed", "dropout", "noticed")


def _note(case: Any, **more: Any) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[2]
    if any(word in test for word in OTHERWISE):
        return
    entry = {"file": case.file, "model": case.model, **more}
    with Path(f"{RESULTS}.lines").open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


@pytest.fixture
def note() -> Callable[..., None]:
    """Writes down facts of a model, where results are wanted: ``note(variant, trains=True)``; the last word counts."""
    return _note if RESULTS else lambda *_, **__: None


def _code_lines(kind: type) -> int:
    """Lines of a class's source that hold code: no comments, blanks or docstrings."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    said: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr):
            code.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    text = textwrap.dedent(inspect.getsource(kind)).splitlines()
    return sum(bool(text[n - 1].strip()) and text[n - 1].strip()[0] != "#" for n in code - said)


def _made_of(net: nn.Module) -> tuple[str, int]:
    """Whose modules a reference is made of, and in how many lines of code those classes are written."""
    kinds = {
        type(part) for part in net.modules() if not type(part).__module__.startswith(("torch.", "torch_"))
    }
    modules = sorted({kind.__module__ for kind in kinds})
    found = next((name for name in LIBRARIES if any(m.partition(".")[0] == name for m in modules)), None)
    if found is None:
        named = [m for m in modules if m.startswith("tests.reference")]
        found = ", ".join(m.replace(".", "/") + ".py" for m in named) or "torch.nn"
    return found, sum(_code_lines(kind) for kind in kinds)


def _recording(kept: Callable[..., Any]) -> Callable[..., Any]:
    def differences(case: Any, ours: nn.Module, theirs: nn.Module, mode: str) -> Any:
        found = kept(case, ours, theirs, mode)
        whose, lines = _made_of(theirs)
        _note(case, mode=mode, difference=found.largest, reference=whose, reference_lines=lines)
        return found

    return differences


def _done(kept: Callable[..., Any], what: str) -> Callable[..., Any]:
    def checked(case: Any, *arguments: Any, **keywords: Any) -> Any:
        found = kept(case, *arguments, **keywords)
        _note(case, **{what: True})
        return found

    return checked


if RESULTS:
    from tests.zoo import compare, sequence_support, vision_support

    compare.differences = _recording(compare.differences)
    for support in (sequence_support, vision_support):
        support.differences = compare.differences  # type: ignore[attr-defined]
    vision_support.check_trains = _done(vision_support.check_trains, "trains")
    vision_support.check_compiles = _done(vision_support.check_compiles, "compiles")
    sequence_support.trains = _done(sequence_support.trains, "trains")
    sequence_support.compiles = _done(sequence_support.compiles, "compiles")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Gather what all processes noted; models that were not compared this time keep what they had."""
    if not RESULTS or hasattr(session.config, "workerinput"):
        return
    path, lines = Path(RESULTS), Path(f"{RESULTS}.lines")
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    fresh: dict[str, dict[str, Any]] = {}
    for line in lines.read_text(encoding="utf-8").splitlines() if lines.exists() else []:
        entry = json.loads(line)
        model = fresh.setdefault(f"{entry.pop('file')}:{entry.pop('model')}", {})
        if (whose := entry.pop("reference", None)) is not None:
            compared = model.setdefault("compared", {}).setdefault(whose, {"difference": 0.0})
            compared["difference"] = max(compared["difference"], float(f"{entry.pop('difference'):.2g}"))
            compared["lines"] = entry.pop("reference_lines")
            compared["modes"] = sorted({*compared.get("modes", ()), entry.pop("mode")})
        model |= entry
    lines.unlink(missing_ok=True)
    for name, facts in fresh.items():
        known[name] = known.get(name, {}) | facts
    path.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
