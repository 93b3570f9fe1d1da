"""``privbench runs log``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from privbench.cli.group import Choice
from privbench.cli.options import results_option, run_argument
from privbench.cli.output import echo, painted
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.logs.records import ABOUT, LEVELS

if TYPE_CHECKING:
    from privbench.colour import Role
    from privbench.storage.history import Entry


@click.command()
@run_argument("run_id", "ID")
@results_option
@click.option(
    "--level", type=Choice(LEVELS), default="debug", show_default=True,
    help="Least level of the records to print.",
)  # fmt: skip
@click.option(
    "--stage", metavar="TEXT", default="",
    help="Print only records about stages whose names contain TEXT, such as scores or dp-sgd.",
)  # fmt: skip
@click.option("-f", "--follow", is_flag=True, help="Go on printing until the run has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object on each line instead.")
def log(run_id: str, results: str, level: str, stage: str, follow: bool, as_json: bool) -> None:
    """Print the log of a run.

    A log has all records from level debug up, whatever `privbench run` printed: versions, stages and
    their seconds, trials, warnings, and tracebacks of what failed.
    """
    from privbench.logs.file import json_line
    from privbench.logs.reading import Filter
    from privbench.storage.history import History

    entry = History(results).entry(run_id)
    is_shown = Filter(level, stage)
    with suppress(KeyboardInterrupt):  # how one stops to follow
        for values in _records(entry, results, follow):
            if is_shown(values):
                if as_json:
                    echo(json_line(values), nl=False)
                else:
                    _print_record(values)


def _records(entry: Entry, results: str, follow: bool) -> Iterator[dict[str, Any]]:
    from privbench.logs.reading import follow_log, read_log
    from privbench.logs.run import log_path
    from privbench.storage.history import History

    def goes_on() -> bool:
        now = History(results).entry(str(entry.id))
        return now.status == "running" or bool(now.elsewhere)

    path = log_path(results, entry.id)
    try:
        yield from follow_log(path, goes_on) if follow else read_log(path)
    except FileNotFoundError:
        raise BadInput(
            f"run {entry.id} has no log {path}: it could not be written, or the run is of an older"
            " privbench"
        ) from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None


def _print_record(values: Mapping[str, Any]) -> None:
    level = str(values.get("level", ""))
    roles: dict[str, Role] = {"warning": "warning", "error": "bad", "critical": "bad"}
    shown = painted(level, roles[level]) if level in roles else one_line(level)
    gap = " " * (max(map(len, LEVELS)) + 1 - len(level))
    echo(one_line(str(values.get("time", "")))[:23], " ", shown, gap, record_text(values))
    for line in str(values.get("traceback", "")).splitlines():
        echo(f"    {line}")
    for name in ("command", "versions"):
        if name in values:
            from privbench.cli.runs.show import flattened

            for key, text in flattened({name: values[name]}):
                echo(f"    {one_line(f'{key}: {text}')}")


def record_text(values: Mapping[str, Any]) -> str:
    """Return what a record says on one line: what it is about, its message, and its seconds."""
    names = [str(values[name]) for name in ABOUT if name in values]
    seconds = values.get("seconds")
    start = f"{', '.join(names)}: " if names else ""
    end = f" ({seconds:.2f} s)" if isinstance(seconds, int | float) else ""
    return one_line(f"{start}{values.get('message', '')}{end}")
