"""SVG to PNG in this process, with the fonts that ship with the package."""

from __future__ import annotations

import re

from archdsl.drawing.errors import EngineError
from archdsl.drawing.font import font_files, text_width

_PIXEL_LIMIT = 100_000_000  # 400 MB while drawing
_SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)(pt|px)?" height="([\d.]+)(?:pt|px)?"')


def svg_to_png(svg: str, *, scale: float = 2.0, background: str | None = "white") -> bytes:
    """Draw a finished SVG (:func:`archdsl.drawing.svg.finish_svg`) as PNG, ``scale`` pixels for each of its CSS pixels.

    The machine's own fonts are looked at only if the drawing has a character that ours lack (say, Chinese):
    otherwise the picture is the same everywhere, also where there is no font at all.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise EngineError(
            "missing", "the package resvg-py, which draws PNG files, is not installed"
        ) from error
    if not 0 < scale <= 16:
        raise ValueError(f"a scale of {scale} is not between 0 and 16")
    measured = _SIZE.search(svg)
    if measured is None:
        raise EngineError("failed", "the drawing does not say how large it is")
    unit = scale * (96 / 72 if measured[2] == "pt" else 1)
    if float(measured[1]) * float(measured[3]) * unit**2 > _PIXEL_LIMIT:
        raise EngineError("too_large", f"a PNG of this drawing would have more than {_PIXEL_LIMIT:,} pixels")
    try:
        picture = resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=None if scale == 1 else scale,
            dpi=96,  # the renderer's default of 0 makes every length in points nothing
            background=background,
            skip_system_fonts=_covered(svg),
            font_files=[str(path) for path in font_files()],
            font_family="Arimo",
            sans_serif_family="Arimo",
            serif_family="Arimo",
            monospace_family="Arimo",
        )
    except ValueError as error:
        raise EngineError("failed", f"the drawing could not be turned into a PNG: {error}") from error
    if not picture:
        raise EngineError("empty", "the PNG renderer reported success and wrote nothing")
    return bytes(picture)


def _covered(svg: str) -> bool:
    # The markup is plain letters, so looking at the whole text is the same as looking at the labels.
    return text_width("".join(sorted(set(svg) - set("\n\t"))), 1) is not None
