"""The models of the zoo beside their references: small variants, dropout off, so that both modes are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.reference import torchvision_on_cpu
from tests.reference.autoencoders import AutoEncoder, ConvAutoEncoder
from tests.reference.classifiers import AlexNet, GoogLeNet, UNet, narrowed, torchvision_model
from tests.reference.sequences import Recurrent, Transformer
from tests.zoo import keymaps
from tests.zoo.compare import Case, Tensors


def image(size: int, channels: int = 3, batch: int = 2) -> Callable[[], Tensors]:
    return lambda: {"image": torch.randn(batch, channels, size, size, dtype=torch.float64)}


def words(vocab: int, length: int, name: str = "tokens", batch: int = 2) -> Tensors:
    return {name: torch.randint(vocab, (batch, length))}


# --------------------------------------------------------------------------------------- written from the papers


def _two_sides() -> Tensors:
    return words(50, 9, "src") | words(50, 7, "tgt")


def _logits(net: nn.Module, inputs: Tensors) -> Tensors:
    return {"logits": net(*inputs.values())}


def _pixels(**more: Tensor) -> Tensors:
    return {"x": torch.rand(3, 20, dtype=torch.float64), **more}


PLAIN = [
    Case(
        "alexnet", "alexnet", "alexnet", {"classes": 10, "hidden": 32},
        lambda rate: AlexNet(10, 32, rate), keymaps.ALEXNET, image(227), rates=("rate",),
    ),
    Case("unet", "unet", "unet", {"width": 4}, lambda _: UNet(width=4), keymaps.unet(4), image(204, 1, 1)),
    Case(
        "transformer", "transformer", "transformer",
        {"vocab": 50, "d": 16, "heads": 4, "hidden": 24, "layers": 2},
        lambda rate: Transformer(50, 16, 4, 24, 2, rate), keymaps.TRANSFORMER, _two_sides, _logits, ("rate",),
    ),
    Case(
        "rnn", "lstm", "rnn", {"vocab": 30, "d": 12, "layers": 2},
        lambda rate: Recurrent(nn.RNN(12, 12, 2, batch_first=True, dropout=rate), 30, 30, rate),
        keymaps.recurrent("rnn"), lambda: words(30, 11), rates=("rate",),
    ),
    Case(
        "lstm", "lstm", "lstm", {"vocab": 30, "d": 12},
        lambda rate: Recurrent(nn.LSTM(12, 12, 2, batch_first=True, dropout=rate), 30, 30, rate),
        keymaps.recurrent("lstm"), lambda: words(30, 11), rates=("rate",),
    ),
    Case(
        "gru", "lstm", "gru", {"vocab": 30, "d": 12, "layers": 2},
        lambda rate: Recurrent(nn.GRU(12, 12, 2, batch_first=True, dropout=rate), 30, 30, rate),
        keymaps.recurrent("gru"), lambda: words(30, 11), rates=("rate",),
    ),
    Case(
        "bilstm_tagger", "lstm", "bilstm_tagger", {"vocab": 30, "d": 12, "tags": 5},
        lambda _: Recurrent(nn.LSTM(12, 12, batch_first=True, bidirectional=True), 30, 5),
        keymaps.recurrent("lstm"), lambda: words(30, 11),
    ),
    Case(
        "autoencoder", "autoencoder", "autoencoder", {"latent": 4, "hidden": 16, "size": 20},
        lambda _: AutoEncoder(20, 16, 4), keymaps.AUTOENCODER, _pixels,
    ),
    Case(
        "conditional_autoencoder", "autoencoder", "conditional_autoencoder",
        {"classes": 5, "latent": 4, "hidden": 16, "size": 20},
        lambda _: AutoEncoder(20, 16, 4, classes=5), keymaps.AUTOENCODER,
        lambda: _pixels(label=torch.randint(5, (3,))),
    ),
    Case(
        "conv_autoencoder", "autoencoder", "conv_autoencoder", {"width": 4, "latent": 6},
        lambda _: ConvAutoEncoder(4, 6), keymaps.CONV_AUTOENCODER, image(32, batch=4),
    ),
]  # fmt: skip

GOOGLENET = Case(
    "googlenet", "googlenet", "googlenet", {"classes": 10},
    lambda rate: GoogLeNet(10, rate, rate), keymaps.GOOGLENET, image(224),
    lambda net, inputs: net(inputs["image"]), ("rate", "head_rate"),
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- torchvision

DEPTHS = {
    "vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4),
}  # fmt: skip


def _vgg(name: str) -> Case:
    return Case(
        name, "vgg", name, {"classes": 10, "hidden": 16},
        lambda rate: narrowed(torchvision_model(name, dropout=rate, num_classes=10), 16),
        keymaps.vgg(DEPTHS[name]), image(32), rates=("rate",),
    )  # fmt: skip


def _resnet(name: str, size: int = 48) -> Case:
    return Case(
        name, "resnet", name, {"classes": 10}, lambda _: torchvision_model(name, num_classes=10), keymaps.RESNET,
        image(size),
    )  # fmt: skip


def _vit(rate: float) -> nn.Module:
    torchvision_on_cpu.ready()
    from torchvision.models import VisionTransformer

    return VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=4, hidden_dim=24, mlp_dim=40, num_classes=10,
        dropout=rate,
    )  # fmt: skip


def _googlenet_call(net: nn.Module, inputs: Tensors) -> Tensors:
    found = net(inputs["image"])
    if isinstance(found, Tensor):
        return {"out": found}
    return {"out": found.logits, "aux1": found.aux_logits1, "aux2": found.aux_logits2}


def _inception_call(net: nn.Module, inputs: Tensors) -> Tensors:
    found = net(inputs["image"])
    return {"out": found} if isinstance(found, Tensor) else {"out": found.logits, "aux": found.aux_logits}


TORCHVISION = [
    Case(
        "alexnet_torchvision", "alexnet", "alexnet_torchvision", {"classes": 10, "hidden": 16},
        lambda rate: narrowed(torchvision_model("alexnet", num_classes=10, dropout=rate), 16),
        keymaps.ALEXNET_TORCHVISION, image(224), rates=("rate",),
    ),
    *map(_vgg, DEPTHS),
    *map(_resnet, ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")),
    Case(
        "googlenet_torchvision", "googlenet", "googlenet_torchvision", {"classes": 10},
        lambda rate: torchvision_model(
            "googlenet", num_classes=10, init_weights=False, dropout=rate, dropout_aux=rate
        ),
        keymaps.GOOGLENET_TORCHVISION, image(96), _googlenet_call, ("rate", "head_rate"),
    ),
    Case(
        "inception_v3", "inception", "inception_v3", {"classes": 10},
        lambda rate: torchvision_model("inception_v3", num_classes=10, init_weights=False, dropout=rate),
        keymaps.INCEPTION, image(299), _inception_call, ("rate",),
    ),
    Case(
        "vit", "vit", "vit",
        {"patch": 8, "d": 24, "layers": 2, "heads": 4, "hidden": 40, "size": 32, "classes": 10},
        _vit, keymaps.VIT, image(32), rates=("rate",),
    ),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------- transformers


def _transformers(model: str, config: str, rates: str, **settings: Any) -> Callable[[float], nn.Module]:
    """One of transformers' models from its configuration; its own implementation of attention, not a fused one."""

    def make(rate: float) -> nn.Module:
        torchvision_on_cpu.ready()
        import transformers

        made = getattr(transformers, config)(
            **settings, **dict.fromkeys(rates.split(), rate), attn_implementation="eager"
        )
        return getattr(transformers, model)(made)

    return make


def _padded(vocab: int) -> Tensors:
    return words(vocab, 12, batch=3) | words(2, 12, "segments", 3) | {"lengths": torch.tensor([12, 7, 1])}


def _bert_call(net: nn.Module, inputs: Tensors) -> Tensors:
    tokens = inputs["tokens"]
    mask = (torch.arange(tokens.shape[1]) < inputs["lengths"][:, None]).long()
    found = net(input_ids=tokens, token_type_ids=inputs["segments"], attention_mask=mask)
    return {"hidden_states": found.last_hidden_state, "pooled": found.pooler_output}


_RATES = "hidden_dropout_prob attention_probs_dropout_prob"
_SMALL = {"vocab": 40, "d": 24, "heads": 4, "hidden": 36, "layers": 3}
_SMALL_THERE = {
    "vocab_size": 40, "hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 36,
    "num_hidden_layers": 3,
}  # fmt: skip

TRANSFORMERS = [
    Case(
        "bert", "bert", "bert", _SMALL, _transformers("BertModel", "BertConfig", _RATES, **_SMALL_THERE),
        keymaps.BERT, lambda: _padded(40), _bert_call, ("rate",),
    ),
    Case(
        "albert", "albert", "albert", {**_SMALL, "embedding_dim": 10},
        _transformers("AlbertModel", "AlbertConfig", _RATES, **_SMALL_THERE, embedding_size=10), keymaps.ALBERT,
        lambda: _padded(40), _bert_call, ("rate",),
    ),
    Case(
        "gpt2", "gpt2", "gpt2", {"layers": 3, "d": 24, "heads": 4, "vocab": 40, "context": 16},
        _transformers(
            "GPT2LMHeadModel", "GPT2Config", "embd_pdrop attn_pdrop resid_pdrop", n_embd=24, n_layer=3, n_head=4,
            n_positions=16, vocab_size=40, bos_token_id=0, eos_token_id=0,
        ),
        keymaps.GPT2, lambda: words(40, 13), lambda net, inputs: {"logits": net(inputs["tokens"]).logits},
        ("rate",),
    ),
    Case(
        "t5", "t5", "t5", {"d": 24, "hidden": 36, "layers": 2, "heads": 3, "head_dim": 10, "vocab": 40},
        _transformers(
            "T5ForConditionalGeneration", "T5Config", "dropout_rate", d_model=24, d_ff=36, d_kv=10, num_layers=2,
            num_heads=3, vocab_size=40,
        ),
        keymaps.T5, lambda: words(40, 150, "src") | words(40, 140, "tgt"),
        lambda net, inputs: {"logits": net(input_ids=inputs["src"], decoder_input_ids=inputs["tgt"]).logits},
        ("rate",),
    ),
]  # fmt: skip
