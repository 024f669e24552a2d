"""What was built against what was promised: shapes, dtypes, weights and their names, compiled against eager."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.backend import regions as regions_of
from archdsl.backend.compile import Compilation
from archdsl.backend.promises import promised_weights
from archdsl.dims import evaluate, symbols
from archdsl.network.types import Network, Region
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class Check:
    """One thing compared: ``detail`` says what differed, and in which region."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """All checks of one module; ``figures`` are numbers for people (the largest difference)."""

    checks: tuple[Check, ...]
    figures: Mapping[str, float]

    @property
    def ok(self) -> bool:
        return all(c.passed for c in self.checks)

    def __str__(self) -> str:
        failed = [c for c in self.checks if not c.passed]
        if not failed:
            return f"verified: {', '.join(c.name for c in self.checks)}"
        return "\n".join(f"{c.name}: {c.detail}" for c in failed)


def verify(
    network: Network, net: nn.Module, inputs: Sequence[Tensor], compilation: Compilation | None = None
) -> Verification:
    """Runs the module once in each way; a difference raises nothing: ``ok`` is False, and the text says where."""
    checks = list(_weights(network, net))
    figures: dict[str, float] = {}
    was_training = net.training
    net.eval()
    compiled = compilation is not None and compilation.mode != "none"
    try:
        with torch.no_grad():
            eager, failed = _run(net, inputs, eager=True)
            if eager is None:
                checks.append(Check("run", False, failed))
                return Verification(tuple(checks), figures)
            checks += _outputs(network, network.inference, eager, inputs)
            if compiled and compilation is not None:
                fast, failed = _run(net, inputs, eager=False)
                if fast is None:
                    checks.append(Check("compiled", False, failed))
                else:
                    names = network.inference.output_names
                    check, figures["largest difference"] = _close(eager, fast, names)
                    if not check.passed and (loose := _unsettled(net, inputs, eager, names)):
                        check, figures["largest difference"] = _close(eager, fast, names, loose)
                    if not check.passed:
                        where = _first_difference(net, inputs, compilation)
                        check = Check("compiled = eager", False, check.detail + where)
                    checks.append(check)
    finally:
        net.train(was_training)
    return Verification(tuple(checks), figures)


def _weights(network: Network, net: nn.Module) -> Iterator[Check]:
    want = promised_weights(network)
    got = {name: tuple(t.shape) for name, t in net.state_dict().items()}
    wrong = sorted(set(want) ^ set(got))
    yield Check("state dict keys", not wrong, f"differ: {', '.join(wrong[:8])}")
    shapes = [f"{k}: {want[k]}, got {got[k]}" for k in want if k in got and want[k] != got[k]]
    yield Check("weight shapes", not shapes, "; ".join(shapes[:8]))


def _run(net: nn.Module, inputs: Sequence[Tensor], *, eager: bool) -> tuple[tuple[Any, ...] | None, str]:
    try:
        with torch.compiler.set_stance("force_eager" if eager else "default"):
            return as_tuple(net(*inputs)), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}{region_of(error)}"


def region_of(error: BaseException) -> str:
    """The class of the generated file in which an error arose."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code.co_filename.startswith("<archdsl") and "self" in frame.f_locals:
            return f" (in {type(frame.f_locals['self']).__name__})"
    return ""


def as_tuple(value: Any) -> tuple[Any, ...]:
    """What a model returned, as its fields."""
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _outputs(
    network: Network, region: Region, values: tuple[Any, ...], inputs: Sequence[Tensor]
) -> Iterator[Check]:
    sizes: dict[str, int] = {}
    for given, tensor in zip(network.inputs, inputs, strict=True):
        for dim, size in zip(given.type.shape, tensor.shape, strict=True):
            found = symbols(dim)
            if len(found) == 1 and evaluate(dim, dict.fromkeys(found, 7)) == 7:
                sizes[next(iter(found))] = size
    model = next(
        (t.dtype for given, t in zip(network.inputs, inputs, strict=True) if given.type.dtype == "float32"),
        None,
    )
    for name, output, value in zip(region.output_names, region.outputs, values, strict=False):
        shape = tuple(evaluate(d, sizes) for d in output.type.shape)
        got = tuple(value.shape)
        yield Check(f"shape of {name}", shape == got, f"{list(shape)} was promised, got {list(got)}")
        want = _dtype(output.type, model or value.dtype)
        yield Check(f"dtype of {name}", value.dtype == want, f"{want} was promised, got {value.dtype}")


def _dtype(type: TensorType, model: torch.dtype) -> torch.dtype:
    found: torch.dtype = model if type.dtype == "float32" else getattr(torch, type.dtype)
    return found


_TOLERANCE = {torch.float64: (1e-7, 1e-8), torch.float32: (1e-4, 1e-5), torch.float16: (1e-2, 1e-2)}


def tolerance(dtype: torch.dtype) -> tuple[float, float]:
    """Relative, and absolute as a part of the largest value."""
    return _TOLERANCE.get(dtype, (5e-2, 3e-2))


def _unsettled(
    net: nn.Module, inputs: Sequence[Tensor], eager: tuple[Any, ...], names: Sequence[str]
) -> frozenset[str]:
    """Outputs that jump when the inputs change by a few roundings, as boxes do that stand in the order of nearly equal
    scores: no two ways of computing the same agree on those."""
    found = set[str]()
    for seed in range(4):
        nudged = [_nudged(x, seed) if x.is_floating_point() else x for x in inputs]
        other, _ = _run(net, nudged, eager=True)
        for name, a, b in zip(names, eager, other or (), strict=False):
            if isinstance(a, Tensor) and not _agree(a, b):
                found.add(name)
    return frozenset(found)


def _nudged(x: Tensor, seed: int) -> Tensor:
    """A few roundings of what the dtype has; one in half precision, where a few would be as much as the tolerance, and
    every model would seem to jump."""
    eps = torch.finfo(x.dtype).eps
    most = max(eps, min(16 * eps, tolerance(x.dtype)[0] / 50))
    generator = torch.Generator(x.device).manual_seed(seed)
    noise = 2 * torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) - 1
    return x * (1 + most * noise)


def _agree(a: Tensor, b: Tensor) -> bool:
    if a.numel() == 0 or not a.is_floating_point():
        return torch.equal(a, b)
    rtol, atol = tolerance(a.dtype)
    scale = float(a.abs().max().clamp(min=1.0))
    return torch.allclose(a.double(), b.double(), rtol=rtol, atol=atol * scale, equal_nan=True)


def _close(
    eager: tuple[Any, ...], fast: tuple[Any, ...], names: Sequence[str], loose: frozenset[str] = frozenset()
) -> tuple[Check, float]:
    """Whether all outputs agree, and the largest difference. Of those that are ``loose``, which the check's name lists,
    only shape, dtype and that they are numbers is compared."""
    worst = 0.0
    for name, a, b in zip(names, eager, fast, strict=False):
        if not isinstance(a, Tensor):
            continue
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            detail = f"{name} is {b.dtype} {list(b.shape)}, not {a.dtype} {list(a.shape)}"
            return Check("compiled = eager", False, detail), worst
        if name in loose and bool(b.isnan().any()) > bool(a.isnan().any()):
            return Check("compiled = eager", False, f"{name} is not a number"), worst
        if a.numel() == 0 or name in loose:
            continue
        difference = float((a.double() - b.double()).abs().max())
        if a.is_floating_point():
            worst = max(worst, difference / float(a.abs().max().clamp(min=1.0)))
        if not _agree(a, b):
            detail = f"{name} differs" + (f" by {difference:.3g}" if a.is_floating_point() else "")
            return Check("compiled = eager", False, detail), worst
    unsaid = f" (rounding decides {', '.join(sorted(loose))}: not compared)" if loose else ""
    return Check("compiled = eager" + unsaid, True), worst


def _recorder(path: str, seen: list[tuple[str, tuple[Any, ...], Any]]) -> Callable[..., None]:
    def hook(part: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        seen.append((path, given, out))

    return hook


def _first_difference(net: nn.Module, inputs: Sequence[Tensor], compilation: Compilation) -> str:
    """The first compiled region that differs from eager on the same inputs."""
    paths = [p for region in compilation.regions for p in region.paths]
    seen: list[tuple[str, tuple[Any, ...], Any]] = []
    hooks = [net.get_submodule(p).register_forward_hook(_recorder(p, seen)) for p in paths]
    with torch.compiler.set_stance("force_eager"):
        net(*inputs)
    for hook in hooks:
        hook.remove()
    for path, given, out in seen:
        part = net.get_submodule(path)
        check, _ = _close(as_tuple(out), as_tuple(part(*given)), ("its output",) * len(as_tuple(out)))
        if not check.passed:
            return f", first in {path} ({type(part).__name__})"
    return ""


__all__ = ["Check", "Verification", "regions_of", "verify"]
