"""``privbench leaderboard verify``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from privbench.cli.options import plugin_option
from privbench.cli.output import echo, print_table
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.leaderboard.submissions.checking import Outcome

F = TypeVar("F", bound=Callable[..., Any])


any_size_option = click.option(
    "--any-size", is_flag=True,
    help="Take a submission with fewer than 16 models or 3 seeds, which is not eligible for the"
    " leaderboard of privbench.",
)  # fmt: skip


def rerun_options(function: F) -> F:
    """Add the options that say how a submission is computed again."""
    options = [
        click.option(
            "--share", type=float, default=0.2, show_default=True,
            help="Share of the trials to compute again, with their own seeds and with secret ones.",
        ),
        click.option(
            "--seeds", type=int, default=3, show_default=True,
            help="Number of secret seeds. With 1 it is not known how much seeds differ.",
        ),
        click.option(
            "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]",
            help="Device to compute on.",
        ),
        click.option(
            "--other-machine", is_flag=True,
            help="Compare the same seed within intervals, even if versions are the same: processors"
            " of one kind may round differently.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return plugin_option(function)


def check_size(file: Path, content: Mapping[str, Any], any_size: bool) -> None:
    """Print whether a submission is eligible by its size, and refuse it if it has to be.

    Raises:
        BadInput: it is too small.
    """
    from privbench.errors import BadInput
    from privbench.leaderboard.submissions.eligibility import not_eligible

    reason = not_eligible(content["configuration"])
    if reason and not any_size:
        raise BadInput(
            f"{file}: not eligible: {reason}; for a leaderboard of your own, there is --any-size"
        )
    echo(f"{file}: not eligible: {reason}" if reason else f"{file}: eligible by its size")


def show(outcome: Outcome) -> None:
    """Print what was compared, and the secret seeds."""
    print_table([line.line() for line in outcome.compared])
    rule = "equal up to rounding" if outcome.exact else "within intervals"
    echo(f"\nsame seed: {rule}; secret seeds: {', '.join(map(str, outcome.rerun.seeds))}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rerun", "again", is_flag=True, help="Compute a sample of the trials again.")
@rerun_options
@any_size_option
@click.option(
    "--results", type=click.Path(file_okay=False), metavar="DIR",
    help="New folder to compute in.  [default: a temporary one]",
)  # fmt: skip
@click.pass_context
def verify(
    ctx: click.Context,
    file: Path,
    again: bool,
    share: float,
    seeds: int,
    device: str,
    other_machine: bool,
    any_size: bool,
    results: str | None,
) -> None:
    """Check a submission, or a file of reported numbers.

    Without --rerun: its form, its digest, and whether it is consistent; nothing is computed again. With
    --rerun, a sample of its trials is computed again, with their seeds and with secret ones, and
    compared. THIS RUNS THE CODE OF THE PLUGINS that are loaded: read them first.

    The exit status is 2 if FILE is refused, with the reasons, or is too small to be eligible.
    """
    from privbench.config.device import check_device
    from privbench.errors import BadInput
    from privbench.leaderboard.submissions.checking import Options, check_again
    from privbench.leaderboard.submissions.consistency import read_submission
    from privbench.leaderboard.submissions.reading import read_strict
    from privbench.leaderboard.submissions.reported import is_reported, read_reported

    host: PluginHost = ctx.obj
    check_device(device)
    if is_reported(read_strict(file)):
        if again:
            raise BadInput(f"{file}: numbers of a paper, which cannot be computed again")
        echo(f"{file}: well-formed, {len(read_reported(file).numbers)} reported numbers")
        return
    content = read_submission(file)
    echo(f"{file}: consistent, {len(content['rows'])} rows")
    check_size(file, content, any_size)
    if not again:
        return
    outcome = check_again(content, host, Options(share, seeds, device, other_machine, results))
    show(outcome)
    if outcome.refused:
        raise BadInput(f"{file}: refused: {len(outcome.refused)} of {len(outcome.compared)} differ")
