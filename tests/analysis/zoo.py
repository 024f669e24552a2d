"""Famous networks made by hand, for tests of the figures."""

from __future__ import annotations

from archdsl.network.types import Network, Region, Value
from archdsl.ops.base import Slot
from archdsl.ops.masks import Causal
from archdsl.tensors import TensorType
from tests.analysis.support import Maker, conv_args, floats, image, network, symbol


def conv_bn(t: TensorType, c: int, k: int, stride: int = 1) -> Region:
    m = Maker(t)
    y = m.op("conv", m.inputs[0], path="conv", **conv_args(c, k, stride, bias=False))
    return m.done(m.op("batch_norm", y, path="bn"))


def bottleneck(t: TensorType, c: int, stride: int = 1, first: bool = False) -> Region:
    """ResNet's block; ``first`` puts the stride into the first 1x1, as the paper has it."""
    m = Maker(t)

    def use(v: Value, c: int, k: int, s: int, path: str) -> Value:
        return m.call(conv_bn(v.type, c, k, s), v, path=path, written="conv_bn")

    x = m.inputs[0]
    y = m.op("relu", use(x, c, 1, stride if first else 1, "conv_bn"))
    y = m.op("relu", use(y, c, 3, 1 if first else stride, "conv_bn_2"))
    y = use(y, 4 * c, 1, 1, "conv_bn_3")
    shortcut = use(x, 4 * c, 1, stride, "shortcut") if stride != 1 or x.type.shape[1] != 4 * c else x
    return m.done(m.op("relu", m.add(y, shortcut)))


def resnet(depths: tuple[int, ...] = (3, 4, 6, 3), first: bool = False, name: str = "resnet50") -> Network:
    m = Maker(image(), names=("image",), kind="model", name=name)
    y = m.call(conv_bn(m.inputs[0].type, 64, 7, 2), m.inputs[0], path="stem", written="conv_bn")
    y = m.op("max_pool", m.op("relu", y), kernel_size=3, stride=2, padding=1)
    for i, depth in enumerate(depths):
        stage = Maker(y.type)
        block = bottleneck(y.type, 64 * 2**i, 2 if i else 1, first)
        z = stage.loop(block, stage.inputs[0], path="blocks", count=1)
        z = stage.loop(bottleneck(z.type, 64 * 2**i), z, path="blocks", count=depth - 1, first=1)
        y = m.loop(stage.done(z), y, path="stages", count=1, first=i)
    y = m.op("linear", m.op("global_avg_pool", y), path="head", out_features=1000)
    return network(m.done(y), name=name, defaults={"H": 224, "W": 224})


def vgg16() -> Network:
    m = Maker(image(), kind="model", name="vgg16")
    y, number = m.inputs[0], 0
    for c, n in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(n):
            y = m.op("relu", m.op("conv", y, path=f"c{(number := number + 1)}", **conv_args(c)))
        y = m.op("max_pool", y, kernel_size=2)
    y = m.op("flatten", m.op("adaptive_avg_pool", y, output_size=7))
    for i, c in enumerate((4096, 4096, 1000)):
        y = m.op("linear", y, path=f"fc{i}", out_features=c)
    return network(m.done(y), name="vgg16", defaults={"H": 224, "W": 224})


def alexnet(pool5: bool = True) -> Network:
    """Of Caffe, grouped, on 227."""
    m = Maker(image(3, 227), kind="model", name="alexnet")
    y = m.op("conv", m.inputs[0], path="c1", **conv_args(96, 11, 4) | {"padding": 0})
    y = m.op("max_pool", m.op("relu", y), kernel_size=3, stride=2)
    y = m.op("conv", y, path="c2", **conv_args(256, 5, groups=2))
    y = m.op("max_pool", m.op("relu", y), kernel_size=3, stride=2)
    y = m.op("conv", y, path="c3", **conv_args(384))
    y = m.op("conv", y, path="c4", **conv_args(384, groups=2))
    y = m.op("conv", y, path="c5", **conv_args(256, groups=2))
    if pool5:
        y = m.op("flatten", m.op("max_pool", y, kernel_size=3, stride=2))
        for i, c in enumerate((4096, 4096, 1000)):
            y = m.op("linear", y, path=f"fc{i}", out_features=c)
    return network(m.done(y), name="alexnet")


def erfnet_encoder() -> Network:
    def down(t: TensorType, c: int) -> Region:
        m = Maker(t)
        x = m.inputs[0]
        channels = t.shape[1]
        assert isinstance(channels, int)
        a = m.op("conv", x, path="conv", **conv_args(c - channels, 3, 2))
        b = m.op("max_pool", x, kernel_size=2)
        y = m.op("cat", a, b, tensors=(Slot(0), Slot(1)), dim=1)
        return m.done(m.op("relu", m.op("batch_norm", y, path="bn")))

    def non_bottleneck(t: TensorType, d: int) -> Region:
        m = Maker(t)
        c = t.shape[1]
        y = m.inputs[0]
        for i, dilation in enumerate((1, d)):
            for j, kernel in enumerate(((3, 1), (1, 3))):
                padding = tuple(dilation * (k - 1) // 2 for k in kernel)
                y = m.op("conv", y, path=f"c{i}{j}", out_channels=c, kernel_size=kernel, padding=padding,
                         dilation=tuple(dilation if k > 1 else 1 for k in kernel))  # fmt: skip
                y = m.op("relu", y)
            y = m.op("batch_norm", y, path=f"bn{i}")
        return m.done(m.op("relu", m.add(y, m.inputs[0])))

    m = Maker(image(3, 512), kind="model", name="erfnet_encoder")
    y = m.call(down(m.inputs[0].type, 16), m.inputs[0], path="d0")
    y = m.call(down(y.type, 64), y, path="d1")
    y = m.loop(non_bottleneck(y.type, 1), y, path="a", count=5)
    y = m.call(down(y.type, 128), y, path="d2")
    rounds = Maker(y.type)
    z = rounds.inputs[0]
    for d in (2, 4, 8, 16):
        z = rounds.call(non_bottleneck(z.type, d), z, path=f"b{d}")
    y = m.loop(rounds.done(z), y, path="b", count=2)
    return network(m.done(y), name="erfnet_encoder")


def gpt(layers: int = 96, d: int = 12288, heads: int = 96, vocab: int = 50257, length: int = 2048) -> Network:
    """GPT-2's and GPT-3's shape: a tied head, learned positions, heads folded away by rearranging."""
    t = floats("B", "T", d)

    def mha() -> Region:
        m = Maker(t)
        x = m.inputs[0]
        parts = [m.op("linear", x, path=p, out_features=d) for p in ("query", "key", "value")]
        split = [m.op("unflatten", p, dim=2, sizes=(heads, d // heads)) for p in parts]
        q, k, v = (m.op("transpose", p, dim0=1, dim1=2) for p in split)
        y = m.op("attention", q, k, v, q=Slot(0), k=Slot(1), v=Slot(2), mask=Causal())
        y = m.op("flatten", m.op("transpose", y, dim0=1, dim1=2), start=2)
        return m.done(m.op("linear", y, path="out", out_features=d))

    def ffn() -> Region:
        m = Maker(t)
        y = m.op("gelu", m.op("linear", m.inputs[0], path="fc1", out_features=4 * d))
        return m.done(m.op("linear", y, path="fc2", out_features=d))

    layer = Maker(t)
    x = layer.inputs[0]
    x = layer.add(x, layer.call(mha(), layer.op("layer_norm", x, path="norm"), path="mha", written="mha"))
    x = layer.add(x, layer.call(ffn(), layer.op("layer_norm", x, path="norm_2"), path="ffn", written="ffn"))
    around = Maker(t)
    turn = around.done(around.call(layer.done(x), around.inputs[0], written="decoder_layer"))

    m = Maker(TensorType((symbol("B"), symbol("T")), "int64"), names=("tokens",), kind="model", name="gpt")
    recipe = Maker(m.inputs[0].type)
    embedding = recipe.done(
        recipe.op("embedding", recipe.inputs[0], path="", num_embeddings=vocab, embedding_dim=d)
    )
    tok = m.layer("tok", embedding)
    x = m.call(embedding, m.inputs[0], path="tok", kind="layer", layer=tok, written="tok")
    x = m.add(x, m.op("narrow", m.raw("param", "positions", length, d), dim=0, start=0, length=symbol("T")))
    x = m.op("layer_norm", m.loop(turn, x, path="layers", count=layers), path="norm")
    head = m.op("transpose", m.weight(tok, "weight", vocab, d))
    x = m.op("matmul", x, head, left=Slot(0), right=Slot(1))
    return network(m.done(x, names=("logits",)), name="gpt", defaults={"T": length})
