"""What a notebook shows of a model: the table as text, the drawing as SVG, and as HTML the page that folds and unfolds.

The page stands in a frame of its own: no id, style or script of one cell meets those of another or of the notebook.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Summary, summarise
from archdsl.analysis.tables import short_number

if TYPE_CHECKING:
    from archdsl.api import Model

TEXT, SVG, HTML = "text/plain", "image/svg+xml", "text/html"
Bundle = dict[str, str]

# Scripts may run in the frame, and nothing else: it can't reach the notebook, open windows or send forms.
_FRAME = (
    '<iframe title="{name}, interactive drawing" sandbox="allow-scripts" width="100%" height="640" loading="lazy" '
    'style="border:1px solid #8a8a8a;border-radius:4px" srcdoc="{page}"></iframe>'
)


def model_bundle(model: Model, include: Collection[str] | None, exclude: Collection[str] | None) -> Bundle:
    """The kinds asked for; what can't be made (no size for a page, no layout) is left out."""
    found: Bundle = {}
    summary, said = _summary(model)
    wanted = [kind for kind in include or (TEXT, SVG, HTML) if kind not in (exclude or ())]
    if TEXT in wanted:
        found[TEXT] = str(summary) if summary is not None else f"{model!r}\n{said}"
    if SVG in wanted and (drawn := _drawn(model)):
        found[SVG] = drawn
    if HTML in wanted:
        found[HTML] = (
            _framed(summary) if summary is not None else f"<pre>{html.escape(said)}</pre>\n{_drawn(model)}"
        )
    return found


def list_bundle(models: Iterable[Model]) -> Bundle:
    """Several models: a line for each."""
    rows = []
    for model in models:
        summary, _ = _summary(model)
        figures = (f"{summary.params:,}", short_number(summary.macs)) if summary is not None else ("", "")
        rows.append((model.name, *figures))
    wide = [max(len(row[i]) for row in [*rows, ("model", "parameters", "MACs")]) for i in range(3)]
    lines = [
        f"{n:<{wide[0]}}  {p:>{wide[1]}}  {m:>{wide[2]}}"
        for n, p, m in [("model", "parameters", "MACs"), *rows]
    ]
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{params}</td><td>{macs}</td></tr>"
        for name, params, macs in rows
    )
    head = "<tr><th>model</th><th>parameters</th><th>MACs</th></tr>"
    return {TEXT: "\n".join(lines), HTML: f"<table><thead>{head}</thead><tbody>{cells}</tbody></table>"}


def _summary(model: Model) -> tuple[Summary | None, str]:
    try:
        return summarise(model.network), ""
    except SizesError as error:
        return None, str(error)


def _framed(summary: Summary) -> str:
    from archdsl.explorer import interactive

    page = html.escape(interactive(summary), quote=True)
    return _FRAME.format(name=html.escape(summary.network.name, quote=True), page=page)


def _drawn(model: Model) -> str:
    from archdsl.drawing.errors import EngineError

    try:
        drawn = model.render("svg", theme="auto")
    except (EngineError, ImportError):
        return ""
    return drawn if isinstance(drawn, str) else ""
