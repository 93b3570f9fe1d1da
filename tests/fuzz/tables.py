"""Tables: CSV in many spellings, and Parquet."""

from __future__ import annotations

import io
from functools import cache

from hypothesis import strategies as st

from tests.fuzz.mutate import edited, edits, maybe_gzipped, rarely, texts

CELLS = (
    "", "1", "0", "2", "1.5", "-1", "1,5", "1.234,5", "1e400", "nan", "NA", "inf", "-inf",
    "True", "a", "b",
    "2020-01-01", "31.12.2020", "12/31/2020", "99999999999999999999", "0x10", " 1 ", '"', '""',
    "'", "\x00",
    "a\nb", "\ud800", "=1+1", "0001", "1_000", "1970-01-01T00:00:00Z", "9999-12-31", "-0", "١",
)  # fmt: skip
NAMES = (
    "label",
    "member",
    "p0",
    "p1",
    "prob_0",
    "prob_1",
    "id",
    "age",
    "",
    " label",
    "Unnamed: 0",
    "x",
)
ENCODINGS = (*("utf-8",) * 8, "utf-8-sig", "utf-16", "utf-32", "latin-1", "utf-16-le")

cells = st.one_of(st.sampled_from(CELLS), st.sampled_from(CELLS), texts)


def valid(kind: int, n: int = 24) -> list[list[str]]:
    """Return a table: of an audit, or of a dataset with numbers, words and dates."""
    if kind % 2:
        rows = [[str(i % 2), str(i % 2 == 0), f"{0.1 + 0.05 * i:.2f}", str(i)] for i in range(12)]
        rows = [[*row[:2], row[2], f"{1 - float(row[2]):.2f}", row[3]] for row in rows]
        return [["label", "member", "prob_0", "prob_1", "id"], *rows]
    words = ("red", "green", "blue")
    return [
        ["age", "colour", "day", "label"],
        *[
            [str(20 + i % 7), words[i % 3], f"2020-01-{1 + i % 9:02d}", str(i % 2)]
            for i in range(n)
        ],
    ]


@st.composite
def csv_texts(draw, usual=0):
    """Draw a table in text: cells, names, rows and separators exchanged, then bytes.

    Args:
        usual: the kind of most tables.
    """
    table = valid(draw(st.sampled_from((usual, usual, usual, 1 - usual))))
    changes = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6), cells), max_size=4))
    for row, column, cell in changes:
        line = table[row % len(table)]
        line[column % len(line)] = cell
    whole = draw(
        st.sampled_from((None,) * 6 + ("column", "empty", "headless", "ragged", "twice", "wide"))
    )
    if whole == "column":
        cell = draw(cells)
        for line in table[1:]:
            line[0] = cell
    elif whole == "empty":
        table = table[:1]
    elif whole == "headless":
        table = table[1:]
    elif whole == "ragged":
        table[draw(st.integers(0, 5))] += ["x"] * draw(st.integers(1, 5))
    elif whole == "twice":
        table[0] = [draw(st.sampled_from(NAMES))] * len(table[0])
    elif whole == "wide":
        table = [line * draw(st.sampled_from((2, 30))) for line in table]
    separator = draw(st.sampled_from((",", ",", ",", ",", ",", ";", "\t", "|", " ", "\x00", "::")))
    ending = draw(st.sampled_from((*("\n",) * 6, "\r\n", "\r", "\n\n", "\x0b", "\u2028")))
    quote = draw(st.booleans())
    text = ending.join(
        separator.join('"' + c.replace('"', '""') + '"' if quote else c for c in line)
        for line in table
    )
    text = draw(st.sampled_from((*("",) * 8, "sep=;\n", '"sep=,"\r\n', "\n\n", "# x\n"))) + text
    data = text.encode(draw(st.sampled_from(ENCODINGS)), "surrogatepass" if False else "replace")
    return edited(data, draw(st.lists(edits, max_size=3)) if draw(st.booleans()) else [])


def _huge(kind: int) -> bytes:
    """Return a table that is far larger in one respect than honest ones."""
    n = 300_000
    return (
        lambda: b"label," + b"1," * n + b"\n0," + b"1," * n,
        lambda: b"label,a\n" + b"x" * 3_000_000 + b",1\n",
        lambda: ",".join(f"c{i}" for i in range(40_000)).encode() + b"\n" + b"1," * 39_999 + b"1\n",
        lambda: b"a,label\n" + b'"' + b"\n" * n,
        lambda: b"a,label\n" + b"1,0\n2,1\n" * 20_000,
        lambda: b"\n" * n,
        lambda: b";" * n + b"\n" + b";" * n,
        lambda: b"a,label\n" + b"".join(b"w%d,%d\n" % (i, i % 2) for i in range(20_000)),
    )[kind % 8]()  # fmt: skip


def csv_files(usual):
    """Return tables in text, plain or compressed, a few of which are huge."""
    return maybe_gzipped(rarely(csv_texts(usual), st.integers(0, 7).map(_huge), one_in=250))


@cache
def frame_columns():
    """Return columns for Parquet by name, of all types that it has and pandas can write."""
    import datetime
    import decimal

    import numpy as np
    import pandas as pd

    n = 12
    return {
        "numbers": np.linspace(0, 1, n),
        "labels": np.arange(n) % 2,
        "words": [f"w{i % 3}" for i in range(n)],
        "dates": pd.date_range("2020-01-01", periods=n),
        "zoned": pd.date_range("2020-01-01", periods=n, tz="Europe/Rome"),
        "far": np.array(["9999-12-31"] * n, dtype="datetime64[s]"),
        "holes": [None if i % 3 else 1.5 for i in range(n)],
        "none": [None] * n,
        "lists": [[i, i] for i in range(n)],
        "dicts": [{"a": i} for i in range(n)],
        "bytes": [b"\xff\x00"] * n,
        "decimals": [decimal.Decimal("1.10")] * n,
        "huge": [decimal.Decimal("9" * 37)] * n,
        "days": [datetime.date(2020, 1, 1 + i) for i in range(n)],
        "times": [datetime.time(1, i) for i in range(n)],
        "spans": pd.to_timedelta(np.arange(n), unit="s"),
        "categories": pd.Categorical(["a", "b"] * (n // 2)),
        "bools": [True, None, False] * (n // 3),
        "ints": pd.array([1, None, 3] * (n // 3), dtype="Int64"),
        "infinite": [float("inf")] * n,
        "nested": [[[i]] for i in range(n)],
        "same": ["x"] * n,
        "unsigned": np.array([2**63 + 1] * n, dtype=np.uint64),
        "half": np.zeros(n, np.float16),
    }


@st.composite
def parquet_files(draw):
    """Draw a Parquet file of columns of all types, whose bytes may be damaged."""
    import pandas as pd

    columns = frame_columns()
    chosen = draw(st.lists(st.sampled_from(list(columns)), min_size=1, max_size=4))
    names = [draw(st.sampled_from((*NAMES, "prob_0", "prob_1"))) for _ in chosen]
    table = {name: columns[kind] for name, kind in zip(names, chosen, strict=True)}
    if draw(st.booleans()):
        table |= {"label": columns["labels"], "member": columns["labels"] == 1}
        table |= {"prob_0": columns["numbers"], "prob_1": 1 - columns["numbers"]}
    frame = pd.DataFrame(table)
    index = draw(st.sampled_from((*(None,) * 4, *frame.columns)))
    buffer = io.BytesIO()
    try:
        frame = frame if index is None else frame.set_index([index])
        frame.to_parquet(
            buffer, compression=draw(st.sampled_from((None, "snappy", "gzip", "zstd")))
        )
    except Exception:  # pandas cannot write every table of these columns
        return b"PAR1"
    data = buffer.getvalue()
    return edited(data, draw(st.lists(edits, max_size=3)) if draw(st.booleans()) else [])


def parquet_bomb(rows: int) -> bytes:
    """Return a small Parquet file whose one long word, in a dictionary, fills so many rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = pa.DictionaryArray.from_arrays(
        pa.array([0] * 1_000, pa.int32()), pa.array(["x" * 1_000_000])
    )
    labels = pa.array([i % 2 for i in range(1_000)])
    table = pa.table({"a": words.cast(pa.string()) if rows <= 1_000 else words, "label": labels})
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema) as writer:
        for _ in range(max(1, rows // 1_000)):
            writer.write_table(table)
    return buffer.getvalue()
