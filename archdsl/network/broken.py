"""What syntax errors leave of a file: a definition that holds one is not looked into, its name is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source

# Definitions inside others are indented: a head at the margin starts something new.
_HEAD = re.compile(
    r"^(?:(?:block|model)[ \t]+([A-Za-z_]\w*)|use[ \t]+(.*?)[ \t]from\b|use\b|expect\b)", re.MULTILINE
)


def broken_names(source: Source, found: Iterable[Diagnostic]) -> frozenset[str]:
    """The names of the definitions that hold a syntax error: judged by the text, since the tree may lack them."""
    offsets = [d.span.start for d in found if d.severity == "error" and d.span.source is source]
    if not offsets:
        return frozenset()
    names: set[str] = set()
    heads = list(_HEAD.finditer(source.text))
    for offset in offsets:
        before = [head for head in heads if head.start() <= offset]
        if before:
            names.update(re.findall(r"\w+", before[-1][1] or before[-1][2] or ""))
    return frozenset(names)
