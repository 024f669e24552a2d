"""The command line: what can be typed, and nothing else. What a command does is in archdsl.commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from archdsl import __version__

_TARGET = "FILE[:MODEL], zoo:NAME, or - for standard input"


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--root", metavar="DIR", help="how far `use` may reach (default: the folder of the file)"
    )
    common.add_argument(
        "--limit", metavar="NAME=N", action="append", default=[], help="raise or lower a limit"
    )
    common.add_argument(
        "--plugin", metavar="MODULE", action="append", default=[], help="operators of your own"
    )

    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("target", metavar="FILE[:MODEL]", help=_TARGET)
    model.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a model's parameter")
    model.add_argument("--at", metavar="B=8,T=64", action="append", default=[], help="numbers for sizes")

    top = argparse.ArgumentParser(
        prog="archdsl",
        allow_abbrev=False,
        description="Check, count, draw and build neural networks from one text.",
    )
    top.add_argument("--version", action="version", version=f"archdsl {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, help: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=help, description=help, parents=[*parents, common], allow_abbrev=False
        )

    _build(add("build", "check, draw, write model.py, build the module and run it once", model))

    check = add("check", "say what is wrong; nothing is written")
    check.add_argument("files", metavar="FILE", nargs="+", help=_TARGET)
    formats = ["human", "short", "json", "sarif", "github"]
    check.add_argument("--format", choices=formats, default="human")
    check.add_argument("--emit", choices=["tree", "network"], help="print what a stage made")
    check.add_argument("--fix", action="store_true", help="write the edits that the messages propose")

    summary = add("summary", "the table of figures", model)
    summary.add_argument("--format", choices=["table", "json", "csv", "md", "latex"], default="table")
    summary.add_argument("--field", metavar="total.params", help="one figure by its place in the JSON")
    summary.add_argument(
        "--expand", metavar="PATH", action="append", default=[], help="open what is folded there"
    )

    summary.add_argument(
        "--symbolic", action="store_true", help="the figures as formulas over parameters and sizes"
    )
    summary.add_argument("--train", action="store_true", help="those of the training graph, and its memory")
    summary.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    summary.add_argument(
        "--attention", choices=["fused", "math"], default="fused", help="whether scores are written down"
    )
    summary.add_argument("--fits", metavar="24GiB", help="the largest batch within so much memory")
    summary.add_argument("--for", dest="size", metavar="B", help="the size that --fits looks for")

    render = add("render", "the drawing; the file's ending says the format", model)
    drawn = "a file that ends in .svg, .pdf, .png, .tex, .mmd, .dot or .html, or - for standard output"
    formats = ["svg", "png", "pdf", "dot", "mermaid", "tikz", "html"]
    render.add_argument("-o", "--output", metavar="OUT", required=True, help=drawn)
    render.add_argument("--format", choices=formats, help="where the ending doesn't say it")
    render.add_argument("--expand", metavar="PATH", action="append", default=[], help="draw what is inside")
    render.add_argument("--fold", metavar="PATH", action="append", default=[], help="draw one box")
    render.add_argument("--direction", choices=["down", "up", "right", "left"], default="down")
    render.add_argument(
        "--theme",
        choices=["light", "dark", "auto"],
        help="auto: as the reader's screen is (SVG, and the default of HTML)",
    )
    render.add_argument(
        "--color-by", choices=["role", "params", "macs", "memory"], default="role", help="what colours say"
    )
    render.add_argument("--open", action="store_true", help="show the file when it is written")
    render.add_argument("--engine", choices=_ENGINES, default="own", help=_ENGINE)

    fmt = add("fmt", "the one formatter")
    fmt.add_argument(
        "files", metavar="FILE", nargs="+", help="files to rewrite, or - for standard input to output"
    )
    fmt.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where something would change"
    )
    fmt.add_argument("--diff", action="store_true", help="write nothing; show what would change")

    explain = add("explain", "the page on an error")
    explain.add_argument(
        "code", metavar="CODE", nargs="?", help="E0401, or E04 for all of a stage; none lists all"
    )

    _solve(add("solve", "the largest value of a parameter or size within a budget", model))

    _diff(add("diff", "what changed between two models"))

    ops = add("ops", "operators and standard blocks")
    ops.add_argument("name", metavar="NAME", nargs="?", help="the page of one")

    zoo = add("zoo", "the specs that ship with the package, with their figures")
    zoo.add_argument("--format", choices=["table", "json", "md"], default="table")
    return top


_ENGINES = ["own", "wasm", "system"]
_ENGINE = "who draws the picture we laid out: archdsl itself, or Graphviz, packaged or the system's"


def _build(build: argparse.ArgumentParser) -> None:
    build.add_argument("-o", "--output", metavar="DIR", help="where to write; made if missing")
    build.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    build.add_argument("--dtype", default="float32", help="float32, bfloat16, float16, float64")
    build.add_argument("--compile", choices=["auto", "none", "regional", "whole"], default="auto")
    build.add_argument("--verify", choices=["none", "eager", "compiled"], default=None)
    build.add_argument("--engine", choices=_ENGINES, default="own", help=_ENGINE)
    build.add_argument("--weights", metavar="F.safetensors", help="weights to load")
    build.add_argument("--seed", type=int, default=0)
    build.add_argument("--force", action="store_true", help="replace files that archdsl did not write")
    build.add_argument(
        "--emit", choices=["tree", "network", "dot", "fx", "python"], help="print what a stage made"
    )


def _solve(solve: argparse.ArgumentParser) -> None:
    solve.add_argument(
        "--for",
        dest="variable",
        metavar="NAME",
        required=True,
        help="a parameter (d, layers[2]) or a size (T)",
    )
    solve.add_argument("--params", metavar="1e9", help="so many parameters at most")
    solve.add_argument("--macs", metavar="5G", help="so many multiply-accumulates at most")
    solve.add_argument(
        "--memory", metavar="24GiB", help="so much memory at most: weights and what runs beside them"
    )
    solve.add_argument(
        "--train", action="store_true", help="memory, and all figures, are those of training with Adam"
    )
    solve.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    solve.add_argument("--attention", choices=["fused", "math"], default="fused")
    solve.add_argument("--step", metavar="N", help="multiples of N only (default: as the model allows)")
    solve.add_argument("--format", choices=["text", "json"], default="text")


def _diff(diff: argparse.ArgumentParser) -> None:
    diff.add_argument("before", metavar="A", help=_TARGET)
    diff.add_argument("after", metavar="B", help=_TARGET)
    for option, whose in (("--set", "both models"), ("--set-a", "A"), ("--set-b", "B")):
        diff.add_argument(
            option, metavar="NAME=VALUE", action="append", default=[], help=f"a parameter of {whose}"
        )
    diff.add_argument("--at", metavar="B=8,T=64", action="append", default=[], help="numbers for sizes")
    diff.add_argument("--format", choices=["text", "json"], default="text")
    drawn = (
        "a drawing of the changes as well; a file that ends in .svg, .html, .pdf, .png, .tex, .mmd or .dot"
    )
    diff.add_argument("-o", "--output", metavar="OUT", help=drawn)
    diff.add_argument("--exit-code", action="store_true", help="exit 1 where something differs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. No exception leaves it but argparse's exit."""
    from archdsl.commands.guard import guarded

    given = sys.argv[1:] if arguments is None else list(arguments)
    # A space keeps argparse from taking `-:model` for an option.
    parsed = parser().parse_args([f"{text} " if text.startswith("-:") else text for text in given])

    def command() -> int:
        code: int = import_module(f"archdsl.commands.{parsed.command}").run(parsed)
        return code

    return guarded(command, given)


if __name__ == "__main__":
    sys.exit(main())
