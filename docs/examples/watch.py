"""A single-file plugin: an observer, which says how a run goes, and a command."""

import sys

import click

import privbench


def say(*words):
    """Print to stderr; stdout is for results."""
    print(*words, file=sys.stderr)


@privbench.hookimpl
def run_started(plan, needed):
    say(f"{len(plan.trials)} trials, {len(needed)} stages to compute")


@privbench.hookimpl
def stage_started(stage):
    say("started", stage.kind, stage.title)


@privbench.hookimpl
def stage_progress(stage, done, total):
    say(f"{stage.kind}: {done} of {total}")


@privbench.hookimpl
def stage_finished(stage, status, seconds):
    say(f"{stage.kind}: {status} after {seconds:.1f} s")


@privbench.hookimpl
def trial_finished(rows):
    for row in rows:
        if row["status"] == "ok" and row["auc_ci"][0] > 0.5:
            say(row["attack"], "beats chance on", row["defense"], row["subset"])


@privbench.hookimpl
def run_finished(rows):
    say(f"{sum(row['status'] == 'ok' for row in rows)} of {len(rows)} rows are ok")


@click.command()
@click.argument("benchmark")
@click.option("--results", default="results", help="The results folder.")
def worst(benchmark, results):
    """Print the attack with the largest AUC; what is stored is not computed again."""
    frame = privbench.run(benchmark, results=results, progress=False)
    row = frame.loc[frame["auc"].idxmax()]
    click.echo(f"{row['attack']} on {row['defense']} ({row['subset']}): AUC {row['auc']:.3f}")


@privbench.hookimpl
def register_commands(cli):
    cli.add_command(worst)
