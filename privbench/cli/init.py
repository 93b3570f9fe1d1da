"""``privbench init``."""

from __future__ import annotations

import logging
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from privbench.cli.output import echo, write_text
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--label", metavar="COLUMN", help="Column with the classes. Default: guessed.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    default=Path("benchmarks.toml"), show_default=True, help="File to write.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@click.pass_obj
def init(host: PluginHost, file: Path | None, label: str | None, output: Path, force: bool) -> None:
    """Write a first benchmarks.toml.

    For a table FILE (CSV or Parquet), its label, separator, gaps, dates and useless columns are
    found out, and a model, defenses and attacks that fit its size are chosen, each with a comment that
    says why. Without FILE, it is an example on data that come with scikit-learn.
    """
    from privbench.config.file import read_tables, shipped_file
    from privbench.config.schema import DIRECTIVE
    from privbench.draft import benchmark_of, examine, example

    if file is None and label is not None:
        raise BadInput(f"--label {label}: give the table as well: privbench init FILE.csv")
    if output.exists() and not force:
        raise BadInput(f"{output}: is there already; --force overwrites it, and -o writes another")
    if not output.absolute().parent.is_dir():
        raise BadInput(f"-o {output}: there is no such folder")
    if file is None:
        name, text = example()
    else:
        with _quiet():  # what it says of the file is printed below, and written as comments
            found = examine(file, label)
        taken = read_tables(shipped_file()).benchmarks
        name, text = benchmark_of(found, output.absolute().parent, taken)
    with _quiet():
        trials = _checked(host, output, name, f"{DIRECTIVE}\n{text}")
    schema = _write_schema(host, output.absolute().parent, force)
    echo(one_line(f"{output}: benchmark {name}, {trials} trials"))
    if file is not None:
        echo(one_line(f"{file}: {found.n_records} records of {found.n_features} columns"))
        echo(one_line(f"label {found.label!r}: {found.how}"))
        for key, reasons in found.reasons.items():
            for reason in reasons:
                echo(one_line(f"{key}: {reason}"))
    if schema is not None:
        echo(one_line(f"{schema}: from which editors complete its keys (docs/benchmarks.md)"))
    if file is None and (tables := [*Path().glob("*.csv"), *Path().glob("*.parquet")]):
        echo(
            one_line(f"For your own table: privbench init {shlex.quote(min(tables).name)} --force")
        )
    option = "" if output == Path("benchmarks.toml") else f" -c {shlex.quote(str(output))}"
    echo(
        "\nRead it, change what is wrong, and then:"
        f"\n  privbench run {name}{option} --dry-run"
        f"\n  privbench run {name}{option}"
        f"\n  privbench report {name} -o report"
    )


def _write_schema(host: PluginHost, folder: Path, force: bool) -> Path | None:
    """Write the JSON schema that the file names, unless there is one; return its path if written."""
    from privbench.config.schema import FILE, schema_for, schema_text

    path = folder / FILE
    if path.exists() and not force:
        return None
    write_text(path, schema_text(schema_for(host.registries)))
    return path


@contextmanager
def _quiet() -> Iterator[None]:
    log = logging.getLogger("privbench.datasets")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _checked(host: PluginHost, output: Path, name: str, text: str) -> int:
    """Write the file if its benchmark can be planned, and return how many trials it has."""
    from privbench.api import make_plans

    folder = output.absolute().parent
    try:
        with tempfile.TemporaryDirectory(prefix=".init-", dir=folder) as temporary:
            draft = Path(temporary).with_suffix(
                ".toml"
            )  # beside the output, as its paths are relative
            draft.write_text(text, encoding="utf-8")
            try:
                (plan,) = make_plans([name], host, config=draft, fetch=False)
                draft.replace(output)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{output}: cannot be written: {error.strerror}") from None
    return len(plan.trials)
