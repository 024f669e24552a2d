"""Where each weight of a reference lives in our module: one rule per kind of key, and every key must meet one.

A rule is a pattern for the whole of a reference's key, and what it is called here; several names split the tensor along
its first dim (fused query, key and value), no name says that the reference holds the same tensor twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

Name = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class Rule:
    """A pattern for keys of the reference, our names for them, and whether the matrix lies the other way round."""

    pattern: str
    names: tuple[Name, ...]
    transposed: bool = False

    def apply(self, key: str, tensor: Tensor) -> dict[str, Tensor] | None:
        """Our names with their tensors, or None where the rule does not speak of that key."""
        found = re.fullmatch(self.pattern, key)
        if found is None:
            return None
        tensor = tensor.T if self.transposed else tensor
        parts = tensor.chunk(len(self.names)) if len(self.names) > 1 else (tensor,)
        names = [name(found) if callable(name) else found.expand(name) for name in self.names]
        return dict(zip(names, parts, strict=False))


def rule(pattern: str, *names: Name, transposed: bool = False) -> Rule:
    return Rule(pattern, names, transposed)


def translate(tensors: Mapping[str, Tensor], rules: Iterable[Rule]) -> dict[str, Tensor]:
    """A reference's state, or its gradients, under our names. Every key must meet a rule, and no two the same name."""
    rules, done = tuple(rules), dict[str, Tensor]()
    for key, tensor in tensors.items():
        found = next((part for r in rules if (part := r.apply(key, tensor)) is not None), None)
        assert found is not None, f"no rule for the reference's {key}"
        assert not done.keys() & found.keys(), f"{key} goes where another went: {', '.join(found)}"
        done.update(found)
    return done


def table(**names: str) -> tuple[Rule, ...]:
    """Rules for modules by name: ``table(conv1="stem.conv")`` moves all that they hold. ``__`` stands for a dot."""
    return tuple(rule(rf"{re.escape(a.replace('__', '.'))}\.(.+)", rf"{b}.\1") for a, b in names.items())


SAME = (rule("(.+)", r"\1"),)


def _sequential(**places: Iterable[tuple[int, str]]) -> tuple[Rule, ...]:
    return tuple(
        rule(rf"{name}\.{index}\.(.+)", rf"{ours}.\1")
        for name, pairs in places.items()
        for index, ours in pairs
    )


# ------------------------------------------------------------------------------------------------------ images

ALEXNET_TORCHVISION = _sequential(
    features=[(0, "conv1"), (3, "conv2"), (6, "conv3"), (8, "conv4"), (10, "conv5")],
    classifier=[(1, "fc6"), (4, "fc7"), (6, "fc8")],
)
ALEXNET = (rule(r"(conv\d\..+)", r"\1"), rule(r"(fc\d\..+)", r"classifier.\1"))


def vgg(depths: Iterable[int]) -> tuple[Rule, ...]:
    """torchvision numbers convolutions, activations and pools in one row."""
    places, index = [], 0
    for stage, depth in enumerate(depths):
        for k in range(depth):
            places.append((index, f"stages.{stage}.convs.{k}"))
            index += 2
        index += 1
    return _sequential(features=places, classifier=[(0, "fc6"), (3, "fc7"), (6, "fc8")])


def _stage(rest: str) -> Callable[[re.Match[str]], str]:
    return lambda found: f"stages.{int(found[1]) - 1}.blocks.{found[2]}.{found.expand(rest)}"


RESNET = (
    *table(conv1="stem.conv", bn1="stem.bn", fc="head"),
    rule(r"layer(\d)\.(\d+)\.conv(\d)\.(.+)", _stage(r"conv\3.conv.\4")),
    rule(r"layer(\d)\.(\d+)\.bn(\d)\.(.+)", _stage(r"conv\3.bn.\4")),
    rule(r"layer(\d)\.(\d+)\.downsample\.0\.(.+)", _stage(r"shortcut.conv.\3")),
    rule(r"layer(\d)\.(\d+)\.downsample\.1\.(.+)", _stage(r"shortcut.bn.\3")),
)

_BRANCH = r"inception\.(\d\w)\."
GOOGLENET = (
    rule(_BRANCH + r"one\.(.+)", r"inception\1.branch1.\2"),
    rule(_BRANCH + r"three_reduce\.(.+)", r"inception\1.branch2_reduce.\2"),
    rule(_BRANCH + r"three\.(.+)", r"inception\1.branch2.\2"),
    rule(_BRANCH + r"five_reduce\.(.+)", r"inception\1.branch3_reduce.\2"),
    rule(_BRANCH + r"five\.(.+)", r"inception\1.branch3.\2"),
    rule(_BRANCH + r"proj\.(.+)", r"inception\1.branch4.\2"),
    rule(r"loss(\d)\.conv\.(.+)", r"aux\1.reduce.\2"),
    rule(r"loss(\d)\.fc\.(.+)", r"aux\1.fc1.\2"),
    rule(r"loss(\d)\.classifier\.(.+)", r"aux\1.fc2.\2"),
    *table(conv1="conv1", conv2_reduce="conv2_reduce", conv2="conv2", classifier="head"),
)

GOOGLENET_TORCHVISION = (
    rule(r"(inception\d\w)\.branch1\.(.+)", r"\1.branch1.\2"),
    rule(r"(inception\d\w)\.branch([23])\.0\.(.+)", r"\1.branch\2_reduce.\3"),
    rule(r"(inception\d\w)\.branch([234])\.1\.(.+)", r"\1.branch\2.\3"),
    rule(r"(conv\d\..+|aux\d\..+)", r"\1"),
    *table(fc="head"),
)


def _mixed(module: str, **branches: str) -> tuple[Rule, ...]:
    """Rules for the branches of one of Inception v3's modules; a trailing number is kept."""
    return tuple(
        rule(rf"Mixed_({module})\.{theirs}((?:_\d\w?)?)\.(.+)", rf"mixed\1.{ours}\2.\3")
        for theirs, ours in branches.items()
    )


INCEPTION = (
    *table(
        Conv2d_1a_3x3="conv1", Conv2d_2a_3x3="conv2", Conv2d_2b_3x3="conv3", Conv2d_3b_1x1="conv4",
        Conv2d_4a_3x3="conv5", AuxLogits="aux", fc="head",
    ),
    *_mixed("5.", branch1x1="branch1", branch5x5="branch5", branch3x3dbl="branch3", branch_pool="branch_pool"),
    *_mixed("6a", branch3x3="branch3", branch3x3dbl="double"),
    *_mixed("6[b-e]", branch1x1="branch1", branch7x7="branch7", branch7x7dbl="double", branch_pool="branch_pool"),
    *_mixed("7a", branch3x3="branch3", branch7x7x3="branch7"),
    *_mixed("7[bc]", branch1x1="branch1", branch3x3="branch3", branch3x3dbl="double", branch_pool="branch_pool"),
)  # fmt: skip


def unet(depth: int) -> tuple[Rule, ...]:
    """Ours are nested, one level in the other; convolutions stand at 0 and 2 of a pair."""
    level = ["level" + ".skip.deeper.inner" * k for k in range(depth + 1)]
    return (
        *(r for k in range(depth + 1) for r in _pair(f"down.{k}", f"{level[k]}.enc")),
        *(r for k in range(depth) for r in _pair(f"merge.{k}", f"{level[k]}.dec")),
        *(rule(rf"up\.{k}\.(.+)", rf"{level[k]}.skip.deeper.up.\1") for k in range(depth)),
        *table(head="head"),
    )


def _pair(theirs: str, ours: str) -> tuple[Rule, Rule]:
    name = re.escape(theirs)
    return (
        rule(rf"{name}\.0\.(.+)", rf"{ours}.conv1.\1"),
        rule(rf"{name}\.2\.(.+)", rf"{ours}.conv2.\1"),
    )


_LAYER = r"encoder\.layers\.encoder_layer_(\d+)\."
VIT = (
    rule("class_token", "class_token"),
    rule(r"encoder\.pos_embedding", "positions"),
    rule(_LAYER + r"ln_(\d)\.(.+)", r"layers.\1.norm\2.\3"),
    rule(
        _LAYER + r"self_attention\.in_proj_(.+)",
        *(rf"layers.\1.attention.{part}.\2" for part in ("query", "key", "value")),
    ),
    rule(_LAYER + r"self_attention\.out_proj\.(.+)", r"layers.\1.attention.out.\2"),
    rule(_LAYER + r"mlp\.0\.(.+)", r"layers.\1.mlp.fc1.\2"),
    rule(_LAYER + r"mlp\.3\.(.+)", r"layers.\1.mlp.fc2.\2"),
    *table(conv_proj="patches", encoder__ln="norm", heads__head="head"),
)

# --------------------------------------------------------------------------------------------------- sequences


def _fused(theirs: str, ours: str) -> tuple[Rule, Rule]:
    """torch's MultiheadAttention, whose three projections are one matrix."""
    return (
        rule(theirs + r"\.in_proj_(.+)", *(rf"{ours}.{part}.\3" for part in ("query", "key", "value"))),
        rule(theirs + r"\.out_proj\.(.+)", rf"{ours}.out.\3"),
    )


_SIDE = r"(encoder|decoder)\.layers\.(\d+)\."
TRANSFORMER = (
    *_fused(_SIDE + "self_attn", r"\1.\2.attention.f"),
    *_fused(_SIDE + "multihead_attn", r"\1.\2.cross.f"),
    rule(_SIDE + r"linear(\d)\.(.+)", r"\1.\2.feed_forward.f.fc\3.\4"),
    rule(_SIDE + r"norm1\.(.+)", r"\1.\2.attention.norm.\3"),
    rule(r"(encoder)\.layers\.(\d+)\.norm2\.(.+)", r"\1.\2.feed_forward.norm.\3"),
    rule(r"(decoder)\.layers\.(\d+)\.norm2\.(.+)", r"\1.\2.cross.norm.\3"),
    rule(r"(decoder)\.layers\.(\d+)\.norm3\.(.+)", r"\1.\2.feed_forward.norm.\3"),
    *table(table="tok"),
)

_BERT_LAYER = r"encoder\.layer\.(\d+)\."
BERT = (
    rule(_BERT_LAYER + r"attention\.self\.(.+)", r"layers.\1.attention.\2"),
    rule(_BERT_LAYER + r"attention\.output\.dense\.(.+)", r"layers.\1.attention.out.\2"),
    rule(_BERT_LAYER + r"attention\.output\.LayerNorm\.(.+)", r"layers.\1.attention_norm.\2"),
    rule(_BERT_LAYER + r"intermediate\.dense\.(.+)", r"layers.\1.feed_forward.fc1.\2"),
    rule(_BERT_LAYER + r"output\.dense\.(.+)", r"layers.\1.feed_forward.fc2.\2"),
    rule(_BERT_LAYER + r"output\.LayerNorm\.(.+)", r"layers.\1.output_norm.\2"),
    *table(
        embeddings__word_embeddings="words", embeddings__position_embeddings="positions",
        embeddings__token_type_embeddings="segment", embeddings__LayerNorm="norm", pooler__dense="pooler",
    ),
)  # fmt: skip

_SHARED = r"encoder\.albert_layer_groups\.0\.albert_layers\.0\."
ALBERT = (
    rule(_SHARED + r"full_layer_layer_norm\.(.+)", r"shared.output_norm.\1"),
    rule(_SHARED + r"attention\.dense\.(.+)", r"shared.attention.out.\1"),
    rule(_SHARED + r"attention\.LayerNorm\.(.+)", r"shared.attention_norm.\1"),
    rule(_SHARED + r"attention\.(.+)", r"shared.attention.\1"),
    rule(_SHARED + r"ffn\.(.+)", r"shared.feed_forward.fc1.\1"),
    rule(_SHARED + r"ffn_output\.(.+)", r"shared.feed_forward.fc2.\1"),
    *table(
        embeddings__word_embeddings="words", embeddings__position_embeddings="positions",
        embeddings__token_type_embeddings="segment", embeddings__LayerNorm="norm",
        encoder__embedding_hidden_mapping_in="widen", pooler="pooler",
    ),
)  # fmt: skip

_BLOCK = r"transformer\.h\.(\d+)\."
_QKV = tuple(rf"layers.\1.attention.f.{part}.\2" for part in ("query", "key", "value"))
GPT2 = (  # its Conv1D holds a matrix as (in, out)
    rule(_BLOCK + r"attn\.c_attn\.(weight)", *_QKV, transposed=True),
    rule(_BLOCK + r"attn\.c_attn\.(bias)", *_QKV),
    rule(_BLOCK + r"attn\.c_proj\.(weight)", r"layers.\1.attention.f.out.\2", transposed=True),
    rule(_BLOCK + r"attn\.c_proj\.(bias)", r"layers.\1.attention.f.out.\2"),
    rule(_BLOCK + r"mlp\.c_fc\.(weight)", r"layers.\1.feed_forward.f.fc1.\2", transposed=True),
    rule(_BLOCK + r"mlp\.c_fc\.(bias)", r"layers.\1.feed_forward.f.fc1.\2"),
    rule(_BLOCK + r"mlp\.c_proj\.(weight)", r"layers.\1.feed_forward.f.fc2.\2", transposed=True),
    rule(_BLOCK + r"mlp\.c_proj\.(bias)", r"layers.\1.feed_forward.f.fc2.\2"),
    rule(_BLOCK + r"ln_1\.(.+)", r"layers.\1.attention.norm.\2"),
    rule(_BLOCK + r"ln_2\.(.+)", r"layers.\1.feed_forward.norm.\2"),
    *table(transformer__wte="tok", transformer__wpe="positions", transformer__ln_f="norm"),
    rule(r"lm_head\.weight"),  # the table again
)


def _t5_attention(place: str, ours: str) -> tuple[Rule, ...]:
    names = {"q": "query", "k": "key", "v": "value", "o": "out"}
    return tuple(rule(rf"{place}\.{a}\.(.+)", rf"{ours}.f.mha.{b}.\3") for a, b in names.items())


_T5 = r"(encoder|decoder)\.block\.(\d+)\.layer\."
T5 = (
    rule(
        r"(encoder|decoder)\.block\.0\.layer\.0\.SelfAttention\.relative_attention_bias\.(.+)",
        r"\1_positions.\2",
    ),
    *_t5_attention(_T5 + r"0\.SelfAttention", r"\1.\2.attention"),
    *_t5_attention(_T5 + r"1\.EncDecAttention", r"\1.\2.cross"),
    rule(_T5 + r"\d\.DenseReluDense\.wi\.(.+)", r"\1.\2.feed_forward.f.fc1.\3"),
    rule(_T5 + r"\d\.DenseReluDense\.wo\.(.+)", r"\1.\2.feed_forward.f.fc2.\3"),
    rule(_T5 + r"0\.layer_norm\.(.+)", r"\1.\2.attention.norm.\3"),
    rule(r"(encoder)\.block\.(\d+)\.layer\.1\.layer_norm\.(.+)", r"\1.\2.feed_forward.norm.\3"),
    rule(r"(decoder)\.block\.(\d+)\.layer\.1\.layer_norm\.(.+)", r"\1.\2.cross.norm.\3"),
    rule(r"(decoder)\.block\.(\d+)\.layer\.2\.layer_norm\.(.+)", r"\1.\2.feed_forward.norm.\3"),
    rule(r"(encoder|decoder)\.final_layer_norm\.(.+)", r"\1_norm.\2"),
    *table(shared="tok"),
    rule(r"(encoder|decoder)\.embed_tokens\.weight|lm_head\.weight"),  # the table again
)


def recurrent(place: str) -> tuple[Rule, ...]:
    return table(words="words", layer=place, head="head")


# ----------------------------------------------------------------------------------------------- auto-encoders

AUTOENCODER = (
    *_sequential(encoder=[(0, "enc1"), (2, "enc2")], decoder=[(0, "dec1"), (2, "dec2")]),
    *table(label="condition"),
)

CONV_AUTOENCODER = _sequential(
    encoder=[
        (0, "stem"),
        *((2 + 3 * k, f"encoder.{k}.conv") for k in range(3)),
        *((3 + 3 * k, f"encoder.{k}.norm") for k in range(3)),
        (11, "code"),
    ],
    decoder=[
        (1, "decode"),
        (2, "decode_norm"),
        *((4 + 3 * k, f"decoder.{k}.conv") for k in range(3)),
        *((5 + 3 * k, f"decoder.{k}.norm") for k in range(3)),
        (13, "head"),
    ],
)
