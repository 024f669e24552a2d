"""Names close to a misspelt one, and what other libraries call things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def suggest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that a misspelt one may have meant: at most a third of its letters differ."""
    from difflib import get_close_matches  # a correct program needs none

    candidates = sorted(set(known))
    exact = [k for k in candidates if k.lower().replace("_", "") == name.lower().replace("_", "")]
    close = get_close_matches(name, candidates, n=3, cutoff=0.67)
    return list(dict.fromkeys(exact + close))[:3]


def did_you_mean(found: Sequence[str]) -> tuple[str, ...]:
    return (f"did you mean {' or '.join(f'`{name}`' for name in found)}?",) if found else ()


# What people type who come from PyTorch, Keras and papers.
FOREIGN = {
    "conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "convtranspose2d": "conv_transpose", "dense": "linear",
    "fc": "linear", "fully_connected": "linear", "batchnorm": "batch_norm", "batchnorm1d": "batch_norm",
    "batchnorm2d": "batch_norm", "bn": "batch_norm", "layernorm": "layer_norm", "ln": "layer_norm",
    "maxpool": "max_pool", "maxpool2d": "max_pool", "max_pool2d": "max_pool", "avgpool": "avg_pool",
    "avgpool2d": "avg_pool", "avg_pool2d": "avg_pool", "gap": "global_avg_pool", "multiheadattention": "mha",
    "multi_head_attention": "mha", "mlp": "ffn", "feed_forward": "ffn", "embed": "embedding", "concat": "cat",
    "concatenate": "cat", "reshape": "rearrange", "view": "rearrange", "permute": "rearrange", "repeat": "expand",
    "upsample": "interpolate", "dropout2d": "dropout_channels", "swish": "silu", "leakyrelu": "leaky_relu",
    "identity": "id", "skip": "id", "transpose": "rearrange", "matmul": "@",
    "scaled_dot_product_attention": "attention",
}  # fmt: skip
