"""The zoo computes what independent implementations do: outputs and gradients, both modes, to 1e-5 in float64."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.zoo.cases import GOOGLENET, PLAIN, TORCHVISION, TRANSFORMERS
from tests.zoo.compare import Case, differences, pair

TOLERANCE = 1e-5


def check(case: Case) -> None:
    ours, theirs = pair(case)
    for mode in ("eval", "train"):
        found = differences(case, ours, theirs, mode)
        print(
            f"{case.name} {mode}: outputs {found.outputs}, gradients {found.gradients}, buffers {found.buffers}"
        )
        assert found.largest < TOLERANCE, (mode, found)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check(case)


@pytest.mark.slow
def test_googlenet_as_published() -> None:
    check(GOOGLENET)


@pytest.mark.reference
@pytest.mark.parametrize("case", TORCHVISION, ids=str)
def test_against_torchvision(case: Case) -> None:
    check(case)


@pytest.mark.reference
@pytest.mark.parametrize("case", TRANSFORMERS, ids=str)
def test_against_transformers(case: Case) -> None:
    check(case)


# Equal seeds give equal masks only where both draw in the same order: torchvision's GoogLeNet draws those of its heads
# before that of its output, and transformers' ALBERT lacks the dropout after the feed-forward network that the authors'
# code has (google-research/albert at 507021d2, modeling.py, attention_ffn_block).
OTHERWISE = ("googlenet_torchvision", "albert")


def check_dropout(case: Case) -> None:
    """With dropout on, in training, from the same random state: every mask falls on the same tensor, scaled alike."""
    if case.name in ("transformer", "vit"):
        # torch's attention returns a transposed view, filled in its own order; with one row there is only one order.
        inputs = case.inputs
        case = replace(case, inputs=lambda: {name: value[:1] for name, value in inputs().items()})
    ours, theirs = pair(case, rate=0.3)
    assert differences(case, ours, theirs, "train").largest < TOLERANCE
    plain, _ = pair(case)
    assert differences(case, plain, theirs, "train").largest > 0.01


@pytest.mark.parametrize("case", [c for c in PLAIN if c.rates], ids=str)
def test_dropout(case: Case) -> None:
    check_dropout(case)


@pytest.mark.slow
def test_dropout_of_googlenet() -> None:
    check_dropout(GOOGLENET)


@pytest.mark.reference
@pytest.mark.parametrize(
    "case", [c for c in (*TORCHVISION, *TRANSFORMERS) if c.rates and c.name not in OTHERWISE], ids=str
)
def test_dropout_of_libraries(case: Case) -> None:
    check_dropout(case)


@pytest.mark.parametrize(
    "case", [c for c in PLAIN if c.name in ("transformer", "lstm", "autoencoder")], ids=str
)
def test_one_perturbed_weight_is_noticed(case: Case) -> None:
    """Whichever weight it is: one number of it a little off shows. A softmax alone takes away the bias of its keys."""
    ours, theirs = pair(case)
    assert differences(case, ours, theirs, "eval").largest < TOLERANCE
    felt = {name: int(weight.grad.abs().argmax()) for name, weight in ours.named_parameters()}
    for name, weight in ours.named_parameters():
        if name.endswith("key.bias"):
            continue
        number = weight.detach().view(-1)[felt[name]]
        before = number.clone()
        number += 1e-3
        found = differences(case, ours, theirs, "eval")
        assert found.largest > TOLERANCE, f"{name} makes no difference"
        number.copy_(before)
    assert differences(case, ours, theirs, "eval").largest < TOLERANCE
