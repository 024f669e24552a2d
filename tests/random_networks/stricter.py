"""Where the language refuses what torch would take, each with its reason; nothing else may be refused."""

from __future__ import annotations

# By the code and words of the message. Rules that depend on sizes alone are part of the oracle (``Stricter``).
RULES = (
    ("E0403", "", "sizes whose equality can't be decided have an error of their own (LANGUAGE.md, Sizes)"),
    ("E0411", "", "a condition that can't be decided for all allowed sizes is an error (LANGUAGE.md, Sizes)"),
    ("E0504", "", "`norm` asks where nothing says which dim holds the features"),
    (
        "E0407",
        "chunk:",
        "a free size must be a multiple of n: else the number of parts would follow the size",
    ),
    ("E0409", "has 0 dims", "a scalar has no dims; torch takes dim=0 and dim=-1 for it"),
    ("E0501", "can't crop, and", "negative padding is for the mode constant; torch lets the others crop too"),
    ("E0405", "wants a bias of q's type", "score biases have the scores' type; torch takes float32 for all"),
)
# Operators that torch has for integers or bools too, by accident more than by need; their pages say what they take.
FLOATS = {
    "celu", "elu", "gelu", "glu", "hard_sigmoid", "hard_swish", "hardshrink", "hardtanh", "leaky_relu", "logsigmoid",
    "mish", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softmin", "log_softmax", "softplus",
    "softshrink", "softsign", "tanh",
}  # fmt: skip
NUMBERS = frozenset(["abs", "ceil", "floor", "round", "negative", "subtract", "clamp", "square"])


def rule(code: str, message: str) -> str | None:
    """The documented rule under which this was refused."""
    op = message.split(" ")[0]
    if code == "E0405" and (
        (op in FLOATS and " wants floats" in message) or (op in NUMBERS and " wants numbers" in message)
    ):
        return f"E0405 {op}"
    return next((f"{c} {m}".strip() for c, m, _ in RULES if c == code and m in message), None)
