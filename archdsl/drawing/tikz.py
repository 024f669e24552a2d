"""Marks as TikZ: a document that plain pdflatex sets, or whose picture goes into a paper as it is, in the paper's font.

The text is ASCII. Every user's text passes :func:`escaped`, so nothing in it is a command; what pdfLaTeX has no letter
for is written as its number there and as itself under LuaLaTeX and XeLaTeX.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from archdsl.drawing.marks import Colour, Outline, Page, Words
from archdsl.drawing.palette import named_colours

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", "*": r"$*$",
    '"': "{''}", "'": "{'}", "`": "{`}", "-": "{-}", "?": "{?}", "!": "{!}",
    "×": r"$\times$", "÷": r"$\div$", "−": "$-$", "–": "{--}", "—": "{---}", "·": r"$\cdot$", "…": r"\ldots{}",
    "→": r"$\rightarrow$", "⇒": r"$\Rightarrow$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "∈": r"$\in$",
    "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "⌈": r"$\lceil$", "⌉": r"$\rceil$", "⊕": r"$\oplus$", "⊗": r"$\otimes$",
    "∞": r"$\infty$", "√": r"$\surd$", "±": r"$\pm$", "²": "$^2$", "³": "$^3$", "ß": r"{\ss}",
    "ø": r"{\o}", "Ø": r"{\O}", "æ": r"{\ae}", "Æ": r"{\AE}", "å": r"{\aa}", "Å": r"{\AA}", "ł": r"{\l}", "Ł": r"{\L}",
}  # fmt: skip
_ACCENTS = {
    "0300": "`", "0301": "'", "0302": "^", "0303": "~", "0308": '"', "0327": "c", "030A": "r", "030C": "v", "0304": "=",
}  # fmt: skip
_GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip

_HEAD = r"""% Written by archdsl. To put it into a paper, copy the lines from \providecommand to \end{tikzpicture};
% the paper needs \usepackage{tikz} and nothing else.
\documentclass{article}
\usepackage[paperwidth=WIDTHbp,paperheight=HEIGHTbp,margin=0pt]{geometry}
\usepackage{tikz}
\pagestyle{empty}
\setlength{\parindent}{0pt}
\setlength{\topskip}{0pt}
\begin{document}%
\providecommand{\archdslchar}[1]{% a character by its number
  \ifdefined\directlua\char"#1\relax\else\ifdefined\XeTeXversion\char"#1\relax\else{\ttfamily U+#1}\fi\fi}%
\providecommand{\archdslfit}[3]{% width, size, text: made narrower where it is wider than that
  \setbox0=\hbox{\fontsize{#2pt}{#2pt}\sffamily\selectfont #3}%
  \ifdim\wd0>#1bp\relax\resizebox{#1bp}{\height}{\box0}\else\box0\fi}%
"""


def escaped(text: str) -> str:
    """A user's text as TeX that shows it."""
    return "".join(map(_character, text))


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if " " <= character <= "~":
        return character
    if not character.isprintable():
        return " "
    code = ord(character)
    if 0x3B1 <= code <= 0x3C9:
        name = _GREEK[code - 0x3B1]
        return "o" if name == "omicron" else f"$\\{name}$"
    base, _, accent = unicodedata.decomposition(character).partition(" ")
    if accent in _ACCENTS and base and chr(int(base, 16)).isascii():
        letter = chr(int(base, 16))
        return f"{{\\{_ACCENTS[accent]}{{{letter}}}}}"
    return f"\\archdslchar{{{code:X}}}"


def to_tikz(page: Page) -> str:
    """The whole document; equal marks give equal text."""
    return "".join(f"{line}\n" for line in _lines(page))


def _lines(page: Page) -> Iterator[str]:
    yield from (
        _HEAD.replace("WIDTH", _number(page.width))
        .replace("HEIGHT", _number(page.height))
        .rstrip("\n")
        .split("\n")
    )
    names = _colour_names(page)
    for colour, name in names.items():
        yield f"\\definecolor{{{name}}}{{HTML}}{{{_hexadecimal(colour)}}}%"
    yield r"\begin{tikzpicture}[x=1bp,y=-1bp,line join=round,words/.style={inner sep=0pt,outer sep=0pt}]"
    yield f"\\useasboundingbox (0,0) rectangle ({_number(page.width)},{_number(page.height)});"
    for mark in page.marks:
        yield _outline(mark, names) if isinstance(mark, Outline) else _words(mark, names)
    yield r"\end{tikzpicture}%"
    yield r"\end{document}"


def _colour_names(page: Page) -> dict[Colour, str]:
    """A name for each colour that appears: the palette's, else a number, in the order of appearance."""
    known = named_colours()
    found: dict[Colour, str] = {}
    for mark in page.marks:
        for colour in (mark.fill, mark.stroke) if isinstance(mark, Outline) else (mark.colour,):
            if colour is not None and colour not in found:
                word = known.get(_hexadecimal(colour), f"colour{len(found)}")
                found[colour] = f"archdsl-{word}"
    return found


def _hexadecimal(colour: Colour) -> str:
    return "".join(f"{part:02X}" for part in colour)


def _outline(mark: Outline, names: dict[Colour, str]) -> str:
    options = []
    if mark.fill is not None:
        options.append(f"fill={names[mark.fill]}")
        if mark.opacity != 1.0:
            options.append(f"fill opacity={_number(mark.opacity)}")
    if mark.stroke is not None:
        options += [f"draw={names[mark.stroke]}", f"line width={_number(mark.width)}bp"]
    if mark.dash:
        pattern = " ".join(
            f"{'off' if i % 2 else 'on'} {_number(length)}bp" for i, length in enumerate(_even(mark.dash))
        )
        options.append(f"dash pattern={pattern}")
    if mark.box is not None:
        left, top, right, bottom = mark.box
        if mark.corner:
            options.append(f"rounded corners={_number(mark.corner)}bp")
        shape = f"{_place(left, top)} rectangle {_place(right, bottom)}"
    else:
        shape = "".join(_step(s.command, [_place(*point) for point in s.points]) for s in mark.steps)
    return f"\\path[{','.join(options)}] {shape};"


def _even(dash: tuple[float, ...]) -> tuple[float, ...]:
    return dash if len(dash) % 2 == 0 else dash * 2


def _step(command: str, points: list[str]) -> str:
    match command:
        case "M":
            return f" {points[0]}"
        case "L":
            return f" -- {points[0]}"
        case "C":
            return f" .. controls {points[0]} and {points[1]} .. {points[2]}"
        case _:
            return " -- cycle"


def _words(mark: Words, names: dict[Colour, str]) -> str:
    anchor = {"start": "base west", "middle": "base", "end": "base east"}[mark.anchor]
    length = mark.length if mark.length is not None else len(mark.text) * mark.size
    text = escaped(mark.text.strip())
    text = f"\\bfseries {text}" if mark.bold else text
    fitted = f"\\archdslfit{{{_number(length)}}}{{{_number(mark.size)}}}{{{text}}}"
    options = f"words,anchor={anchor},text={names[mark.colour]}"
    return f"\\node[{options}] at {_place(mark.x, mark.y)} {{{fitted}}};"


def _place(x: float, y: float) -> str:
    return f"({_number(x)},{_number(y)})"


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
