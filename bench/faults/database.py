"""Databases that are damaged, and databases of other versions."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from harness import Lab, Tally, rows_of

from privbench.cli import build_cli
from privbench.errors import PrivbenchError
from privbench.plugins.host import PluginHost
from privbench.storage.results import Results

Damage = Callable[[Path, random.Random], None]

PAGE = 4096
TABLES = ("rows", "runs", "times")


def bits(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 1, 3, 30, 300])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def header(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(100)] = rng.randrange(256)
    path.write_bytes(content)


def cut(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.choice([0, 1, 99, 100, rng.randrange(path.stat().st_size)]))


def zeros(path: Path, rng: random.Random) -> None:
    _overwrite(path, rng, bytes(PAGE))


def noise(path: Path, rng: random.Random) -> None:
    _overwrite(path, rng, rng.randbytes(PAGE))


def swapped(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    start = rng.randrange(len(content) // PAGE) * PAGE
    _overwrite(path, rng, content[start : start + PAGE])


def dropped(path: Path, rng: random.Random) -> None:
    """A table, or a column, or an index, or a trigger."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        kind, name = rng.choice(
            database.execute(
                "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"
            ).fetchall()
        )
        database.execute(f"DROP {kind} {name}")


def column(path: Path, rng: random.Random) -> None:
    table = rng.choice(TABLES)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        names = [line[1] for line in database.execute(f"PRAGMA table_info({table})")]
        for trigger in _triggers(database):
            database.execute(f"DROP TRIGGER {trigger}")
        try:
            database.execute(f"ALTER TABLE {table} DROP COLUMN {rng.choice(names)}")
        except sqlite3.OperationalError:  # one that an index or a constraint needs
            database.execute(f"ALTER TABLE {table} RENAME COLUMN {rng.choice(names)} TO other")


def types(path: Path, rng: random.Random) -> None:
    """A value of another type, in a random column of some lines."""
    table = rng.choice(TABLES)
    values = (None, 1, -1, 0, 2.5, "", "x", b"\xff\x00", "[1]", "{}", '{"a": {}}', "[" * 100_000, 2**62,
              float("inf"), "null", "\x1b[31m", "NaN")  # fmt: skip
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        names = [line[1] for line in database.execute(f"PRAGMA table_info({table})")]
        for trigger in _triggers(database):
            database.execute(f"DROP TRIGGER {trigger}")
        try:
            database.execute(
                f"UPDATE {table} SET {rng.choice(names)} = ? WHERE rowid % ? = 0",
                (rng.choice(values), rng.choice([1, 2, 5])),
            )
        except sqlite3.IntegrityError:  # it may not be null
            database.execute("UPDATE runs SET environment = 'x'")


def fewer(path: Path, rng: random.Random) -> None:
    """Lines that are gone."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for trigger in _triggers(database):
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(
            f"DELETE FROM {rng.choice(TABLES)} WHERE rowid % ? = 0", (rng.choice([1, 3]),)
        )


def version(path: Path, rng: random.Random) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        number = rng.choice([-1, 0, 1, 5, 9, 11, 99, 2**31 - 1, -(2**31)])
        database.execute(f"PRAGMA user_version = {number}")


def wal(path: Path, rng: random.Random) -> None:
    """A write-ahead log that is not its own."""
    path.with_name(path.name + "-wal").write_bytes(rng.randbytes(rng.choice([1, 32, 5000])))
    if rng.random() < 0.5:
        path.with_name(path.name + "-shm").write_bytes(rng.randbytes(rng.choice([1, 32768])))


def not_a_file(path: Path, rng: random.Random) -> None:
    path.unlink()
    kind = rng.choice(["folder", "link", "nowhere", "text"])
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("this is no database " * 1000)
    else:
        path.symlink_to(path.name if kind == "link" else "/nowhere/at/all")


DAMAGES: tuple[Damage, ...] = (
    bits, bits, bits, header, cut, zeros, noise, swapped, dropped, column, types, types, fewer, version,
    wal, not_a_file,
)  # fmt: skip
SHOWN = (
    ["table"], ["table", "small", "--view", "attacks"], ["table", "--json"], ["runs"],
    ["runs", "--json"],
    ["runs", "show", "1"], ["runs", "diff", "1", "2"], ["table", "--view", "differences"],
    ["table", "--view", "records"], ["table", "--view", "audit"],
)  # fmt: skip


def damaged(lab: Lab, tries: int) -> Tally:
    """Show what is in it, which may be refused; then run, in one of 20 tries by `privbench run`."""
    tally = Tally("damaged database")
    group = build_cli(PluginHost(installed=False))
    shown_rows = [json.loads(row) | {"seconds": None} for row in lab.rows]
    with lab.copy("twice") as twice:
        lab.run("twice", "--set", "seeds=[0]")
        for number in range(tries):
            damage = DAMAGES[number % len(DAMAGES)]
            results = lab.folder / "damaged"
            results.mkdir()
            shutil.copyfile(twice / "results.sqlite", results / "results.sqlite")
            (results / "artifacts").symlink_to(twice / "artifacts")
            damage(results / "results.sqlite", lab.random)
            what = f"{damage.__name__} {number}"
            for words in [["table", "--view", "rows", "--json"], *lab.random.sample(SHOWN, 2)]:
                shown = CliRunner().invoke(group, [*words, "--results", str(results)])
                problem = shown.exception and not isinstance(shown.exception, SystemExit)
                text = "".join(traceback.format_exception(shown.exception)) if problem else ""
                tally.expect(not problem, f"{what}: {' '.join(words)}: {text[-1500:]}")
                ok = shown.exit_code == 0 or (shown.exit_code == 2 and "error: " in shown.stderr)
                tally.expect(ok, f"{what}: {words}: {shown.exit_code}: {shown.output[-300:]}")
                if words[-1] == "--json" and "rows" in words:
                    tally.ended("refused" if shown.exit_code else "shown as it was")
                    found = [] if shown.exit_code else json.loads(shown.stdout)
                    right = sorted(map(_plain, found)) == sorted(map(_plain, shown_rows))
                    tally.expect(right or not found, f"{what}: shows other rows")
            _run_again(lab, tally, results, damage, what, by_command=number % 20 == 0)
            shutil.rmtree(results)
    return tally


def _run_again(
    lab: Lab, tally: Tally, results: Path, damage: Damage, what: str, *, by_command: bool
) -> None:
    """Make the rows again, by the command or as it does; a newer database, and a folder, are refused."""
    if by_command:
        outcome = lab.run(results.name)
        tally.no_traceback(outcome, f"{what}: run")
        error = "" if outcome.status == 0 else outcome.err
        again = "] population" in outcome.err
        tally.expect(not again, f"{what}: computed again: {outcome.err}")
    else:
        error = ""
        try:
            store = Results(results)
            rows = Results(lab.whole).rows("small")
            run = store.start_run("small", {})
            store.add(run, rows)
            store.finish_run(run)
        except PrivbenchError as problem:
            error = f"error: {problem}"
    refused = "newer privbench" in error and damage in (version, header)
    refused = refused or ("read-only: move it away" in error and damage is header)
    if refused or (error and damage is not_a_file):
        return
    if tally.expect(not error, f"{what}: run: {error}"):
        tally.expect(rows_of(results) == lab.rows, f"{what}: other rows")


def _plain(row: dict[str, Any]) -> str:
    return json.dumps(row | {"seconds": None}, sort_keys=True)


def older(lab: Lab, tries: int) -> Tally:
    """A database of each older schema: its run is shown, a copy is kept, and a run goes on in it."""
    from privbench.storage.columns import SCHEMA
    from privbench.storage.migrations import MIGRATIONS

    tally = Tally("database of an older schema")
    for schema in range(1, len(MIGRATIONS)):
        for _ in range(tries):
            with lab.copy(f"older-{schema}") as results:
                path = results / "results.sqlite"
                with closing(sqlite3.connect(path)) as database:
                    run = database.execute("SELECT * FROM runs").fetchone()
                    known = [c.name for c in SCHEMA if c.since <= schema]
                    rows = database.execute(f"SELECT {', '.join(known)} FROM rows").fetchall()
                for file in results.glob("results.sqlite*"):
                    file.unlink()
                with closing(sqlite3.connect(path)) as database:
                    for script in MIGRATIONS[:schema]:
                        database.executescript(script)
                    database.execute(f"PRAGMA user_version = {schema}")
                    database.execute(
                        "INSERT INTO runs (id, benchmark, started_at, finished_at, environment)"
                        " VALUES (?, ?, ?, ?, ?)", run[:5],
                    )  # fmt: skip
                    marks = ", ".join("?" * (len(known) + 1))
                    database.executemany(
                        f"INSERT INTO rows (run_id, {', '.join(known)}) VALUES ({marks})",
                        [(1, *row) for row in rows],
                    )
                    database.commit()
                what = f"schema {schema}"
                shown = lab.command("table", "--view", "attacks", "--results", results)
                tally.no_traceback(shown, what)
                tally.expect(shown.status == 0, f"{what}: {shown.text[-600:]}")
                kept = results / f"results.sqlite.schema-{schema}"
                with closing(sqlite3.connect(kept)) as database:
                    (n,) = database.execute("SELECT count(*) FROM rows").fetchone()
                tally.expect(n == len(rows), f"{what}: the copy has {n} rows")
                lab.check_goes_on(tally, results, what)
                with closing(sqlite3.connect(path)) as database:
                    (n,) = database.execute("SELECT count(*) FROM rows WHERE run_id = 1").fetchone()
                tally.expect(n == len(rows), f"{what}: {n} of {len(rows)} rows")
                tally.ended("migrated")
    return tally


def newer(lab: Lab, tries: int) -> Tally:
    """A database of a newer privbench, which is refused and left as it is."""
    from privbench.storage.migrations import MIGRATIONS

    tally = Tally("database of a newer schema")
    for number in range(tries):
        with lab.copy(f"newer-{number}") as results:
            path = results / "results.sqlite"
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1 + number}")
            before = path.read_bytes()
            for outcome in (lab.command("table", "--results", results), lab.run(results.name)):
                tally.no_traceback(outcome)
                said = "newer privbench" in outcome.err
                tally.expect(
                    outcome.status == 2 and said, f"{outcome.status}: {outcome.text[-600:]}"
                )
                tally.ended("refused")
            tally.expect(path.read_bytes() == before, "the database was changed")
    return tally


def _overwrite(path: Path, rng: random.Random, page: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(rng.randrange(path.stat().st_size // PAGE) * PAGE)
        file.write(page)


def _triggers(database: sqlite3.Connection) -> list[str]:
    return [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
