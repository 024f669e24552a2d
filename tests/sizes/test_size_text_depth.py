"""Writing a size costs its length, not a power of how deep floors stand inside each other."""

from __future__ import annotations

from archdsl.dims import Dim, evaluate, floor_div, render, symbol
from archdsl.sizes import text as size_text


def test_floors_inside_floors_are_written_once_each(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    calls = 0
    real = size_text._sum

    def counted(*arguments):  # type: ignore[no-untyped-def]
        nonlocal calls
        calls += 1
        return real(*arguments)

    monkeypatch.setattr(size_text, "_sum", counted)
    size: Dim = symbol("Deep")
    for _ in range(14):
        size = floor_div(3 * size + 1, 2)
    text = render(size)
    assert eval(text, {"Deep": 977}) == evaluate(size, {"Deep": 977})
    assert calls < 14 * 50
