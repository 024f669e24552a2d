"""Programs with one to three tokens changed: deleted, doubled, swapped, numbers and names exchanged."""

from __future__ import annotations

import random
import re

TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|[A-Za-z_]\w*|\d[\d_.]*(?:e\d+)?|->|\+\+|\*\*|//|[=!<>]=|\S|\s+')
NUMBERS = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "0.5",
    "1000000000",
    "10",
    "2.0",
    "999999999999999999999",
    "1e30",
    "true",
    "none",
]
NAMES = [
    "id",
    "x",
    "conv",
    "linear",
    "relu",
    "mha",
    "causal",
    "training",
    "image",
    "B",
    "H",
    "tok",
    "n",
    "depth",
    "zip",
    "range",
    "scan",
    "frozen",
    "norm",
    "float",
    "zeros",
    "sum",
    "max",
    "len",
    "window",
    "bottleneck",
    "level",
    "resnet",
    "params",
    "trunc_normal",
    "embedding",
    "rearrange",
    "cat",
    "where",
    "attention",
    "ffn",
    "layer_norm",
    "taps",
    "step",
    "enc",
    "lstm",
    "split",
    "chunk",
    "expand",
    "stack",
]
PIECES = [
    "->",
    "+",
    "++",
    "*",
    "@",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    "as a",
    "if true",
    "else",
    "repeat 2 {",
]
PIECES += ["\n", ".T", ".shape", "//", "==", "and", "not"]
WORDS = ["block b", "layer l =", "output o =", "param p: [3] = 0", "expect", "repeat 3", "for i in [1, 2]"]


def mutated(text: str, random: random.Random) -> str:
    tokens = TOKEN.findall(text)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        places = [i for i, token in enumerate(tokens) if token.strip() and not token.startswith("#")]
        if not places:
            break
        i = random.choice(places)
        token = tokens[i]
        match random.randrange(9):
            case 0:
                tokens[i] = ""
            case 1:
                j = random.choice(places)
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case 2:
                tokens.insert(i, token + " ")
            case 3:
                tokens[i] = f" {random.choice(PIECES)} "
            case 4:
                tokens.insert(i, f"\n{random.choice(WORDS)} ")
            case 5 if len(tokens) > 3:
                j = random.choice(places)
                tokens[i] = tokens[j]
            case _ if token[0].isdigit():
                tokens[i] = random.choice(NUMBERS)
            case _ if token[0].isalpha():
                tokens[i] = random.choice([*NAMES, *NUMBERS])
            case _:
                tokens[i] = f" {random.choice(PIECES)} "
    return "".join(tokens)
