"""Statements and classes as lines of Python: shapes in comments, docstrings that can't end early."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archdsl.backend.code import Assign, Break, Do, Expr, For, If, Items, Return, Stmt, Var
from archdsl.backend.printer import WIDTH, flat, lines
from archdsl.backend.walking import blocks
from archdsl.dims import Dim, render

Shapes = Mapping[int, "list[tuple[Dim, ...]]"]
Label = Callable[..., str]
Show = Callable[[Expr], Expr]


def docstring(text: str, indent: int) -> list[str]:
    """A docstring's lines; quotes and backslashes in it stay what they are."""
    safe = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text.replace("\\", "\\\\"))
    safe = safe.replace('"""', '\\"\\"\\"').strip()
    if safe.endswith('"') and not safe.endswith('\\"'):
        safe = safe[:-1] + '\\"'
    pad = " " * indent
    rows = [row.strip() for row in safe.split("\n")]
    if len(rows) == 1:
        return [f'{pad}"""{rows[0]}"""']
    return [f'{pad}"""{rows[0]}', *(f"{pad}{row}".rstrip() for row in rows[1:]), f'{pad}"""']


def statement_lines(
    statements: list[Stmt], names: Mapping[Var, str], indent: int, show: Show, shapes: Shapes, label: Label,
    before: str | None = None,
) -> list[str]:  # fmt: skip
    """The lines of statements; a shape is written where it differs from the one before."""
    out: list[str] = []
    pad = " " * indent

    def name(var: Var) -> str:
        return names[var]

    for stmt in statements:
        match stmt:
            case Assign():
                targets = ", ".join("_" if t is None else names[t] for t in stmt.targets)
                value = show(stmt.value)
                made = lines(f"{targets} = ", value, name, indent)
                if stmt.types and id(stmt) in shapes and len(stmt.targets) == 1:
                    shape = label(shapes[id(stmt)])
                    if shape != before and len(made[-1]) + len(shape) + 4 <= WIDTH:
                        made[-1] += f"  # {shape}"
                        before = shape
                out += made
            case Return():
                value = show(stmt.value)
                made = lines("return ", value, name, indent)
                if isinstance(value, Items) and value.kind == "bare" and len(made[0]) > WIDTH:
                    made = lines("return ", Items(value.items), name, indent)
                out += made
            case Do():
                out += lines("", show(stmt.value), name, indent)
            case Break():
                out.append(f"{pad}break")
            case If():
                out.append(f"{pad}if {flat(show(stmt.condition), name)}:")
                out += statement_lines(stmt.body, names, indent + 4, show, shapes, label, before) or [
                    f"{pad}    pass"
                ]
                if stmt.otherwise:
                    out.append(f"{pad}else:")
                    out += statement_lines(stmt.otherwise, names, indent + 4, show, shapes, label, before)
            case For():
                targets = ", ".join("_" if v is None else names[v] for v, _ in stmt.header)
                each = [flat(show(i), name) for _, i in stmt.header]
                over = each[0] if len(each) == 1 else f"zip({', '.join(each)})"
                out.append(f"{pad}for {targets} in {over}:")
                out += statement_lines(stmt.body, names, indent + 4, show, shapes, label, before)
    return out


def shapes_of(bodies: list[list[Stmt]]) -> dict[int, list[tuple[Dim, ...]]]:
    """For each statement of the first body the shapes of its result in all bodies, which are parallel."""
    found: dict[int, list[tuple[Dim, ...]]] = {}

    def visit(rows: list[list[Stmt]]) -> None:
        for row in zip(*rows, strict=True):
            first = row[0]
            if isinstance(first, Assign) and len(first.types) == 1:
                types = [s.types[0].shape for s in row if isinstance(s, Assign) and s.types]
                if len(types) == len(row):
                    found[id(first)] = types
            for i in range(len(blocks(first))):
                visit([blocks(s)[i] for s in row])

    visit(bodies)
    return found


def shape_text(shapes: list[tuple[Dim, ...]], columns: Mapping[str, tuple[object, ...]]) -> str:
    """One shape for all uses of a class: a dim that differs is the argument that says it, else ``_``."""
    if len({len(s) for s in shapes}) != 1:
        return ""
    parts = []
    for dims in zip(*shapes, strict=True):
        if all(d == dims[0] for d in dims):
            parts.append(render(dims[0]))
            continue
        found = [
            n if k == 1 else f"{k}*{n}"
            for k in (1, 2, 3, 4)
            for n, values in columns.items()
            if all(type(v) is int and d == k * v for v, d in zip(values, dims, strict=True))
        ]
        parts.append(found[0] if found else "_")
    return f"[{', '.join(parts)}]"
