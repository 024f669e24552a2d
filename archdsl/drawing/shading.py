"""A picture whose boxes are coloured by what they hold of a total, instead of by what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archdsl.drawing.palette import share_role
from archdsl.drawing.picture import Box, Picture, Use

# Inputs hold nothing, signs and junctions are no layers: they keep their look.
_SHADED = frozenset({"operators", "block", "weight"})


def shaded(picture: Picture, shares: Mapping[Use, float], what: str) -> Picture:
    """``shares`` are parts of 1 by use; the legend gets the steps that appear, and says ``what`` they are of."""

    def colour(box: Box) -> Box:
        if box.kind not in _SHADED:
            return box
        return replace(box, role=share_role(sum(shares.get(use, 0.0) for use in box.uses)))

    boxes = tuple(map(colour, picture.boxes))
    roles = {box.role for box in boxes if box.kind in _SHADED}
    return replace(
        picture, boxes=boxes, roles=tuple(sorted(roles)), notes=(f"share of all {what}", *picture.notes)
    )
