"""Sandwich and Universal Transformers: figures, numbers against plain PyTorch, halting, training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.analysis.weights import model_weights, numel
from archdsl.backend.module import module
from tests.reference.reordered import Sandwich, SandwichCharacters, UniversalTransformer
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import SAME
from tests.zoo.sequence_support import agrees, compiles, outputs, trains

SMALL = {"d": 16, "heads": 2, "hidden": 24}

BODY = Case(
    "sandwich", "sandwich", "sandwich", {"n": 3, "k": 1, **SMALL},
    lambda _: Sandwich("ssfsff", 16, 2, 24), SAME,  # s (sf)^2 f
    lambda: {"x": torch.randn(2, 7, 16, dtype=torch.float64)}, rates=("rate",),
)  # fmt: skip
CHARACTERS = Case(
    "sandwich_characters", "sandwich", "sandwich_characters", {"n": 3, "k": 1, "span": 12, "vocab": 20, **SMALL},
    lambda _: SandwichCharacters("ssfsff", 16, 2, 24, 12, 20), SAME,
    lambda: {"tokens": torch.randint(20, (2, 9))}, rates=("rate",),
)  # fmt: skip


def universal(threshold: float, most: int) -> Case:
    return Case(
        f"universal-{threshold}-{most}", "universal", "universal_transformer",
        {"vocab": 20, **SMALL, "max_steps": most, "threshold": threshold},
        lambda _: UniversalTransformer(20, 16, 2, 24, most, threshold), SAME,
        lambda: {"src": torch.randint(20, (2, 6)), "tgt": torch.randint(20, (2, 5))},
        lambda net, inputs: net(**inputs), ("rate",),
    )  # fmt: skip


# All halt early; some halt and some are cut off; every position is cut off.
UNIVERSAL = [universal(0.9, 8), universal(0.99, 3), universal(0.999, 2)]


def language(found: dict[str, Tensor], inputs: Tensors) -> Tensor:
    logits = found["out"]
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), inputs["tokens"][:, 1:].flatten())


def translation(found: dict[str, Tensor], inputs: Tensors) -> Tensor:
    return F.cross_entropy(found["logits"].flatten(0, 1), inputs["tgt"].flatten()) + found["ponder_loss"]


@pytest.mark.parametrize("case", [BODY, CHARACTERS, *UNIVERSAL], ids=str)
def test_numbers(case: Case) -> None:
    agrees(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [BODY, CHARACTERS, UNIVERSAL[1]], ids=str)
def test_compiles(case: Case) -> None:
    compiles(case)


def test_training() -> None:
    trains(BODY, lambda found, inputs: F.mse_loss(found["out"], inputs["x"].flip(1)))
    trains(CHARACTERS, language)
    trains(UNIVERSAL[1], translation)


@pytest.mark.parametrize("order", ["sfsfsf", "sssfff", "ffffff", "fsssfs"])
def test_any_order(order: str) -> None:
    """The string says the order and nothing else: weights are those of its letters, wherever they stand."""
    model = spec("sandwich").model("sandwich", order=list(order), **SMALL)
    each = {"s": 4 * (16 * 16 + 16) + 32, "f": 2 * 16 * 24 + 24 + 16 + 32}
    assert model.params == sum(each[kind] for kind in order) + 32


def test_pattern() -> None:
    """s^k (sf)^(n - k) f^k, read off the places of the weights at the paper's n = 16, k = 6."""
    places = {
        int(owned.path[1]): owned.path[2][0] for owned in model_weights(spec("sandwich")["sandwich"].network)
        if owned.path[0] == "sublayers"
    }  # fmt: skip
    found = "".join({"a": "s", "f": "f"}[places[i]] for i in range(32))
    assert found == "s" * 6 + "sf" * 10 + "f" * 6


def test_universal_layers_as_tensor2tensor_counts_them() -> None:
    """One layer of each side, without the table of words and the two units that say when to halt."""
    network = spec("universal")["universal_transformer"].network
    layers = [o for o in model_weights(network) if o.path[0] in ("encoder", "decoder")]
    assert sum(numel(o.weight) for o in layers) == 29_392_896


def test_halting() -> None:
    """Stopping early changes nothing, the counts are whole, and what is spent sums to one where a position halted."""
    case = universal(0.9, 8)
    torch.manual_seed(0)
    net = module(case.network(), dtype=torch.float64)
    inputs = case.inputs()
    early = outputs(case, net.eval(), inputs)
    full = outputs(case, net.train(), inputs)
    assert 1 < early["encoder_updates"].max() < 8
    for name, value in early.items():
        assert torch.equal(value, full[name]), name
