"""einops patterns: random ones against reshape and permute, axis by axis; what is refused and said; how it reads."""

from __future__ import annotations

import random
from math import prod
from typing import Any

import pytest
import torch

from archdsl.dims import symbol
from archdsl.ops.base import Fn, Slot
from archdsl.ops.errors import OperatorError
from archdsl.ops.rearranging import Expand, Patterned, Rearrange, Reduce
from archdsl.tensors import TensorType
from tests.ops.support import checker, interpreter, outputs_of

H, W, C = symbol("H"), symbol("W"), symbol("C")


def grouped(rng: random.Random, axes: list[str], ones: bool = True) -> list[list[str]]:
    """The axes cut into dims at random, with dims of size 1 between."""
    dims: list[list[str]] = []
    for axis in axes:
        if dims and dims[-1] and rng.random() < 0.4:
            dims[-1].append(axis)
        else:
            dims.append([axis])
    for _ in range(rng.choice((0, 0, 1, 2)) if ones else 0):
        dims.insert(rng.randint(0, len(dims)), [])
    return dims


def written(dims: list[list[str]]) -> str:
    return " ".join(d[0] if len(d) == 1 else f"({' '.join(d)})" if d else "1" for d in dims)


def case(seed: int) -> tuple[random.Random, dict[str, int], list[list[str]], tuple[int, ...], dict[str, int]]:
    """Axes with sizes, the left side, the shape, and the sizes that have to be given."""
    rng = random.Random(seed)
    axes = list("abcde")[: rng.randint(1, 5)]
    size = {axis: rng.choice((1, 2, 3, 4)) for axis in axes}
    left = grouped(rng, axes)
    given = {axis: size[axis] for dim in left for axis in rng.sample(dim, max(0, len(dim) - 1))}
    return rng, size, left, tuple(prod(size[a] for a in dim) for dim in left), given


def reference(
    x: torch.Tensor, left: list[list[str]], right: list[list[str]], size: dict[str, int]
) -> torch.Tensor:
    """What a rearrangement is: every axis a dim of its own, put in order, joined."""
    axes = [a for dim in left for a in dim]
    apart = x.reshape([size[a] for a in axes])
    order = apart.permute([axes.index(a) for dim in right for a in dim])
    return order.reshape([prod(size[a] for a in dim) for dim in right])


def run(op: Patterned, x: torch.Tensor) -> torch.Tensor:
    kind = TensorType(tuple(x.shape), "float64")
    found = interpreter(op, (kind,))(x)
    assert tuple(found.shape) == outputs_of(op, (kind,))[0].shape
    assert isinstance(found, torch.Tensor)
    return found


@pytest.mark.parametrize("block", range(8))
def test_random_rearrangements(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        rng, size, left, shape, given = case(seed)
        axes = [a for dim in left for a in dim]
        rng.shuffle(axes)
        right = grouped(rng, axes)
        pattern = f"{written(left)} -> {written(right)}"
        x = torch.arange(prod(shape), dtype=torch.float64).reshape(shape)
        found = run(Rearrange(pattern, tuple(given.items())), x)
        assert torch.equal(found, reference(x, left, right, size)), pattern


@pytest.mark.parametrize("block", range(5))
def test_random_reductions(block: int) -> None:
    """The reference moves the reduced axes to the end, as one dim, and reduces there."""
    for seed in range(block * 100, block * 100 + 100):
        rng, size, left, shape, given = case(seed)
        axes = [a for dim in left for a in dim]
        rng.shuffle(axes)
        kept = axes[: rng.randint(0, len(axes))]
        right = grouped(rng, kept)
        pattern = f"{written(left)} -> {written(right)}"
        x = torch.rand(shape, dtype=torch.float64)
        functions: dict[str, Any] = {
            "sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "prod": torch.prod
        }  # fmt: skip
        op, function = rng.choice(list(functions.items()))
        want = function(reference(x, left, [*right, [a for a in axes if a not in kept]], size), dim=-1)
        found = run(Reduce(pattern, op, tuple(given.items())), x)
        torch.testing.assert_close(found, want, msg=pattern)


@pytest.mark.parametrize("block", range(5))
def test_random_expansions(block: int) -> None:
    """The reference rearranges a tensor that has the new axes already, in front."""
    for seed in range(block * 100, block * 100 + 100):
        rng, size, left, shape, given = case(seed)
        new = {axis: rng.choice((1, 2, 3)) for axis in "xyz"[: rng.randint(0, 3)]}
        axes = [*(a for dim in left for a in dim), *new]
        rng.shuffle(axes)
        right = grouped(rng, axes)
        x = torch.arange(prod(shape), dtype=torch.float64).reshape(shape)
        large = x.expand(*new.values(), *shape)
        want = reference(large, [*([a] for a in new), *left], right, size | new)
        op = Expand(f"{written(left)} -> {written(right)}", tuple((given | new).items()))
        assert torch.equal(run(op, x), want), op.pattern


def steps(op: Patterned, *shape: Any) -> str:
    """The lowering, as it would be written."""

    def text(node: Any) -> str:
        if isinstance(node, Slot):
            return "x"
        if isinstance(node, Fn):
            first, *rest = [text(a) for a in node.args]
            rest += [f"{k}={text(v)}" for k, v in node.kwargs.items()]
            if str(node.target).startswith("."):
                return f"{first}{node.target}({', '.join(rest)})"
            return f"{node.target}({', '.join([first, *rest])})"
        return str(node)

    inputs = (TensorType(shape),)
    return text(op.lower(inputs, outputs_of(op, inputs)))


def test_lowerings_are_what_a_person_writes_and_serve_any_size() -> None:
    heads = (("h", 8),)
    assert (
        steps(Rearrange("b s (h d) -> b h s d", heads), 2, H, 64) == "x.unflatten(2, (8, -1)).transpose(1, 2)"
    )
    assert steps(Rearrange("b h s d -> b s (h d)"), 2, 8, H, 8) == "x.transpose(1, 2).flatten(2)"
    assert steps(Rearrange("b c h w -> b (h w) c"), 2, 3, H, W) == "x.flatten(2).transpose(1, 2)"
    assert steps(Rearrange("b c h w -> b c h w"), 2, 3, H, W) == "x"
    assert steps(Rearrange("b 1 c -> b c"), 2, 1, 3) == "x.squeeze(1)"
    assert (
        steps(Rearrange("b (h w) c -> b c h w", (("h", H),)), 2, H * W, 3)
        == "x.unflatten(1, (H, -1)).permute(0, 3, 1, 2)"
    )
    patches = Rearrange("b c (h p) (w q) -> b (h w) (p q c)", (("p", 16), ("q", 16)))
    assert steps(patches, 2, 3, 224, 224) == (
        "x.unflatten(3, (-1, 16)).unflatten(2, (-1, 16)).permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)"
    )
    assert steps(Reduce("b c h w -> b c", "mean"), 2, 3, H, W) == "torch.mean(x, dim=(2, 3))"
    assert steps(Reduce("b c h w -> b c 1 1", "max"), 2, 3, H, W) == "torch.amax(x, dim=(2, 3), keepdim=True)"
    assert steps(Reduce("b (h w) c -> b c", "sum", (("h", 2),)), 2, 6, 3) == "torch.sum(x, dim=1)"
    assert steps(Expand("b c -> b t c", (("t", 5),)), 2, 3) == "x.unsqueeze(1).expand(-1, 5, -1)"


def test_one_lowering_runs_at_other_sizes() -> None:
    op = Rearrange("b c (h p) (w q) -> b (h w) (p q c)", (("p", 2), ("q", 2)))
    module = interpreter(op, (TensorType((1, 3, 4, 6)),))
    x = torch.arange(2 * 5 * 8 * 2, dtype=torch.float32).reshape(2, 5, 8, 2)
    left, right = [["b"], ["c"], ["h", "p"], ["w", "q"]], [["b"], ["h", "w"], ["p", "q", "c"]]
    size = {"b": 2, "c": 5, "h": 4, "p": 2, "w": 1, "q": 2}
    assert torch.equal(module(x), reference(x, left, right, size))


def shape_of(op: Patterned, *shape: Any) -> Any:
    return op.shape((TensorType(shape),), checker()).shape


def test_symbolic_sizes() -> None:
    assert shape_of(Rearrange("b (h w) c -> b c h w", (("h", H),)), 2, H * W, 3) == (2, 3, H, W)
    assert shape_of(Rearrange("b (h w) c -> b c h w", (("h", H), ("w", W))), 2, H * W, 3) == (2, 3, H, W)
    windows = Rearrange("b (h p) (w q) c -> (b h w) (p q) c", (("p", 7), ("q", 7)))
    assert shape_of(windows, 2, 7 * H, 7 * W, C) == (2 * H * W, 49, C)
    tokens = (H - 2) * (W - 2)
    assert shape_of(Rearrange("(h w) -> h w", (("h", H - 2),)), tokens) == (H - 2, W - 2)
    with pytest.raises(OperatorError) as caught:
        shape_of(windows, 2, H, 7 * W, C)
    assert caught.value.code == "E0407"
    assert "H % 7 == 0" in caught.value.help


@pytest.mark.parametrize(
    ("op", "shape", "code", "said"),
    [
        (
            Rearrange("b s (h d) -> b h s d", (("h", 8),)), (2, 7, 510), "E0407",
            "rearrange 'b s (h d) -> b h s d' on [2, 7, 510]: can't divide an axis of length 510 into chunks of 8",
        ),
        (Rearrange("b c -> b c"), (2, 3, 4), "E0502", "wants 2 dims, and [2, 3, 4] has 3"),
        (Rearrange("b c ... -> b c ..."), (2,), "E0502", "wants 2 dims or more, and [2] has 1"),
        (Rearrange("b c -> c"), (2, 3), "E0502", "b is missing on the right side"),
        (Rearrange("b -> b c"), (2,), "E0502", "c is not on the left side"),
        (Rearrange("(h w) -> h w"), (6,), "E0502", "the sizes of h and w in (h w) can't both be inferred"),
        (Rearrange("a a -> a"), (2, 2), "E0502", "'a' stands twice on the left side"),
        (Rearrange("a b -> b a", (("h", 2),)), (2, 2), "E0502", "there is no axis h, whose size is given as 2"),
        (Expand("a -> a b"), (2,), "E0502", "the size of the new axis b is not known"),
        (Rearrange("a.b -> b"), (2,), "E0502", "'.' is no name of an axis"),
    ],
)  # fmt: skip
def test_messages(op: Patterned, shape: tuple[int, ...], code: str, said: str) -> None:
    with pytest.raises(OperatorError) as caught:
        shape_of(op, *shape)
    assert caught.value.code == code
    assert said in caught.value.message


def test_features_follow_their_axes() -> None:
    def features(pattern: str, kind: TensorType, **axes: int) -> Any:
        return Rearrange(pattern, tuple(axes.items())).shape((kind,), checker()).features

    image, tokens = TensorType((2, 3, 4, 5), features="first"), TensorType((2, 4, 6), features="last")
    assert features("b c h w -> b (h w) c", image) == "last"
    assert features("b (h w) c -> b c h w", tokens, h=2) == "first"
    assert features("b s (h d) -> b h s d", tokens, h=2) is None
    assert features("b c h w -> b h w c", image) == "last"
