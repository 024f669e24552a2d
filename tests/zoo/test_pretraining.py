"""BERT's heads against transformers: outputs and loss, both modes, gradients; and training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.zoo.cases import _RATES, _SMALL, _SMALL_THERE, _padded, _transformers
from tests.zoo.compare import Case, Tensors
from tests.zoo.keymaps import BERT, Rule, rule, table
from tests.zoo.sequence_support import agrees, compiles, trains


def _inside(name: object) -> str:
    """The body's weights stand below `bert`, but for the table of words, which the head reads too."""
    assert isinstance(name, str)
    return name if name.startswith("words") else f"bert.{name}"


def _body(one: Rule) -> Rule:
    return replace(one, pattern=r"bert\." + one.pattern, names=tuple(map(_inside, one.names)))


RULES = (
    *map(_body, BERT),
    *table(
        cls__predictions__transform__dense="word_scores.transform",
        cls__predictions__transform__LayerNorm="word_scores.norm", cls__seq_relationship="next_sentence",
    ),
    rule(r"cls\.predictions\.bias", "bias"),
    rule(r"cls\.predictions\.decoder\..+"),  # the table and the bias again
)  # fmt: skip


def _inputs() -> Tensors:
    labels = torch.where(torch.rand(3, 12) < 0.3, torch.randint(40, (3, 12)), -100)
    labels[:, 0] = 7
    return {**_padded(40), "labels": labels, "follows": torch.tensor([0, 1, 1])}


def _call(net: nn.Module, inputs: Tensors) -> Tensors:
    mask = (torch.arange(12) < inputs["lengths"][:, None]).long()
    more = (
        {"labels": inputs["labels"], "next_sentence_label": inputs["follows"]} if "labels" in inputs else {}
    )
    found = net(inputs["tokens"], mask, inputs["segments"], **more)
    if not more:
        return {"prediction": found.logits}
    outputs = {"prediction": found.prediction_logits, "next_sentence": found.seq_relationship_logits}
    return outputs | ({"loss": found.loss} if net.training else {})


PRETRAINING = Case(
    "bert_pretraining", "bert", "bert_pretraining", _SMALL,
    _transformers("BertForPreTraining", "BertConfig", _RATES, **_SMALL_THERE), RULES, _inputs, _call, ("rate",),
)  # fmt: skip
MASKED_WORDS = Case(
    "bert_masked_words", "bert", "bert_masked_words", _SMALL,
    _transformers("BertForMaskedLM", "BertConfig", _RATES, **_SMALL_THERE), RULES, lambda: _padded(40), _call,
    ("rate",),
)  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize("case", [PRETRAINING, MASKED_WORDS], ids=str)
def test_numbers(case: Case) -> None:
    agrees(case)


def test_training() -> None:
    trains(PRETRAINING, lambda found, inputs: found["loss"])


@pytest.mark.slow
def test_compiles() -> None:
    compiles(PRETRAINING)
