"""GPT-3 with every second layer banded against torch's own layers; what its masks leave, and how far a word is heard."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from archdsl.backend.module import module
from tests.reference.banded import Banded
from tests.zoo.cases import words
from tests.zoo.compare import Case, spec
from tests.zoo.keymaps import rule, table
from tests.zoo.sequence_support import compiles, trains
from tests.zoo.targets import words as next_word
from tests.zoo.vision_support import check_numbers

SMALL: dict[str, Any] = {"layers": 4, "d": 24, "heads": 4, "vocab": 40, "context": 16, "band": 3}


def _at(found: Any) -> str:
    return f"layers.{int(found[1]) // 2}.{('dense', 'banded')[int(found[1]) % 2]}"


_IN = r"layers\.(\d+)\.self_attn\.in_proj_(weight|bias)"
RULES = (
    rule(
        _IN,
        *(lambda m, name=name: f"{_at(m)}.attention.f.{name}.{m[2]}" for name in ("query", "key", "value")),
    ),
    rule(r"layers\.(\d+)\.self_attn\.out_proj\.(.+)", lambda m: f"{_at(m)}.attention.f.out.{m[2]}"),
    rule(r"layers\.(\d+)\.linear(\d)\.(.+)", lambda m: f"{_at(m)}.feed_forward.f.fc{m[2]}.{m[3]}"),
    rule(r"layers\.(\d+)\.norm1\.(.+)", lambda m: f"{_at(m)}.attention.norm.{m[2]}"),
    rule(r"layers\.(\d+)\.norm2\.(.+)", lambda m: f"{_at(m)}.feed_forward.norm.{m[2]}"),
    *table(words="tok", places="positions", norm="norm"),
)
CASE = Case(
    "gpt3_banded", "gpt3", "gpt3_banded", SMALL, lambda _: Banded(**SMALL), RULES, lambda: words(40, 13),
    lambda net, given: {"logits": net(given["tokens"])},
)  # fmt: skip


def test_numbers() -> None:
    check_numbers(CASE)


def test_trains() -> None:
    trains(CASE, next_word("tokens", shifted=True))


@pytest.mark.slow
def test_compiles() -> None:
    compiles(CASE)


def test_what_the_masks_leave() -> None:
    """As dense but for the pairs: T (T + 1) / 2 in one half of the layers, the last 257 of each row in the other."""
    dense, banded = (spec("gpt3")[name].summary() for name in ("gpt3", "gpt3_banded"))
    assert (dense.params, dense.macs) == (banded.params, banded.macs)
    pairs = [2048 * 2049 // 2, sum(min(i, 256) + 1 for i in range(2048))]
    assert banded.work.macs.attention_masked == 48 * 2 * 12288 * sum(pairs)


def test_how_far_a_word_is_heard_through_a_band() -> None:
    """Without its dense layers, two of a band of 3 carry a word 6 places, and no place before it."""
    net = module(spec("gpt3").model("gpt3_banded", **SMALL).network, dtype=torch.float64, seed=0).eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if ".dense." in name and ".out." in name:
                weight.zero_()
    tokens = torch.arange(13).unsqueeze(0)
    before = net(tokens)
    changed = tokens.clone()
    changed[0, 4] = 30
    moved = (net(changed) - before).abs().amax(2)[0] > 1e-12
    assert moved.nonzero().flatten().tolist() == list(range(4, 11))
