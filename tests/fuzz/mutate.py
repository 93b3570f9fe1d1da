"""What files of all kinds have done to them, and the values that break readers."""

from __future__ import annotations

import codecs
import gzip
import struct

from hypothesis import strategies as st

from tests.hostile import NAMES

DEEP = (1, 5, 40, 1_000, 100_000)
LONG = (10, 400, 5_000, 100_000)
CHUNKS = (
    b"\0", b"\xff", b"\x00" * 64, b"\xff" * 64, b"\n", b"\r", b'"', b"'", b",", b";", b"\t", b"=",
    b"[" * 200, b"{" * 200, b"]" * 20, b"\\ud800", b"\xed\xa0\x80", b"\xc3\x28", b"%s%n", b"1e999",
    b"NaN", b"-inf", b"9" * 400, b"0x" + b"f" * 400, codecs.BOM_UTF8, codecs.BOM_UTF16_LE,
    codecs.BOM_UTF32_BE, b"PK\x03\x04", b"\x1f\x8b\x08", b"PAR1", b"\x93NUMPY", b"#", b"\x1b[2J",
)  # fmt: skip
WORDS = (0, 1, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
KINDS = ("flip", "set", "insert", "delete", "repeat", "cut", "word", "number", "swap")
NUMBERS = (
    b"-1", b"0", b"1e308", b"-0.0", b"99999999999999999999", b"1e-400", b"0.1e", b"true", b"null",
    b'"x"', b"[]", b"{}", b"2147483648", b"-9223372036854775809", b"NaN",
)  # fmt: skip

texts = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(
        ("", "a", "x" * 300, "a.b", "a b", "none", "nan", "-", "1", "é\u0301", "\ufeff")
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
"""Names and words as strangers write them."""

edits = st.tuples(
    st.sampled_from(KINDS),
    st.integers(0, 2**20),
    st.integers(0, 2**16),
)


def edited(data: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    """Return bytes after changes, each with a place and a number that says which."""
    content = bytearray(data)
    for kind, place, which in changes:
        size = max(len(content), 1)
        at = place % size
        if kind == "flip" and content:
            content[at] ^= 1 << which % 8
        elif kind == "set" and content:
            content[at] = which % 256
        elif kind == "insert":
            content[at:at] = CHUNKS[which % len(CHUNKS)]
        elif kind == "delete":
            del content[at : at + 1 + which % 64]
        elif kind == "repeat":
            part = content[at : at + 1 + which % 200]
            content[at:at] = part * (1 + which % 40)
        elif kind == "cut":
            del content[at:]
        elif kind == "word":
            form, width = (("<I", 4), (">I", 4), ("<Q", 8), (">Q", 8))[which % 4]
            number = WORDS[which % len(WORDS)] % 2 ** (8 * width)
            content[at : at + width] = struct.pack(form, number)
        elif kind == "number":
            _replace_number(content, at, NUMBERS[which % len(NUMBERS)])
        elif kind == "swap":
            other = which % size
            low, high = sorted((at, other))
            part = content[low : low + 40]
            content[high:high] = part
    return bytes(content)


def _replace_number(content: bytearray, at: int, number: bytes) -> None:
    """Replace the first digits behind a place."""
    digits = b"0123456789.-+eE"
    first = next((i for i in range(at, min(at + 2000, len(content))) if content[i] in digits), None)
    if first is None:
        return
    last = first
    while last < len(content) and content[last] in digits:
        last += 1
    content[first:last] = number


@st.composite
def mutated(draw, source, n_max=4):
    """Draw a file and change it; one of eight stays as it is."""
    data = draw(source)
    changes = draw(st.lists(edits, max_size=n_max))
    return edited(data, changes)


def gzipped(data: bytes) -> bytes:
    """Return bytes compressed, quickly."""
    return gzip.compress(data, 1, mtime=0)


@st.composite
def maybe_gzipped(draw, source):
    """Draw a name's ending and bytes: plain, compressed, compressed twice, or damaged after it."""
    data = draw(source)
    form = draw(st.sampled_from(("plain", "plain", "plain", "gz", "gz", "damaged", "twice", "lie")))
    if form == "plain":
        return "", data
    packed = gzipped(data)
    if form == "damaged":
        packed = edited(packed, draw(st.lists(edits, min_size=1, max_size=3)))
    if form == "twice":
        packed = gzipped(packed)
    return ".gz", data if form == "lie" else packed


def rarely(common, rare, one_in=60):
    """Draw from a costly strategy once in a while."""
    return st.integers(0, one_in - 1).flatmap(lambda i: rare if i == one_in - 1 else common)
