"""From DOT text to a laid-out drawing: the packaged Graphviz by default, the system's ``dot`` on request."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Literal

from archdsl.drawing import wasm
from archdsl.drawing.errors import EngineError

__all__ = ["Engine", "EngineError", "Format", "Program", "layout"]

Engine = Literal["wasm", "system"]
Program = Literal["dot", "neato"]
Format = Literal["svg", "plain", "dot", "json"]

# What a whole output of each format begins and ends with: a crash can leave half of one.
_FORMATS: dict[str, tuple[str, str]] = {
    "svg": ("<?xml", "</svg>"),
    "plain": ("graph ", "stop"),
    "dot": ("", "}"),
    "json": ("{", "}"),
}
_PROGRAMS = ("dot", "neato")

_DOT_LIMIT = 16 << 20
_SYSTEM_MEMORY = 2 << 30
_CHAIN_LIMIT = 1000  # from 2,500 hops in one statement, Graphviz drops the edges and reports success
_DEPTH_LIMIT = 200

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NAME = re.compile(r'"\w*"')
_CHAIN = re.compile(rf"(?:[\w.:]+\s*-[->]\s*){{{_CHAIN_LIMIT}}}")
# Attributes that make Graphviz look at files or put text into the SVG unescaped.
_REFUSED_ATTRIBUTE = re.compile(
    r'(?<![\w."])"?(image|imagepath|shapefile|fontpath|stylesheet)"?\s*=', re.IGNORECASE
)


def layout(
    dot: str,
    *,
    engine: Engine = "wasm",
    program: Program = "dot",
    format: Format = "svg",
    timeout: float = 30.0,
) -> str:
    """Lay out a graph and return the drawing's text exactly as Graphviz wrote it.

    ``dot`` has to be text of our own making: quoted labels, no HTML-like ones (``label=<...>``: the packaged
    Graphviz draws the node's name in their place), no attributes that name files. What is refused and what
    goes wrong is an :class:`EngineError`; nothing is ever written to this process's output.
    """
    if program not in _PROGRAMS:
        raise ValueError(f"no layout program {program!r}; there are {', '.join(_PROGRAMS)}")
    if format not in _FORMATS:
        raise ValueError(f"no drawing format {format!r}; there are {', '.join(_FORMATS)}")
    source = _checked(dot)
    if engine == "wasm":
        output = wasm.render(source, program=program, format=format, timeout=timeout)
    elif engine == "system":
        output = _system(source, program, format, timeout)
    else:
        raise ValueError(f"no layout engine {engine!r}; there are wasm, system")
    return _whole(output, format)


def _checked(dot: str) -> bytes:
    """The text as bytes, after refusing what Graphviz would draw wrongly, silently, or by reading files."""
    if "\0" in dot:
        raise EngineError("failed", "the drawing's text holds a NUL character")
    try:
        source = dot.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EngineError("failed", f"the drawing's text is not Unicode: {error.reason}") from error
    if len(source) > _DOT_LIMIT:
        raise EngineError(
            "too_large", f"the drawing's text is {len(source):,} bytes; the limit is {_DOT_LIMIT:,}"
        )
    if "\\\n" in dot:
        raise EngineError("failed", "the drawing's text holds a continued line")
    names = _STRING.sub(lambda match: match[0] if _NAME.fullmatch(match[0]) else "q", dot)
    named = _REFUSED_ATTRIBUTE.search(names)
    if named is not None:
        raise EngineError("failed", f"the attribute {named[1]!r} is not allowed in a drawing")
    bare = _STRING.sub("q", dot)
    if "<" in bare:
        raise EngineError("failed", "HTML-like labels (label=<...>) are not drawn by the layout engine")
    if "+" in bare:
        raise EngineError("failed", "the drawing's text joins strings with +")
    if _CHAIN.search(bare):
        raise EngineError(
            "too_large", f"more than {_CHAIN_LIMIT} edges in one statement; write one edge a statement"
        )
    if _depth(bare) > _DEPTH_LIMIT:
        raise EngineError("too_large", f"groups are nested deeper than {_DEPTH_LIMIT}")
    return source


def _depth(bare: str) -> int:
    deepest = depth = 0
    for brace in re.findall(r"[{}]", bare):
        depth += 1 if brace == "{" else -1
        deepest = max(deepest, depth)
    return deepest


def _whole(output: bytes, format: str) -> str:
    if not output.strip():
        raise EngineError("empty", "the layout engine reported success and wrote nothing")
    try:
        text = output.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EngineError("failed", "the layout engine wrote bytes that are not text") from error
    begin, end = _FORMATS[format]
    if not text.startswith(begin) or not text.rstrip().endswith(end):
        raise EngineError("failed", f"what the layout engine wrote is not a whole {format} file")
    return text


def _system(source: bytes, program: str, format: str, timeout: float) -> bytes:
    """Run the system's Graphviz in a process group of its own, with a clock, and a memory limit where there is one."""
    # A web server's variable: Graphviz then opens no file that a graph names.
    environment = {**os.environ, "SERVER_NAME": "archdsl"}
    command = ["dot", f"-K{program}", f"-T{format}"]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise EngineError(
            "missing", "the program dot was not found; install Graphviz, or use --engine wasm"
        ) from error
    except OSError as error:
        raise EngineError("missing", f"the program dot cannot be run: {error.strerror}") from error
    _limit_memory(process.pid)
    try:
        output, errors = process.communicate(source, timeout)
    except BaseException as error:  # also Ctrl-C: never leave a layout running
        _kill_group(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise EngineError("timeout", f"dot took longer than {timeout:g} s and was stopped") from error
        raise
    if process.returncode != 0:
        said = " ".join(errors.decode("utf-8", "replace").split())[:500]
        raise EngineError("failed", f"dot ended with status {process.returncode}: {said or 'no message'}")
    return output


def _limit_memory(pid: int) -> None:
    # From outside, while dot still waits for its input: code between fork and exec is unsafe beside threads.
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_AS, (_SYSTEM_MEMORY, _SYSTEM_MEMORY))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it started: a wrapper script's child would hold the pipes open."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
