"""``privbench leaderboard merge``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli.group import Choice
from privbench.cli.leaderboard.verify import any_size_option, check_size, rerun_options, show
from privbench.cli.output import echo
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.leaderboard.board import Label
    from privbench.leaderboard.submissions.checking import Outcome


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--into", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Folder of data of the leaderboard; the file becomes DIR/submissions/NAME.json.",
)  # fmt: skip
@click.option(
    "--label", type=Choice(["rerun", "spot-checked", "reported"]),
    help="What is done before it is added. rerun: all trials are computed again, and secret seeds."
    " spot-checked: a sample of them (--share). reported: a file with numbers of a paper is"
    " added as it is.  [default: spot-checked; reported for numbers of a paper]",
)  # fmt: skip
@click.option(
    "--secret", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Secret folder with which an attack on frozen outputs was judged; needed for a judgement.",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Replace a submission of the same name.")
@rerun_options
@any_size_option
@click.pass_context
def merge(
    ctx: click.Context,
    file: Path,
    into: Path,
    label: Label | None,
    secret: Path | None,
    replace: bool,
    share: float,
    seeds: int,
    device: str,
    other_machine: bool,
    any_size: bool,
) -> None:
    """Verify and label a submission, and add it to the leaderboard.

    THIS RUNS THE CODE OF THE PLUGINS that are loaded: read them first. FILE can also have numbers of a
    paper, or be a judgement, which `judge --json` printed; then nothing is run. The exit status is 2
    if FILE is refused, or is too small to be eligible.
    """
    from privbench.config.device import check_device
    from privbench.errors import BadInput
    from privbench.leaderboard.frozen.judgement import check_logged, is_judgement, read_judgement
    from privbench.leaderboard.submissions.checking import Options, check_again
    from privbench.leaderboard.submissions.consistency import read_submission
    from privbench.leaderboard.submissions.merging import add_submission, check_of, free_path
    from privbench.leaderboard.submissions.reading import read_bytes, read_strict
    from privbench.leaderboard.submissions.reported import is_reported, read_reported

    host: PluginHost = ctx.obj
    check_device(device)
    text = read_bytes(file)
    outcome: Outcome | None = None
    found = read_strict(file)
    if secret is not None and not is_judgement(found):
        raise BadInput(f"--secret {secret}: {file} is no judgement, which alone needs it")
    if is_judgement(found):
        if label is not None:
            raise BadInput(f"--label {label}: {file} is a judgement, which has a label of its own")
        if secret is None:
            raise BadInput(
                f"{file}: a judgement (allowed with --secret DIR, whose log must have it)"
            )
        check_logged(file, secret)
        name, label = read_judgement(file).name, "judged"
    elif is_reported(found):
        if label not in (None, "reported"):
            raise BadInput(f"--label {label}: {file} has numbers of a paper (allowed: reported)")
        name, label = read_reported(file).name, "reported"
    else:
        if label == "reported":
            raise BadInput(f"--label {label}: {file} has rows (allowed: rerun, spot-checked)")
        content = read_submission(file)
        name = content["submission"]["about"]["name"]
        free_path(text, name, into, replace=replace)
        check_size(file, content, any_size)
        wanted = 1.0 if label == "rerun" else share
        outcome = check_again(content, host, Options(wanted, seeds, device, other_machine))
        show(outcome)
        if outcome.refused:
            raise BadInput(
                f"{file}: refused: {len(outcome.refused)} of {len(outcome.compared)} differ"
            )
        label = "rerun" if outcome.rerun.complete else "spot-checked"
    path = add_submission(text, name, into, check_of(text, label, outcome), replace=replace)
    echo(f"{path}: {label}", err=True)
