"""What import-linter cannot see: imports inside functions against imports at the top, and how a file begins."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "archdsl"
FILES = sorted(ROOT.rglob("*.py"))
HEAVY = {"torch", "sympy", "networkx", "numpy", "safetensors", "lark", "wasmtime", "resvg_py", "graphviz"}
ROOMS_OF_TORCH = {"backend", "train", "decode"}


def top_level_imports(tree: ast.Module) -> Iterator[str]:
    """What is imported when the module is: not inside a function, not for the type checker only."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def test_heavy_libraries_are_imported_only_when_used() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        if path.relative_to(ROOT).parts[0] not in ROOMS_OF_TORCH
        for name in top_level_imports(ast.parse(path.read_text("utf-8")))
        if name in HEAVY
    }
    assert not found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_its_subject_first(path: Path) -> None:
    assert path.read_text("utf-8").startswith(('"""', 'r"""'))
