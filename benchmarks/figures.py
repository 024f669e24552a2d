"""Parameters, MACs and memory of four networks: ours, torchinfo's, fvcore's, FlopCounterMode's; who is wrong where.

The models are other people's (torchvision, timm) or written by hand as one would (GPT-2; GPT-3 on meta), all counted in
one run. Needs the ``reference`` extra, and ``pip install -c constraints.txt fvcore``; what a tool can't do is said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import save

PAGE = Path(__file__).resolve().parent.parent / "docs" / "figures.md"
NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Subject:
    """A network, what it is given, and its name in the zoo."""

    name: str
    zoo: str
    whose: str
    make: Callable[[], Any]
    inputs: Callable[[str], dict[str, Any]]
    devices: tuple[str, ...] = ("cpu", "meta")


def _resnet() -> Any:
    from tests.reference import torchvision_on_cpu

    torchvision_on_cpu.ready()
    from torchvision.models import resnet50

    return resnet50()


def _vit() -> Any:
    from tests.reference import torchvision_on_cpu

    torchvision_on_cpu.ready()
    import timm

    return timm.create_model("vit_base_patch16_224")


def _gpt(**sizes: int) -> Callable[[], Any]:
    """The network that summary_cost counts, with other sizes."""

    def made() -> Any:
        from benchmarks.summary_cost import TORCHINFO

        names: dict[str, Any] = {"__name__": "gpt"}
        exec(TORCHINFO.partition("with torch.device")[0], names)  # our own text
        return names["GPT3"](**sizes)

    return made


def _image(device: str) -> dict[str, Any]:
    import torch

    return {"x": torch.zeros(1, 3, 224, 224, device=device)}


def _words(length: int, *names: str) -> Callable[[str], dict[str, Any]]:
    def made(device: str) -> dict[str, Any]:
        import torch

        return {name: torch.zeros(1, length, dtype=torch.long, device=device) for name in names}

    return made


SUBJECTS = (
    Subject("ResNet-50", "resnet50", "torchvision", _resnet, _image),
    Subject("ViT-B/16", "vit", "timm", _vit, _image),
    Subject(
        "GPT-2, T = 1024",
        "gpt2",
        "by hand",
        _gpt(d=768, heads=12, layers=12, context=1024),
        _words(1024, "ids"),
    ),
    Subject("GPT-3, T = 2048", "gpt3", "by hand", _gpt(), _words(2048, "ids"), devices=("meta",)),
)


# ------------------------------------------------------------------------------------------------------------- tools


def _torchinfo(net: Any, inputs: Mapping[str, Any], device: str) -> dict[str, Any]:
    from torchinfo import summary

    found = summary(net, input_data=dict(inputs), device=device, verbose=0)
    return {"params": found.total_params, "macs": found.total_mult_adds, "memory": found.total_output_bytes}


def _fvcore(net: Any, inputs: Mapping[str, Any], device: str) -> dict[str, Any]:
    import logging

    from fvcore.nn import FlopCountAnalysis, parameter_count

    logging.getLogger("fvcore").setLevel(logging.ERROR)
    counted = FlopCountAnalysis(net, tuple(inputs.values()))
    counted.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return {"params": parameter_count(net)[""], "macs": int(counted.total())}


def _flop_counter(net: Any, inputs: Mapping[str, Any], device: str) -> dict[str, Any]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(**inputs)
    return {"macs": counter.get_total_flops() // 2}


TOOLS: Mapping[str, Callable[[Any, Mapping[str, Any], str], dict[str, Any]]] = {
    "torchinfo": _torchinfo,
    "fvcore": _fvcore,
    "FlopCounterMode": _flop_counter,
}


def _ours(name: str) -> dict[str, Any]:
    from archdsl import driver

    address = driver.address(f"zoo:{name}")
    found = driver.analyse(driver.model(driver.load(address, driver.Options()), address.model, {}).network)
    masked = found.macs - found.work.macs.attention_full + found.work.macs.attention_masked
    return {
        "params": found.params, "macs": found.macs, "macs_masked": masked, "saved": found.memory.saved,
        "attention": found.work.macs.attention_full,
    }  # fmt: skip


def _measured(subject: Subject) -> dict[str, Any]:
    """One network by every tool on every device, and what its hooks see."""
    import torch

    from tests.analysis.memory_seen import kept_bytes

    found: dict[str, Any] = {}
    for device in subject.devices:
        with torch.device(device):
            net = subject.make().eval()
        if device == subject.devices[0]:
            found["parameters()"] = sum(p.numel() for p in net.parameters())
        if device == "cpu":
            found["hooks"] = kept_bytes(net, subject.inputs(device))
        net.requires_grad_(False)
        for tool, count in TOOLS.items():
            try:
                found[f"{tool} on {device}"] = count(net, subject.inputs(device), device)
            except Exception as error:  # what a tool cannot count is a finding
                found[f"{tool} on {device}"] = {"failed": f"{type(error).__name__}: {error}"[:160]}
            print(subject.name, tool, device, found[f"{tool} on {device}"], file=sys.stderr, flush=True)
    return found


def run() -> None:
    import torch

    torch.set_num_threads(1)
    rows = {}
    for subject in SUBJECTS:
        rows[subject.name] = {"ours": _ours(subject.zoo), "whose": subject.whose, **_measured(subject)}
    data = {
        "what": "parameters, multiply-accumulates at batch 1, bytes kept for backward; others' models, one run",
        "rows": rows,
    }
    save("figures", data)
    write(data)


# -------------------------------------------------------------------------------------------------------------- page


def write(data: Mapping[str, Any]) -> None:
    """docs/figures.md, from what was measured."""
    PAGE.write_text(page(data), encoding="utf-8")


COLUMNS = (
    ("torchinfo", "meta"), ("fvcore", "cpu"), ("fvcore", "meta"), ("FlopCounterMode", "cpu"),
    ("FlopCounterMode", "meta"),
)  # fmt: skip


def page(data: Mapping[str, Any]) -> str:
    columns = [
        "torchinfo on meta",
        "fvcore on cpu",
        "fvcore on meta",
        "FlopCounterMode on cpu",
        "FlopCounterMode on meta",
    ]
    lines = [
        "# Our figures beside others'",
        "",
        "Made by `python -m benchmarks figures`: the same four networks counted in one run by every tool. They",
        "are PyTorch modules ("
        + ", ".join(f"{n}: {row['whose']}" for n, row in data["rows"].items())
        + "); ours are",
        "the specs of the zoo, counted without PyTorch. Batch 1, attention in full, MACs everywhere (one multiply and",
        "add); FlopCounterMode's FLOPs are halved. In brackets what a figure is of ours.",
        "",
        "## Multiply-accumulates",
        "",
        "| network | ours | " + " | ".join(columns) + " |",
        "| --- |" + " --: |" * (1 + len(columns)),
    ]
    for name, row in data["rows"].items():
        cells = [_share(row.get(column, {}), "macs", row["ours"]["macs"]) for column in columns]
        lines.append(f"| {name} | {_short(row['ours']['macs'])} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "- **torchinfo** multiplies the parameters of a linear layer by the first size of its input alone, leaves the",
        "  sequence out, and takes reading a position table for work. Attention has no parameters and costs nothing.",
        "- **fvcore** has no rule for fused attention and leaves it out; what it prints as FLOPs are MACs; layer norms",
        "  and the like are in it.",
        "- **FlopCounterMode** counts nothing for fused attention on a CPU, and all of it on meta.",
        "- Under a causal mask "
        + "; ".join(
            f"{name} does {_short(row['ours']['macs_masked'])}"
            for name, row in data["rows"].items()
            if row["ours"]["macs_masked"] != row["ours"]["macs"]
        )
        + ". None of the others says so.",
        "",
        "## Parameters",
        "",
        "| network | ours | `parameters()` | torchinfo | fvcore |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name, row in data["rows"].items():
        ours = row["ours"]["params"]
        others = [
            next(
                (_share(row[c], "params", ours) for c in row if c.startswith(tool) and "params" in row[c]),
                NO_ANSWER,
            )
            for tool in ("torchinfo", "fvcore")
        ]
        lines.append(f"| {name} | {ours:,} | {row['parameters()']:,} | {others[0]} | {others[1]} |")
    lines += [
        "",
        "A head tied to the embedding is one tensor; torchinfo 1.8.0 counts it twice.",
        "",
        "## Memory kept for backward",
        "",
        '| network | ours | saved-tensor hooks | torchinfo\'s "forward/backward pass size" |',
        "| --- | --: | --: | --: |",
    ]
    for name, row in data["rows"].items():
        ours = row["ours"]["saved"]
        hooks = (
            f"{row['hooks'] / 1e6:,.1f} MB ({ours / row['hooks']:.3f})"
            if "hooks" in row
            else "too large to run"
        )
        size = row.get("torchinfo on meta", {}).get("memory")
        theirs = f"{size / 1e6:,.1f} MB ({size / ours:.2f})" if size else NO_ANSWER
        lines.append(f"| {name} | {ours / 1e6:,.1f} MB | {hooks} | {theirs} |")
    lines += [
        "",
        "The hooks see unique storages, inputs included, in the mode of inference (dropout off) with fused attention;",
        "in brackets ours over theirs. torchinfo adds up what every module gives back, twice.",
        "Every model of the zoo, in small: benchmarks/results/memory.json.",
        "",
    ]
    return "\n".join(lines)


def _share(found: Mapping[str, Any], key: str, ours: int) -> str:
    if key not in found:
        return NO_ANSWER
    share = found[key] / ours
    shown = _short(found[key]) if key == "macs" else f"{found[key]:,}"
    return shown if share == 1 else f"{shown} ({share:.5f})"


def _short(value: int) -> str:
    return f"{value / 1e12:,.2f} T" if value >= 10**12 else f"{value / 1e9:,.4f} G"


if __name__ == "__main__":
    if sys.argv[1:] == ["page"]:
        write(json.loads((PAGE.parent.parent / "benchmarks" / "results" / "figures.json").read_text("utf-8")))
    else:
        run()
