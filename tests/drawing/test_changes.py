"""The drawing of what changed: what stands in it and how it is marked, arrows forwards, formats, colours for any eyes."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from archdsl import driver
from archdsl.analysis.changed_places import changed_places
from archdsl.analysis.differences import difference
from archdsl.analysis.summary import summarise
from archdsl.cli import main
from archdsl.drawing.build import make_picture
from archdsl.drawing.changes import briefly, picture_of_changes
from archdsl.drawing.compare import render_changes
from archdsl.drawing.layout import lay_out
from archdsl.drawing.palette import CHANGES, FAMILIES, INK, SCALE, dark_colours
from archdsl.drawing.picture import Box, Cluster, Edge, Picture
from tests.drawing.models import SAMPLES, gpt, network
from tests.drawing.test_render import luminance

LINES = [
    "conv(64) as a -> relu",
    "id + (conv(64) as b -> batch_norm)",
    "global_avg_pool",
    "linear(10) as head",
]
TEXT = "model m {{\n  input x: [B, 64, H=32, W=32]\n{}\n}}\n"


def body(*lines: str) -> str:
    return TEXT.format("\n".join(f"  {line}" for line in lines))


def changes(before: str, after: str) -> Picture:
    return picture_of_changes(make_picture(network(before)), make_picture(network(after)))


def said(picture: Picture) -> dict[str, str]:
    """Each box by what it says, with its role."""
    return {
        " / ".join(filter(None, (box.title, *box.lines))): box.role
        for box in picture.boxes
        if box.kind != "junction"
    }


def test_what_is_the_same_is_said_to_be() -> None:
    picture = changes(body(*LINES), body(*LINES))
    assert set(said(picture).values()) == {"same"}
    plain = make_picture(network(body(*LINES)))
    assert [box.lines for box in picture.boxes] == [box.lines for box in plain.boxes]
    assert len(picture.edges) == len(plain.edges)
    assert len(picture.clusters) == len(plain.clusters)


def test_an_argument() -> None:
    found = said(changes(body(*LINES), body(*LINES[:3], "linear(20) as head")))
    assert found["~ linear 10 -> 20"] == "changed"
    assert found["~ out / [B, 10] -> [B, 20]"] == "changed"
    assert list(found.values()).count("changed") == 2


def test_more_and_less() -> None:
    more = [LINES[0], "id + (conv(64, 5) as c -> sigmoid -> conv(64, 7) as d)", *LINES[1:]]
    there, back = changes(body(*LINES), body(*more)), changes(body(*more), body(*LINES))
    added = [text for text, role in said(there).items() if role == "added"]
    removed = [text for text, role in said(back).items() if role == "removed"]
    assert added
    assert all(text.startswith("+ ") for text in added if text != "+")
    assert [text.removeprefix("− ") for text in removed if text != "+"] == [
        text.removeprefix("+ ") for text in added if text != "+"
    ]
    assert not [role for role in said(there).values() if role == "removed"]
    # An arrow that leads past what is new is not there any more: the new picture's arrows are all.
    assert len(there.edges) == len(make_picture(network(body(*more))).edges)
    assert len(there.boxes) == len(back.boxes) == len(make_picture(network(body(*more))).boxes)


def by_hand(frames: dict[str, str | None], *edges: tuple[str, str]) -> Picture:
    """A picture of boxes that say their own names, each in a frame or in none."""
    boxes = [Box(n, "operators", "", (n,), "linear", frame, n, "", "", 0) for n, frame in frames.items()]
    clusters = [Cluster("f", "frame", "", None, "f", "")] if "f" in frames.values() else []
    return Picture(
        "m", "", tuple(boxes), tuple(clusters), tuple(Edge(a, b, "", False, False) for a, b in edges), (), ()
    )


def test_arrows_of_both_never_make_a_circle() -> None:
    before = by_hand(
        {"one": "f", "two": "f", "gone": None, "other": None},
        ("one", "two"),
        ("two", "gone"),
        ("gone", "other"),
    )
    after = by_hand({"one": "f", "other": None, "two": "f"}, ("one", "other"), ("other", "two"))
    picture = picture_of_changes(before, after)
    rank = {box.id: i for i, box in enumerate(picture.boxes)}
    assert len(rank) == 4
    assert all(rank[edge.source] < rank[edge.target] for edge in picture.edges)
    names = {box.id: box.lines[0] for box in picture.boxes}
    assert ("other", "two") in {(names[edge.source], names[edge.target]) for edge in picture.edges}


def test_another_count_is_on_the_frame() -> None:
    text = "block f {{ id + (linear(8) -> relu -> linear(8) -> tanh) }}\nmodel m {{\n  input x: [B, 8]\n  repeat {} {{ f }} as l\n}}\n"
    picture = changes(text.format(6), text.format(12))
    titles = [cluster.title for cluster in picture.clusters] + [box.title for box in picture.boxes]
    assert any("×6 -> ×12" in title and title.startswith("~ ") for title in titles), titles


def test_what_changed_in_a_closed_block_is_not_hidden() -> None:
    """A gelu's formula is in no box, and a stage that is closed says nothing of its blocks."""
    text = "block f {{ linear(8) -> gelu({}) -> linear(8) -> tanh }}\nmodel m {{\n  input x: [B, 8]\n  repeat 6 {{ id + f }} as l\n  linear(8) as h\n}}\n"
    before, after = network(text.format("")), network(text.format('approximate="tanh"'))
    places = changed_places(difference(summarise(before), summarise(after)))
    assert "l.0" in places
    assert not [place for place in places if place.startswith("h")]
    closed = [make_picture(one, fold=("l.0",)) for one in (before, after)]
    picture = picture_of_changes(*closed, places)
    roles = {box.title or box.lines[0]: box.role for box in picture.boxes}
    assert [role for title, role in roles.items() if "×6" in title] == ["changed"], roles
    assert set(roles.values()) == {"changed", "same"}
    for pair in (("zoo:resnet:resnet50", "zoo:resnet:resnet34"), ("zoo:detr:detr", "zoo:detr:detr_dc5")):
        summaries = []
        for target in pair:
            address = driver.address(target)
            chosen = driver.model(driver.load(address, driver.Options()), address.model)
            summaries.append(summarise(chosen.network))
        places = changed_places(difference(*summaries))
        closed = [make_picture(one.network, depth=1) for one in summaries]
        for box in picture_of_changes(*closed, places).boxes:
            if box.title and box.role == "same":  # then its contents are
                assert not [
                    place for place in places if place == box.path or place.startswith(f"{box.path}.")
                ], box


@pytest.mark.parametrize(
    ("old", "new", "short"),
    [
        ("linear 768", "linear 1024", "linear 768 -> 1024"),
        ("heads=12, mask=causal", "heads=16, mask=causal", "heads=12 -> 16, mask=causal"),
        ("conv 3×3, 64, /2", "conv 3×3, 64", "conv 3×3, 64, /2 -> conv 3×3, 64"),
        ("[B, T, 4]", "[B, T, 5]", "[B, T, 4] -> [B, T, 5]"),
        ("relu", "gelu", "relu -> gelu"),
        ("same", "same", "same"),
        ("f (a + 1) // 2", "f (a + 1) // 3", "f (a + 1) // 2 -> f (a + 1) // 3"),
        ("l: f ×2", "l: f ×3", "l: f ×2 -> ×3"),
    ],
)
def test_a_change_is_said_briefly(old: str, new: str, short: str) -> None:
    assert briefly(old, new) == short


NAMES = sorted(SAMPLES)
PAIRS = [*itertools.pairwise(NAMES), *((b, a) for a, b in itertools.pairwise(NAMES)), (NAMES[0], NAMES[-1])]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda name: str(name))
def test_any_two_models(one: str, other: str) -> None:
    before, after = make_picture(network(SAMPLES[one])), make_picture(network(SAMPLES[other]))
    picture = picture_of_changes(before, after)
    ids = [box.id for box in picture.boxes]
    assert len(set(ids)) == len(ids)
    rank = {name: i for i, name in enumerate(ids)}
    assert all(rank[edge.source] < rank[edge.target] for edge in picture.edges)
    assert len({(edge.source, edge.target) for edge in picture.edges}) == len(picture.edges)
    frames = [cluster.id for cluster in picture.clusters]
    assert all(
        cluster.parent is None or cluster.parent in frames[:i] for i, cluster in enumerate(picture.clusters)
    )
    assert all(box.cluster is None or box.cluster in frames for box in picture.boxes)
    # Every box of both stands once, alone or with its like; every arrow of the new one is there.
    roles = [box.role for box in picture.boxes]
    both = roles.count("same") + roles.count("changed")
    junctions = [box for box in picture.boxes if box.kind == "junction"]
    if not junctions:
        assert len(before.boxes) == both + roles.count("removed")
        assert len(after.boxes) == both + roles.count("added")
    assert len(picture.edges) >= len(after.edges)
    placed = lay_out(picture)
    for first, second in itertools.combinations(placed.boxes, 2):
        assert not first.place.crosses(second.place), (first.box.id, second.box.id)
    svg = render_changes(network(SAMPLES[one]), network(SAMPLES[other]))
    assert isinstance(svg, str)
    assert svg == render_changes(network(SAMPLES[one]), network(SAMPLES[other]))


def test_depth_costs_nothing() -> None:
    assert len(changes(gpt(3), gpt(96)).boxes) == len(make_picture(network(gpt(3))).boxes)


def simulated(colour: str, matrix: list[list[float]]) -> tuple[float, ...]:
    """A colour as dichromats see it (Viénot, Brettel and Mollon, 1999), in linear RGB."""
    rgb = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    return tuple(min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in matrix)


PROTAN = [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]
DEUTAN = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]


def test_colours() -> None:
    dark = dark_colours()
    for colours in ({c for *_, c in CHANGES}, {dark[c] for *_, c in CHANGES}):
        for one, other in itertools.combinations(sorted(colours), 2):
            for matrix in (PROTAN, DEUTAN):
                apart = sum(
                    abs(a - b) for a, b in zip(simulated(one, matrix), simulated(other, matrix), strict=True)
                )
                assert apart > 0.03, (one, other)
    for *_, colour in CHANGES:
        assert (luminance(colour) + 0.05) / (luminance(INK) + 0.05) > 5
        assert (luminance(dark[INK]) + 0.05) / (luminance(dark[colour]) + 0.05) > 5
    others = {c for _, c, _ in FAMILIES} | {c for *_, c in SCALE}
    assert not others & {c for *_, c in CHANGES}


@pytest.mark.parametrize("ending", ["svg", "html", "png", "pdf", "dot", "mmd", "tex"])
def test_command(ending: str, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / f"d.{ending}"
    assert main(["diff", "zoo:gpt2", "zoo:gpt2", "--set-b", "layers=24", "-o", str(out)]) == 0
    assert "x12 -> x24" in capsys.readouterr().out
    content = out.read_bytes()
    assert len(content) > 500
    if ending in ("svg", "html", "mmd", "dot"):
        text = content.decode("utf-8")
        assert re.search("×12 (-|#45;)(>|&gt;|#62;) ×24", text), text[:2000]
        assert "<script" not in text


def test_wrong_use(tmp_path: Path, capsys: Any) -> None:
    assert main(["diff", "zoo:gpt2", "zoo:gpt2:gpt2_medium", "-o", str(tmp_path / "d.gif")]) == 2
    assert "says no format; there are .svg" in capsys.readouterr().err


def test_what_users_wrote_is_no_markup(tmp_path: Path) -> None:
    hostile = "</pre><script>alert(1)</script>"
    first, second = tmp_path / "a.arch", tmp_path / "b.arch"
    model = 'model m(note="") {{\n  "{0}"\n  input x: [B, 4]\n  linear({1}) as f\n}}\n'
    first.write_text(model.format(hostile, 3))
    second.write_text(model.format(hostile, 4))
    out = tmp_path / "d.html"
    given = f'note="{hostile}"'
    assert main(["diff", str(first), str(second), "--set-b", given, "-o", str(out)]) == 0
    text = out.read_text()
    assert "alert(1)" in text
    assert "<script" not in text
    assert text.count("</pre>") == 1
