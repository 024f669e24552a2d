"""How many parameters a model has: unique tensors, exact, each region counted once and multiplied by its uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archdsl.analysis.weights import Owned, Part, model_weights, numel, own_weights, parts
from archdsl.network.types import Network, Path, Region

_BYTES = {
    "float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int16": 2,
    "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Parameters:
    """Numbers held in weights: those that are trained, those that are frozen, and buffers, as PyTorch counts them.

    ``float_numbers`` are those of the dtype the model is built in, ``other_bytes`` what all others take.
    """

    trainable: int = 0
    frozen: int = 0
    buffers: int = 0
    tensors: int = 0
    float_numbers: int = 0
    other_bytes: int = 0

    @property
    def total(self) -> int:
        return self.trainable + self.frozen

    def bytes(self, per_number: int = 4) -> int:
        """What parameters and buffers take where a float takes ``per_number`` bytes."""
        return self.float_numbers * per_number + self.other_bytes

    def __add__(self, other: Parameters) -> Parameters:
        return Parameters(
            self.trainable + other.trainable,
            self.frozen + other.frozen,
            self.buffers + other.buffers,
            self.tensors + other.tensors,
            self.float_numbers + other.float_numbers,
            self.other_bytes + other.other_bytes,
        )

    def __mul__(self, times: int) -> Parameters:
        return Parameters(
            self.trainable * times,
            self.frozen * times,
            self.buffers * times,
            self.tensors * times,
            self.float_numbers * times,
            self.other_bytes * times,
        )

    def all_frozen(self) -> Parameters:
        """The same weights where none is trained."""
        return Parameters(0, self.total, self.buffers, self.tensors, self.float_numbers, self.other_bytes)


NOTHING = Parameters()


class ParameterCounter:
    """Counts regions, each once, however often it is used."""

    def __init__(self) -> None:
        self._regions: dict[Region, Parameters] = {}
        self._unions: dict[tuple[Region, Region], Parameters] = {}

    def region(self, region: Region) -> Parameters:
        """What the region owns, with all that is in it; layers handed to it belong to others."""
        if region not in self._regions:
            own = sum((count_owned(item) for item in own_weights(region)), NOTHING)
            self._regions[region] = sum((self.part(item) for item in parts(region)), own)
        return self._regions[region]

    def part(self, part: Part) -> Parameters:
        """What one part of a region holds in all its rounds."""
        counted = self.region(part.region) * part.times
        return counted.all_frozen() if part.frozen else counted

    def model(self, network: Network) -> Parameters:
        """The weights of both modes: one that both have at a path is one."""
        return self.union(network.inference, network.training)

    def union(self, inference: Region, training: Region) -> Parameters:
        """The weights of two regions at the same place, where equal paths are one tensor."""
        if inference is training:
            return self.region(inference)
        key = (inference, training)
        if key not in self._unions:
            self._unions[key] = self._union(inference, training)
        return self._unions[key]

    def _union(self, inference: Region, training: Region) -> Parameters:
        own = {item.path: item for item in own_weights(inference)}
        own_too = {item.path: item for item in own_weights(training)}
        inner = [part for part in parts(inference) if self.region(part.region).tensors]
        inner_too = [part for part in parts(training) if self.region(part.region).tensors]
        if not (
            _apart(own, inner_too) and _apart(own_too, inner) and _distinct(inner) and _distinct(inner_too)
        ):
            return self._listed(inference, training)
        counted = sum((count_owned(item) for item in {**own_too, **own}.values()), NOTHING)
        others = {part.path: part for part in inner_too}
        for part in inner:
            other = others.pop(part.path, None)
            counted += self.part(part) if other is None else self._pair(part, other)
        return sum((self.part(part) for part in others.values()), counted)

    def _pair(self, part: Part, other: Part) -> Parameters:
        """Two parts at one path: their common rounds as pairs, and what one has beyond the other."""
        if part.numbered != other.numbered or (part.numbered and part.first != other.first):
            return self.part(part) + self.part(other)
        common = min(part.times, other.times)
        counted = self.union(part.region, other.region) * common
        counted += self.region(part.region) * (part.times - common)
        counted += self.region(other.region) * (other.times - common)
        return counted.all_frozen() if part.frozen and other.frozen else counted

    def _listed(self, inference: Region, training: Region) -> Parameters:
        """Where the two are cut up differently: path by path."""
        from archdsl.analysis.weights import all_weights

        found: dict[Path, Owned] = {}
        for region in (inference, training):
            for item in all_weights(region):
                found.setdefault(item.path, item)
        return sum((count_owned(item) for item in found.values()), NOTHING)


def _apart(own: Iterable[Path], inner: list[Part]) -> bool:
    """Whether no weight of the one lies inside a part of the other."""
    return not any(path[: len(part.path)] == part.path for path in own for part in inner)


def _distinct(inner: list[Part]) -> bool:
    """Whether no part lies inside, or beside another under the same path."""
    places = {part.path for part in inner}
    if len(places) != len(inner):
        return False
    return not any(path[:length] in places for path in places for length in range(len(path)))


def count_owned(item: Owned) -> Parameters:
    """One weight."""
    size = numel(item.weight)
    dtype = item.weight.dtype
    floats, others = (size, 0) if dtype == "float32" else (0, size * _BYTES.get(dtype, 4))
    if item.weight.kind == "parameter":
        trainable = 0 if item.frozen else size
        return Parameters(trainable, size - trainable, 0, 1, floats, others)
    if item.weight.kind == "buffer":
        return Parameters(0, 0, size, 1, floats, others)
    return NOTHING


def count_parameters(network: Network) -> Parameters:
    """The weights of a model."""
    return ParameterCounter().model(network)


__all__ = ["ParameterCounter", "Parameters", "count_owned", "count_parameters", "model_weights"]
