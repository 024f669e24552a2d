"""What operators say when they can't take what they are given: one named constructor per kind; no spans here."""

from __future__ import annotations

from archdsl.dims import Dim, render
from archdsl.tensors import TensorType


class OperatorError(Exception):
    """An operator's refusal. The elaborator adds the place and turns it into a diagnostic.

    ``argument`` names the argument at fault, where there is one, so that the caret can point at it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        help: str = "",
        notes: tuple[str, ...] = (),
        argument: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.notes, self.argument = code, message, help, notes, argument


def shape_mismatch(
    what: str, left: object, right: object, condition: str | None = None, reason: str | None = None
) -> OperatorError:
    """Two shapes or sizes that must be equal and are not for every allowed size (E0401)."""
    if condition is not None:
        return OperatorError(
            "E0402",
            f"{what}: {left} and {right} are equal only when {condition}",
            help=f"say `expect {condition}` in the model, or make the sizes equal",
        )
    notes = (reason,) if reason else ()
    return OperatorError("E0401", f"{what}: {left} against {right}", notes=notes)


def undecided_size(what: str, reason: str) -> OperatorError:
    """A comparison of sizes that the proofs can't decide (E0403)."""
    return OperatorError("E0403", f"{what}: can't be decided for all allowed sizes: {reason}")


def wrong_rank(operator: str, want: str, got: TensorType) -> OperatorError:
    """``conv`` on tokens, ``linear`` on a scalar (E0404)."""
    return OperatorError(
        "E0404", f"{operator} wants {want}, and the tensor here has shape {got} ({got.rank} dims)"
    )


def wrong_dtype(operator: str, want: str, got: TensorType) -> OperatorError:
    """Integers where floats are needed, floats as indices (E0405)."""
    return OperatorError("E0405", f"{operator} wants {want}, and the tensor here is {got.dtype}")


def too_small(what: str, arithmetic: str, got: Dim, least: int = 1) -> OperatorError:
    """A size that can never reach what is needed: a kernel larger than the image (E0406)."""
    return OperatorError(
        "E0406", f"{what} would be {render(got)}, and must be at least {least}", notes=(arithmetic,)
    )


def not_divisible(
    what: str, size: Dim, by: int, condition: str | None = None, argument: str | None = None
) -> OperatorError:
    """Groups, heads, shuffles and patterns that don't divide what they split (E0407)."""
    if condition is not None:
        return OperatorError(
            "E0407",
            f"{what}: {render(size)} is a multiple of {by} only when {condition}",
            help=f"say `expect {condition}` in the model",
            argument=argument,
        )
    return OperatorError("E0407", f"{what}: {render(size)} is not a multiple of {by}", argument=argument)


def free_weight_size(what: str, size: Dim) -> OperatorError:
    """A weight whose shape would depend on a free size (E0408)."""
    return OperatorError(
        "E0408",
        f"{what} would be {render(size)}, and the shape of a weight can't depend on a free size",
        help="write a number in the input's shape, or pool adaptively before this",
    )


def bad_argument(argument: str, message: str, help: str = "") -> OperatorError:
    """An argument whose value is out of range or doesn't fit the others (E0501)."""
    return OperatorError("E0501", message, help=help, argument=argument)


def bad_pattern(message: str, help: str = "") -> OperatorError:
    """An einops or einsum pattern that can't be read or doesn't fit the shape (E0502)."""
    return OperatorError("E0502", message, help=help, argument="pattern")


def bad_dim(operator: str, dim: int, got: TensorType) -> OperatorError:
    """A ``dim=`` that the tensor doesn't have (E0409)."""
    return OperatorError(
        "E0409", f"{operator}: dim={dim}, and the tensor has {got.rank} dims: {got}", argument="dim"
    )


def padding_not_written(kernel: int, stride: int, side: str = "") -> OperatorError:
    """A convolution whose padding can't be guessed: an even kernel, or one no larger than the stride (E0503)."""
    where = f" along the {side}" if side else ""
    why = "even" if kernel % 2 == 0 else f"not larger than the stride of {stride}"
    return OperatorError(
        "E0503",
        f"padding must be written: a kernel of {kernel}{where} is {why}, so no padding is the obvious one",
        help="write padding=0, or the number you need",
        argument="padding",
    )


def unknown_features(operator: str, got: TensorType) -> OperatorError:
    """``norm`` where nothing says which dim holds the features (E0504)."""
    return OperatorError(
        "E0504",
        f"{operator} can't tell which dim of {got} holds the features",
        help="write batch_norm (features at dim 1) or layer_norm (features last)",
    )
