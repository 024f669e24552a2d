"""Models that are one block by itself, and GPT-3: against plain PyTorch, or the library that has the same network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.reference.fpt import Grounding, Rendering, Self
from tests.reference.lambdas import Lambda
from tests.zoo import keymaps
from tests.zoo.cases import _transformers, words
from tests.zoo.compare import Case, Tensors
from tests.zoo.vision_support import check_numbers


class Residual(nn.Module):
    """``relu(x + f(x))``, the last bend after the sum as in ResNet."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.inside = nn.Sequential(*parts)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.inside(x))


def non_bottleneck(w: int) -> nn.Module:
    return Residual(nn.Conv2d(w, w, 3, padding=1), nn.ReLU(), nn.Conv2d(w, w, 3, padding=1))


def bottleneck(w: int) -> nn.Module:
    return Residual(
        nn.Conv2d(w, w // 4, 1), nn.ReLU(), nn.Conv2d(w // 4, w // 4, 3, padding=1), nn.ReLU(),
        nn.Conv2d(w // 4, w, 1),
    )  # fmt: skip


def non_bottleneck_1d(w: int) -> nn.Module:
    """Figure 2c of ERFNet's paper: a column and a row instead of each square, a bend behind every one of them."""

    def pair() -> list[nn.Module]:
        return [nn.Conv2d(w, w, (3, 1), padding=(1, 0)), nn.ReLU(), nn.Conv2d(w, w, (1, 3), padding=(0, 1))]

    return Residual(*pair(), nn.ReLU(), *pair())


def _maps(**shapes: tuple[int, ...]) -> Callable[[], Tensors]:
    return lambda: {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}


CASES = [
    *(
        Case(make.__name__, "erfnet", model, {"w": 8}, lambda _, make=make: make(8), (), _maps(x=(2, 8, 6, 5)))
        for model, make in (
            ("non_bottleneck", non_bottleneck), ("bottleneck_quarter", bottleneck),
            ("non_bottleneck_1d", non_bottleneck_1d),
        )
    ),
    Case(
        "lambda_block", "lambda_resnet", "lambda_block", {"channels": 8, "depth": 3, "heads": 2, "inner": 2, "scope": 5},
        lambda _: Lambda(8, 3, 2, 2, 5), (), _maps(x=(2, 8, 6, 5)),
    ),
    Case("fpt_self", "fpt", "fpt_self", {"c": 4, "mixes": 2}, lambda rate: Self(4, 2, rate), (), _maps(x=(2, 4, 6, 5)), rates=("rate",)),
    Case(
        "fpt_grounding", "fpt", "fpt_grounding", {"c": 4}, lambda _: Grounding(4, True, None), (),
        _maps(x=(2, 4, 6, 4), high=(2, 4, 3, 2)),
    ),
    Case(
        "fpt_rendering", "fpt", "fpt_rendering", {"c": 4}, lambda _: Rendering(4, 1), (),
        _maps(x=(2, 4, 3, 2), low=(2, 4, 6, 4)),
    ),
]  # fmt: skip

# Brown et al., section 2.1: the model and architecture of GPT-2; its sparse layers are counted and compared dense.
GPT3 = Case(
    "gpt3", "gpt3", "gpt3", {"layers": 3, "d": 24, "heads": 4, "vocab": 40, "context": 16},
    _transformers(
        "GPT2LMHeadModel", "GPT2Config", "embd_pdrop attn_pdrop resid_pdrop", n_embd=24, n_layer=3, n_head=4,
        n_positions=16, vocab_size=40, bos_token_id=0, eos_token_id=0,
    ),
    keymaps.GPT2, lambda: words(40, 13), lambda net, inputs: {"logits": net(inputs["tokens"]).logits},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.reference
def test_gpt3_against_transformers() -> None:
    check_numbers(GPT3)
