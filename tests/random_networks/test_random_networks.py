"""Random networks against torch: 2,400 programs, the same in each run; what failed once; that the harness can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archdsl.ops.conv import Conv
from archdsl.ops.registry import operators
from tests.random_networks.generate import generate
from tests.random_networks.regressions import FOLDER, replay
from tests.random_networks.verify import Outcome, verify

GROUPS, EACH, COMPARED = 80, 26, 6
# Torch itself has none of these: they are compared with torchvision, with a loop, and with all permutations.
ELSEWHERE = {"linear_sum_assignment", "nms", "deform_conv", "roi_pool", "roi_align", "ps_roi_pool"}
torch.set_num_threads(1)


def outcomes(group: int) -> list[Outcome]:
    """One group of programs, verified; every so many with numbers and gradients compared."""
    seeds = range(group * EACH, (group + 1) * EACH)
    return [verify(generate(seed), values=seed % COMPARED == 0) for seed in seeds]


@pytest.mark.parametrize("group", range(GROUPS))
def test_programs_are_what_torch_says(group: int) -> None:
    failed = [
        f"seed {o.program.seed}: {'; '.join(o.problems)}\n{o.program.text}"
        for o in outcomes(group)
        if o.problems
    ]
    assert not failed, "\n".join(failed)


def test_every_operator_is_in_some_program_that_is_accepted() -> None:
    """Programs are made without being verified; one is looked at for each operator not yet seen."""
    missing = set(operators()) - ELSEWHERE
    for seed in range(GROUPS * EACH):
        program = generate(seed)
        if program.complete and program.ops & missing and verify(program).accepted:
            missing -= program.ops
        if not missing:
            return
    assert not missing


def test_programs_are_the_same_for_the_same_seed() -> None:
    assert [generate(seed).text for seed in range(20)] == [generate(seed).text for seed in range(20)]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.arch")), ids=lambda path: path.stem)
def test_what_failed_once(path: Path) -> None:
    replay(path)


def test_a_wrong_shape_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first channel too many in convolutions with a stride."""
    right = Conv.shape

    def wrong(self: Conv, inputs: object, sizes: object) -> object:
        found = right(self, inputs, sizes)  # type: ignore[arg-type]
        if self.stride == 1:
            return found
        last = found.shape[-1] + 1
        return found.with_shape((*found.shape[:-1], last), found.features)

    monkeypatch.setattr(Conv, "shape", wrong)
    problems = [o.problems for group in range(4) for o in _tolerant(group)]
    assert any(problems)


def _tolerant(group: int) -> list[Outcome]:
    found = []
    for seed in range(group * EACH, (group + 1) * EACH):
        program = generate(seed)
        if "conv" in program.ops:
            found.append(verify(program))
    return found
