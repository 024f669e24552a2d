"""What a model takes and gives: its parameters as keywords, its outputs as a tensor or a named tuple."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archdsl.backend.code import Call, Expr, Name, Return, Stmt
from archdsl.backend.names import camel, minted, unique
from archdsl.backend.printer import literal
from archdsl.network.types import Network

BUILT_FOR = '''def built_for(**parameters: tuple) -> None:
    """Refuse parameters that this file was not built for: build again for others."""
    for name, (given, built) in parameters.items():
        if (tuple(given) if isinstance(given, list) else given) != built:
            raise ValueError(f"{name} must be {built}: this file was built for it")'''


def writable(value: Any) -> bool:
    try:
        literal(value)
    except TypeError:
        return False
    return True


@dataclass(eq=False)
class Result:
    """What the model returns: a tensor, or a named tuple where there are several or any for training."""

    tuple_name: str
    fields: dict[str, str]  # the author's names and the minted ones
    optional: set[str]
    inference: tuple[str, ...]
    training: tuple[str, ...]

    @staticmethod
    def of(network: Network, model: str | None = None) -> Result:
        inference, training = network.inference.output_names, network.training.output_names
        every = list(dict.fromkeys((*inference, *training)))
        fields: dict[str, str] = {}
        for name in every:
            fields[name] = unique(minted(name, "out"), set(fields.values()) | {"count", "index"})
        several = len(every) > 1
        optional = {n for n in every if n not in inference or n not in training}
        name = f"{camel(model or network.name)}Output" if several else ""
        return Result(name, fields, optional, inference, training)

    def finish(self, values: list[Expr], training: bool) -> list[Stmt]:
        names = self.training if training else self.inference
        if not self.tuple_name:
            return [Return(values[0])]
        kwargs = tuple((self.fields[n], v) for n, v in zip(names, values, strict=True))
        return [Return(Call(Name(self.tuple_name), (), kwargs))]

    def class_text(self) -> str:
        ordered = [n for n in self.fields if n not in self.optional] + [
            n for n in self.fields if n in self.optional
        ]
        rows = [
            f"    {self.fields[n]}: Tensor" + (" | None = None" if n in self.optional else "")
            for n in ordered
        ]
        return "\n".join([f"class {self.tuple_name}(NamedTuple):", *rows])
