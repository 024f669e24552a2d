"""Set losses inside the graph against loops that try every way of matching: numbers, training, compiling."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.reference.deformable_detr import DeformableDETR
from tests.reference.detr import DETR
from tests.reference.lstr import LSTR
from tests.reference.set_losses import WithBoxes, WithLanes
from tests.zoo import test_deformable_detr, test_detr, test_lstr
from tests.zoo.compare import Case, Tensors, differences, pair, spec
from tests.zoo.keymaps import Rule
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains


def _below(name: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules of a network for one that holds it."""

    def placed(one: Rule) -> Rule:
        names = tuple((lambda m, n=n: f"{name}.{n(m)}") if callable(n) else f"{name}.{n}" for n in one.names)
        return Rule(rf"net\.{one.pattern}", names, one.transposed)

    return tuple(map(placed, rules))


def _objects() -> Tensors:
    """Two objects in the first picture, one in the second, and padding, whose numbers count for nothing."""
    boxes = 0.2 + 0.4 * torch.rand(2, 3, 4, dtype=torch.float64)
    there = torch.tensor([[True, False, True], [False, True, False]])
    return {
        **test_detr.padded(),
        "labels": torch.tensor([[1, 4, 3], [0, 2, 0]]),
        "wanted": boxes,
        "there": there,
    }


def _lanes() -> Tensors:
    y = torch.linspace(0.4, 1, 6, dtype=torch.float64).expand(2, 3, 6)
    x = torch.rand(2, 3, 6, dtype=torch.float64)
    seen = torch.ones(2, 3, 6, dtype=torch.bool)
    seen[0, 0, 4:] = False
    seen[:, 2] = False
    return {
        **test_detr.padded(), "labels": torch.tensor([[1, 2, 0], [1, 0, 0]]), "ends": torch.rand(2, 3, 2, dtype=torch.float64),
        "x": x, "y": y.clone(), "seen": seen, "there": torch.tensor([[True, True, False], [True, False, False]]),
    }  # fmt: skip


def _deformable(two_stage: bool) -> Case:
    settings = test_deformable_detr.SMALL | {"two_stage": two_stage}
    rules = _below("detr", test_deformable_detr._rules(True, two_stage))
    return Case(
        f"deformable_detr_with_loss-{two_stage}", "set_losses", "deformable_detr_with_loss", settings,
        lambda rate: WithBoxes(DeformableDETR(**settings, refine=True, rate=rate), True), rules, _objects,
        lambda net, given: net(**given), ("rate",),
    )  # fmt: skip


DETECTION = Case(
    "detr_with_loss", "set_losses", "detr_with_loss", test_detr.SMALL,
    lambda rate: WithBoxes(DETR(**test_detr.SMALL, rate=rate), False), _below("detr", test_detr.RULES), _objects,
    lambda net, given: net(**given), ("rate",),
)  # fmt: skip
LANES = Case(
    "lstr_with_loss", "set_losses", "lstr_with_loss", test_lstr.SMALL,
    lambda rate: WithLanes(LSTR(**test_lstr.SMALL, rate=rate)), _below("lstr", test_lstr.LSTR_RULES), _lanes,
    lambda net, given: net(**given), ("rate",),
)  # fmt: skip
CASES = [DETECTION, _deformable(False), _deformable(True), LANES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numbers(case: Case) -> None:
    check_numbers(case)


def _loss(outputs: Tensors) -> Tensor:
    return outputs["loss"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, _loss, steps=8, rate=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("case", [CASES[0], CASES[3]], ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_a_loss_has_no_weights() -> None:
    found = spec("set_losses")
    assert found["detr_with_loss"].params == 41_524_768
    assert found["lstr_with_loss"].params == 765_787
    assert found.model("deformable_detr_with_loss", two_stage=False).params == 40_849_660


def test_another_way_of_matching_is_noticed() -> None:
    """The order of the objects changes nothing; other labels change the loss."""
    ours, theirs = pair(DETECTION)
    assert differences(DETECTION, ours, theirs, "train").largest < 1e-5
    given = _objects()
    with torch.no_grad():
        before = float(ours(**given).loss)
        turned = {k: v.flip(1) if k in ("labels", "wanted", "there") else v for k, v in given.items()}
        assert abs(float(ours(**turned).loss) - before) < 1e-9
        other = {**given, "labels": given["labels"].roll(1, 0)}
        assert abs(float(ours(**other).loss) - before) > 1e-3
