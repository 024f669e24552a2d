"""Every check ends, soon, with a diagnostic: recursion, bombs, huge loops and lists, deep nesting, mutated programs."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archdsl.driver import analyse
from archdsl.network.context import Limits
from tests.language.mutate import mutated
from tests.language.support import HERE, calls, check, codes, one, only

SECOND = 30.0  # seconds of CPU; a quiet machine takes less than one


@contextmanager
def soon(seconds: float = SECOND) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def model(*body: str) -> str:
    return "model m {\n  input x: [B, 8, H=32, W=32]\n  " + "\n  ".join(body) + "\n}\n"


def test_recursion_that_never_ends_shows_its_path() -> None:
    with soon():
        found = one("block again { relu -> again }\n" + model("again"))
    assert (found.code, found.span.text) == ("E0601", "again")
    assert found.notes == ("again -> again",)


def test_mutual_recursion_is_cut_to_its_period() -> None:
    blocks = "block a { relu -> b }\nblock b { c }\nblock c { gelu -> a }\nblock start { a }\n"
    with soon():
        found = one(blocks + model("start"))
    assert found.code == "E0601"
    assert found.notes == ("a -> b -> c -> a",)


@pytest.mark.parametrize(
    "block",
    [
        "block b(c) { conv(c) -> b(c + 1) }",
        "block b(c) { conv(8) -> b(2 * c) }",
        "block b(c) { b(c + 1) ++ b(c + 2) }",
        "block b(c) { id ++ id -> b(c) }",
        "block b(c, f: block = relu) { b(c, f=f -> relu) }",
        "block b(c, l=[1]) { b(c, l=l + [1]) }",
        "block b(c) { block inner { relu -> b(c + 1) }\n inner }",
        "block b(c) { repeat 2 { b(c + 1) } }",
        "block b(c) { layer e = b(c + 1)\n e }",
        "block b(c = b()) { conv(c) }",
    ],
)
def test_recursion_that_grows_is_stopped(block: str) -> None:
    with soon():
        found = check(block + "\n" + model("b" if "b()" in block else "b(8)"))[1]
    assert found
    assert {d.code for d in found} <= {"E0601", "E0602", "E0514", "E0404", "E0401"}, found


def test_the_limit_is_named_and_can_be_raised() -> None:
    text = "block b(n) { if n > 0 { relu -> b(n - 1) } }\n" + model("b(60)")
    found = check(text, limits=Limits(depth=30))[1][0]
    assert found.code == "E0602"
    assert "the limit is 30" in found.message
    assert "--limit depth=N" in found.help[0]
    assert check(text)[1] == ()


@pytest.mark.parametrize("depth", [100, 150, 250])
def test_a_raised_depth_is_reached(depth: int) -> None:
    text = f"block b(n) {{ if n > 0 {{ repeat 1 {{ relu -> b(n - 1) }} }} }}\n{model(f'b({depth})')}"
    networks, found = check(text, limits=Limits(depth=2 * depth + 3))
    assert not found, (found[0].message, found[0].help)
    assert networks


def test_a_depth_that_nothing_can_reach_is_still_a_diagnostic() -> None:
    text = "block b(n) { if n > 0 { repeat 1 { relu -> b(n - 1) } } }\n" + model("b(90000)")
    with soon(2):
        found = check(text, limits=Limits(depth=10**6))[1]
    assert [d.code for d in found] == ["E0602"]


@pytest.mark.parametrize("count", ["1000000000", "10 ** 18", "999999999999999999999999999999"])
def test_a_billion_rounds_are_one_node(count: str) -> None:
    with soon():
        network = only(model("conv(8)", f"repeat {count} {{ conv(8, bias=false) }} as rounds"))
    loop = [n for n in calls(network.inference) if n.kind == "loop"]
    assert [n.count for n in loop] == [eval(count)]
    assert analyse(network).parameters.total == 8 * 72 + 8 + 576 * eval(count)


@pytest.mark.parametrize(
    "body",
    [
        "for i in range(1000000000) { relu }", "y = range(10 ** 12)", "y = [0] * 1000000000", "y = [f for f in range(10 ** 9)]",
        "a = [0]\n  repeat 64 { a = a + a }", "a = [0]\n  repeat 64 { a = [a, a] }\n  expect len(a) == 2",
        "a = [0, 1]\n  for i in range(40) { a = [b for b in zip(a + a, a + a)] }",
        'a = "x"\n  repeat 64 { a = a + a }', "a = 2\n  repeat 64 { a = a * a }", "a = 2.0\n  repeat 64 { a = a * a }",
        "a = 9 ** 9 ** 9", "a = 2 ** 100000", "for i in range(50000) { for j in range(50000) { relu } }",
        "a = H\n  repeat 40 { a = a * a }\n  expect a > 0", "a = H + W\n  repeat 12 { a = a * a }\n  expect a > 0",
        "a = H\n  for i in range(1, 60) { a = a // 3 * 5 + H }\n  expect a != 3",
        "a = [id]\n  repeat 30 { a = a + a }\n  sum(a)", "repeat 400 { a = [relu, gelu, id]\n a[0] + a[1] + a[2] }",
        "conv(1000000000) -> split(1, dim=1)", "conv(1000000000) -> chunk(1000000000, dim=1)",
        'rearrange("b c h w -> b (h w) c") -> lstm(8, layers=1000000000)', "cat([id] * 10000, dim=1)",
        "m = causal\n  repeat 64 { m = m and m }\n  m", "m = causal\n" + "  m = m or m\n" * 64 + "  m",
        "for i in range(100000) { conv(i + 1) }", "[[f for f in range(1000)] for g in range(100000)]",
    ],
)  # fmt: skip
def test_what_is_too_large_ends_soon(body: str) -> None:
    with soon(3):
        check(model(body))


@pytest.mark.parametrize("depth", [50, 200, 5000, 100000])
@pytest.mark.parametrize(
    ("before", "middle", "after"),
    [
        ("(", "relu", ")"), ("[", "relu", "]"), ("-", "3", ""), ("not ", "true", ""), ("relu -> ", "relu", ""), ("id + ", "id", ""),
        ("repeat 2 { ", "relu", " }"), ("if true { ", "relu", " }"), ("id if true else ", "relu", ""), ("2 ** ", "1", ""),
        ("conv(", "relu", ", 8)"), ("block b { ", "relu", " }"), ("", "id", " as a"), ("", "id", "[0]"), ("", "id", ".T"),
        ("[a for a in ", "[1]", "]"), ("for i in [1] { ", "relu", " }"),
    ],
)  # fmt: skip
def test_deep_nesting_ends_in_a_diagnostic_or_is_right(
    before: str, middle: str, after: str, depth: int
) -> None:
    text = model(before * depth + middle + after * depth)
    with soon(3):
        found = check(text)[1]
    assert all(d.code for d in found)


TEXTS = [
    path.read_text("utf-8")
    for folder in (HERE / "samples", HERE / "good", *sorted((HERE.parents[1] / "specs").iterdir()))
    for path in sorted(Path(folder).glob("*.arch"))
]


def mutate_and_check(seed: int) -> None:
    chance = random.Random(seed)
    text = mutated(chance.choice(TEXTS), chance)
    start = time.process_time()
    networks, found = check(text)
    for d in found:
        assert d.message
        if d.span.source.name == "test.arch":
            assert 0 <= d.span.start <= d.span.end <= len(text)
    assert networks or found or "model" not in text
    assert time.process_time() - start < 60, "a mutated program took too long"


@pytest.mark.parametrize("block", range(4))
def test_mutated_programs_give_diagnostics_and_nothing_else(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        mutate_and_check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(40))
def test_many_mutated_programs_give_diagnostics_and_nothing_else(block: int) -> None:
    for seed in range(1000 + 50 * block, 1000 + 50 * block + 50):
        mutate_and_check(seed)


def test_codes_are_stable_under_repeated_checking() -> None:
    text = model("conv2d(8)", "conv(8, 4)")
    assert codes(text) == codes(text)
