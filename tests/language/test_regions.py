"""One region for equal uses: cost grows with what is different in the text, not with the depth of the network."""

from __future__ import annotations

import time

import pytest

from archdsl.driver import analyse
from archdsl.network import elaborate as elaborator
from archdsl.network.context import Session
from archdsl.network.types import CallNode, Network, Region
from tests.language.support import HERE, calls, check_file, good, only, program, regions, weights

GPT = """
block layer_(heads, rate) {
  id + (layer_norm as norm1 -> mha(heads, mask=causal) as attention -> dropout(rate))
  id + (layer_norm as norm2 -> ffn(4 * id.shape[-1]) as feed_forward -> dropout(rate))
}
model gpt(layers=LAYERS, d=64, heads=4) {
  input tokens: int[B, T=32]
  layer tok = embedding(100, d)
  tok -> repeat layers { layer_(heads, 0.1) } as layers -> layer_norm as norm
  output logits = id @ tok.weight.T
}
"""


def work(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Network, int, int]:
    """The one network of a text, with the steps and regions that elaborating it took."""
    sessions: list[Session] = []

    def session(*args: object, **more: object) -> Session:
        sessions.append(Session(*args, **more))  # type: ignore[arg-type]
        return sessions[-1]

    with monkeypatch.context() as patch:
        patch.setattr(elaborator, "Session", session)
        network, found = elaborator.elaborate(program(text), next(iter(program(text).models)), {})
    assert network is not None, found
    return network, sum(s.steps for s in sessions), sum(s.regions for s in sessions)


def instances(region: Region, known: dict[Region, int]) -> int:
    """How many operators a region stands for, all rounds counted; an exact number however large."""
    if region not in known:
        known[region] = sum(
            instances(node.region, known) * (node.count if isinstance(node.count, int) else 1)
            if isinstance(node, CallNode)
            else 1
            for node in region.nodes
        )
    return known[region]


def test_depth_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    two, steps, made = work(GPT.replace("LAYERS", "2"), monkeypatch)
    thousand, more_steps, more_made = work(GPT.replace("LAYERS", "1000"), monkeypatch)
    assert more_steps <= 1.1 * steps
    assert more_made == made
    assert len(regions(thousand)) == len(regions(two))
    assert [n.count for n in calls(thousand.inference) if n.kind == "loop"] == [1000]
    assert len(weights(thousand)) == 3 + 1000 * (len(weights(two)) - 3) // 2


def test_a_for_over_equal_items_costs_no_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "block b(c) {{ conv(c) }}\nmodel m {{ input x: [B, 8, H, W]\n b(8)\n for i in range({n}) {{ b(8) }} }}"
    _, _, few = work(text.format(n=3), monkeypatch)
    network, _, many = work(text.format(n=3000), monkeypatch)
    assert many == few
    assert [n.count for n in calls(network.inference) if n.kind == "loop"] == [3000]


@pytest.mark.parametrize(("tens", "form"), [(30, "repeat"), (30, "pipe")])
def test_a_block_bomb_is_counted_exactly(tens: int, form: str) -> None:
    """Each block is ten of the one before: 10^30 operators."""
    use = "repeat 10 {{ b{} }}" if form == "repeat" else " -> ".join(["b{}"] * 10)
    blocks = "block b0 { linear(4, bias=false) }\n" + "".join(
        f"block b{i + 1} {{ {use.replace('{}', str(i)).replace('{{', '{').replace('}}', '}')} }}\n"
        for i in range(tens)
    )
    start = time.process_time()
    network = only(blocks + f"model bomb {{ input x: [B, 4]\n linear(4) -> b{tens} }}")
    assert time.process_time() - start < 20, "it would take for ever"
    assert instances(network.inference, {}) == 1 + 10**tens
    assert len(regions(network)) <= 2 * tens + 3
    assert analyse(network).parameters.total == 20 + 16 * 10**tens


def test_a_schedule_of_rates_makes_one_region() -> None:
    network = only("""
block layer_(rate) { id + (layer_norm as norm -> linear(64) -> drop_path(rate)) }
model m(n=12) {
  input x: [B, T, 64]
  for i in range(n) { layer_(0.1 * i / (n - 1.0)) } as layers
}""")
    assert sorted(r.name for r in regions(network)) == ["layer_", "layers", "m"]
    (loop,) = calls(network.inference)
    assert loop.count == 12
    assert len(loop.late) == 12
    rates = [next(iter(late.values())) for late in loop.late]
    assert rates[0] == 0 or rates[0] == 0.0


def test_a_rate_that_somebody_asks_about_joins_the_key() -> None:
    network = only("""
block layer_(rate) { linear(64) -> (drop_path(rate) if rate > 0.05 else id) }
model m(n=4) {
  input x: [B, T, 64]
  for i in range(n) { layer_(0.1 * i / 3.0) } as layers
}""")
    assert sum(n.count for n in calls(network.inference)) == 4
    names = [r.name for r in regions(network)]
    assert 2 <= names.count("layer_") <= 4


def test_equal_uses_in_different_places_are_one_region() -> None:
    network = only("""
block unit(c) { conv(c) -> batch_norm -> relu }
block one { unit(8) }
block two { relu -> unit(8) }
model m {
  input x: [B, 8, H, W]
  conv(8) -> one -> two -> unit(8) as third -> repeat 2 { unit(8) }
}""")
    assert [r.name for r in regions(network)].count("unit") == 1


def test_arguments_that_do_the_same_make_one_region() -> None:
    network = only("""
block unit(c, stride=1) { conv(c, 3, stride) }
model m { input x: [B, 8, H, W]
          conv(8) -> unit(8, 1) -> unit(8, stride=2 - 1) -> unit(stride=1, c=8) }""")
    assert [r.name for r in regions(network)].count("unit") == 1


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ("unit(8)", 1), ("unit(16)", 2), ("relu -> unit(8)", 1), ("unit(8, 2)", 2), ("max_pool(2) -> unit(8)", 2),
        ("around(conv(8))", 1), ("around(conv(8, bias=false))", 1),
    ],
)  # fmt: skip
def test_what_the_body_can_see_is_in_the_key(other: str, count: int) -> None:
    network = only(f"""
block unit(c, stride=1) {{ conv(c, 3, stride) -> batch_norm }}
block around(f: block) {{ f -> f }}
model m {{ input x: [B, 8, H, W]
          conv(8) -> unit(8) -> {other} }}""")
    assert [r.name for r in regions(network)].count("unit") == count


def test_a_handed_over_recipe_is_known_by_its_structure() -> None:
    text = """
block around(f: block) {{ f -> f }}
model m {{ input x: [B, 8, H, W]
          conv(8) -> around({}) -> around({}) }}"""
    for first, second, count in [
        ("conv(8)", "conv(8)", 1), ("conv(8) -> relu", "conv(8)  ->  relu", 1), ("conv(8)", "conv(8, 5)", 2),
        ("relu", "gelu", 2), ("conv(4 + 4)", "conv(8)", 2),
    ]:  # fmt: skip
        assert [r.name for r in regions(only(text.format(first, second)))].count("around") == count, second


def test_a_layer_is_one_region_and_one_set_of_weights() -> None:
    network = only("""
model m { input x: [B, 8]
          layer e = linear(8)
          relu -> linear(8) as first
          repeat 100 { e -> relu -> e } }""")
    assert list(weights(network)) == ["e.weight", "e.bias", "first.weight", "first.bias"]
    (loop,) = [n for n in calls(network.inference) if n.kind == "loop"]
    assert loop.count == 100
    assert len(loop.layers) == 1


def test_resnet152_has_its_36_rounds_in_two_nodes() -> None:
    network = check_file(HERE.parents[1] / "specs/zoo/resnet.arch")[0]["resnet152"]
    stages = [n.region for n in calls(network.inference) if n.written == "for"]
    assert [[n.count for n in calls(stage)] for stage in stages] == [[1, 2], [1, 7], [1, 35], [1, 2]]
    assert [n.first for n in calls(stages[2])] == [0, 1]
    assert len(regions(network)) < 50


def test_the_count_of_regions_is_that_of_the_text_not_of_the_network() -> None:
    found = check_file(HERE.parents[1] / "specs/zoo/resnet.arch")[0]
    assert len(regions(found["resnet50"])) == len(regions(found["resnet152"]))


def test_a_loop_that_counts_for_itself_has_a_region_a_round() -> None:
    """What a round hands on is part of what it is; `for i in range(n)` counts without that."""
    network = only("""
model m { input x: [B, 8]
          n = 0
          repeat 50 { n = n + 1
                      linear(8) }
          expect n == 50 }""")
    assert [(n.first, n.count) for n in calls(network.inference)] == [(i, 1) for i in range(50)]


def test_the_state_of_a_loop_travels() -> None:
    network = only("""
model m { input x: [B, 8]
          linear(8)
          total = 0.0 * id
          repeat 6 { linear(8)
                     total = total + id }
          total + id }""")
    (loop,) = calls(network.inference)
    assert loop.count == 6
    assert len(loop.carry) == 2
    assert len(loop.outputs) == 2


def test_both_modes_are_one_region_where_nothing_asks() -> None:
    network = only("model m { input x: [B, 8]\n linear(8) -> dropout(0.1) }")
    assert network.inference is network.training
    network = only("model m { input x: [B, 8]\n if training { output aux = linear(3) }\n linear(8) }")
    assert network.inference is not network.training
    assert len(good("model m { input x: [B, 8]\n linear(8) }")) == 1
