"""``privbench leaderboard judge``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privbench.cli.leaderboard.options import about_options
from privbench.cli.options import json_option, no_plugin_option
from privbench.cli.output import echo, print_json, print_table
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost
from privbench.plugins.installed import OPTION

if TYPE_CHECKING:
    from privbench.leaderboard.frozen.folder import FrozenOutputs
    from privbench.leaderboard.frozen.scores import Scores


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--secret", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of the membership of the targets. Default: DIR-secret.",
)  # fmt: skip
@click.option(
    "--scores", "scores_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="File of scores to judge (.npz), by population.",
)  # fmt: skip
@click.option("--attack", metavar="NAME", help="Attack to run and judge, in a process of its own.")
@click.option(
    "-p", "--plugin", "plugins", metavar="PLUGIN", multiple=True,
    help="Plugin that has the attack. It is loaded in that process, not in this one. Repeatable.",
)  # fmt: skip
@click.option(
    "--set", "settings", metavar="NAME.PARAMETER=VALUE", multiple=True,
    help="Set a parameter of the attack. Repeatable.",
)  # fmt: skip
@click.option(
    "--not-isolated", is_flag=True,
    help="Run the attack although the secret folder cannot be hidden from its process.",
)  # fmt: skip
@click.option(
    "--name", help="Name of the attack on the leaderboard.  [default: that of the attack]"
)
@about_options
@no_plugin_option
@json_option
@click.pass_context
def judge(
    ctx: click.Context,
    folder: Path,
    secret: Path | None,
    scores_file: Path | None,
    attack: str | None,
    plugins: tuple[str, ...],
    settings: tuple[str, ...],
    not_isolated: bool,
    name: str | None,
    authors: str,
    paper: str,
    code_url: str,
    as_json: bool,
) -> None:
    """Measure an attack on frozen outputs, beside the built-in ones.

    DIR is a folder that `freeze` wrote. The attack is a file of scores, or a
    plugin that is run in a process that has only DIR. AUC and TPR with 95% intervals are over the
    targets; differences to the built-in attacks are paired. What --json prints, `merge` adds to the
    leaderboard.
    """
    from privbench.leaderboard.frozen.folder import FrozenOutputs
    from privbench.leaderboard.frozen.judge import judge as judge_scores
    from privbench.leaderboard.frozen.judgement import FORMAT, KIND, content_digest
    from privbench.leaderboard.frozen.scores import read_scores
    from privbench.leaderboard.frozen.secret import (
        MEMBERSHIP,
        count_judgement,
        read_membership,
        secret_folder_of,
    )
    from privbench.leaderboard.submissions.names import checked_name, checked_url, name_of

    if (scores_file is None) == (attack is None):
        raise BadInput("give either --scores FILE or --attack NAME")
    if scores_file is not None and (plugins or settings or not_isolated):
        raise BadInput("--plugin, --set and --not-isolated go with --attack NAME")
    for option, url in (("--paper", paper), ("--code-url", code_url)):
        checked_url(url, option)
    host: PluginHost = ctx.obj
    secret = secret or secret_folder_of(folder)
    frozen = FrozenOutputs.read(folder)
    frozen.check()
    if not (secret / MEMBERSHIP).is_file():
        raise BadInput(
            f"--secret {secret}: has no {MEMBERSHIP} (allowed: the folder that `privbench leaderboard"
            " freeze` wrote beside the public one)"
        )
    if scores_file is None:
        assert attack is not None
        off = host.switched_off
        scores = _run(frozen, secret, attack, plugins, off, settings, isolated=not not_isolated)
    else:
        scores = read_scores(scores_file, frozen)
    attack = attack or (scores_file.stem if scores_file else "")
    about = {
        "name": name_of(attack) if name is None else checked_name(name, "--name"),
        "authors": authors,
        "paper": paper,
        "code_url": code_url,
    }
    membership = read_membership(secret, frozen.commitment)  # not before the attack is done
    facts = {"frozen": frozen.digest, "scores": scores.digest, "attack": attack}
    result = {
        "kind": KIND,
        "format": FORMAT,
        "about": about,
        **facts,
        "settings": list(settings),
        "plugins": {Path(plugin).name: _digest(plugin) for plugin in plugins},
        "isolated": None if scores_file is not None else not not_isolated,
        "loaded": host.third_party,
        "rows": judge_scores(frozen, membership, scores.arrays),
    }
    result["judgement"] = count_judgement(secret, facts | {"digest": content_digest(result)})
    if as_json:
        print_json(result)
    else:
        _print(result)


def _run(
    frozen: FrozenOutputs,
    secret: Path,
    attack: str,
    plugins: tuple[str, ...],
    off: list[str],
    settings: tuple[str, ...],
    *,
    isolated: bool,
) -> Scores:
    from privbench.leaderboard.frozen.isolated import run_attack
    from privbench.leaderboard.frozen.scores import read_scores

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "scores.npz"
        arguments = [str(frozen.root.resolve()), "--attack", attack, "-o", str(output)]
        for plugin in plugins:
            path = Path(plugin)
            arguments += ["-p", str(path.resolve()) if path.suffix == ".py" else plugin]
        for name in off:
            arguments += [OPTION, name]
        for setting in settings:
            arguments += ["--set", setting]
        run_attack(arguments, Path(folder), secret, isolated=isolated)
        return read_scores(output, frozen)


def _digest(plugin: str) -> str | None:
    """Return the sha256 of a single-file plugin; None for a module."""
    import hashlib

    path = Path(plugin)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.suffix == ".py" else None


def _print(result: dict[str, Any]) -> None:
    from privbench.escape import one_line
    from privbench.report.numbers import interval_text, signed_interval_text

    lines = []
    for row in result["rows"]:
        rates = row["tpr_at_fpr"]
        line = {
            "dataset": row["dataset"],
            "model": row["model"],
            "defense": row["defense"],
            "on": row["canary_kind"] or row["subset"],
            "AUC": interval_text(row["auc"], row["auc_ci"]),
            "TPR at 1% FPR": interval_text(rates["0.01"]["value"], rates["0.01"]["ci"]),
            "TPR at 0.1% FPR": interval_text(rates["0.001"]["value"], rates["0.001"]["ci"]),
        }
        for name, difference in row["differences"].items():
            auc = difference["auc"]
            line[f"AUC less {name}'s"] = signed_interval_text(auc["value"], auc["ci"])
        lines.append({head: one_line(cell) for head, cell in line.items()})
    echo(one_line(f"{result['attack']} on {result['frozen']}"))
    print_table(lines)
    echo(
        f"intervals: 95%, over models and records; judgement {result['judgement']} of these outputs"
    )
