"""The oracle for feature maps: convolutions, pools, norms over channels, resampling, padding and crops."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.random_networks.meaning import means, need_float, numbers, strict
from tests.random_networks.runtime import Run

Ints = Any


def _rank(x: Tensor) -> int:
    """How many spatial dims a feature map has; torch would take another rank for an unbatched one."""
    strict(not 3 <= x.dim() <= 5, "a batch, channels, one to three spatial dims")
    need_float(x)
    return x.dim() - 2


def _each(value: Ints, rank: int) -> tuple[Any, ...]:
    found = tuple(numbers(value)) * (rank if len(numbers(value)) == 1 and not isinstance(value, list) else 1)
    strict(len(found) != rank, "a list has one number for each spatial dim")
    return found


def _default_padding(
    kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...]:
    """LANGUAGE.md: ``dilation * (kernel - 1) // 2`` where the kernel is odd and larger than the stride, or 1."""
    found = []
    for k, s, d in zip(kernel, stride, dilation, strict=True):
        strict(k != 1 and (k % 2 == 0 or k <= s), "padding must be written")
        found.append(d * (k - 1) // 2)
    return tuple(found)


@means("conv", weighted=True)
def _conv(
    run: Run, x: Tensor, out_channels: int, kernel_size: Ints = 3, stride: Ints = 1, padding: Ints = None,
    dilation: Ints = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
) -> Tensor:  # fmt: skip
    rank = _rank(x)
    kernel, stride, dilation = _each(kernel_size, rank), _each(stride, rank), _each(dilation, rank)
    given = _default_padding(kernel, stride, dilation) if padding is None else _each(padding, rank)
    cls = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    channels = x.shape[1]
    module = run.module(
        lambda: cls(channels, out_channels, kernel, stride, given, dilation, groups, bias, padding_mode)  # type: ignore[arg-type]
    )
    found: Tensor = module(x)
    return found


@means("conv_transpose", weighted=True)
def _conv_transpose(
    run: Run, x: Tensor, out_channels: int, kernel_size: Ints, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, bias: bool = True, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    rank = _rank(x)
    window = [_each(v, rank) for v in (kernel_size, stride, padding, output_padding)]
    around = _each(dilation, rank)
    cls = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1]
    channels = x.shape[1]
    found: Tensor = run.module(lambda: cls(channels, out_channels, *window, groups, bias, around))(x)  # type: ignore[arg-type]
    return found


class _Local(nn.Module):
    """A convolution with a kernel for every position."""

    def __init__(self, height: int, width: int, columns: int, out_channels: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(height * width, columns, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels, height, width)) if bias else None


@means("locally_connected", weighted=True)
def _locally_connected(
    run: Run,
    x: Tensor,
    out_channels: int,
    kernel_size: int = 3,
    stride: int = 1,
    padding: Ints = None,
    bias: bool = True,
) -> Tensor:
    """Two spatial dims only: unfold, a matrix for each position."""
    strict(_rank(x) != 2, "oracle: images only")
    given = _default_padding((kernel_size,), (stride,), (1,))[0] if padding is None else padding
    height, width = ((s + 2 * given - kernel_size) // stride + 1 for s in x.shape[2:])
    columns = F.unfold(x, kernel_size, padding=given, stride=stride)
    module = run.module(lambda: _Local(height, width, columns.shape[1], out_channels, bias))
    y = torch.bmm(columns.permute(2, 0, 1), module.weight).permute(1, 2, 0)
    if module.bias is not None:
        y = y + module.bias.flatten(1)
    return y.reshape(x.shape[0], out_channels, height, width)


def _pool_window(x: Tensor, *values: Ints) -> list[Any]:
    rank = _rank(x)
    return [None if v is None else _each(v, rank) for v in values]


@means("max_pool")
def _max_pool(
    run: Run,
    x: Tensor,
    kernel_size: Ints,
    stride: Ints = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    dilation: Ints = 1,
) -> Tensor:
    kernel, stride, padding, dilation = _pool_window(x, kernel_size, stride, padding, dilation)
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.dim() - 3]
    found: Tensor = function(x, kernel, stride, padding, dilation, ceil_mode)
    return found


@means("avg_pool")
def _avg_pool(
    run: Run, x: Tensor, kernel_size: Ints, stride: Ints = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    kernel, stride, padding = _pool_window(x, kernel_size, stride, padding)
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.dim() - 3]
    found: Tensor = function(x, kernel, stride, padding, ceil_mode, count_include_pad)
    return found


@means("adaptive_avg_pool", "adaptive_max_pool")
def _adaptive(run: Run, x: Tensor, output_size: Ints, kind: str = "") -> Tensor:
    raise NotImplementedError


for _kind in ("avg", "max"):
    means(f"adaptive_{_kind}_pool")(
        lambda run, x, output_size, _kind=_kind: getattr(F, f"adaptive_{_kind}_pool{_rank(x)}d")(
            x, _each(output_size, x.dim() - 2)
        )
    )


def _global(x: Tensor, keep: bool, function: Any) -> Any:
    _rank(x)
    return function(x, dim=tuple(range(2, x.dim())), keepdim=keep)


means("global_avg_pool")(lambda run, x, keep=False: _global(x, keep, torch.mean))
means("global_max_pool")(lambda run, x, keep=False: _global(x, keep, torch.amax))


@means("batch_norm", weighted=True)
def _batch_norm(run: Run, x: Tensor, affine: bool = True, track_running_stats: bool = True) -> Any:
    need_float(x)
    strict(not 2 <= x.dim() <= 5, "a batch, channels, one to three spatial dims")
    kinds = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    channels = x.shape[1]
    cls = kinds[x.dim() - 2]
    return run.module(lambda: cls(channels, affine=affine, track_running_stats=track_running_stats))(x)


@means("instance_norm", weighted=True)
def _instance_norm(run: Run, x: Tensor, affine: bool = False, track_running_stats: bool = False) -> Any:
    rank, channels = _rank(x), x.shape[1]
    strict(x[0, 0].numel() < 2, "more than one position, in training")
    cls = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[rank - 1]
    return run.module(lambda: cls(channels, affine=affine, track_running_stats=track_running_stats))(x)


@means("group_norm", weighted=True)
def _group_norm(run: Run, x: Tensor, groups: int, affine: bool = True) -> Any:
    need_float(x)
    channels = x.shape[1]
    return run.module(lambda: nn.GroupNorm(groups, channels, affine=affine))(x)


@means("local_response_norm")
def _local_response_norm(run: Run, x: Tensor, size: int, alpha: float = 1e-4, k: float = 1.0) -> Tensor:
    _rank(x)
    return F.local_response_norm(x, size, alpha=alpha, k=k)


@means("interpolate")
def _interpolate(
    run: Run, x: Tensor, size: Ints = None, scale: Any = None, like: Tensor | None = None, mode: str = "nearest",
    align_corners: bool = False, antialias: bool = False,
) -> Tensor:  # fmt: skip
    if like is not None:
        strict(like.dim() != x.dim(), "like has as many dims")
        size = like.shape[2:]
    strict(size is not None and scale is not None, "one of size and scale")
    corners = align_corners or None
    if align_corners is False and mode in ("linear", "bilinear", "bicubic", "trilinear"):
        corners = False
    return F.interpolate(x, size, scale, mode, corners, antialias=antialias)


@means("grid_sample")
def _grid_sample(
    run: Run, x: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros"
) -> Tensor:
    return F.grid_sample(x, grid, mode, padding_mode, align_corners=False)


means("pixel_shuffle")(lambda run, x, r: _pixels(x, F.pixel_shuffle, r))
means("pixel_unshuffle")(lambda run, x, r: _pixels(x, F.pixel_unshuffle, r))
means("channel_shuffle")(lambda run, x, groups: _shuffled(x, groups))


def _pixels(x: Tensor, function: Any, r: int) -> Any:
    strict(x.dim() != 4, "oracle: images only")
    return function(x, r)


def _shuffled(x: Tensor, groups: int) -> Tensor:
    strict(x.dim() < 2, "a batch and channels")
    y = (
        x.view(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
        if x.is_contiguous()
        else x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    )
    return y.transpose(1, 2).reshape(x.shape)


@means("pad")
def _pad(run: Run, x: Tensor, padding: Any, mode: str = "constant", value: float = 0) -> Tensor:
    if mode in ("constant", "zeros"):
        for i, (before, after) in enumerate(zip(padding[::2], padding[1::2], strict=True)):
            strict(max(-before, -after) > x.shape[-1 - i], "a side crops no more than there is")
        return F.pad(x, padding, value=value)
    return F.pad(x, padding, mode)


@means("crop")
def _crop(run: Run, x: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    return x.narrow(-2, top, height).narrow(-1, left, width)


@means("center_crop")
def _center_crop(run: Run, x: Tensor, size: Ints = None, like: Tensor | None = None) -> Tensor:
    rank = x.dim() - 2
    strict(like is not None and like.dim() != x.dim(), "like has as many dims")
    if isinstance(size, list) and len(size) == 1:
        size = size[0]
    wanted = _each(size, rank) if like is None else tuple(like.shape[2:])
    for dim, length in enumerate(wanted, start=2):
        strict(length > x.shape[dim], "no crop is larger than the image")
        x = x.narrow(dim, (x.shape[dim] - length) // 2, length)
    return x


@means("unfold")
def _unfold(run: Run, x: Tensor, kernel_size: Ints, stride: Ints = 1, padding: Ints = 0) -> Tensor:
    strict(x.dim() != 4, "a batch, channels, one to three spatial dims")
    return F.unfold(x, kernel_size, padding=padding, stride=stride)


@means("fold")
def _fold(run: Run, x: Tensor, output_size: Ints, kernel_size: Ints, stride: Ints = 1) -> Tensor:
    strict(x.dim() != 3, "a batch of columns")
    return F.fold(x, output_size, kernel_size, stride=stride)
