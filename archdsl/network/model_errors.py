"""One named constructor for each thing the elaborator has to say of sizes, weights, outputs and files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics import Diagnostic
from archdsl.network.suggestions import did_you_mean, suggest
from archdsl.source import Span

# ---------------------------------------------------------------------------------------------- sizes and conditions


def undecided_condition(text: str, condition: str | None, reason: str | None, span: Span) -> Diagnostic:
    help = (
        f"say `expect {condition}` in the model"
        if condition
        else "say in the model, with `expect`, which holds"
    )
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


def claim_fails(
    text: str, left: str, right: str, condition: str | None, reason: str | None, span: Span
) -> Diagnostic:
    if condition:
        return Diagnostic(
            "E0701",
            f"this holds only when {condition}",
            span,
            notes=(f"{left} against {right}",),
            help=(f"say `expect {condition}` in the model if only such sizes are meant",),
        )
    notes = (f"{left} against {right}",) if left or right else ()
    return Diagnostic(
        "E0701", f"`{text}` does not hold", span, notes=(*notes, *((reason,) if reason else ()))
    )


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
        "E0803",
        f"the layer `{name}` would need other weights here than at its first use",
        span,
        notes=(details,),
    )


def no_such_weight(layer: str, weight: str, span: Span, known: Sequence[str]) -> Diagnostic:
    help = (f"it has {', '.join(known)}",) if known else ("use the layer before its weight",)
    return Diagnostic("E0804", f"the layer `{layer}` has no weight `{weight}` here", span, help=help)


def no_input(model: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0805",
        f"the model `{model}` declares no input",
        span,
        help=("write `input x: [B, 3, H=32, W=32]` first",),
    )


def no_output(model: str, what: str, span: Span) -> Diagnostic:
    return Diagnostic("E0806", f"the model `{model}` ends in {what}, not in a tensor", span)


def unused_value(name: str, span: Span) -> Diagnostic:
    return Diagnostic("W0801", f"`{name}` is never used", span, help=("leave it out",))


# ----------------------------------------------------------------------------------------------------- files and use


def cannot_use(path: str, why: str, span: Span) -> Diagnostic:
    return Diagnostic("E0901", f'can\'t use "{path}": {why}', span)


def not_in_file(name: str, path: str, span: Span, known: Iterable[str]) -> Diagnostic:
    return Diagnostic("E0902", f'"{path}" has no `{name}`', span, help=did_you_mean(suggest(name, known)))


def import_cycle(chain: Sequence[str], span: Span) -> Diagnostic:
    return Diagnostic("E0903", "the files use each other in a circle", span, notes=(" -> ".join(chain),))


def wrong_setting(model: str, name: str, known: Sequence[str], span: Span) -> Diagnostic:
    found = suggest(name, known)
    return Diagnostic(
        "E0904",
        f"the model `{model}` has no parameter `{name}`",
        span,
        help=did_you_mean(found) or ((f"it has {', '.join(known)}",) if known else ("it has none",)),
    )
