"""Masks: the pairs they leave and whether a row can be empty, against the tensors that they become."""

from __future__ import annotations

import random

import pytest
import torch

from archdsl.backend.interpret import Interpreter
from archdsl.ops.base import Fn, Slot
from archdsl.ops.mask_tensors import lower_mask, never_empty
from archdsl.ops.masks import (
    MASKS,
    Causal,
    Combined,
    Document,
    Mask,
    Negated,
    Padding,
    Prefix,
    TensorMask,
    Window,
    allowed_pairs,
    describe,
)

LEAVES: list[Mask] = [Causal(), *(Window(n) for n in (0, 1, 3, 9)), *(Prefix(n) for n in (0, 1, 4, 20))]
LENGTHS = [(1, 1), (1, 6), (6, 1), (5, 5), (7, 4), (4, 7)]


def seen(mask: Mask, queries: int, keys: int, *tensors: torch.Tensor) -> torch.Tensor:
    """The mask as [1, queries, keys], made by its lowering."""
    q, k = torch.zeros(1, queries, 2), torch.zeros(1, keys, 2)
    lowered = lower_mask(mask, Slot(0), Slot(1))
    value = tensors[lowered.index - 2] if isinstance(lowered, Slot) else Interpreter(lowered)(q, k, *tensors)
    return torch.broadcast_to(value, (1, queries, keys))


def random_mask(rng: random.Random, leaves: list[Mask], depth: int) -> Mask:
    choice = rng.random()
    if depth == 0 or choice < 0.25:
        return rng.choice(leaves)
    if choice < 0.45:
        return Negated(random_mask(rng, leaves, depth - 1))
    left, right = random_mask(rng, leaves, depth - 1), random_mask(rng, leaves, depth - 1)
    return Combined(rng.choice(["and", "or"]), left, right)


@pytest.mark.parametrize(("queries", "keys"), LENGTHS)
def test_pairs_are_those_of_the_tensor(queries: int, keys: int) -> None:
    rng = random.Random(queries * 100 + keys)
    masks = LEAVES + [random_mask(rng, LEAVES, 4) for _ in range(150)]
    for mask in masks:
        assert allowed_pairs(mask, queries, keys) == int(seen(mask, queries, keys).sum()), describe(mask)


def test_pairs_against_torch_tril() -> None:
    for queries, keys in LENGTHS:
        expected = int(torch.ones(queries, keys).tril().sum())
        assert allowed_pairs(Causal(), queries, keys) == expected


def test_pairs_of_long_sequences_take_no_time() -> None:
    length = 10**9
    assert allowed_pairs(Causal(), length, length) == length * (length + 1) // 2
    local = Combined("and", Causal(), Window(255))
    assert allowed_pairs(local, length, length) == 256 * length - 255 * 256 // 2


def test_what_depends_on_data_counts_as_seen() -> None:
    padding, given = Padding(Slot(3)), TensorMask(Slot(3))
    for mask in (padding, given, Document(Slot(3)), Prefix(Slot(3)), Negated(padding), Negated(given)):
        assert allowed_pairs(mask, 5, 7) == 35
    assert allowed_pairs(Combined("and", Causal(), padding), 5, 7) == allowed_pairs(Causal(), 5, 7)
    assert allowed_pairs(Combined("or", Causal(), padding), 5, 7) == 35
    # Whatever the data, no more is seen than that.
    for lengths in range(8):
        mask = Negated(Combined("or", padding, Causal()))
        real = seen(Negated(Combined("or", Padding(Slot(2)), Causal())), 5, 7, torch.tensor([lengths]))
        assert int(real.sum()) <= allowed_pairs(mask, 5, 7)


@pytest.mark.parametrize(("queries", "keys"), LENGTHS)
def test_a_mask_said_to_be_never_empty_is_not(queries: int, keys: int) -> None:
    rng = random.Random(queries * 100 + keys)
    promised = 0
    for _ in range(200):
        leaves = [*LEAVES, Padding(Slot(2)), Prefix(Slot(2))]
        tensors = [torch.tensor([rng.randint(0, keys)])]
        if queries == keys:
            leaves.append(Document(Slot(3)))
            tensors.append(torch.randint(0, 3, (1, queries)))
        mask = random_mask(rng, leaves, 3)
        if never_empty(mask, queries, keys):
            promised += 1
            assert seen(mask, queries, keys, *tensors).any(-1).all(), describe(mask)
    assert promised


def test_common_masks_need_no_care_for_empty_rows() -> None:
    document = Document(Slot(3))
    for mask in (
        Causal(),
        Window(3),
        document,
        Combined("and", Causal(), document),
        Combined("and", Window(2), Causal()),
    ):
        assert never_empty(mask, 8, 8)
    assert never_empty(Combined("or", Prefix(2), Causal()), 8, 4)
    for mask in (Padding(Slot(3)), TensorMask(Slot(3)), Negated(Causal()), Prefix(0)):
        assert not never_empty(mask, 8, 8)
    assert not never_empty(Window(1), 8, 4)


def test_padding_and_documents_per_sequence() -> None:
    q = torch.zeros(2, 3, 4, 5)
    lengths = torch.tensor([1, 4])
    padding = Interpreter(Fn("torch.clone", (lower_mask(Padding(Slot(1)), Slot(0), Slot(0)),)))(q, lengths)
    assert padding.shape == (2, 1, 1, 4)
    assert padding[:, 0, 0].tolist() == [[True, False, False, False], [True] * 4]
    ids = torch.tensor([[0, 0, 1, 1], [0, 1, 2, 3]])
    documents = Interpreter(Fn("torch.clone", (lower_mask(Document(Slot(1)), Slot(0), Slot(0)),)))(q, ids)
    assert documents.shape == (2, 1, 4, 4)
    for b in range(2):
        for i in range(4):
            for j in range(4):
                assert documents[b, 0, i, j] == (ids[b, i] == ids[b, j])


def test_masks_are_described_as_they_are_written() -> None:
    assert set(MASKS) == {"causal", "window", "prefix", "document", "padding"}
    mask = Combined("and", Combined("or", Prefix(4), Causal()), Negated(Padding(Slot(3))))
    assert describe(mask) == "(prefix(4) or causal) and not padding"
    assert describe(Negated(Combined("and", Window(2), TensorMask(Slot(3))))) == "not (window(2) and mask)"
