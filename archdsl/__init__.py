"""archdsl: a small language for neural networks. The public face; torch is imported only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from archdsl.api import Model, Spec, load, load_ipython_extension, parse
    from archdsl.diagnostics import Diagnostic, DiagnosticError
    from archdsl.ops.registry import operator as register

__all__ = [
    "Diagnostic", "DiagnosticError", "Model", "Spec", "__version__", "load", "load_ipython_extension",
    "parse", "register",
]  # fmt: skip

_WHERE = {
    "Diagnostic": ("archdsl.diagnostics", "Diagnostic"),
    "DiagnosticError": ("archdsl.diagnostics", "DiagnosticError"),
    "register": ("archdsl.ops.registry", "operator"),
} | {name: ("archdsl.api", name) for name in ("Model", "Spec", "load", "load_ipython_extension", "parse")}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'archdsl' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _WHERE[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
