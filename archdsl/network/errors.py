"""One named constructor for each thing the elaborator has to say of names, arguments, blocks and loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from archdsl.diagnostics import Diagnostic, Fix
from archdsl.network.suggestions import FOREIGN, did_you_mean, suggest
from archdsl.source import Span


def unknown_name(name: str, span: Span, known: Iterable[str]) -> Diagnostic:
    foreign = FOREIGN.get(name.lower())
    found = [foreign] if foreign else suggest(name, known)
    fixes = (Fix(span, found[0], f"write {found[0]}"),) if len(found) == 1 else ()
    return Diagnostic("E0301", f"nothing is named `{name}`", span, help=did_you_mean(found), fixes=fixes)


def duplicate_name(name: str, span: Span, kind: str) -> Diagnostic:
    return Diagnostic(
        "E0302", f"there is a {kind} `{name}` already", span, help=("give one of the two another name",)
    )


def not_a_recipe(what: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0303",
        f"{what} can't be called",
        span,
        help=("only operators, blocks, layers and models take arguments",),
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
    return Diagnostic(
        "E0306", f"`{label}` can't be a place's name: {why}", span, help=("choose another label with `as`",)
    )


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


def initialiser_on_wire(name: str, span: Span) -> Diagnostic:
    """``conv(8) -> identity``: a name that PyTorch has for something else."""
    diagnostic = wrong_kind("a pipe", "a function of the wire", f"the initialiser {name}", span)
    starts = f"an initialiser says how weights start: `weight_init={name}`"
    return replace(diagnostic, help=("the wire itself is `id`", starts) if name == "identity" else (starts,))


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


def too_deep(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0602", "blocks and expressions stand too deep inside each other", span, help=("write it less deep",)
    )


def bad_count(got: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0603", f"`repeat` wants a whole number of rounds, at least 0, and this is {got}", span
    )


def not_a_list(got: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0604",
        f"`for` wants a list, and this is {got}",
        span,
        help=("`range(n)` counts, `[a, b]` is a list",),
    )


def changing_loop(what: str, span: Span) -> Diagnostic:
    return Diagnostic("E0605", what, span)


# ------------------------------------------------------------------------------------------------------- arguments


def unknown_argument(callee: str, name: str, span: Span, known: Iterable[str]) -> Diagnostic:
    known = list(known)
    found = suggest(name, known)
    listing = f"it takes {', '.join(known)}" if known else "it takes no arguments"
    fixes = (Fix(span, found[0], f"write {found[0]}"),) if len(found) == 1 else ()
    return Diagnostic(
        "E0510",
        f"`{callee}` has no argument `{name}`",
        span,
        help=did_you_mean(found) or (listing,),
        fixes=fixes,
    )


def missing_argument(callee: str, name: str, span: Span) -> Diagnostic:
    return Diagnostic("E0511", f"`{callee}` needs `{name}`", span, help=(f"write `{callee}({name}=...)`",))


def repeated_argument(callee: str, name: str, span: Span) -> Diagnostic:
    return Diagnostic("E0512", f"`{callee}` is given `{name}` twice", span)


def too_many_arguments(callee: str, takes: int, span: Span) -> Diagnostic:
    few = (
        "no arguments"
        if takes == 0
        else "one positional argument"
        if takes == 1
        else f"{takes} positional arguments"
    )
    return Diagnostic("E0513", f"`{callee}` takes {few}, and here is one more", span)


def wrong_argument(callee: str, name: str, want: str, got: str, span: Span) -> Diagnostic:
    return Diagnostic("E0514", f"`{name}` of `{callee}` must be {want}, and this is {got}", span)


def bad_choice(callee: str, name: str, got: str, choices: Sequence[str], span: Span) -> Diagnostic:
    return Diagnostic(
        "E0515",
        f"`{name}` of `{callee}` can't be `{got}`",
        span,
        help=(*did_you_mean(suggest(got, choices)), f"it can be {', '.join(choices)}"),
    )


def out_of_range(callee: str, name: str, limit: str, got: object, span: Span) -> Diagnostic:
    return Diagnostic("E0516", f"`{name}` of `{callee}` must be {limit}, and this is {got}", span)
