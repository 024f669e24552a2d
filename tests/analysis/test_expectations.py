"""``expect`` about figures: what needs no sizes is measured without them, and a number alone is no claim."""

from __future__ import annotations

import pytest

import archdsl


def codes(*lines: str) -> list[str]:
    body = "\n".join(f"  {line}" for line in lines)
    text = f"model m {{\n  input x: [B, T, 8]\n  linear(4)\n{body}\n}}\n"
    try:
        archdsl.parse(text)
    except archdsl.DiagnosticError as error:
        return [item.code for item in error.diagnostics]
    return []


@pytest.mark.parametrize("figure", ["params == 36", "params_trainable == 36", "buffers == 0"])
def test_weights_are_counted_where_sizes_have_no_defaults(figure: str) -> None:
    assert codes(f"expect {figure}") == []


def test_work_needs_the_sizes() -> None:
    assert codes("expect macs == 36") == ["E0713"]


def test_a_wrong_count_is_said_without_sizes_too() -> None:
    assert codes("expect params == 35") == ["E0711"]


@pytest.mark.parametrize("claim", ["params", "params - 36", "params + 1"])
def test_a_number_alone_claims_nothing(claim: str) -> None:
    assert codes(f"expect {claim}") == ["E0714"]
