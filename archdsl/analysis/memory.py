"""How much memory a model takes: weights, gradients, optimizer, what backward keeps, the peak of inference, caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.analysis.memory_walk import MemoryWalk
from archdsl.analysis.parameters import Parameters
from archdsl.analysis.settled import Settled
from archdsl.analysis.storages import ITEM_BYTES, Run, Types, bytes_of
from archdsl.dims import evaluate
from archdsl.network.types import CallNode, Network, OpNode, Region
from archdsl.ops.attention import Attention
from archdsl.ops.masks import Causal, Combined, Mask

DTYPES = ("float32", "bfloat16", "float16")
OPTIMIZER = "Adam"
_MOMENTS = 2
"""Adam keeps a running mean of each gradient and of its square, in the parameter's dtype."""


@dataclass(frozen=True)
class Memory:
    """Bytes. ``saved`` is kept for backward, inputs included; ``peak`` is the most there is at once in an inference,
    inputs included and weights not; both leave out what a kernel takes for itself. ``cache`` holds the keys and values
    of causal attention over a whole sequence."""

    dtype: str
    attention: str
    training: bool
    weights: int
    gradients: int
    optimizer: int
    saved: int
    peak: int
    cache: int

    @property
    def inference_total(self) -> int:
        """Weights and the peak beside them."""
        return self.weights + self.peak

    @property
    def training_total(self) -> int:
        """Weights, gradients, optimizer and what is kept for backward."""
        return self.weights + self.gradients + self.optimizer + self.saved


def memory_of(
    network: Network,
    parameters: Parameters,
    sizes: Mapping[str, int],
    dtype: str = "float32",
    fused: bool = True,
    train: bool = False,
) -> Memory:
    """The memory of a model at given sizes. ``train``: what is kept is that of the training mode, noise included."""
    item = ITEM_BYTES[dtype]
    settled = Settled(sizes, network.inference, network.training)
    saved, peak = MemoryWalk(sizes, Run(dtype, False, fused), settled).model(network.inference)
    if train:
        saved, _ = MemoryWalk(sizes, Run(dtype, True, fused), settled).model(network.training)
    gradients = parameters.trainable * item
    return Memory(
        dtype=dtype,
        attention="fused" if fused else "math",
        training=train,
        weights=parameters.bytes(item),
        gradients=gradients,
        optimizer=_MOMENTS * gradients,
        saved=saved,
        peak=peak,
        cache=_Cache(Types(sizes, Run(dtype))).region(network.inference),
    )


class _Cache:
    """Keys and values of attention in which each place looks back only, over all its instances."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._found: dict[Region, int] = {}

    def region(self, region: Region) -> int:
        if region not in self._found:
            self._found[region] = sum(self._node(node) for node in region.nodes)
        return self._found[region]

    def _node(self, node: object) -> int:
        if isinstance(node, CallNode):
            rounds = evaluate(node.count, self.types.sizes) if node.kind in ("loop", "until") else 1
            return rounds * self.region(node.region)
        if isinstance(node, OpNode) and isinstance(node.op, Attention) and _looks_back(node.op.mask):
            op = node.op
            return sum(bytes_of(self.types.of(node.inputs[slot.index])) for slot in (op.k, op.v))
        return 0


def _looks_back(mask: Mask | None) -> bool:
    """Whether no place sees a later one."""
    if isinstance(mask, Combined) and mask.operator == "and":
        return _looks_back(mask.left) or _looks_back(mask.right)
    return isinstance(mask, Causal)
