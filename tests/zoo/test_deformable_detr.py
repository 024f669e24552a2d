"""Deformable DETR against plain PyTorch that looks places up by hand: numbers, figures, compiling, training."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl import api
from tests.reference.deformable_detr import DeformableDETR
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import Rule, rule
from tests.zoo.test_detr import NORMS, all_layers, padded
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains

SMALL: dict[str, Any] = {
    "classes": 5, "slots": 4, "d": 16, "heads": 4, "points": 2, "hidden": 24, "depth": 2, "layers": [1, 2, 1, 2],
    "width": 2, "groups": 4,
}  # fmt: skip


def _place(found: Any) -> str:
    return f"{found[1]}.{found[2]}" + (".layer" if found[1] == "decoder" else "")


def _attention(found: Any) -> str:
    return f"{_place(found)}.{'cross' if found[3] == 'cross' else 'attention'}.f"


def _rules(refine: bool, two_stage: bool) -> tuple[Rule, ...]:
    which, of, at = (r"(\d+)", r"decoder.\1.", r"\2") if refine else ("0", "", r"\1")
    answers = [rule(rf"classify\.{which}\.(.+)", f"{of}classify.{at}")]
    answers += [rule(rf"locate\.{which}\.{i}\.(.+)", f"{of}locate.fc{i // 2 + 1}.{at}") for i in (0, 2, 4)]
    if two_stage:  # the third pair of heads is that of the proposals
        first = [rule(r"classify\.2\.(.+)", r"first_classify.\1")]
        first += [rule(rf"locate\.2\.{i}\.(.+)", rf"first_locate.fc{i // 2 + 1}.\1") for i in (0, 2, 4)]
        answers = first + answers
    return (
        *answers,
        rule(r"backbone\.stem\.(.+)", r"stem.\1"),
        rule(r"backbone\.stages\.(\d+)\.(\d+)\.(.+)", r"backbone.\1.blocks.\2.\3"),
        rule(r"scales\.(\d)\.0\.(.+)", r"scales.\1.project.conv.\2"),
        rule(r"scales\.(\d)\.1\.(.+)", r"scales.\1.project.norm.\2"),
        rule(r"coarse\.0\.(.+)", r"coarse.conv.\1"),
        rule(r"coarse\.1\.(.+)", r"coarse.norm.\1"),
        rule(
            r"(decoder)\.(\d+)\.(attend)\.in_proj_(weight|bias)",
            *(lambda m, name=name: f"{_attention(m)}.{name}.{m[4]}" for name in ("query", "key", "value")),
        ),
        rule(r"(decoder)\.(\d+)\.(attend)\.out_proj\.(weight|bias)", lambda m: f"{_attention(m)}.out.{m[4]}"),
        rule(
            r"(encoder|decoder)\.(\d+)\.(attention|cross)\.offsets\.bias", lambda m: f"{_attention(m)}.spread"
        ),
        rule(r"(encoder|decoder)\.(\d+)\.(attention|cross)\.(.+)", lambda m: f"{_attention(m)}.{m[4]}"),
        rule(
            r"(encoder|decoder)\.(\d+)\.norm(\d)\.(.+)",
            lambda m: f"{_place(m)}.{NORMS[m[1]][m[3]]}.norm.{m[4]}",
        ),
        rule(r"(encoder|decoder)\.(\d+)\.ffn\.(.+)", lambda m: f"{_place(m)}.feed_forward.f.{m[3]}"),
        rule(r"(.+)", r"\1"),
    )


def _case(name: str, refine: bool, two_stage: bool = False) -> Case:
    settings = SMALL | {"refine": refine, "two_stage": two_stage}
    return Case(
        name, "deformable_detr", name, {**SMALL}, lambda rate: DeformableDETR(**settings, rate=rate),
        _rules(refine, two_stage), padded, lambda net, inputs: net(**inputs), ("rate",),
    )  # fmt: skip


CASES = [_case("deformable_detr", False), _case("deformable_detr_refine", True)]
CASES += [_case("deformable_detr_two_stage", True, two_stage=True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


def test_compiles() -> None:
    check_compiles(CASES[2])


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, all_layers, steps=10, rate=1e-2)


def _two_stages(outputs: Tensors) -> Tensor:
    """Every position's score and box, drawn to one object"""
    wanted = torch.tensor([0.3, 0.3, 0.2, 0.2])
    first = F.binary_cross_entropy_with_logits(
        outputs["first_logits"][..., 0], torch.ones_like(outputs["first_logits"][..., 0])
    )
    return first + F.l1_loss(outputs["first_places"], wanted.expand_as(outputs["first_places"]))


def test_the_first_stage_trains() -> None:
    check_trains(CASES[2], _two_stages, steps=6, rate=1e-2)


def test_figures() -> None:
    """40,069,665; with refinement 5 more pairs of heads: 5 (91 * 257 + 2 * 256 * 257 + 4 * 257) = 779,995."""
    found = spec("deformable_detr")
    assert found["deformable_detr"].params == 40_069_665
    assert found["deformable_detr_refine"].params == 40_069_665 + 779_995
    two = found["deformable_detr_two_stage"].params
    assert (
        two == 40_849_660 - 300 * 512 - 2 * 257 + 155_999 + 256 * 257 + 512 + 512 * 513 + 1024 == 41_181_529
    )
    assert found["deformable_detr"].shape("boxes") == (1, 300, 4)
    for refine, name in ((False, "deformable_detr"), (True, "deformable_detr_refine")):
        with torch.device("meta"):
            net = DeformableDETR(91, 300, 256, 8, 4, 1024, 6, [3, 4, 6, 3], 64, 32, refine=refine)
        assert sum(p.numel() for p in net.parameters()) == found[name].params


ONE = """
use deformable_attention from "zoo:deformable_detr.arch"
model one {
  input x: [B, N=5, 256]
  input map: [B, 15, 256]
  input seen: bool[B, 15]
  input reference: [B, N, 2, 2]
  x -> deformable_attention(8, 4, from=map, here=x, seen=seen, reference=reference, sizes=[[4, 3], [1, 3]]) as attention
}
"""


def test_the_attention_alone() -> None:
    """230,272 weights with 4 levels: 256 * 256 + 256, 256 * 128 + 128, and two of 256 * 256 + 256; here with 2."""
    model = api.parse(ONE)["one"]
    assert model.params == 256 * 128 + 128 + 256 * 64 + 64 + 2 * 65_792
    assert 65_792 * 3 + 256 * 128 + 128 == 230_272


def test_where_it_looks_first() -> None:
    """Heads in 8 directions on a square's edge, point p at distance p, in every level."""
    net = api.parse(ONE)["one"].module(seed=0)
    start = net.attention.spread.detach().view(8, 2, 4, 2)
    for m in range(8):
        x, y = math.cos(2 * math.pi * m / 8), math.sin(2 * math.pi * m / 8)
        edge = max(abs(x), abs(y))
        for p in range(4):
            for level in range(2):
                assert torch.allclose(start[m, level, p], torch.tensor([x, y]) / edge * (p + 1), atol=1e-6)
