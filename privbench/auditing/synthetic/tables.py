"""Tables as people have them, made alike: the same columns, of the same types, in the same order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.components.messages import closest, near
from privbench.errors import DataError
from privbench.wording import shortened

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
"""Number of names or values that a message shows."""


def read_table(source: Any, role: str) -> pd.DataFrame:
    """Return a table with its columns' names as texts; a message begins with ``role``.

    Raises:
        DataError: there is no such file, it is no table, or it has no rows.
    """
    import pandas as pd

    from privbench.datasets.frames import read_frame

    if isinstance(source, str | Path):
        try:
            return read_frame(source)
        except DataError as error:
            raise DataError(f"{role}: {error}") from None
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
    elif isinstance(source, Mapping):
        frame = _frame_of(dict(source), role)
    else:
        frame = _frame_of(_as_array(source, role), role)
    frame = frame.rename(columns=lambda name: str(name).strip())
    if repeated := sorted(frame.columns[frame.columns.duplicated()]):
        raise DataError(f"{role}: column name {repeated[0]!r} occurs more than once")
    if frame.empty:
        raise DataError(f"{role}: there are no rows")
    return frame


def read_tables(sources: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Return the tables of `read_table` by role.

    Raises:
        DataError: some cannot be read; the message has a line for each of them.
    """
    tables: dict[str, pd.DataFrame] = {}
    problems = []
    for role, source in sources.items():
        try:
            tables[role] = read_table(source, role)
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    return tables


def _as_array(source: Any, role: str) -> NDArray[Any]:
    if hasattr(source, "detach"):  # a tensor, on any device
        source = source.detach().cpu().numpy()
    array = np.asarray(source)
    if array.ndim != 2:
        raise DataError(
            f"{role}: expected a file, a DataFrame or an array (rows, columns), got"
            f" {type(source).__name__} with shape {array.shape}"
        )
    return array


def _frame_of(values: Any, role: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.DataFrame(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{role}: not a table ({error})") from None


def alike(
    tables: Mapping[str, pd.DataFrame],
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Return the tables with the same columns, sorted by name: float64, or texts; holes are missing.

    A column has numbers if it has numbers in all tables, and words otherwise.

    Args:
        tables: the tables by role; the first is what the others must be like.
        categorical: columns of numbers to treat as words, such as postcodes.
        drop: columns to leave out, such as record numbers.

    Raises:
        DataError: columns differ, or their types; the message names all of them.
    """
    first, model = next(iter(tables.items()))
    names = list(model.columns)
    anywhere = {name for table in tables.values() for name in table.columns}
    problems = [
        f"{option}: there is no column {name!r}{closest(name, anywhere)}"
        for option, given in (("--categorical", categorical), ("--drop", drop))
        for name in given
        if name not in anywhere
    ]
    kept = sorted(name for name in names if name not in set(drop))
    if not kept:
        problems.append(f"{first}: no columns are left")
    for role, table in tables.items():
        theirs = [name for name in table.columns if name not in set(drop)]
        lacking = [name for name in kept if name not in theirs]
        further = [name for name in theirs if name not in kept]
        if lacking:
            problems.append(
                f"{role}: lacks {_columns(lacking)} of {first}{_leave_out(lacking)}"
                f"{_renamed(lacking, further)}"
            )
        if further:
            problems.append(
                f"{role}: has {_columns(further)} that {first} lacks{_leave_out(further)}"
            )
    columns: dict[str, dict[str, pd.Series]] = {role: {} for role in tables}
    for name in kept:
        series = {role: table[name] for role, table in tables.items() if name in table.columns}
        try:
            for role, made in _column(name, series, name in categorical).items():
                columns[role][name] = made
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    import pandas as pd

    return {role: pd.DataFrame(made) for role, made in columns.items()}


def identifying(tables: Sequence[pd.DataFrame]) -> list[str]:
    """Return the columns of `alike` that name each row by a whole number, or a word, of its own."""

    def names_rows(column: pd.Series) -> bool:
        if column.isna().any() or column.duplicated().any():
            return False
        return is_words(column) or bool((column == column.round()).all())

    return [name for name in tables[0].columns if all(names_rows(t[name]) for t in tables)]


def is_words(column: pd.Series) -> bool:
    """Return whether a column of `alike` has words instead of numbers."""
    return bool(column.dtype != np.float64)


def _column(name: str, series: Mapping[str, pd.Series], words: bool) -> dict[str, pd.Series]:
    """Return one column of all tables, as numbers or as words."""
    kinds = {role: _kind(values) for role, values in series.items()}
    found = set(kinds.values()) - {"empty"}
    if not words and found <= {"numbers", "bool"} and found != {"bool"}:
        made = {role: _numbers(values) for role, values in series.items()}
        infinite = [role for role, values in made.items() if np.isinf(values).any()]
        if infinite:
            raise DataError(f"{', '.join(infinite)}: column {name!r} has infinite numbers")
        return made
    if not words and "numbers" in found:
        role_of = {kind: role for role, kind in reversed(kinds.items())}
        texts = series[role_of["words"]].dropna().astype(str)
        shown = ", ".join(repr(text) for text in texts[~texts.map(_is_number)].unique()[:3])
        raise DataError(
            f"{role_of['words']}: column {name!r} has words{f' such as {shown}' if shown else ''}, but"
            f" {role_of['numbers']} has numbers (words in all tables: --categorical {name!r})"
        )
    return {
        role: values.map(_word, na_action="ignore").astype(object)
        for role, values in series.items()
    }


def _kind(values: pd.Series) -> str:
    import pandas as pd

    if values.isna().all():
        return "empty"
    if pd.api.types.is_bool_dtype(values.dropna().infer_objects()):
        return "bool"
    dates = pd.api.types.is_datetime64_any_dtype(values) or values.dtype.kind == "m"
    return "numbers" if pd.api.types.is_numeric_dtype(values) or dates else "words"


def _numbers(values: pd.Series) -> pd.Series:
    """Return numbers as float64, and times as days."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        values = (values - pd.Timestamp(0, tz=values.dt.tz)) / pd.Timedelta(days=1)
    elif values.dtype.kind == "m":
        values = values / pd.Timedelta(days=1)
    elif values.dtype == object:
        values = values.map(float, na_action="ignore")
    return values.astype("float64") + 0.0  # which makes -0.0 equal to 0.0


def _word(value: Any) -> str:
    """Return a value as text; 3 and 3.0, which a hole elsewhere may make of it, are the same."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return str(value).strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _leave_out(names: Sequence[str]) -> str:
    return f" (to leave out: {' '.join(f'--drop {name!r}' for name in names[:SHOWN])})"


def _renamed(lacking: Sequence[str], further: Sequence[str]) -> str:
    """Return a question where a column that a table lacks may be there by a similar name."""
    return next((found for name in lacking if (found := near(name, further))), "")


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {shortened(list(map(repr, names)), SHOWN)}"
