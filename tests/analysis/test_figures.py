"""Figures of famous networks, against what is published and what torch counts."""

from __future__ import annotations

import time

import pytest

from archdsl.analysis.receptive_field import receptive_field
from archdsl.analysis.sizes import SizesError, sizes_for
from archdsl.analysis.summary import Summary, summarise
from archdsl.analysis.weights import all_weights, model_weights, numel
from archdsl.network.types import Network, Region
from archdsl.ops.base import Slot
from archdsl.ops.checker import Bound
from archdsl.sizes.assumptions import Relation
from archdsl.tensors import TensorType
from tests.analysis import zoo
from tests.analysis.support import Maker, conv_args, floats, image, network, symbol


@pytest.mark.parametrize(
    ("depths", "params", "buffers", "macs"),
    [
        # torchvision's models: parameters(), buffers(), FlopCounterMode on meta / 2
        ((3, 4, 6, 3), 25_557_032, 53_173, 4_089_184_256),
        ((3, 4, 23, 3), 44_549_160, 105_448, 7_801_405_440),
        ((3, 8, 36, 3), 60_192_808, 151_579, 11_513_626_624),
    ],
)
def test_resnets(depths: tuple[int, ...], params: int, buffers: int, macs: int) -> None:
    found = summarise(zoo.resnet(depths))
    assert (found.params, found.parameters.buffers, found.macs) == (params, buffers, macs)


def test_gpt3() -> None:
    found = summarise(zoo.gpt())
    assert found.params == 174_604_259_328  # SYSTEMS.md
    assert found.macs == 367_402_130_866_176  # FIELD.md, attention in full
    masked = found.macs - found.work.macs.attention_full + found.work.macs.attention_masked
    assert round(masked / 1e12, 1) == 362.5


def test_gpt2() -> None:
    found = summarise(zoo.gpt(12, 768, 12, length=1024))
    assert (found.params, found.macs) == (124_439_808, 145_824_153_600)
    masked = found.macs - found.work.macs.attention_full + found.work.macs.attention_masked
    assert round(masked / 1e9, 2) == 136.17


def test_vgg16() -> None:
    found = summarise(zoo.vgg16())
    assert (found.params, found.macs) == (138_357_544, 15_470_264_320)


# SYSTEMS.md, section 0 finding 6 and section 2
@pytest.mark.parametrize(
    ("model", "field", "stride"),
    [
        (zoo.resnet(), 427, 32),
        (zoo.resnet(first=True), 483, 32),
        (zoo.resnet((3, 4, 23, 3)), 971, 32),
        (zoo.resnet((3, 4, 23, 3), first=True), 1027, 32),
        (zoo.resnet((3, 8, 36, 3)), 1451, 32),
        (zoo.vgg16(), 212, 32),
        (zoo.alexnet(pool5=False), 163, 16),
        (zoo.alexnet(), 195, 32),
        (zoo.erfnet_encoder(), 1183, 8),
    ],
    ids=lambda value: value.name if isinstance(value, Network) else str(value),
)
def test_receptive_fields(model: Network, field: int, stride: int) -> None:
    found = receptive_field(model)
    assert found is not None
    assert (found.field, found.stride) == ((field, field), (stride, stride))


def test_global_operators_are_named() -> None:
    found = receptive_field(zoo.resnet())
    assert found is not None
    assert found.after == ("global_avg_pool",)


def test_nothing_spatial_has_no_receptive_field() -> None:
    assert receptive_field(zoo.gpt(2, 64, 4, 100, 16)) is None


def test_an_upsampling_halves_the_stride() -> None:
    m = Maker(image(), kind="model")
    y = m.op("conv", m.inputs[0], path="a", **conv_args(8, 3, 2))  # 3 at 2
    y = m.op("conv_transpose", y, path="b", out_channels=8, kernel_size=2, stride=2)  # 3 at 1
    y = m.op("conv", y, path="c", **conv_args(8))  # 5 at 1
    found = receptive_field(network(m.done(y)))
    assert found is not None
    assert (found.field, found.stride) == ((5, 5), (1, 1))


def test_u_net_at_its_widest_place() -> None:
    """Measured with torch: gradients of the output's pixels reach 188 or 204 pixels, by their place."""
    import archdsl

    found = receptive_field(archdsl.load("zoo:unet")["unet"].network)
    assert found is not None
    assert (found.field, found.stride) == ((204, 204), (1, 1))


def test_a_billion_rounds_cost_nothing() -> None:
    t = image()
    body = Maker(t)
    region = body.done(body.op("conv", body.inputs[0], path="conv", **conv_args(3)))
    m = Maker(t, kind="model")
    model = network(m.done(m.loop(region, m.inputs[0], path="r", count=10**9)), defaults={"H": 8, "W": 8})
    began = time.process_time()
    found = summarise(model)
    assert found.params == 84 * 10**9
    assert found.receptive_field is not None
    assert found.receptive_field.field == (2 * 10**9 + 1,) * 2
    assert time.process_time() - began < 10


def bomb(levels: int = 30) -> Network:
    m = Maker(image())
    region: Region = m.done(m.op("conv", m.inputs[0], path="conv", **conv_args(3)))
    for _ in range(levels):
        m = Maker(image())
        x = m.inputs[0]
        for k in range(10):
            x = m.call(region, x, path=f"b{k}")
        region = m.done(x)
    return network(region, defaults={"H": 32, "W": 32})


def test_a_block_bomb_is_counted_exactly_and_at_once() -> None:
    model = bomb()
    began = time.process_time()
    found = summarise(model)
    assert found.params == 84 * 10**30
    assert found.macs == 81 * 32 * 32 * 10**30
    assert found.regions == 31
    assert found.instances == (10**31 - 1) // 9
    field = found.receptive_field
    assert field is not None
    assert field.field == (2 * 10**30 + 1,) * 2
    assert time.process_time() - began < 10
    assert next(all_weights(model.inference)).path == ("b0",) * 30 + ("conv", "weight")


def tied() -> Network:
    t = TensorType((symbol("B"), symbol("T")), "int64")
    recipe = Maker(t)
    embedding = recipe.done(
        recipe.op("embedding", recipe.inputs[0], path="", num_embeddings=10, embedding_dim=4)
    )
    m = Maker(t, kind="model")
    tok = m.layer("tok", embedding)
    x = m.call(embedding, m.inputs[0], path="tok", kind="layer", layer=tok, written="tok")
    y = m.call(embedding, m.inputs[0], path="tok", kind="layer", layer=tok, written="tok")
    w = m.op("transpose", m.weight(tok, "weight", 10, 4))
    z = m.op("matmul", m.add(x, y), w, left=Slot(0), right=Slot(1))
    return network(m.done(z), defaults={"T": 3})


def test_a_layer_is_counted_once_and_its_other_uses_are_tied() -> None:
    found = summarise(tied())
    assert found.params == 40
    rows = [
        (row.name, row.params, row.tied_to) for row in found.children(found.root) if row.op != "transpose"
    ]
    assert rows[:3] == [("tok", 40, None), ("tok", 0, "tok"), ("", 0, "tok.weight")]


def test_one_layer_in_every_round_has_one_set_of_weights() -> None:
    t = floats("B", 8)
    recipe = Maker(t)
    linear = recipe.done(recipe.op("linear", recipe.inputs[0], path="", out_features=8))
    body = Maker(t)
    inner = body.layer_input("shared")
    turn = body.done(
        body.call(linear, body.inputs[0], path="shared", kind="layer", layer=inner, written="shared")
    )
    m = Maker(t, kind="model")
    shared = m.layer("shared", linear)
    found = summarise(network(m.done(m.loop(turn, m.inputs[0], path="r", count=12, layers=(shared,)))))
    assert found.params == 72
    assert found.macs == 12 * 64
    leaves = list(found.leaves(100))
    assert sum(row.params * row.times for row in leaves) == 72
    assert sum(row.macs * row.times for row in leaves) == 12 * 64
    assert [row.tied_to for row in leaves] == [None, "shared"]


def test_frozen_weights_and_buffers() -> None:
    t = floats("B", 8)
    m = Maker(t, kind="model")
    x = m.op("linear", m.inputs[0], path="a", out_features=4, frozen=True)
    x = m.op("linear", x, path="b", out_features=2)
    x = m.add(x, m.raw("param", "gamma", 2))
    x = m.add(x, m.raw("buffer", "steps", 2, dtype="int64"))
    found = summarise(network(m.done(x))).parameters
    assert (found.trainable, found.frozen, found.buffers) == (12, 36, 2)
    assert found.bytes(2) == 48 * 2 + 16


def test_a_scan_runs_often_and_has_one_set_of_weights() -> None:
    step = Maker(floats("B", 4), floats("B", 8))
    y = step.op("rnn_cell", *step.inputs, path="cell", hidden_size=8, h=Slot(1))
    region = step.done(y, y)
    m = Maker(floats("B", "T", 4), floats("B", 8), kind="model")
    x = m.call(region, *m.inputs, path="scan", kind="scan", count=symbol("T"), scanned=(0,), carry=((1, 1),),
               stacked=(0,), types=(floats("B", "T", 8), floats("B", 8)), written="scan")  # fmt: skip
    found = summarise(network(m.done(x), defaults={"T": 10}))
    once = summarise(network(m.done(x), defaults={"T": 1}))
    assert found.params == once.params == 4 * 8 + 8 * 8 + 16
    assert found.macs == 10 * once.macs == 10 * (4 * 8 + 8 * 8)


def auxiliary() -> Network:
    """One head in inference, two in training."""
    t = floats("B", 8)

    def made(training: bool) -> Region:
        m = Maker(t, kind="model")
        x = m.op("linear", m.inputs[0], path="trunk", out_features=8)
        extra = m.op("linear", x, path="aux", out_features=3) if training else None
        x = m.op("linear", x, path="head", out_features=2)
        return m.done(x, extra, names=("out", "aux")) if extra is not None else m.done(x, names=("out",))

    return network(made(False), made(True))


def test_weights_are_the_union_and_work_is_that_of_inference() -> None:
    found = summarise(auxiliary())
    assert found.params == 72 + 27 + 18
    assert found.macs == 64 + 16
    rows = {row.name: (row.params, row.macs, row.training_only) for row in found.children(found.root)}
    assert rows["aux"] == (27, 0, True)
    assert sum(params for params, _, _ in rows.values()) == found.params
    paths = [".".join(item.path) for item in model_weights(auxiliary())]
    assert paths == ["trunk.weight", "trunk.bias", "head.weight", "head.bias", "aux.weight", "aux.bias"]


@pytest.mark.parametrize(
    "model", [zoo.resnet(), zoo.alexnet(), zoo.erfnet_encoder(), zoo.gpt(3, 64, 4, 100, 16), tied(), auxiliary()],
    ids=lambda model: str(model.name),
)  # fmt: skip
def test_rows_listed_weights_and_totals_agree(model: Network) -> None:
    found = summarise(model)
    listed = [item for item in model_weights(model) if item.weight.kind == "parameter"]
    assert sum(numel(item.weight) for item in listed) == found.params
    assert len({item.path for item in listed}) == len(listed)
    leaves = list(found.leaves(10**6))
    assert sum(row.params * row.times for row in leaves) == found.params
    assert sum(row.macs * row.times for row in leaves) == found.macs
    assert sum(row.work.elementwise * row.times for row in leaves) == found.work.elementwise
    _subtotals(found)


def _subtotals(found: Summary) -> None:
    stack = [found.root]
    while stack:
        row = stack.pop()
        children = found.children(row)
        if row.inside is not None:
            assert sum(c.params * c.times for c in children) == row.params * row.times, row
            assert sum(c.macs * c.times for c in children) == row.macs * row.times, row
            stack.extend(children)


def test_sizes() -> None:
    h = symbol("H")
    m = Maker(image(), kind="model")
    model = network(
        m.done(m.op("conv", m.inputs[0], path="c", **conv_args(3))),
        assumed=(Relation(h % 2, "==", 0),),
        bounds=(Bound(Relation(h, ">=", 3), "the kernel of c"), Bound(Relation(h, ">=", 7), "d")),
        defaults={"H": 32},
    )
    assert sizes_for(model, {"W": 5}) == {"B": 1, "H": 32, "W": 5}
    for at, said in [
        ({}, "no default for W"),
        ({"W": 5, "X": 1}, "no size X"),
        ({"W": 5, "H": 33}, r"expects H % 2 == 0, and .*H is 33"),
        ({"W": 5, "H": 4}, "needs H >= 7"),
        ({"W": 0}, "at least 1"),
    ]:
        with pytest.raises(SizesError, match=said):
            sizes_for(model, at)
    assert summarise(model, {"W": 5}).conditions == ("H % 2 == 0", "H >= 7")
