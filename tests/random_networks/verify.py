"""One program against torch: what is promised is what happens, what is refused torch refuses too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from archdsl.analysis.summary import summarise
from archdsl.backend.module import module
from archdsl.dims import evaluate, symbols
from archdsl.network.elaborate import check
from archdsl.network.program import load
from archdsl.network.types import Network
from archdsl.report import has_errors
from archdsl.source import Source
from tests.random_networks.maker import values_of
from tests.random_networks.pieces import Program
from tests.random_networks.runtime import Weights, fill
from tests.random_networks.stricter import rule
from tests.random_networks.truth import (
    Sizes,
    around,
    attempt,
    described,
    quiet,
    run,
    small,
    spread,
    work,
)

NOISE = {"rand", "randn"}
# Where a rounding difference may become a large one.
JUMPS = {
    "ceil",
    "floor",
    "round",
    "sign",
    "floor_divide",
    "remainder",
    "sort",
    "topk",
    "argsort",
    "argmax",
    "argmin",
}


@dataclass
class Outcome:
    """What came of one program. ``problems`` is empty where all is well."""

    program: Program
    accepted: bool = False
    codes: tuple[str, ...] = ()
    excused: str = ""
    problems: list[str] = field(default_factory=list)
    compared: bool = False
    sizes: int = 0


def verify(program: Program, values: bool = False) -> Outcome:
    """Check a program's text, and torch at many sizes; with ``values`` compare numbers and gradients too."""
    outcome = Outcome(program)
    networks, found = check(load(Source("random.arch", program.text)))
    outcome.codes = tuple(d.code for d in found)
    outcome.accepted = not has_errors(found)
    if outcome.accepted:
        _accepted(outcome, networks["m"], values)
    else:
        _refused(outcome, [(d.code, d.message) for d in found])
    return outcome


def _refused(outcome: Outcome, said: list[tuple[str, str]]) -> None:
    program, weights = outcome.program, Weights("cpu")
    excuses = [found for code, message in said if (found := rule(code, message))]
    for sizes in spread(program)[: 6 if excuses else None]:
        outcome.sizes += 1
        if isinstance(attempt(program, sizes, weights), str):
            return
    if excuses:
        outcome.excused = excuses[0]
        return
    words = " ".join(said[0])
    outcome.problems.append(f"refused, and torch takes it at all {outcome.sizes} sizes tried: {words}")


def promised(network: Network, sizes: Sizes) -> dict[str, list[Any]]:
    """Shapes and dtypes of the outputs at given sizes."""
    region = network.inference
    return {
        name: [[evaluate(d, sizes) for d in value.type.shape], value.type.dtype]
        for name, value in zip(region.output_names, region.outputs, strict=True)
    }


def _accepted(outcome: Outcome, network: Network, values: bool) -> None:
    program, weights = outcome.program, Weights("cpu")
    large = spread(program, 4)
    edges = []
    for bound in network.bounds:
        names = symbols(bound.relation.left) | symbols(bound.relation.right)
        sides = (bound.relation.left, bound.relation.right)
        number = next((s for s in sides if isinstance(s, int)), None)
        if len(names) == 1 and number is not None:
            shift = {">=": 0, "<=": 1, "<": 0, ">": 1}.get(bound.relation.operator, 0)
            edges += around(program, large[0], next(iter(names)), number + shift)
    inside, outside = [], []
    for sizes in [*large, *edges, *small(program)]:
        (inside if all(b.relation.holds(sizes) for b in network.bounds) else outside).append(sizes)
    for sizes in inside:
        found = attempt(program, sizes, weights)
        if isinstance(found, str):
            outcome.problems.append(f"accepted, and torch refuses at {sizes}: {found}")
            return
        if described(found) != promised(network, sizes):
            outcome.problems.append(
                f"at {sizes} torch gives {described(found)}, promised {promised(network, sizes)}"
            )
            return
    for sizes in outside:
        if not isinstance(attempt(program, sizes, weights), str) and inside:
            broken = [b.relation.render() for b in network.bounds if not b.relation.holds(sizes)]
            outcome.problems.append(f"torch takes {sizes}, which {broken} refuse")
            return
    outcome.sizes = len(inside) + len(outside)
    if not inside:
        return
    _figures(outcome, network, [inside[0], inside[-1]])
    try:
        _module(outcome, network, weights, inside[-1], outside[:1], values)
    except RuntimeError as error:
        if "between 0 and 1" not in str(error):  # torch's bce looks for values that are no numbers
            raise


def _figures(outcome: Outcome, network: Network, at: list[Sizes]) -> None:
    for sizes in at:
        parameters, macs = work(outcome.program, sizes)
        summary = summarise(network, sizes)
        if (summary.params, summary.macs) != (parameters, macs):
            promise = f"{summary.params} parameters and {summary.macs} macs"
            outcome.problems.append(f"at {sizes} torch counts {parameters} and {macs}, promised {promise}")
            return


def _module(
    outcome: Outcome, network: Network, weights: Weights, sizes: Sizes, outside: list[Sizes], values: bool
) -> None:
    program = outcome.program
    net = module(network, device="cpu", seed=None).eval()
    ours = {k: tuple(t.shape) for k, t in net.state_dict().items()}
    truth = {k.rstrip("."): tuple(t.shape) for k, t in weights.state().items()}
    if (program.labelled and ours != truth) or sorted(ours.values()) != sorted(truth.values()):
        outcome.problems.append(f"the module's weights are {ours}, torch's {truth}")
        return
    given = values_of(program.inputs, sizes, torch.device("cpu"))
    inputs = [given[i.name] for i in program.inputs]
    if not values or not program.labelled or program.ops & NOISE:
        with quiet():
            found = net(*inputs)
        found = (
            {"out": found}
            if isinstance(found, torch.Tensor)
            else dict(zip(promised(network, sizes), found, strict=True))
        )
        if described(found) != promised(network, sizes):
            outcome.problems.append(
                f"at {sizes} the module gives {described(found)}, promised {promised(network, sizes)}"
            )
    else:
        _values(outcome, network, net, weights, sizes, inputs)
    for other in outside:
        given = values_of(program.inputs, other, torch.device("cpu"))
        try:
            with quiet():
                net(*[given[i.name] for i in program.inputs])
        except ValueError:
            continue
        outcome.problems.append(f"the module takes {other}, outside its bounds")


def _values(
    outcome: Outcome,
    network: Network,
    net: torch.nn.Module,
    weights: Weights,
    sizes: Sizes,
    inputs: list[torch.Tensor],
) -> None:
    program = outcome.program
    outcome.compared = True
    truth = weights.on_cpu()
    fill(net.state_dict(keep_vars=True))
    expected = run(program, sizes, truth)
    found = net(*inputs)
    found = (
        {"out": found}
        if isinstance(found, torch.Tensor)
        else dict(zip(promised(network, sizes), found, strict=True))
    )
    for name, tensor in expected.items():
        if not _close(found[name].detach(), tensor.detach(), bool(program.ops & JUMPS)):
            outcome.problems.append(f"at {sizes} the module's values of {name} differ from torch's")
            return
    _gradients(outcome, net, truth, found, expected)


def _gradients(outcome: Outcome, net: torch.nn.Module, truth: Weights, found: Any, expected: Any) -> None:
    def backward(outputs: Any) -> bool:
        sums = [t.float().sum() for t in outputs.values() if t.requires_grad]
        if sums:
            sum(sums[1:], start=sums[0]).backward()
        return bool(sums)

    try:
        wanted = backward(expected)
    except RuntimeError:  # torch has no derivative
        return
    if backward(found) != wanted:
        outcome.problems.append("gradients flow in one of the two only")
        return
    theirs = {k.rstrip("."): t.grad for k, t in truth.state().items() if t.requires_grad}
    for key, parameter in net.named_parameters():
        one, two = parameter.grad, theirs[key]
        one, two = (torch.zeros_like(parameter) if g is None else g for g in (one, two))
        if not _close(one, two, bool(outcome.program.ops & JUMPS), 1e-3):
            outcome.problems.append(f"the gradients of {key} differ")
            return


def _close(one: torch.Tensor, two: torch.Tensor, jumps: bool, tolerance: float = 1e-4) -> bool:
    one, two = one.double(), two.double()
    scale = float(two.nan_to_num(0, 0, 0).abs().max()) if two.numel() else 1.0
    near = torch.isclose(one, two, rtol=tolerance, atol=tolerance * max(1.0, scale), equal_nan=True)
    return bool(near.all()) or (jumps and float(near.double().mean()) > 0.5)
