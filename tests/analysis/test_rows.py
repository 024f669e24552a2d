"""Rows of a summary add up: what is inside a row is what the row says, in every region of every model."""

from __future__ import annotations

import pytest

from archdsl import api, driver
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Row, Summary

# Loops whose rounds are folded otherwise in training: one of them does more there, or something else.
LOOPS = """
model more_in_one_round {
  input x: [B, 8]
  taps = []
  for i in range(6) {
    linear(8) as f -> relu
    if training and i == 2 { taps = taps + [linear(3) as aux] }
  } as layers
  if training { output aux = taps[0] }
  linear(2) as head
}
model more_in_the_first {
  input x: [B, 8]
  taps = []
  for i in range(6) {
    linear(8) as f -> relu
    if training and i == 0 { taps = taps + [linear(3) as aux] }
    if i == 3 { linear(9) as g -> linear(8) as h }
  } as layers
  if training { output aux = taps[0] }
  linear(2) as head
}
model something_else {
  input x: [B, 8]
  for i in range(4) { if training { linear(8) as f } else { linear(8) as f -> linear(8) as g } } as layers
  for i in range(4) { if i % 2 == 0 or training { linear(8) as f -> relu } else { linear(8) as g -> relu } } as more
  linear(2) as head
}
block stack(deep) {
  repeat 3 {
    linear(8) as f -> relu
    if training and deep { linear(5) as w -> linear(8) as v }
  } as inner
}
model nested {
  input x: [B, 8]
  for i in range(4) {
    stack(i == 1) as s
    if training and i == 3 {
      layer e = linear(8)
      e -> e
    }
  } as layers
  linear(2) as head
}
"""
WEIGHT = 8 * 8 + 8
PARAMS = {
    "more_in_one_round": 6 * WEIGHT + 27 + 18,
    "more_in_the_first": 6 * WEIGHT + 27 + 8 * 9 + 9 + 9 * 8 + 8 + 18,
    "something_else": 4 * 2 * WEIGHT + 4 * WEIGHT + 2 * WEIGHT + 18,
    "nested": 4 * 3 * WEIGHT + 3 * (8 * 5 + 5 + 5 * 8 + 8) + WEIGHT + 18,
}  # fmt: skip


def wrong(summary: Summary) -> list[tuple[str, str, int, int]]:
    """Rows whose parts give another number than they do: the place, what, the parts' and its own."""
    found, seen, left = [], set(), [summary.root]
    while left:
        row: Row = left.pop()
        inside, parts = row.inside, summary.children(row)
        key = None if inside is None else (inside.inference, inside.training, inside.owned)
        if not parts or key in seen:
            continue
        seen.add(key)
        for what in ("params", "macs"):
            total = sum(getattr(part, what) * part.times for part in parts)
            if total != getattr(row, what) * row.times:
                found.append((row.name, what, total, getattr(row, what) * row.times))
        left += parts
    return found


@pytest.mark.parametrize("name", PARAMS)
def test_rounds_that_training_folds_otherwise(name: str) -> None:
    model = api.parse(LOOPS)[name]
    assert wrong(model.summary()) == []
    assert model.params == PARAMS[name]


def test_one_round_that_does_more_is_a_row_of_its_own() -> None:
    found = api.parse(LOOPS)["more_in_one_round"].summary()
    rows = {row.label: (row.times, row.params) for row in found.children(found.root)}
    assert rows["layers.0"] == rows["layers.1"] == (1, WEIGHT)
    assert rows["layers.2"] == (1, WEIGHT + 27)
    assert rows["layers.3..5"] == (3, WEIGHT)


@pytest.mark.parametrize("file", sorted(path.stem for path in driver.zoo_files()))
def test_rows_of_the_zoo(file: str) -> None:
    for name, model in api.load(f"zoo:{file}").models.items():
        try:
            summary = model.summary()
        except SizesError:
            continue
        assert wrong(summary) == [], name


def test_layers_of_the_reformer() -> None:
    """Local layers have keys of their own, 768 * 512 more than those that hash: 4,724,480 and 4,331,264."""
    found = api.load("zoo:reformer")["reformer"].summary()
    rows = [row for row in found.children(found.root) if row.label.startswith("layers")]
    assert {(row.times, row.params) for row in rows} == {(1, 4_724_480), (3, 4_724_480), (1, 4_331_264)}
    assert sum(row.times * row.params for row in rows) == 9 * 4_724_480 + 3 * 4_331_264
