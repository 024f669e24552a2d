"""One named constructor for each thing the elaborator has to say: code, cause, and what to type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Diagnostic, Fix
from archdsl.source import Span


def suggest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that a misspelt one may have meant: at most a third of its letters differ."""
    candidates = sorted(set(known))
    exact = [k for k in candidates if k.lower().replace("_", "") == name.lower().replace("_", "")]
    close = difflib.get_close_matches(name, candidates, n=3, cutoff=0.67)
    return list(dict.fromkeys(exact + close))[:3]


def _did_you_mean(found: Sequence[str]) -> tuple[str, ...]:
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
    "identity": "id", "skip": "id", "transpose": "rearrange", "matmul": "@", "scaled_dot_product_attention": "attention",
}  # fmt: skip


def unknown_name(name: str, span: Span, known: Iterable[str]) -> Diagnostic:
    foreign = FOREIGN.get(name.lower())
    found = [foreign] if foreign else suggest(name, known)
    fixes = (Fix(span, found[0], f"write {found[0]}"),) if len(found) == 1 else ()
    return Diagnostic("E0301", f"nothing is named `{name}`", span, help=_did_you_mean(found), fixes=fixes)


def duplicate_name(name: str, span: Span, kind: str) -> Diagnostic:
    return Diagnostic(
        "E0302", f"there is a {kind} `{name}` already", span, help=("give one of the two another name",)
    )


def not_a_recipe(what: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0303", f"{what} can't be called", span, help=("only operators, blocks, layers and models take arguments",)
    )


def recipe_as_value(what: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0304",
        f"{what} is a recipe, and recipes can't be stored with `=`",
        span,
        help=("write `block name = ...` for a recipe, `layer name = ...` for one set of weights",),
    )


def no_wire(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0305",
        "there is no wire here: the model has several inputs",
        span,
        help=("start the pipe from a name: `src -> ...`",),
    )


def bad_label(label: str, why: str, span: Span) -> Diagnostic:
    return Diagnostic("E0306", f"`{label}` can't be a place's name: {why}", span, help=("choose another label",))


def duplicate_path(path: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0307",
        f"two weights would be stored at `{path}`",
        span,
        help=("give one of the two another label with `as`",),
    )


def misplaced(statement: str, where: str, span: Span, help: str = "") -> Diagnostic:
    return Diagnostic("E0308", f"`{statement}` has no place {where}", span, help=(help,) if help else ())


def wrong_kind(what: str, want: str, got: str, span: Span) -> Diagnostic:
    return Diagnostic("E0309", f"{what} wants {want}, and this is {got}", span)


def not_whole(text: str, span: Span, help: str) -> Diagnostic:
    return Diagnostic("E0310", f"{text} is not whole", span, help=(help,))


def bad_operands(operator: str, left: str, right: str, span: Span) -> Diagnostic:
    return Diagnostic("E0311", f"`{operator}` can't take {left} and {right}", span)


def bad_attribute(name: str, what: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0312",
        f"{what} has no `.{name}`",
        span,
        help=("there are `.T` and `.shape` of tensors, `.weight` and `.bias` of layers",),
    )


def bad_index(message: str, span: Span, help: str = "") -> Diagnostic:
    return Diagnostic("E0313", message, span, help=(help,) if help else ())


def unpack_mismatch(names: int, values: str, span: Span) -> Diagnostic:
    return Diagnostic("E0314", f"{names} names can't be filled from {values}", span)


# ------------------------------------------------------------------------------------------------------- arguments


def unknown_argument(callee: str, name: str, span: Span, known: Iterable[str]) -> Diagnostic:
    known = list(known)
    found = suggest(name, known)
    listing = f"it takes {', '.join(known)}" if known else "it takes no arguments"
    fixes = (Fix(span, found[0], f"write {found[0]}"),) if len(found) == 1 else ()
    return Diagnostic(
        "E0510", f"`{callee}` has no argument `{name}`", span, help=_did_you_mean(found) or (listing,), fixes=fixes
    )


def missing_argument(callee: str, name: str, span: Span) -> Diagnostic:
    return Diagnostic("E0511", f"`{callee}` needs `{name}`", span, help=(f"write `{callee}({name}=...)`",))


def repeated_argument(callee: str, name: str, span: Span) -> Diagnostic:
    return Diagnostic("E0512", f"`{callee}` is given `{name}` twice", span)


def too_many_arguments(callee: str, takes: int, span: Span) -> Diagnostic:
    few = "no arguments" if takes == 0 else "one positional argument" if takes == 1 else f"{takes} positional arguments"
    return Diagnostic("E0513", f"`{callee}` takes {few}, and here is one more", span)


def wrong_argument(callee: str, name: str, want: str, got: str, span: Span) -> Diagnostic:
    return Diagnostic("E0514", f"`{name}` of `{callee}` must be {want}, and this is {got}", span)


def bad_choice(callee: str, name: str, got: str, choices: Sequence[str], span: Span) -> Diagnostic:
    return Diagnostic(
        "E0515",
        f"`{name}` of `{callee}` can't be `{got}`",
        span,
        help=(*_did_you_mean(suggest(got, choices)), f"it can be {', '.join(choices)}"),
    )


def out_of_range(callee: str, name: str, limit: str, got: object, span: Span) -> Diagnostic:
    return Diagnostic("E0516", f"`{name}` of `{callee}` must be {limit}, and this is {got}", span)


# ------------------------------------------------------------------------------------------ blocks, loops and limits


def endless_recursion(chain: Sequence[str], span: Span) -> Diagnostic:
    return Diagnostic(
        "E0601",
        f"`{chain[-1]}` calls itself with the same arguments and never ends",
        span,
        notes=(" -> ".join(chain),),
        help=("let an argument shrink and stop with `if`",),
    )


def limit_reached(what: str, limit: int, name: str, span: Span, chain: Sequence[str] = ()) -> Diagnostic:
    return Diagnostic(
        "E0602",
        f"{what}: the limit is {limit}",
        span,
        notes=(" -> ".join(chain),) if chain else (),
        help=(f"raise it with `--limit {name}=N` if the program is meant to be so large",),
    )


def bad_count(got: str, span: Span) -> Diagnostic:
    return Diagnostic("E0603", f"`repeat` wants a whole number of rounds, at least 0, and this is {got}", span)


def not_a_list(got: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0604",
        f"`for` wants a list, and this is {got}",
        span,
        help=("`range(n)` counts, `[a, b]` is a list",),
    )


def changing_loop(what: str, span: Span) -> Diagnostic:
    return Diagnostic("E0605", what, span)


# ---------------------------------------------------------------------------------------------- sizes and conditions


def undecided_condition(text: str, condition: str | None, reason: str | None, span: Span) -> Diagnostic:
    help = f"say `expect {condition}` in the model" if condition else "say in the model, with `expect`, which holds"
    return Diagnostic(
        "E0411",
        f"`{text}` holds for some allowed sizes and not for others",
        span,
        notes=(reason,) if reason else (),
        help=(help,),
    )


def inexact_division(text: str, condition: str | None, by: object, span: Span) -> Diagnostic:
    if condition:
        return Diagnostic(
            "E0412",
            f"{text} is exact only when {condition}",
            span,
            help=(f"say `expect {condition}` in the model, or write `//` for the floor",),
        )
    return Diagnostic("E0412", f"{text} is not exact", span, help=("write `//` for the floor",))


def claim_fails(text: str, left: str, right: str, condition: str | None, reason: str | None, span: Span) -> Diagnostic:
    if condition:
        return Diagnostic(
            "E0701",
            f"this holds only when {condition}",
            span,
            notes=(f"{left} against {right}",),
            help=(f"say `expect {condition}` in the model if only such sizes are meant",),
        )
    notes = (f"{left} against {right}",) if left or right else ()
    return Diagnostic("E0701", f"`{text}` does not hold", span, notes=(*notes, *((reason,) if reason else ())))


def unusable_assumption(text: str, reason: str, span: Span) -> Diagnostic:
    return Diagnostic("E0702", f"`{text}` can't be used as an assumption: {reason}", span)


def contradiction(text: str, span: Span) -> Diagnostic:
    return Diagnostic("E0703", f"`{text}` leaves no allowed size at all", span)


# ------------------------------------------------------------------------------------------- weights, inputs, outputs


def unreachable_weights(what: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0801",
        f"the weights of {what} reach no output",
        span,
        help=("use its result, or leave it out",),
    )


def unused_layer(name: str, span: Span) -> Diagnostic:
    return Diagnostic("E0802", f"the layer `{name}` is never used", span, help=("use it, or leave it out",))


def different_weights(name: str, details: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0803", f"the layer `{name}` would need other weights here than at its first use", span, notes=(details,)
    )


def no_such_weight(layer: str, weight: str, span: Span, known: Sequence[str]) -> Diagnostic:
    help = (f"it has {', '.join(known)}",) if known else ("use the layer before its weight",)
    return Diagnostic("E0804", f"the layer `{layer}` has no weight `{weight}` here", span, help=help)


def no_input(model: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0805", f"the model `{model}` declares no input", span, help=("write `input x: [B, 3, H=32, W=32]` first",)
    )


def no_output(model: str, what: str, span: Span) -> Diagnostic:
    return Diagnostic("E0806", f"the model `{model}` ends in {what}, not in a tensor", span)


def unused_value(name: str, span: Span) -> Diagnostic:
    return Diagnostic("W0801", f"`{name}` is never used", span, help=("leave it out",))


# ----------------------------------------------------------------------------------------------------- files and use


def cannot_use(path: str, why: str, span: Span) -> Diagnostic:
    return Diagnostic("E0901", f'can\'t use "{path}": {why}', span)


def not_in_file(name: str, path: str, span: Span, known: Iterable[str]) -> Diagnostic:
    return Diagnostic("E0902", f'"{path}" has no `{name}`', span, help=_did_you_mean(suggest(name, known)))


def import_cycle(chain: Sequence[str], span: Span) -> Diagnostic:
    return Diagnostic("E0903", "the files use each other in a circle", span, notes=(" -> ".join(chain),))


def wrong_setting(model: str, name: str, known: Sequence[str], span: Span) -> Diagnostic:
    found = suggest(name, known)
    return Diagnostic(
        "E0904",
        f"the model `{model}` has no parameter `{name}`",
        span,
        help=_did_you_mean(found) or ((f"it has {', '.join(known)}",) if known else ("it has none",)),
    )
