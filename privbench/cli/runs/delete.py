"""``privbench runs delete``."""

from __future__ import annotations

import click

from privbench.cli.asking import is_interactive
from privbench.cli.options import results_option
from privbench.cli.output import echo
from privbench.errors import BadInput
from privbench.escape import one_line


@click.command()
@click.argument("run_ids", nargs=-1, required=True, metavar="ID...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@results_option
def delete(run_ids: tuple[str, ...], yes: bool, results: str) -> None:
    """Delete the rows of runs from the results database, and their logs.

    Stored artifacts stay, so that running the benchmark again computes nothing anew. A run that goes
    on is not deleted. An ID is a number here, so that nothing is deleted by mistake.
    """
    from privbench.cli.runs.listing import day_and_minute, title
    from privbench.logs.run import delete_log
    from privbench.storage.history import History

    history = History(results)
    for run_id in run_ids:
        if not run_id.isdigit():
            raise BadInput(f"ID {run_id}: give the number of a run (`privbench runs` lists them)")
    entries = {entry.id: entry for entry in map(history.entry, run_ids)}
    for entry in entries.values():
        text = f"run {entry.id}: {title(entry)}, {day_and_minute(entry.started_at)} UTC"
        echo(one_line(text), err=True)
    if not yes:
        if not is_interactive():
            raise BadInput("to delete these runs without a terminal that asks, give --yes")
        what = (
            f"rows and logs of {len(entries)} runs" if len(entries) > 1 else "its rows and its log"
        )
        if not click.confirm(f"delete {what}? they cannot be restored", err=True):
            echo("nothing was deleted", err=True)
            return
    history.delete(list(entries))
    for number in entries:
        delete_log(results, number)
    numbers = ", ".join(map(str, entries))
    echo(
        f"deleted {numbers}; stored artifacts stay in {history.path.parent / 'artifacts'}", err=True
    )
