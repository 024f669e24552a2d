"""The interactive drawing as one HTML file: data, style and script inside, nothing fetched, nothing a user wrote run.

The data stand in an element that browsers don't run, and the page's own policy allows the two texts written here, by
their hashes, and nothing else: no address, no picture, no other script.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from pathlib import Path
from typing import Any

from archdsl.drawing.palette import (
    ARROW,
    DARK_PAGE,
    FAMILIES,
    FRAME_LINE,
    INK,
    PLAIN,
    QUIET,
    SCALE,
    SKIP,
    dark_colours,
    frame_fill,
)
from archdsl.drawing.theme import Theme

_FOLDER = Path(__file__).resolve().parent
_SCRIPTS = ("viewer_layout.js", "viewer.js", "viewer_panel.js")

_PAGE = """<!DOCTYPE html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<title>{name}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<p>{said}</p>
<nav aria-label="tools">
<input id="search" type="search" role="combobox" aria-controls="results" aria-expanded="false" \
aria-autocomplete="list" aria-label="search places, operators, blocks" \
placeholder="search (press /)" autocomplete="off">
<ul id="results" role="listbox" aria-label="found" hidden></ul>
<button id="fold" type="button">fold all</button>
<button id="unfold" type="button">unfold</button>
<button id="smaller" type="button" aria-label="smaller">−</button>
<button id="larger" type="button" aria-label="larger">+</button>
<button id="fit" type="button">fit</button>
<select id="colours" aria-label="colour by">
<option value="role">colour: role</option>
<option value="params">colour: parameters</option>
<option value="macs">colour: MACs</option>
<option value="memory">colour: memory</option>
</select>
<button id="theme" type="button">light / dark</button>
<button id="panel" type="button" aria-pressed="true">table</button>
</nav>
</header>
<main id="canvas"><div id="stage" role="tree" aria-label="{name}"></div></main>
<aside aria-label="table of figures">
<table role="treegrid" aria-label="figures">
<thead><tr><th scope="col">layer</th><th scope="col">output</th><th scope="col"></th>\
<th scope="col" class="number">params</th><th scope="col" class="number">%</th>\
<th scope="col" class="number">MACs</th></tr></thead>
<tbody id="rows"></tbody>
</table>
</aside>
<footer><ul id="legend" aria-label="legend"></ul> <span>{note}</span></footer>
<div id="tip" role="tooltip" hidden></div>
<noscript>This drawing folds and unfolds with JavaScript; archdsl render writes SVG and PDF, which need none.</noscript>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def viewer_page(name: str, data: dict[str, Any], *, theme: Theme = "auto") -> str:
    """The whole file; equal data give equal bytes."""
    families = [[name, "", sorted(roles)] for name, _, roles in FAMILIES]
    scale = {
        "families": families,
        "steps": [step for step, *_ in SCALE],
        "scale": [least for _, least, _ in SCALE[1:]],
    }
    style, script = _style(), _script()
    policy = f"style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    total = data.get("total") or {}
    figures = [
        f"{total[key]:,} {word}" for key, word in (("params", "parameters"), ("macs", "MACs")) if key in total
    ]
    notes = [", ".join(f"{size}={number}" for size, number in data.get("sizes", {}).items())]
    notes += data.get("conditions", [])
    return _PAGE.format(
        theme="" if theme == "auto" else f' data-theme="{theme}"',
        policy=policy,
        name=html.escape(name),
        said=html.escape(" · ".join([*figures, *(data.get("docstring", "").splitlines()[:1])])),
        note=html.escape("; ".join(note for note in notes if note)),
        style=style,
        script=script,
        data=embedded(data | scale),
    )


def embedded(data: Any) -> str:
    """JSON as it may stand in a page: nothing in it can end the element it stands in, or begin another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return "".join(c if not 0xD800 <= ord(c) < 0xE000 else "\ufffd" for c in text)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


@cache
def _script() -> str:
    parts = [(_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return '"use strict";(() => {\n' + "\n".join(parts) + "})()"


@cache
def _style() -> str:
    """The style sheet, with the palette's colours for light and dark."""
    light = {"page": PLAIN, "ink": INK, "quiet": QUIET, "line": FRAME_LINE, "arrow": ARROW, "skip": SKIP}
    dark = dark_colours()
    rules = _rules(light | {"raised": "#F5F5F5"}, {})
    for where, before, after in (
        (':root[data-theme="dark"]', "", ""),
        (":root:not([data-theme])", "@media (prefers-color-scheme: dark) {", "}"),
    ):
        names = {key: dark.get(colour, colour) for key, colour in light.items()}
        rules += [before, *_rules(names | {"page": DARK_PAGE, "raised": "#262626"}, dark, where), after]
    return (_FOLDER / "viewer.css").read_text(encoding="utf-8") + "\n".join(rule for rule in rules if rule)


def _rules(names: dict[str, str], dark: dict[str, str], where: str = ":root") -> list[str]:
    """Custom properties for the page, and a fill for each role, share and depth."""
    inside = "" if where == ":root" else f"{where} "
    rules = [f"{where} {{{''.join(f'--{key}:{colour};' for key, colour in names.items())}}}"]
    for _, colour, roles in FAMILIES:
        selectors = ",".join(f"{inside}.role-{role}" for role in sorted(roles))
        rules.append(f"{selectors} {{--fill:{dark.get(colour, colour)}}}")
    for number, (*_, colour) in enumerate(SCALE):
        rules.append(f"{inside}.share{number} {{--fill:{dark.get(colour, colour)}}}")
    for depth in range(1, 7):
        grey = frame_fill(depth)
        rules.append(f"{inside}.depth{depth} {{--back:{dark.get(grey, grey)}}}")
    return rules
