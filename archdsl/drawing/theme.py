"""A finished SVG in light, in dark, or in whichever its reader's screen is set to.

Drawings are made in the light colours of :mod:`archdsl.drawing.palette`; a theme puts others for them. ``auto`` leaves
the light ones, for paper and for programs that know no style sheets, and adds a style sheet with the dark ones.
"""

from __future__ import annotations

import re
from typing import Literal

from archdsl.drawing.palette import DARK_PAGE, dark_colours

Theme = Literal["light", "dark", "auto"]

_TAG = re.compile(r"<[^>]*>")
_COLOUR = re.compile(r' (fill|stroke)="(#[0-9A-Fa-f]{6}|black|white)"')
_HEAD = re.compile(r"<svg [^>]*>(\n?<title>[^<]*</title>)?(\n?<desc>[^<]*</desc>)?")
_VIEW_BOX = re.compile(r'viewBox="([-\d.]+) ([-\d.]+) ([\d.]+) ([\d.]+)"')
_CLASS = "archdsl-auto"


def themed(svg: str, theme: Theme) -> str:
    """The drawing in a theme; what a user wrote in it is not touched."""
    if theme == "light":
        return svg
    dark = dark_colours()
    if theme == "dark":
        return _after_head(_recoloured(svg, dark), _background(svg))
    used = sorted({match[0] for tag in _TAG.findall(svg) for match in _COLOUR.finditer(tag)})
    rules = [f"svg.{_CLASS}{{background:{DARK_PAGE}}}"]
    for attribute in used:
        kind, colour = attribute.strip().split("=")
        other = dark.get(_full(colour.strip('"')))
        if other is not None:
            rules.append(f"svg.{_CLASS} [{attribute.strip()}]{{{kind}:{other}}}")
    sheet = f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"
    return _after_head(svg, sheet).replace("<svg ", f'<svg class="{_CLASS}" ', 1)


def _recoloured(svg: str, dark: dict[str, str]) -> str:
    def colour(match: re.Match[str]) -> str:
        return f' {match[1]}="{dark.get(_full(match[2]), match[2])}"'

    return _TAG.sub(lambda tag: _COLOUR.sub(colour, tag[0]), svg)


def _full(colour: str) -> str:
    return {"black": "#000000", "white": "#FFFFFF"}.get(colour, colour.upper())


def _background(svg: str) -> str:
    box = _VIEW_BOX.search(svg)
    if box is None:
        return ""
    return f'<rect x="{box[1]}" y="{box[2]}" width="{box[3]}" height="{box[4]}" fill="{DARK_PAGE}"/>'


def _after_head(svg: str, added: str) -> str:
    head = _HEAD.search(svg)
    if head is None:
        return svg
    return f"{svg[: head.end()]}\n{added}{svg[head.end() :]}"
