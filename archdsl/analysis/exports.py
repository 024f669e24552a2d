"""The summary for other programs: JSON (a contract), CSV, Markdown, LaTeX, and one figure by its name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from archdsl.analysis.memory import OPTIMIZER
from archdsl.analysis.parameters import ParameterCounter, Parameters
from archdsl.analysis.receptive_field import ReceptiveField, receptive_field
from archdsl.analysis.summary import Row, Summary
from archdsl.analysis.tables import HEAD, cells, table_lines, title, totals
from archdsl.dims import Dim, render
from archdsl.network.types import Network
from archdsl.tensors import TensorType
from archdsl.terminal_text import escape

MOST_ROWS = 10_000
"""So many operators are listed; beyond, regions are given as one row each."""


class FieldError(Exception):
    """A figure that doesn't exist."""


def as_data(summary: Summary) -> dict[str, Any]:
    """The JSON of ``summary --format json``."""
    network = summary.network
    inference, training = network.inference, network.training
    return {
        "schema": 1,
        "model": network.name,
        "file": network.span.source.name,
        "at": dict(summary.sizes),
        "inputs": {item.name: _tensor(summary, item.type) for item in network.inputs},
        "outputs": {
            name: _tensor(summary, value.type)
            for name, value in zip(inference.output_names, inference.outputs, strict=True)
        },
        "outputs_training": {
            name: _tensor(summary, value.type)
            for name, value in zip(training.output_names, training.outputs, strict=True)
        },
        "conditions": list(summary.conditions),
        "total": total(summary),
        "rows": [_row(summary, row) for row in summary.leaves(MOST_ROWS)],
    }


def total(summary: Summary, memory: bool = True) -> dict[str, Any]:
    """The figures of the whole model; those of memory cost a walk of their own."""
    macs = summary.work.macs
    sizeless = _sizeless(summary.parameters, summary.receptive_field)
    return {
        **{name: sizeless[name] for name in ("params", "params_trainable", "buffers")},
        "macs": macs.total,
        "macs_attention_full": macs.attention_full,
        "macs_attention_masked": macs.attention_masked,
        "elementwise": summary.work.elementwise,
        **(memory_figures(summary) if memory else {}),
        **{name: sizeless[name] for name in ("receptive_field", "output_stride")},
        "regions": summary.regions,
        "instances": summary.instances,
        "params_frozen": summary.parameters.frozen,
        "params_tied": summary.tied,
        "flops": 2 * macs.total,
        "mode": "training" if summary.mode.train else "inference",
    }


def memory_figures(summary: Summary) -> dict[str, Any]:
    """Bytes, and what they depend on. What kernels take for themselves is not in them."""
    memory = summary.memory
    return {
        "weight_bytes": memory.weights,
        "saved_for_backward_bytes": memory.saved,
        "peak_inference_bytes": memory.peak,
        "gradient_bytes": memory.gradients,
        "optimizer_bytes": memory.optimizer,
        "key_value_cache_bytes": memory.cache,
        "training_bytes": memory.training_total,
        "inference_bytes": memory.inference_total,
        "dtype": memory.dtype,
        "attention": memory.attention,
        "optimizer": OPTIMIZER,
    }


def total_without_sizes(network: Network) -> dict[str, Any]:
    """The figures that are the same at every size: a model whose sizes have no defaults has them too."""
    return _sizeless(ParameterCounter().model(network), receptive_field(network))


def _sizeless(parameters: Parameters, field: ReceptiveField | None) -> dict[str, Any]:
    return {
        "params": parameters.total,
        "params_trainable": parameters.trainable,
        "buffers": parameters.buffers,
        "receptive_field": list(field.field) if field is not None else None,
        "output_stride": list(field.stride) if field is not None else None,
    }


def _tensor(summary: Summary, type: TensorType) -> dict[str, Any]:
    return {
        "dtype": type.dtype,
        "shape": list(summary.concrete(type).shape),
        "symbolic": [_dim(dim) for dim in type.shape],
    }


def _dim(dim: Dim) -> int | str:
    return dim if isinstance(dim, int) else render(dim)


def _row(summary: Summary, row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {
        "path": row.name,
        "op": row.op,
        "times": row.times,
        "in": [list(type.shape) for type in summary.concrete_all(row.inputs)],
        "out": [list(type.shape) for type in summary.concrete_all(row.outputs)],
        "params": row.params,
        "macs": row.macs,
        "span": list(row.span.range),
        "caption": row.caption,
        "symbolic_out": [[_dim(dim) for dim in type.shape] for type in row.outputs],
        "elementwise": row.work.elementwise,
        "file": row.span.source.name,
    }
    if row.tied_to is not None:
        data["tied_to"] = row.tied_to
    if row.training_only:
        data["training_only"] = True
    return data


def render_json(summary: Summary) -> str:
    """``as_data`` as text, the same bytes for the same model; one row on a line."""
    data = as_data(summary)
    rows = data.pop("rows")
    text = json.dumps(data, ensure_ascii=False, indent=1)
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{text[:-2]},\n "rows": [\n{lines}\n ]\n}}\n' if rows else f'{text[:-2]},\n "rows": []\n}}\n'


def field(summary: Summary, name: str) -> str:
    """One figure by its place in the JSON, ``total.params``; text as it is, the rest as JSON. Raises FieldError."""
    if name.split(".")[0] == "total":
        found: Any = {"total": total(summary)}
    else:
        found = as_data(summary)
    walked: list[str] = []
    for part in name.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            known = ", ".join(found) if isinstance(found, dict) else ""
            place = ".".join(walked) or "the summary"
            raise FieldError(f"there is no {part!r} in {place}" + (f": it has {known}" if known else ""))
        walked.append(part)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = escape(text)
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") else text


def render_csv(summary: Summary) -> str:
    """Every operator on a line, figures in full."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["path", "op", "caption", "times", "out", "params", "params_total", "macs", "macs_total", "tied_to"]
    )
    for row in summary.leaves(MOST_ROWS):
        shape = " ".join("x".join(map(str, type.shape)) for type in summary.concrete_all(row.outputs))
        texts = [_guarded(text) for text in (row.name, row.op, row.caption)]
        numbers = [row.params, row.params * row.times, row.macs, row.macs * row.times]
        writer.writerow([*texts, row.times, _guarded(shape), *numbers, _guarded(row.tied_to or "")])
    return out.getvalue()


_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\|`*_<>[]#~"} | {"\n": " "})


def render_markdown(summary: Summary, expand: Sequence[str] = ()) -> str:
    """A table of GitHub's Markdown, folded as the text is."""
    lines = table_lines(summary, expand)
    rows = [
        [("&nbsp;&nbsp;" * line.depth) + text.strip().translate(_MARKDOWN) if i == 0 else text.translate(_MARKDOWN)
         for i, text in enumerate(cells(summary, line))]
        for line in lines
    ]  # fmt: skip
    head = [f"| {' | '.join(HEAD)} |", "| " + " | ".join(["---"] * 3 + ["--:"] * (len(HEAD) - 3)) + " |"]
    body = [f"| {' | '.join(row)} |" for row in rows]
    foot = [f"- {line.translate(_MARKDOWN)}" for line in totals(summary)]
    return "\n".join([f"**{title(summary).translate(_MARKDOWN)}**", "", *head, *body, "", *foot]) + "\n"


_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
        "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
        ">": r"\textgreater{}", "\n": " ",
    }
)  # fmt: skip


def render_latex(summary: Summary, expand: Sequence[str] = ()) -> str:
    """A ``tabular``, without packages."""
    columns = "lll" + "r" * (len(HEAD) - 3)
    out = [f"% {title(summary)}", rf"\begin{{tabular}}{{{columns}}}", r"\hline"]
    out.append(" & ".join(text.translate(_LATEX) for text in HEAD) + r" \\ \hline")
    for line in table_lines(summary, expand):
        texts = [text.strip().translate(_LATEX) for text in cells(summary, line)]
        indent = rf"\hspace*{{{line.depth}em}}" if line.depth else ""
        out.append(indent + " & ".join(texts) + r" \\")
    out += [r"\hline"]
    out += [rf"\multicolumn{{{len(HEAD)}}}{{l}}{{{text.translate(_LATEX)}}} \\" for text in totals(summary)]
    out.append(r"\end{tabular}")
    return "\n".join(out) + "\n"
