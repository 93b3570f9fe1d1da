"""``privbench leaderboard attack``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import plugin_option
from privbench.cli.output import echo
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--attack", "name", metavar="NAME", required=True, help="Attack to run.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
    help="File of scores to write (.npz).",
)  # fmt: skip
@click.option(
    "--set", "settings", metavar="NAME.PARAMETER=VALUE", multiple=True,
    help="Set a parameter of the attack, such as lira.mode=offline. Repeatable.",
)  # fmt: skip
@plugin_option
@click.pass_context
def attack(
    ctx: click.Context, folder: Path, name: str, output: Path, settings: tuple[str, ...]
) -> None:
    """Score the targets of frozen outputs, without their membership.

    DIR is a folder that `freeze` wrote. FILE is what those who have the membership
    judge with `privbench leaderboard judge DIR --scores FILE`.
    """
    from privbench.errors import BadInput
    from privbench.leaderboard.frozen.arrays import npz_of
    from privbench.leaderboard.frozen.attack import attack_outputs, build_attack
    from privbench.leaderboard.frozen.folder import FrozenOutputs
    from privbench.storage.files import why_not_written, write_whole

    host: PluginHost = ctx.obj
    if output.suffix != ".npz":
        raise BadInput(f"-o {output}: unknown format {output.suffix!r} (allowed: .npz)")
    bound = build_attack(name, host, settings)
    frozen = FrozenOutputs.read(folder)
    scores = attack_outputs(frozen, bound)
    try:
        write_whole(output, npz_of(scores))
    except OSError as error:
        raise BadInput(f"-o {output}: {why_not_written(output, error)}") from None
    echo(f"{output}: scores of {len(scores)} populations of {frozen.digest}", err=True)
