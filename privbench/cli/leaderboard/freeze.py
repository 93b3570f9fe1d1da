"""``privbench leaderboard freeze``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli.options import config_option, plugin_option
from privbench.cli.output import echo
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.plan import Plan
    from privbench.storage.results import Row


@click.command()
@click.argument("benchmark")
@click.argument("defenses", nargs=-1, metavar="[DEFENSE]...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR",
    help="Folder to write, which anybody may have.",
)  # fmt: skip
@click.option(
    "--secret", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Folder of the secret seed and the membership of the targets. Default: DIR-secret.",
)  # fmt: skip
@click.option(
    "--baseline", "baselines", metavar="NAME", multiple=True, default=("auto", "lira", "rmia"),
    show_default=True, help="Built-in attack to compare others with. Repeatable.",
)  # fmt: skip
@click.option(
    "--records", is_flag=True,
    help="Publish the features of the records, too. Their licence must allow it.",
)  # fmt: skip
@config_option
@plugin_option
@click.option(
    "--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:i]",
    help="Device to compute on.",
)  # fmt: skip
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True,
    help="Override a key of the benchmark (population=64) or a parameter (mlp.epochs=5). Repeatable.",
)  # fmt: skip
@click.pass_context
def freeze(
    ctx: click.Context,
    benchmark: str,
    defenses: tuple[str, ...],
    output: Path,
    secret: Path | None,
    baselines: tuple[str, ...],
    records: bool,
    config: str | None,
    device: str,
    settings: tuple[str, ...],
) -> None:
    """Train populations and publish their outputs for attacks.

    For each dataset, model and DEFENSE of BENCHMARK, half of the models are shadows, whose membership is
    in the public folder, and half are targets, whose membership is in the secret one. All draws follow
    from a new secret seed: the public seeds of a benchmark would give membership away. The same command
    goes on where an interrupted one stopped. docs/leaderboard-attacks.md has more.
    """
    from privbench.api import run_plan
    from privbench.cli.progress import Progress
    from privbench.config import Overrides, find_file, read_file, resolve
    from privbench.config.device import check_device, resolve_device
    from privbench.leaderboard.frozen.freeze import freeze as freeze_outputs
    from privbench.leaderboard.frozen.secret import secret_folder_of
    from privbench.storage.environment import environment

    host: PluginHost = ctx.obj
    check_device(device)
    overrides = Overrides.parse(settings)
    file = read_file(find_file(config))
    resolved = resolve(file, benchmark, host.registries, overrides, host.broken)
    overrides.check()

    def run(plan: Plan, results: Path) -> list[Row]:
        with Progress(host):
            return run_plan(plan, host, results=results, device=device)

    secret = secret or secret_folder_of(output)
    frozen = freeze_outputs(
        resolved,
        defenses,
        output=output,
        secret=secret,
        host=host,
        run=run,
        facts={
            "environment": environment(host.third_party, resolve_device(device), host.switched_off)
        },
        baselines=baselines,
        with_records=records,
    )
    echo(f"{output}: {len(frozen.populations)} populations, digest {frozen.digest}")
    echo(f"{secret}: the membership of the targets; keep it to yourself")
