"""Small models for the tests of drawings, and how to read one."""

from __future__ import annotations

import re
from pathlib import Path

from archdsl.network.elaborate import check
from archdsl.network.program import load
from archdsl.network.types import Network
from archdsl.source import Source

ZOO = Path(__file__).resolve().parent.parent.parent / "specs" / "zoo"

CHAIN = """
model chain {
  "A plain chain"
  input image: [B, 3, H=32, W=32]
  conv(64, 7, 2, bias=false) -> batch_norm -> relu -> max_pool(3, 2, padding=1)
  global_avg_pool -> dropout(0.5) -> linear(10) as head
}
"""

RESIDUAL = """
block conv_bn(c, k, stride=1) { conv(c, k, stride, bias=false) as conv -> batch_norm as bn }
block unit(c, stride=1) {
  y = conv_bn(c, 3, stride) -> relu -> conv_bn(c, 3)
  y + (conv_bn(c, 1, stride) as shortcut if id.shape[1] != c or stride != 1 else id) -> relu
}
model residual {
  input image: [B, 3, H=32, W=32]
  conv_bn(16, 3) as stem -> relu
  for i in range(3) { unit(16 * 2 ** i, 2 if i > 0 else 1) -> unit(16 * 2 ** i) } as stages
  global_avg_pool -> linear(10) as head
}
"""

GPT = """
block gpt_layer(heads) {
  id + (layer_norm -> mha(heads, mask=causal) as attention -> dropout(0.1))
  id + (layer_norm -> ffn(4 * id.shape[-1], activation=gelu) as mlp)
}
model gpt(n=LAYERS, d=64) {
  input tokens: int[B, T=16]
  layer tok = embedding(100, d)
  tok -> repeat n { gpt_layer(4) } as layers
  layer_norm as norm
  output logits = id @ tok.weight.T
}
"""

UNET = """
block crop_cat(deeper: block) { y = deeper
                                center_crop(like=y) ++ y }
block two(c) { conv(c, 3) -> relu -> conv(c, 3) -> relu }
block level(c, depth) {
  two(c) as enc
  if depth > 0 {
    crop_cat(max_pool(2) -> level(2 * c, depth - 1) as inner -> conv_transpose(c, 2, stride=2) as up) as skip
    two(c) as dec
  }
}
model unet { input image: [B, 1, 64, 64]
             level(8, 3) -> conv(2, 1) as head }
"""

TRANSFORMER = """
model transformer(n=6, d=64) {
  input src: int[B, S=8]
  input tgt: int[B, T=8]
  memory = src -> embedding(50, d) as source -> repeat n { encoder_layer(4, 4 * d) } as encoder
  tgt -> embedding(50, d) as target -> repeat n { decoder_layer(4, 4 * d, memory=memory) } as decoder
  linear(50) as head
}
"""

TRAINING = """
model helped {
  input image: [B, 3, 32, 32]
  conv(8) -> relu
  if training { output aux = global_avg_pool -> linear(5) as aux }
  conv(8) as conv2 -> global_avg_pool -> linear(5) as head
}
"""

SAMPLES = {"chain": CHAIN, "residual": RESIDUAL, "unet": UNET, "transformer": TRANSFORMER, "helped": TRAINING}


def without_lines(text: str) -> str:
    """A drawing without the lines of places: a comment added to a standard block is no other drawing."""
    return re.sub(r"(\.arch[:#])\d+", r"\1", text)


def gpt(layers: int) -> str:
    return GPT.replace("LAYERS", str(layers))


def network(text: str, name: str | None = None) -> Network:
    """The (named, else last) model of a program that has no mistakes."""
    found = networks(Source("test.arch", text), ZOO)
    return found[name] if name else list(found.values())[-1]


def networks(source: Source, folder: Path) -> dict[str, Network]:
    found, diagnostics = check(load(source, folder=folder))
    assert not diagnostics, [d.message for d in diagnostics]
    return dict(found)


def zoo(name: str) -> dict[str, Network]:
    path = ZOO / f"{name}.arch"
    return networks(Source(path.name, path.read_text("utf-8")), ZOO)
