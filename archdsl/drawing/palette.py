"""The colours of a drawing: fills that any eyes tell apart and that text is easy to read on, in light and in dark.

The fills are Paul Tol's "light" qualitative scheme (https://personal.sron.nl/~pault), made for backgrounds of labels
and checked by him for colour-blind readers; the scale of figures is the first half of his YlOrBr. Roles that readers
see as one thing share a fill. Nothing is said by colour alone: each box names its operator, and the legend lists the
roles that appear. The dark fills have the same hues, as deep as white text asks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection

INK = "#222222"
ARROW = "#444444"
SKIP = "#0B5FA5"
QUIET = "#555555"
FRAME_LINE = "#8A8A8A"

# (what the legend calls it, fill, roles), in the order of the legend.
FAMILIES: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("convolution", "#77AADD", frozenset({"convolution"})),
    ("linear", "#EEDD88", frozenset({"linear"})),
    ("attention", "#EE8866", frozenset({"attention"})),
    ("recurrence", "#44BB99", frozenset({"recurrence"})),
    ("embedding, position", "#FFAABB", frozenset({"embedding", "position"})),
    ("normalisation", "#BBCC33", frozenset({"normalisation", "regularisation"})),
    ("activation", "#99DDFF", frozenset({"activation"})),
    ("pool, resample", "#C9C277", frozenset({"pool", "resample"})),
    ("block", "#FFFFFF", frozenset({"block"})),
    ("parameter", "#F2E6F2", frozenset({"weight"})),
    ("other", "#DDDDDD", frozenset({"merge", "arithmetic", "shape", "index", "source", "loss"})),
)
PLAIN = "#FFFFFF"  # inputs and outputs, which say what they are

# Shares of a model's total, from nothing to most of it: (what the legend says, from what share on, fill).
SCALE: tuple[tuple[str, float, str], ...] = (
    ("none", 0.0, "#FFFFFF"),
    ("below 1 %", 0.0, "#FFFBD5"),
    ("1 to 5 %", 0.01, "#FEE391"),
    ("5 to 15 %", 0.05, "#FEC44F"),
    ("15 to 40 %", 0.15, "#FB9A29"),
    ("40 % and more", 0.40, "#EC7014"),
)
_STEP = "share"

# What leads from one model to another, where a drawing compares two: ColorBrewer's Set2, safe for any eyes.
CHANGES: tuple[tuple[str, str, str], ...] = (
    ("added", "added", "#66C2A5"),
    ("removed", "removed", "#FC8D62"),
    ("changed", "changed", "#FFD92F"),
    ("drawn alike", "same", "#F2F2F2"),
)

DARK_PAGE = "#141414"
_DARK = {
    INK: "#F4F4F4", ARROW: "#B9B9B9", SKIP: "#74BDF2", QUIET: "#BDBDBD", FRAME_LINE: "#7D7D7D", PLAIN: "#1D1D1D",
    "#000000": "#F4F4F4",
    "#77AADD": "#1F4F80", "#EEDD88": "#665713", "#EE8866": "#8A3B1D", "#44BB99": "#0D6650", "#FFAABB": "#8A3650",
    "#BBCC33": "#515C0C", "#99DDFF": "#17607F", "#C9C277": "#4C4A25", "#F2E6F2": "#503A50", "#DDDDDD": "#4B4B4B",
    "#FFFBD5": "#2B2516", "#FEE391": "#473512", "#FEC44F": "#63430B", "#FB9A29": "#804A04", "#EC7014": "#9C4A00",
    "#66C2A5": "#0B6B4F", "#FC8D62": "#7E2D10", "#FFD92F": "#6E6000", "#F2F2F2": "#333333",
}  # fmt: skip


def frame_fill(depth: int) -> str:
    """A frame's grey, darker inside another: depth 1 is the outermost."""
    grey = max(0xD0, round(255 * 0.962**depth))
    return f"#{grey:02X}{grey:02X}{grey:02X}"


def share_role(share: float) -> str:
    """The role of a box that is coloured by its share of a total instead of by what it computes."""
    steps = [i for i, (_, least, _) in enumerate(SCALE) if i and share >= least]
    return f"{_STEP}{steps[-1] if share > 0 else 0}"


def _step(role: str) -> int | None:
    match = re.fullmatch(rf"{_STEP}(\d)", role)
    return int(match[1]) if match is not None else None


def fill(role: str) -> str:
    """The colour of a box of that role."""
    step = _step(role)
    if step is not None:
        return SCALE[step][2]
    families = (colour for _, colour, roles in FAMILIES if role in roles)
    return next(families, change_fill(role))


def change_fill(role: str) -> str:
    """The colour of what changed; plain for anything else, so also for what is plain whatever its role is."""
    return next((colour for _, name, colour in CHANGES if name == role), PLAIN)


def legend(roles: Collection[str]) -> list[tuple[str, str]]:
    """Name and fill of each family, or step of the scale, that appears."""
    steps = {step for role in roles if (step := _step(role)) is not None}
    found = [(name, colour) for name, colour, members in FAMILIES if not members.isdisjoint(roles)]
    found += [(name, colour) for name, role, colour in CHANGES if role in roles]
    return found + [(name, colour) for i, (name, _, colour) in enumerate(SCALE) if i in steps]


def dark_colours() -> dict[str, str]:
    """The dark colour for each light one, in capitals."""
    greys = {}
    for depth in range(1, 12):
        grey = min(0x1B + 7 * depth, 0x48)
        greys[frame_fill(depth)] = f"#{grey:02X}{grey:02X}{grey:02X}"
    return greys | _DARK


def named_colours() -> dict[str, str]:
    """A word for each of our colours, by its six digits, for formats that give colours names."""
    plain = {"ink": INK, "arrow": ARROW, "skip": SKIP, "quiet": QUIET, "frame": FRAME_LINE, "plain": PLAIN}
    words = {colour: f"share{i}" for i, (_, _, colour) in enumerate(SCALE)}
    words |= {frame_fill(depth): f"depth{depth}" for depth in range(1, 6)}
    words |= {colour: role for _, role, colour in CHANGES}
    words |= {colour: re.split(r"\W", name)[0] for name, colour, _ in FAMILIES}
    words |= {colour: word for word, colour in plain.items()}
    return {colour.removeprefix("#").upper(): word for colour, word in words.items()}
