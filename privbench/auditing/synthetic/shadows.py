"""Shadow tables: what the generator makes of other rows, whose membership the adversary knows.

They come from a folder, or from a generator that is run here. A folder holds two tables for each:

    NAME.csv            what the generator released
    NAME.members.csv    the rows that it was trained on

as CSV (plain or .gz) or Parquet, with the columns of train. Rows are recognised by their values, so that
their order plays no part. A folder that `trained` has filled can be read like any other.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privbench.auditing.fingerprint import fingerprint
from privbench.auditing.synthetic.kept import MEMBERS, KeptShadows
from privbench.auditing.synthetic.tables import read_table, read_tables
from privbench.components.contained import contained
from privbench.components.messages import error_text
from privbench.components.scripts import run_script
from privbench.errors import BadInput, DataError, PrivbenchError
from privbench.metrics.pairs import Bools
from privbench.report.numbers import duration
from privbench.seeds import canonical_json, generator, seed_of

if TYPE_CHECKING:
    import pandas as pd

Generate = Callable[["pd.DataFrame", int, int], Any]
"""``generate(table, seed, n)`` fits a generator to a table and returns n synthetic rows."""

log = logging.getLogger(__name__)

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MIN_SHADOWS = 4
"""Smallest number of shadow tables that says anything about a record."""

MAX_DIFFERENCE = 0.05
"""By how much more than noise the shares of train and holdout may differ in members of shadows."""


def read_folder(folder: str | Path) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Return the released table and the members of each shadow, by name.

    Raises:
        DataError: there is no such folder, too few shadows are in it, or a half of a pair is missing;
            the message names all of them.
    """
    path = Path(folder)
    if not path.is_dir():
        raise DataError(f"--shadow {folder}: no such folder (looked for {path.absolute()})")
    files = {
        file.name.removesuffix(suffix): file
        for file in sorted(path.iterdir())
        for suffix in SUFFIXES
        if file.name.endswith(suffix)
    }
    names = [name for name in files if not name.endswith(MEMBERS)]
    lone = [files[name].name for name in names if name + MEMBERS not in files]
    lone += [
        file.name
        for name, file in files.items()
        if name.endswith(MEMBERS) and name.removesuffix(MEMBERS) not in files
    ]
    if lone:
        raise DataError(
            f"--shadow {folder}: {', '.join(lone)}: each shadow is two files, NAME.csv, what the"
            f" generator released, and NAME{MEMBERS}.csv, the rows that it was trained on"
        )
    if len(names) < MIN_SHADOWS:
        raise DataError(
            f"--shadow {folder}: there are {len(names)} shadow tables, at least {MIN_SHADOWS} are needed"
            f" (pairs of files NAME.csv and NAME{MEMBERS}.csv)"
        )
    sources: dict[str, Path] = {}
    for name in names:
        released, members = shadow_roles(name)
        sources |= {released: files[name], members: files[name + MEMBERS]}
    tables = read_tables(sources)
    return {name: (tables[shadow_roles(name)[0]], tables[shadow_roles(name)[1]]) for name in names}


def shadow_roles(name: str) -> tuple[str, str]:
    """Return what messages call the released table of a shadow, and the table of its members."""
    return f"shadow {name}", f"members of shadow {name}"


class GeneratorFailed(PrivbenchError):
    """The code of a generator raised, or returned no table."""


def drawn_members(n_records: int, n_shadows: int, seed: int, n_train: int | None = None) -> Bools:
    """Return the membership (shadows, records): each record is in with probability one half.

    If that is more than ``n_train`` records, the probability is less.
    """
    share = 0.5 if n_train is None else min(0.5, n_train / n_records)
    drawn: Bools = generator(seed, "shadow members").random((n_shadows, n_records)) < share
    return drawn


def trained(
    generate: Generate,
    attacked: pd.DataFrame,
    fill: pd.DataFrame,
    member: Bools,
    sizes: tuple[int, int],
    folder: Path | None,
    texts: Collection[str],
    seed: int,
) -> Iterator[pd.DataFrame]:
    """Yield what the generator makes of each shadow's members; finished ones are read from the folder.

    Args:
        generate: fits a generator to a table, and returns synthetic rows.
        attacked: the attacked records (records, columns), in the order of ``member``.
        fill: rows that are never attacked, which make a shadow's table as long as that of the target.
        member: bool (shadows, records).
        sizes: the number of rows of the target's table, and of its synthetic table.
        folder: where shadows are kept; None to keep none.
        texts: the columns of words, of which a kept file may look as if they were numbers.
        seed: the seed of each run of the generator depends on it.

    Raises:
        GeneratorFailed: the generator raises, or returns no such table.
    """
    import pandas as pd

    n_train, n_synthetic = sizes
    n_shadows, began, computed = len(member), time.monotonic(), 0
    kept = None if folder is None else KeptShadows(folder)
    for index, row in enumerate(member):
        own = attacked[row]
        missing = max(0, min(n_train - len(own), len(fill)))
        order = generator(seed, "fill", index).permutation(len(fill))[:missing]
        table = pd.concat([own, fill.iloc[order]], ignore_index=True)
        known = None if kept is None else kept.read(index, texts)
        if known is not None:
            yield known
            continue
        released = _run(generate, table, seed_of(seed, "shadow", index) % 2**31, n_synthetic, index)
        if kept is not None:
            kept.write(index, table, released)
        computed += 1
        each = (time.monotonic() - began) / computed
        left = duration(each * (n_shadows - index - 1))
        log.info("shadow table %d of %d: %.1f s, %s left", index + 1, n_shadows, each, left)
        yield released


def folder_of(cache: str | Path, generate: Generate, parts: dict[str, Any]) -> Path:
    """Return the folder of the shadows of a generator and of what it is run on; it is made.

    What the generator depends on is part of the name, as far as `fingerprint` sees it.

    Raises:
        BadInput: the folder cannot be made.
    """
    text = canonical_json(parts | {"generator": fingerprint(generate)})
    folder = Path(cache) / hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--cache {cache}: {error.strerror}") from None
    return folder


def check_membership(member: Bools, of_train: Bools, folder: object) -> None:
    """Raise BadInput if the members of shadows are not attacked rows, of train and holdout alike.

    Args:
        member: bool (shadows, records), which records each shadow was trained on.
        of_train: bool (records,), which records are rows of train.
        folder: where the shadows come from.
    """
    share = float(member.mean())
    train, holdout = (float(member[:, side].mean()) for side in (of_train, ~of_train))
    noise = np.sqrt(0.25 / len(member) * (1 / of_train.sum() + 1 / (~of_train).sum()))
    if not 0.02 < share < 0.98:
        problem = f"{share:.1%} of the attacked rows are in a shadow's members, on average"
    elif abs(train - holdout) > MAX_DIFFERENCE + 4 * noise:
        problem = (
            f"{train:.1%} of the attacked rows of train are in a shadow's members, on average, but"
            f" {holdout:.1%} of those of the holdout, by which attacks would know train from holdout"
        )
    else:
        return
    raise BadInput(
        f"--shadow {folder}: {problem}. Train each shadow on a random half of the rows of train and"
        " holdout together"
    )


def load_generator(path: str | Path) -> Generate:
    """Return the function ``generate(table, seed, n)`` of a Python file.

    Raises:
        BadInput: there is no such file, it raises, or has no such function.
    """
    module = run_script(Path(path), "generator", "--generator")
    generate = getattr(module, "generate", None)
    if not callable(generate):
        raise BadInput(f"--generator {path}: defines no function generate(table, seed, n)")
    found: Generate = generate
    return found


def _run(generate: Generate, table: pd.DataFrame, seed: int, n: int, index: int) -> pd.DataFrame:
    columns = list(table.columns)
    try:
        with contained():
            released = generate(table.copy(), seed, n)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise GeneratorFailed(f"shadow {index}: {error_text(error)}") from error
    import pandas as pd

    if not isinstance(released, pd.DataFrame):
        array = np.asarray(released)
        if array.ndim != 2 or array.shape[1] != len(columns):
            raise GeneratorFailed(
                f"shadow {index}: expected a table with {len(columns)} columns, got"
                f" {type(released).__name__} with shape {array.shape}"
            )
        released = pd.DataFrame(array, columns=columns)
    return read_table(released, f"shadow {index}")
