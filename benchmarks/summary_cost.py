"""What the summary of GPT-3 costs as a whole process, against torchinfo on the same network on the meta device."""

from __future__ import annotations

import json
import sys
import textwrap

from benchmarks.measure import cpu_seconds, in_turn, save, spread

TORCHINFO = textwrap.dedent(
    """
    import torch
    from torch import nn
    from torchinfo import summary

    class Layer(nn.Module):
        def __init__(self, d, heads):
            super().__init__()
            self.heads = heads
            self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
            self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
            self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

        def forward(self, x):
            q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
            x = x + self.out(y)
            return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x)), approximate="tanh"))

    class GPT3(nn.Module):
        def __init__(self, d=12288, heads=96, layers=96, vocab=50257, context=2048):
            super().__init__()
            self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(context, d)
            self.layers = nn.ModuleList(Layer(d, heads) for _ in range(layers))
            self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)
            self.head.weight = self.tok.weight

        def forward(self, ids):
            x = self.tok(ids) + self.pos(torch.arange(ids.shape[1], device=ids.device))
            for layer in self.layers:
                x = layer(x)
            return self.head(self.norm(x))

    with torch.device("meta"):
        model, ids = GPT3(), torch.zeros(1, 2048, dtype=torch.long)
    print(sum(p.numel() for p in model.parameters()))
    str(summary(model, input_data=ids, device="meta", verbose=0, depth=3))
    """
)
ARCHDSL = textwrap.dedent(
    """
    import sys
    from archdsl.cli import main
    code = 0
    try:
        main(["summary", "zoo:gpt3", "--format", "json"])
    except SystemExit as done:
        code = done.code
    sys.exit(code or (3 if {"torch", "sympy", "networkx"} & set(sys.modules) else 0))
    """
)


def run() -> None:
    ours, theirs = [sys.executable, "-c", ARCHDSL], [sys.executable, "-c", TORCHINFO]
    total = json.loads(cpu_seconds(ours)[1])["total"]
    count = int(cpu_seconds(theirs)[1].split()[0])
    assert total["params"] == count == 174_604_259_328, (total["params"], count)
    assert total["macs"] == 367_402_130_866_176, total["macs"]
    a, b = in_turn(ours, theirs)
    save(
        "summary_cost",
        {
            "what": "CPU seconds of a process: `archdsl summary zoo:gpt3 --format json` against torchinfo on meta",
            "archdsl": spread(a),
            "torchinfo": spread(b),
            "ratio_of_medians": round(spread(a)["median"] / spread(b)["median"], 4),
            "torch_imported_by_archdsl": False,
        },
    )


if __name__ == "__main__":
    run()
