"""``privbench runs``: the runs of a results folder."""

from __future__ import annotations

import click

from privbench.cli.options import json_option, results_option
from privbench.cli.runs.delete import delete
from privbench.cli.runs.diff import diff
from privbench.cli.runs.listing import list_runs, print_runs
from privbench.cli.runs.log import log
from privbench.cli.runs.show import show


@click.group(invoke_without_command=True)
@results_option
@json_option
@click.pass_context
def runs(ctx: click.Context, results: str, as_json: bool) -> None:
    """List, show, compare and delete runs, and print their logs.

    Without a command, runs are listed, the newest first. An ID is the number of a run in the list,
    which no other run of the folder ever gets, or the name of a benchmark, for its last complete run;
    the beginning of the name is enough if no other benchmark begins so.
    """
    if ctx.invoked_subcommand is None:
        print_runs(results, as_json)


for command in (list_runs, show, log, diff, delete):
    runs.add_command(command)
