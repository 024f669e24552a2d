"""Around every command: failures become one line and an exit code, signals stop cleanly, bugs leave a report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

from archdsl import failures
from archdsl.commands import streams
from archdsl.diagnostics import Diagnostic, DiagnosticError
from archdsl.failures import CommandFailure, Terminated
from archdsl.terminal_text import escape

LIMIT_CODES = frozenset(("E0106", "E0602"))
"""Diagnostics that say that a limit was reached, not that the text is wrong."""


def exit_code(diagnostics: Sequence[Diagnostic]) -> int:
    """0 without errors, 5 where all that stopped us are limits, else 1."""
    errors = [item for item in diagnostics if item.severity == "error"]
    if not errors:
        return failures.OK
    return failures.LIMIT if all(item.code in LIMIT_CODES for item in errors) else failures.WRONG_INPUT


def guarded(command: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run a command and turn whatever happens into an exit code."""
    streams.prepare()
    with suppress(ValueError, OSError):  # not in the main thread: then somebody else handles signals
        signal.signal(signal.SIGTERM, _terminated)
    try:
        return command()
    except DiagnosticError as error:
        streams.show(error.diagnostics)
        return exit_code(error.diagnostics)
    except CommandFailure as error:
        return _said(error.message, error.exit_code)
    except KeyboardInterrupt:
        return failures.INTERRUPTED
    except Terminated:
        return failures.TERMINATED
    except MemoryError:
        return _said("out of memory", failures.LIMIT)
    except Exception as error:
        code = _known(error)
        return code if code is not None else _bug(error, arguments)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _said(message: str, code: int) -> int:
    lines = message.split("\n")
    streams.message("\n".join([f"archdsl: {escape(lines[0])}", *map(escape, lines[1:])]))
    return code


def _known(error: Exception) -> int | None:
    """Errors of the lower rooms that have a meaning of their own."""
    files = sys.modules.get("archdsl.files")
    if files is not None and isinstance(error, files.FileError):
        return _said(str(error), failures.FILES)
    drawing = sys.modules.get("archdsl.drawing.errors")
    if drawing is not None and isinstance(error, drawing.EngineError):
        return _said(error.message, failures.LIMIT if error.kind == "too_large" else failures.ENVIRONMENT)
    backend = sys.modules.get("archdsl.backend.errors")
    if backend is not None and isinstance(error, backend.BackendError):
        return _said(str(error), failures.WRONG_INPUT)
    return None


def _bug(error: Exception, arguments: Sequence[str]) -> int:
    """An error nobody foresaw: one line for the user, the details in a file for us."""
    where = _report(error, arguments)
    kept = f"; the details are in {where}, please send it to us" if where else ""
    return _said(f"this is a bug in archdsl: {type(error).__name__}: {str(error)[:200]}{kept}", failures.BUG)


def _report(error: Exception, arguments: Sequence[str]) -> str | None:
    import os
    import platform
    import tempfile
    import traceback

    from archdsl import __version__

    torch = sys.modules.get("torch")
    lines = [
        f"archdsl {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"torch {getattr(torch, '__version__', 'not loaded')}",
        f"arguments: {list(arguments)!r}",
        "",
        *traceback.format_exception(error),
    ]
    try:
        handle, path = tempfile.mkstemp(prefix="archdsl-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines))
    except OSError:
        return None
    return path
