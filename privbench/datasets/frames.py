"""Read tables as people have them: CSV in several spellings, and Parquet."""

from __future__ import annotations

import codecs
import csv
import logging
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.bounds import MAX_COLUMNS, most_bytes, too_large
from privbench.datasets.decimals import found_decimal, with_numbers
from privbench.datasets.reading import Content, read_file
from privbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""The separators that are found out, and what they are called."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, with whose mark it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLED_LINES = 50
MAX_NAME = 1000
"""Characters of the name of a column, which messages and pages show."""
_BYTES = 8
"""Bytes of a value of a table in memory, at least."""


def read_frame(
    path: str | Path, *, separator: str | None = None, decimal: str | None = None
) -> pd.DataFrame:
    """Read a table from a CSV file (plain or ``.gz``) or a Parquet file.

    Text is UTF-8, or any Unicode with a byte-order mark. Blanks around names and words are stripped.

    Args:
        path: The file.
        separator: What stands between columns; by default found out.
        decimal: The decimal mark, a point or a comma; by default found out where columns are not
            separated by commas.

    Raises:
        DataError: If there is no such file, or it holds no table with names of columns.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else f"no such file (looked for {file.absolute()})"
        raise DataError(f"{path}: {what}")
    return parse_frame(read_file(file), separator=separator, decimal=decimal)


def parse_frame(
    content: Content,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    text_columns: Collection[str] = (),
) -> pd.DataFrame:
    """Parse a table; see `read_frame`. The ``text_columns`` stay text, whatever they look like."""
    if content.data[:4] == b"PAR1":
        return _parse_parquet(content, text_columns)
    if content.data[:4] == b"PK\x03\x04":
        raise DataError(
            f"{content.where}: is a workbook or a zip archive, not a table in text; save the sheet as"
            " CSV, or unpack the archive"
        )
    return _parse_csv(content, separator, decimal, text_columns)


def _parse_parquet(content: Content, text_columns: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        _check_parquet(content)
        table = pd.read_parquet(BytesIO(content.data), engine="pyarrow")
    except ImportError:
        raise DataError(
            f"{content.where}: to read Parquet, install pyarrow: pip install 'privbench[parquet]'"
        ) from None
    except DataError:
        raise
    except Exception as error:  # pyarrow has exceptions of its own
        raise DataError(f"{content.where}: not a table in Parquet ({error!s:.300})") from error
    if table.index.name is not None or table.index.nlevels > 1:
        table = table.reset_index()  # a column that pandas has stored as an index
    table = table.reset_index(drop=True).rename(columns=lambda name: str(name).strip())
    _check_header(content.where, list(table.columns))
    for name in table.columns:
        table[name] = table[name].astype(str) if name in text_columns else _plain(table[name])
    return _checked(content.where, table)


def _check_parquet(content: Content) -> None:
    """Refuse a table that is far larger than its file.

    A value that repeats takes next to no room in the file, so that a few KiB can hold billions of rows,
    or a million copies of a long word. Words are read with their dictionary, and counted before they
    are copied.
    """
    import pyarrow.parquet as pq

    file = pq.ParquetFile(BytesIO(content.data))
    facts = file.metadata
    if facts.num_columns > MAX_COLUMNS:
        raise too_many_columns(content.where, facts.num_columns)
    groups = [facts.row_group(i) for i in range(facts.num_row_groups)]
    n_values = sum(g.column(i).num_values for g in groups for i in range(g.num_columns))
    unpacked = sum(group.total_byte_size for group in groups)
    size = max(_BYTES * max(n_values, facts.num_rows), unpacked)
    leaves = [facts.schema.column(i) for i in range(facts.num_columns)]
    words = [
        leaf.path
        for leaf in leaves
        if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"
    ]
    packed, instead = len(content.data), "if it is no mistake, save the table as CSV"
    if words and size <= most_bytes(packed):
        table = pq.read_table(BytesIO(content.data), read_dictionary=words, use_threads=False)
        size = max(size, sum(_copied(chunk) for column in table.columns for chunk in column.chunks))
    if size > most_bytes(packed):
        raise too_large(content.where, size, packed, instead)


def _copied(array: Any) -> int:
    """Return how many bytes an array would have at most without the dictionaries of its words."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        longest = max((len(word) for word in array.dictionary.to_pylist() if word), default=0)
        return longest * len(array)
    if pa.types.is_struct(array.type):
        return sum(map(_copied, array.flatten()))
    return _copied(array.values) if pa.types.is_nested(array.type) else 0


def _plain(column: pd.Series) -> pd.Series:
    """Return a column of Parquet as one that a CSV file could have, or as dates."""
    import datetime
    import decimal

    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if pd.api.types.is_bool_dtype(column):
        return column.astype(object) if column.hasnans else column.astype(bool)
    if pd.api.types.is_numeric_dtype(column) and pd.api.types.is_extension_array_dtype(column):
        return column.astype("float64" if column.hasnans else column.dtype.numpy_dtype)
    kinds = set(column.dropna().map(type)) if pd.api.types.is_object_dtype(column) else set()
    if column.dtype.kind == "m":
        return column / pd.Timedelta(days=1)
    if kinds == {decimal.Decimal}:
        return column.astype("float64")
    if kinds == {datetime.date}:
        return pd.to_datetime(column)
    if kinds - {str, bool}:  # lists and the like, which only `drop` can deal with
        return column.map(str, na_action="ignore")
    return column


def _parse_csv(
    content: Content, separator: str | None, decimal: str | None, text_columns: Collection[str]
) -> pd.DataFrame:
    import pandas as pd

    text = decoded(content)
    # A spreadsheet's own line, which says what separates the columns.
    if line := re.match(r'"?sep=(.)"?\r?\n', text):
        separator, text = separator or line[1], text[line.end() :]
    _check_lines(content.where, text, (separator,) if separator else tuple(SEPARATORS))
    found = separator or found_separator(text)

    source = StringIO(text)  # one for all readings: it takes four bytes for a character

    def read(**options: object) -> pd.DataFrame:
        source.seek(0)
        return pd.read_csv(source, sep=found, skipinitialspace=True, index_col=False, **options)

    try:
        header = read(header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
        _check_header(content.where, [name.strip() for name in header])
        texts = {name: str for name in header if name.strip() in text_columns}
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = read(dtype=texts, low_memory=False)
    except pd.errors.EmptyDataError:
        raise DataError(f"{content.where}: the file is empty") from None
    except pd.errors.ParserWarning:
        raise DataError(f"{content.where}: rows have more fields than the header") from None
    except ValueError as error:  # among others pandas.errors.ParserError
        raise DataError(f"{content.where}: not a table ({str(error).strip():.300})") from error
    mark = decimal or found_decimal(table, found, texts)
    table = with_numbers(table, mark, texts, lambda: read(dtype=str))
    if (found, mark) != (separator or ",", decimal or "."):
        said = f"columns separated by {SEPARATORS.get(found, repr(found))}"
        said += ", decimal commas" if mark == "," else ""
        log.info("%s: %s (found out)", content.where, said)
    return _checked(content.where, table.rename(columns=str.strip))


def decoded(content: Content) -> str:
    """Return the text of a file in UTF-8, or in the Unicode that its first bytes name.

    Raises:
        DataError: If it is in another encoding; the message says how to convert it.
    """
    data = content.data
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if (
        encoding == "utf-8" and b"\0" in data[:2]
    ):  # UTF-16 without a mark: its first letter is ASCII
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding not in ("utf-8", "utf-8-sig"):
            raise DataError(
                f"{content.where}: is not {encoding.upper()}, as its first bytes say ({error.reason})"
            ) from error
        raise DataError(_advice(content, error)) from error


def _advice(content: Content, error: UnicodeDecodeError) -> str:
    """Return what to do with text in an encoding of one byte for a letter, which no file names."""
    line = content.data.count(b"\n", 0, error.start) + 1
    problem = f"{content.where}: line {line} is not UTF-8 ({error.reason})"
    word = re.search(rb"[\w\x80-\xff]*$", content.data[: error.start])
    rest = re.match(rb"[\w\x80-\xff]*", content.data[error.start :])
    shown = ((word[0] if word else b"") + (rest[0] if rest else b""))[-40:]
    try:
        content.data.decode("cp1252")
        read = f"; as Windows text (cp1252) the word there is {shown.decode('cp1252')!r}. If so,"
        name = "cp1252"
    except UnicodeDecodeError:
        read, name = "; find out its encoding, and", "ENCODING"
    packed = content.where.endswith(".gz")
    source = "gunzip -c OLD.csv.gz | iconv" if packed else "iconv"
    target = "" if packed else " OLD.csv"
    return f"{problem}{read} convert the file: `{source} -f {name} -t utf-8{target} > NEW.csv`"


def found_separator(text: str) -> str:
    """Return what separates the columns: what the first lines have equally often; else a comma.

    >>> found_separator("a;b\\n1,5;2,5\\n")
    ';'
    """
    counts = {}
    for separator in SEPARATORS:
        rows = csv.reader(StringIO(text), delimiter=separator, skipinitialspace=True)
        counts[separator] = [len(row) for row in islice(_quiet(rows), _SAMPLED_LINES) if row]

    def fitness(separator: str) -> tuple[float, int]:
        lengths = counts[separator]
        return sum(n == lengths[0] for n in lengths) / len(lengths), lengths[0]

    # Of equal ones the first, the comma.
    return max((s for s, n in counts.items() if n and n[0] > 1), key=fitness, default=",")


def _quiet(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield rows until one that cannot be read, about which pandas will say more."""
    try:
        yield from rows
    except csv.Error:
        return


def _checked(where: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without what a spreadsheet adds, and without blanks around words."""
    import pandas as pd

    unnamed = [name for name in table.columns if re.fullmatch(r"(Unnamed: \d+)?", name)]
    table = table.drop(columns=[name for name in unnamed if table[name].isna().all()])
    empty = table.isna().all(axis=1)
    if 0 < empty.sum() < len(table):
        log.info("%s: %d rows without any value are left out", where, empty.sum())
        table = table[~empty].reset_index(drop=True)
    if table.empty:
        raise DataError(f"{where}: no records below the header")
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]) and not _is_date(table[name]):
            table[name] = table[name].map(_strip)
    return table


def _is_date(column: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_datetime64_any_dtype(column))


def _check_header(where: str, names: list[str]) -> None:
    # pandas would rename a second column "y" to "y.1", and the label would become a feature.
    if len(names) > MAX_COLUMNS:
        raise too_many_columns(where, len(names))
    if long := [name for name in names if len(name) > MAX_NAME]:
        raise DataError(
            f"{where}: column {long[0][:40]!r}... has a name of {len(long[0])} characters (allowed:"
            f" {MAX_NAME}); the first line must name the columns"
        )
    counts = Counter(names)
    if repeated := [name for name in names if name and counts[name] > 1]:
        raise DataError(
            f"{where}: column name {repeated[0][:80]!r} occurs more than once in the first line, which"
            " must name the columns"
        )


def too_many_columns(where: str, n: int) -> DataError:
    """Return the error for a table of so many columns."""
    return DataError(
        f"{where}: {n:,} columns (allowed: {MAX_COLUMNS:,}); save so many as arrays: .npz"
    )


def _check_lines(where: str, text: str, separators: Iterable[str]) -> None:
    """Refuse lines of more columns than are allowed, before anything divides them.

    A separator that stands in quotes counts as well; no cell has that many.
    """
    for line in re.finditer(rf"[^\n]{{{MAX_COLUMNS},}}", text):
        n = max(text.count(separator, line.start(), line.end()) for separator in separators) + 1
        if n > MAX_COLUMNS:
            number = text.count("\n", 0, line.start()) + 1
            raise too_many_columns(f"{where}: line {number}", n)


def _strip(value: object) -> object:
    return value.strip() if isinstance(value, str) else value
