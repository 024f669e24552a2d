"""The colours of a drawing: fills that any eyes tell apart and that black text is easy to read on.

The fills are Paul Tol's "light" qualitative scheme (https://personal.sron.nl/~pault), made for backgrounds of labels
and checked by him for colour-blind readers. Roles that readers see as one thing share a fill. Nothing is said by colour
alone: each box names its operator, and the legend lists the roles that appear.
"""

from __future__ import annotations

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


def frame_fill(depth: int) -> str:
    """A frame's grey, darker inside another: depth 1 is the outermost."""
    grey = max(0xD0, round(255 * 0.962**depth))
    return f"#{grey:02X}{grey:02X}{grey:02X}"


def fill(role: str) -> str:
    """The colour of a box of that role."""
    return next((colour for _, colour, roles in FAMILIES if role in roles), PLAIN)


def legend(roles: Collection[str]) -> list[tuple[str, str]]:
    """Name and fill of each family that appears."""
    return [(name, colour) for name, colour, members in FAMILIES if not members.isdisjoint(roles)]
