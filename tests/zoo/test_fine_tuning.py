"""BERT's tasks against transformers: outputs and loss, both modes, gradients; training, a frozen body, figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from archdsl.backend.module import module
from tests.zoo.cases import _RATES, _SMALL, _SMALL_THERE, _padded, _transformers
from tests.zoo.compare import Case, Tensors, spec
from tests.zoo.keymaps import BERT, Rule, table
from tests.zoo.sequence_support import agrees, compiles, trains


def _body(one: Rule) -> Rule:
    return replace(
        one,
        pattern=r"bert\." + one.pattern,
        names=tuple(name if callable(name) else f"bert.{name}" for name in one.names),
    )


def _rules(head: str) -> tuple[Rule, ...]:
    return (*map(_body, BERT), *table(**{head: "head"}))


def _call(*targets: str) -> Callable[[nn.Module, Tensors], Tensors]:
    def call(net: nn.Module, inputs: Tensors) -> Tensors:
        mask = (torch.arange(12) < inputs["lengths"][:, None]).long()
        names = {"label": "labels", "labels": "labels", "begins": "start_positions", "ends": "end_positions"}
        more = {names[name]: inputs[name] for name in targets}
        found = net(inputs["tokens"], mask, inputs["segments"], **more)
        kept = {name: found[name] for name in ("logits", "start_logits", "end_logits") if name in found}
        return kept | ({"loss": found.loss} if net.training else {})

    return call


def _case(name: str, model: str, head: str, targets: Callable[[], Tensors], **classes: int) -> Case:
    there = {"num_labels": sum(classes.values())} if classes else {}
    made = _transformers(model, "BertConfig", _RATES, **_SMALL_THERE, **there)
    return Case(
        name, "bert_tasks", name, {**_SMALL, **classes}, made, _rules(head), lambda: {**_padded(40), **targets()},
        _call(*targets()), ("rate",),
    )  # fmt: skip


def _text() -> Tensors:
    return {"label": torch.tensor([2, 0, 1])}


def _words() -> Tensors:
    return {"labels": torch.where(torch.rand(3, 12) < 0.5, torch.randint(5, (3, 12)), -100)}


def _places() -> Tensors:
    return {"begins": torch.tensor([3, 0, 7]), "ends": torch.tensor([5, 0, 11])}


CASES = [
    _case("bert_classifier", "BertForSequenceClassification", "classifier", _text, classes=3),
    _case("bert_tagger", "BertForTokenClassification", "classifier", _words, tags=5),
    _case("bert_answers", "BertForQuestionAnswering", "qa_outputs", _places),
]


@pytest.mark.reference
@pytest.mark.parametrize("case", CASES, ids=str)
def test_numbers(case: Case) -> None:
    agrees(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    trains(case, lambda found, inputs: found["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    compiles(case)


def test_a_frozen_body_stays_what_it_was() -> None:
    """The head's 2 d + 2 weights alone are trained; the keys are those of the body that is not frozen."""
    settings = {**_SMALL, "rate": 0.0}
    frozen = spec("bert_tasks").model("bert_classifier", **settings, freeze=True)
    net = module(frozen.network, seed=0).train()
    assert set(net.state_dict()) == set(module(CASES[0].network()).state_dict())
    assert [name for name, p in net.named_parameters() if p.requires_grad] == ["head.weight", "head.bias"]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, weight_decay=0.1)
    torch.manual_seed(0)
    net(**_padded(40), label=torch.tensor([1, 0, 1])).loss.backward()
    optimiser.step()
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"head.weight", "head.bias"}


def test_pre_trained_weights_fit() -> None:
    """What pre-training left under `bert.` is what all three tasks call so, but for the pooler where it isn't used."""
    trained = spec("bert")["bert_pretraining"].module(device="meta").state_dict()
    shared = {name for name in trained if name.startswith("bert.")}
    for name, without in (
        ("bert_classifier", ""),
        ("bert_tagger", "bert.pooler"),
        ("bert_answers", "bert.pooler"),
    ):
        keys = {
            key
            for key in spec("bert_tasks")[name].module(device="meta").state_dict()
            if key.startswith("bert.")
        }
        assert keys - {"bert.words.weight"} == {
            key for key in shared if not (without and key.startswith(without))
        }
