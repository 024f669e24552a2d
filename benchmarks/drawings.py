"""Five models drawn by archdsl, torchview and Keras: how large, whether it can be read on a page, what it says.

Writes results/drawings.json, each drawing as it looks on a page into docs/images/compared, and docs/drawings.md.

torchview and keras are no dependencies (``pip install torchview keras pydot graphviz torchvision transformers``, and
Graphviz on the system); what is missing is left out of the result. The networks given to them are the released ones of
torchvision, transformers and keras.applications; where there is none, one written below as their users would.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archdsl.drawing.png import svg_to_png
from benchmarks.measure import save

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images" / "compared"
PAGE_OF_RESULTS = ROOT / "docs" / "drawings.md"

MODELS = ("resnet50", "inception_v3", "vit_b_16", "gpt2", "unet")
PAGE = (468.0, 684.0)  # points: what text leaves for a figure on A4 or letter
# torchview closes what is nested deeper than 3, unless told otherwise: there the layers of ViT stay closed.
DEPTHS = {"vit_b_16": 4}
READABLE = 5.0  # points: smaller than this nobody prints
PIXELS = 96 / 72


def run() -> None:
    """Measure all, and write everything."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    result: dict[str, object] = {"page_points": PAGE, "readable_points": READABLE}
    for tool, draw in (("archdsl", _archdsl), ("torchview", _torchview), ("keras", _keras)):
        result[tool] = {name: _measured(tool, draw, name) for name in MODELS}
    save("drawings", result)
    PAGE_OF_RESULTS.write_text(page(result), encoding="utf-8")


def _measured(tool: str, draw: Callable[[str], str], name: str) -> dict[str, Any]:
    try:
        svg = draw(name)
    except ImportError as error:
        return {"missing": str(error)}
    width, height = _size(svg)
    texts = [" ".join(text.split()) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    sizes = [float(size) for size in re.findall(r'<text[^>]*font-size="([\d.]+)', svg)]
    scale = min(1.0, PAGE[0] / width, PAGE[1] / height)
    said = "\n".join(texts)
    (IMAGES / f"{name}-{tool}.png").write_bytes(svg_to_png(svg, scale=scale))
    smallest = min(sizes) * scale
    return {
        "pixels": [round(width * PIXELS), round(height * PIXELS)],
        "megapixels": round(width * height * PIXELS**2 / 1e6, 3),
        "boxes": len(re.findall(r'<g id="[^"]*" class="node"', svg)),
        "smallest_text_on_a_page": round(smallest, 2),
        "readable_on_a_page": smallest >= READABLE,
        "says": {
            "shapes": bool(re.search(r"[\[(][^\])]*\d+, ?\d+", said)),
            "kernels": bool(re.search(r"\d×\d|kernel", said)) if name != "gpt2" else None,
            "heads": bool(re.search(r"heads", said)) if name in ("vit_b_16", "gpt2") else None,
            "repeats_folded": bool(re.search(r"×\d+\b(?! \w)", said)) if name != "unet" else None,
            "parameters": bool(re.search(r"params", said)),
            "legend": 'id="legend"' in svg,
        },
    }


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'<svg[^>]*?width="([\d.]+)(pt|px)?"[^>]*?height="([\d.]+)', svg)
    assert found is not None
    unit = 0.75 if found[2] == "px" else 1.0
    return float(found[1]) * unit, float(found[3]) * unit


def _archdsl(name: str) -> str:
    import archdsl

    file = {"resnet50": "resnet", "inception_v3": "inception", "vit_b_16": "vit"}.get(name, name)
    drawn = archdsl.load(f"zoo:{file}")[name].render("svg")
    assert isinstance(drawn, str)
    return drawn


def _torchview(name: str) -> str:
    """With blocks nested in frames, as deep as all operators show."""
    import torch
    from torchview import draw_graph

    device = "cpu" if name == "gpt2" else "meta"  # transformers looks at values
    with torch.device(device):
        model, inputs = _torch_model(name)
    graph = draw_graph(model, input_data=inputs, device=device, expand_nested=True, depth=DEPTHS.get(name, 3))
    return str(graph.visual_graph.pipe("svg", encoding="utf-8"))


def _torch_model(name: str) -> tuple[Any, Any]:
    import torch

    if name == "gpt2":
        from transformers import GPT2Config, GPT2Model

        model = GPT2Model(GPT2Config(attn_implementation="sdpa", use_cache=False))
        return model.eval(), torch.zeros(1, 1024, dtype=torch.long)
    if name == "unet":
        return _torch_unet().eval(), torch.zeros(1, 1, 572, 572)
    import torchvision

    size = 299 if name == "inception_v3" else 224
    options = {"init_weights": False} if name == "inception_v3" else {}
    model = getattr(torchvision.models, name)(weights=None, **options)
    return model.eval(), torch.zeros(1, 3, size, size)


def _torch_unet() -> Any:
    import torch
    from torch import nn

    def double(a: int, b: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(a, b, 3), nn.ReLU(), nn.Conv2d(b, b, 3), nn.ReLU())

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = [64, 128, 256, 512, 1024]
            self.down = nn.ModuleList(double(a, b) for a, b in zip([1, *widths], widths, strict=False))
            back = widths[::-1]
            pairs = list(itertools.pairwise(back))
            self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
            self.dec = nn.ModuleList(double(a, b) for a, b in pairs)
            self.head = nn.Conv2d(64, 2, 1)

        def forward(self, x: Any) -> Any:
            kept = []
            for i, block in enumerate(self.down):
                x = block(x if i == 0 else nn.functional.max_pool2d(x, 2))
                kept.append(x)
            kept.pop()
            for up, block in zip(self.up, self.dec, strict=True):
                x, skip = up(x), kept.pop()
                cut = (skip.shape[-1] - x.shape[-1]) // 2
                x = block(torch.cat([skip[..., cut : cut + x.shape[-2], cut : cut + x.shape[-1]], x], 1))
            return self.head(x)

    return UNet()


def _keras(name: str) -> str:
    """With shapes and the layers' names, nested models opened."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    model = _keras_model(keras, name)
    dot = keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True, expand_nested=True, dpi=72)
    return str(dot.create(prog="dot", format="svg").decode("utf-8"))


def _keras_model(keras: Any, name: str) -> Any:
    if name == "resnet50":
        return keras.applications.ResNet50(weights=None)
    if name == "inception_v3":
        return keras.applications.InceptionV3(weights=None)
    if name == "unet":
        return _keras_unet(keras)
    layers, tokens = keras.layers, name == "gpt2"
    if tokens:
        inputs = keras.Input((1024,), dtype="int32")
        x = layers.Add()([layers.Embedding(50257, 768)(inputs), layers.Embedding(1024, 768)(inputs)])
    else:
        inputs = keras.Input((224, 224, 3))
        x = layers.Reshape((196, 768))(layers.Conv2D(768, 16, 16)(inputs))
    for _ in range(12):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(12, 64)(y, y, use_causal_mask=tokens)])
        y = layers.Dense(3072, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(768)(y)])
    x = layers.LayerNormalization()(x)
    return keras.Model(inputs, layers.Dense(50257 if tokens else 1000)(x))


def _keras_unet(keras: Any) -> Any:
    layers = keras.layers

    def double(x: Any, width: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(width, 3, activation="relu")(x)
        return x

    inputs = x = keras.Input((572, 572, 1))
    kept = []
    for width in (64, 128, 256, 512):
        x = double(x, width)
        kept.append(x)
        x = layers.MaxPooling2D()(x)
    x = double(x, 1024)
    for width in (512, 256, 128, 64):
        x, skip = layers.Conv2DTranspose(width, 2, 2)(x), kept.pop()
        cut = skip.shape[1] - x.shape[1]
        skip = layers.Cropping2D(((cut // 2, cut - cut // 2), (cut // 2, cut - cut // 2)))(skip)
        x = double(layers.Concatenate()([skip, x]), width)
    return keras.Model(inputs, layers.Conv2D(2, 1)(x))


HEAD = """<!-- Written by benchmarks/drawings.py (`python -m benchmarks drawings`). -->
# Drawings, side by side

Five networks drawn by archdsl, [torchview](https://github.com/mert-kurttutan/torchview) and Keras's `plot_model`, each
with shapes shown and nested blocks opened. *Megapixels* are those of the whole drawing at 96 dots an inch; *text on a
page* is the smallest text in points, once the drawing is made to fit 6.5 by 9.5 inches: below {readable:g} nobody reads
it. The networks are those of torchvision, transformers and keras.applications, or, where there is none, one written in
[benchmarks/drawings.py](../benchmarks/drawings.py) as a user would. torchview and Keras show what they were made to
show; what is missing here is what a reader of a paper looks for. archdsl draws once what repeats, and closes inner
blocks where they would leave no readable text (`--expand` opens them, the HTML drawing does too); the others draw all.

| model | tool | boxes | megapixels | text on a page | says |
| --- | --- | --: | --: | --: | --- |
"""


def page(result: dict[str, Any]) -> str:
    """The results as a page of the documentation, the drawings as they look on paper."""
    lines = []
    tools = ("archdsl", "torchview", "keras")
    for name in MODELS:
        for tool in tools:
            found = result[tool][name]
            if "missing" in found:
                continue
            says = found["says"]
            told = [word.replace("_", " ") for word, said in says.items() if said]
            lacks = [word.replace("_", " ") for word, said in says.items() if said is False]
            text = ", ".join(told) + (f"; **not** {', '.join(lacks)}" if lacks else "")
            points = f"{found['smallest_text_on_a_page']:.1f} pt" + (
                "" if found["readable_on_a_page"] else " ✗"
            )
            lines.append(
                f"| {name} | {tool} | {found['boxes']} | {found['megapixels']:.2f} | {points} | {text} |"
            )
    text = HEAD.format(readable=READABLE) + "\n".join(lines) + "\n"
    for name in MODELS:
        shown = [tool for tool in tools if "missing" not in result[tool][name]]
        cells = " | ".join(f"![{name} by {tool}](images/compared/{name}-{tool}.png)" for tool in shown)
        text += f"\n## {name}\n\n| {' | '.join(shown)} |\n|{' --- |' * len(shown)}\n| {cells} |\n"
    return text


if __name__ == "__main__":
    run()
