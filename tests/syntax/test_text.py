"""Faults of the text itself: TRUST.md, A1 to A20."""

from __future__ import annotations

import pytest

from archdsl.source import Source
from archdsl.syntax import tree
from archdsl.syntax.fingerprint import fingerprint
from archdsl.syntax.parser import parse
from archdsl.syntax.reading import read_source
from tests.syntax.support import codes, expression, good, read


def refused(data: bytes) -> str:
    source, diagnostics = read_source("x.arch", data)
    assert source is None
    (diagnostic,) = diagnostics
    assert diagnostic.span.end <= len(diagnostic.span.source.text)
    return f"{diagnostic.code} {diagnostic.message}"


@pytest.mark.parametrize("text", ["", "\n", "   ", "# only\n# comments", "\r\n\r\n", "\t"])
def test_a1_nothing(text: str) -> None:
    assert good(text).statements == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = f(3", [("E0203", 1, 6)]),
        ("x = [3, 4\ny = 2", [("E0203", 1, 5)]),
        ('x = "abc\ny = 2', [("E0108", 1, 5)]),
        ("model m {\n  relu", [("E0203", 1, 9)]),
        ("model m {\n  f(3\n}", [("E0203", 2, 4)]),
    ],
)
def test_a2_unclosed_points_at_the_opener(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert codes(text) == expected


def test_a3_several_errors_are_reported() -> None:
    assert len(codes("a b\nc d\nx = 1\ne f\n")) == 3


def test_a4_nul() -> None:
    assert refused(b"x = 1\n\0\n") == "E0103 this is not a text: there is a NUL byte at offset 6"
    assert codes("x = 1\ny \0 = 2") == [("E0104", 2, 3)]


def test_a5_invalid_utf8_names_the_byte() -> None:
    assert (
        refused(b"x = 1\ny = \xff")
        == "E0101 this file is not UTF-8: byte 0xff at offset 10 cannot stand there"
    )
    _, (diagnostic,) = read_source("x", "é = é\n".encode() + b"ab\xc3(")
    assert (diagnostic.span.line, diagnostic.span.column) == (2, 3)


def test_a6_byte_order_mark() -> None:
    source, diagnostics = read_source("x", b"\xef\xbb\xbfx = 1\n")
    assert source is not None
    assert (source.text, diagnostics) == ("x = 1\n", ())
    assert codes("\ufeffx = 1") == []
    assert codes("x = \ufeff1") == [("E0104", 1, 5)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a7_utf16(encoding: str) -> None:
    assert refused("model m { relu }\n".encode(encoding)) == "E0102 this file is UTF-16, not UTF-8"


def test_a8_line_endings() -> None:
    text = 'model m {\n  "doc"\n  a -> b # c\n\n  x = f(1,\n    2)\n}\n'
    trees = {fingerprint(good(text.replace("\n", end))) for end in ("\n", "\r\n", "\r")}
    assert len(trees) == 1
    for end in ("\n", "\r\n", "\r"):
        assert codes(f"a{end}{end}b c{end}  d e") == [("E0202", 3, 3), ("E0202", 4, 5)]


def test_a9_a10_tabs_and_no_last_newline() -> None:
    assert codes("\tx\t=\t1\n\ta b") == [("E0202", 2, 4)]


def test_a11_a_long_line_gives_a_short_message() -> None:
    _, diagnostics = read("x = 1 " + "a" * 1_000_000)
    assert [len(d.message) < 200 for d in diagnostics] == [True]


@pytest.mark.parametrize(
    "character", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
)
@pytest.mark.parametrize("text", ["x{} = 1", 'x = "a{}b"', "# a {} b\nx = 1", "x = 1 # a{}"])
def test_a12_bidirectional(character: str, text: str) -> None:
    ((code, line, column),) = codes(text.format(character))
    assert (code, line, column) == ("E0105", 1, text.index("{}") + 1)


@pytest.mark.parametrize(
    "character", ["\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u180e", "\u3164", "\U000e0041"]
)
@pytest.mark.parametrize("text", ["x{} = 1", "x = 1{}", 'x = "a{}b"', "# a {} b\nx = 1"])
def test_a12_invisible_is_named(character: str, text: str) -> None:
    _, (diagnostic,) = read(text.format(character))
    assert diagnostic.code == "E0104"
    assert f"U+{ord(character):04X}" in diagnostic.message


def test_a12_lookalikes() -> None:
    _, (diagnostic,) = read("сonv(3)")
    assert diagnostic.code == "E0107"
    assert "CYRILLIC" in diagnostic.message
    assert diagnostic.fixes[0].replacement == "c"


@pytest.mark.parametrize("digit", ["６", "٣", "४", "𝟖"])
def test_a13_digits_of_other_scripts(digit: str) -> None:
    assert codes(f"conv({digit}4)") == [("E0107", 1, 6)]
    assert codes(f"conv(4{digit})") == [("E0107", 1, 7)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9" * 5000, "E0112"),
        ("0." + "1" * 5000, "E0112"),
        ("1e999", "E0112"),
        ("1e-400", "E0112"),
        ("0x10", "E0111"),
        ("0b1", "E0111"),
        ("007", "E0111"),
        ("00", "E0111"),
        ("1_", "E0111"),
        ("1__0", "E0111"),
        ("1.", "E0219"),
        (".5", "E0201"),
        ("1e", "E0111"),
        ("1.5.2", "E0111"),
        ("3x", "E0111"),
    ],
)
def test_a14_numbers(text: str, code: str) -> None:
    assert [found for found, _, _ in codes(f"x = {text}")] == [code]


def test_a14_good_numbers() -> None:
    assert expression("f(1_000, -0, nan, inf, 0e5)") == "(call f 1_000 (- 0) nan inf 0e5)"


def test_a18_binary_files_are_named() -> None:
    assert "zip archive" in refused(b"PK\x03\x04\x14\0\0\0\x08\x08")
    assert "ONNX" in refused(b"\x08\x07\x12\x07pytorch\x00")
    assert "pickle" in refused(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x00")


def test_a17_size_is_capped() -> None:
    assert refused(b"a" * (4 * 1024 * 1024 + 1)).startswith("E0106")
    assert read_source("x", b"a" * 11, max_bytes=10)[1][0].code == "E0106"


@pytest.mark.parametrize("name", ["self", "forward", "__class__", "lambda", "import_", "None", "x" * 10_000])
def test_a19_names_of_python_are_names(name: str) -> None:
    (statement,) = good(f"{name} = 3").statements
    assert isinstance(statement, tree.Assign)
    assert statement.targets == (name,)


def test_a20_escape_sequences_do_not_reach_the_message() -> None:
    _, diagnostics = read("x\x1b[31m = 1 \x9b")
    assert diagnostics
    assert all(d.message.isprintable() for d in diagnostics)


@pytest.mark.parametrize("text", ["\ud800", "x = \udfff", '"\ud800"'])
def test_lone_surrogates(text: str) -> None:
    assert [code for code, _, _ in codes(text)] == ["E0104"]


def test_escapes_in_strings() -> None:
    assert codes(r'x = "a\qb"') == [("E0109", 1, 7)]
    assert codes(r'x = "\n\t\"\\"') == []


def test_columns_count_characters() -> None:
    assert codes('x = f("é𝒳", k v)') == [("E0202", 1, 15)]


def test_parse_is_pure() -> None:
    source = Source("x", "a -> b")
    assert fingerprint(parse(source)[0]) == fingerprint(parse(source)[0])
