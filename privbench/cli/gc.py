"""``privbench gc``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli.options import config_option, json_option, plugin_option, results_option
from privbench.cli.output import echo, print_json, print_table
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.garbage import Garbage, Use
    from privbench.plan import Plan
    from privbench.storage.inventory import Stored

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.command()
@click.option("--older-than", metavar="AGE", help="Free what was written so long ago, such as 30d.")
@click.option("--larger-than", metavar="SIZE", help="Free what is at least so large: 100MB.")
@click.option("--kind", "kinds", metavar="KIND", multiple=True,
    help="Free artifacts of this kind, such as population. Repeatable.")  # fmt: skip
@click.option("--unreachable", is_flag=True, help="Free what no row and no benchmark reaches.")
@click.option(
    "--intermediate", is_flag=True,
    help="Free what results were computed from, if no benchmark will read it again.",
)  # fmt: skip
@click.option("--keep-scores", is_flag=True, help="Keep the scores of attacks.")
@click.option("-y", "--yes", is_flag=True, help="Free it, instead of saying what would be freed.")
@config_option
@plugin_option
@results_option
@json_option
@click.pass_obj
def gc(
    host: PluginHost,
    older_than: str | None,
    larger_than: str | None,
    kinds: tuple[str, ...],
    unreachable: bool,
    intermediate: bool,
    keep_scores: bool,
    yes: bool,
    config: str | None,
    results: str,
    as_json: bool,
) -> None:
    """List stored artifacts, and free those of no use.

    Without options it lists what is stored, and would free leftovers of interrupted runs alone. What
    several options say must all be true, but an artifact may be unreachable or intermediate if both
    are given. Nothing is freed without --yes, or while a run goes on. Rows are never freed, see
    `privbench runs`.
    """
    from privbench.config.memory import memory_size
    from privbench.garbage import Garbage, Wanted, refuse_while_running
    from privbench.storage.files import why_not_written

    uses: list[Use] = []
    uses += ["unreachable"] if unreachable else []
    uses += ["intermediate"] if intermediate else []
    wanted = Wanted(
        0.0 if older_than is None else _seconds(older_than),
        0.0 if larger_than is None else memory_size(larger_than, "--larger-than"),
        kinds, uses, keep_scores,
    )  # fmt: skip
    garbage = Garbage(Path(results), _plans(host, config))
    known = {one.kind for one in garbage.stored}
    for kind in kinds:
        if kind not in known:
            there = ", ".join(sorted(known)) or "nothing"
            raise BadInput(f"--kind {one_line(kind)}: none is stored (stored: {there})")
    chosen = garbage.chosen(wanted)
    again = garbage.computed_again(chosen)
    seconds = {one.key: one.seconds for one in chosen}
    lost = sum(seconds.get(stage.key, 0.0) for stage in again)
    if yes:
        refuse_while_running(garbage.root)  # one may have been started while plans were made
        try:
            for one in chosen:
                one.delete()
        except OSError as error:
            why = why_not_written(Path(error.filename or garbage.root), error)
            raise BadInput(f"--yes: not all was freed: {why}") from None
    if as_json:
        print_json(
            {
                "stored": _lines(garbage),
                "chosen": [_line(one) for one in chosen],
                "freed": yes,
                "computed again": {"stages": len(again), "seconds": lost},
            }
        )
        return
    _print(garbage, chosen, len(again), lost, freed=yes)


def _print(
    garbage: Garbage, chosen: Sequence[Stored], again: int, lost: float, *, freed: bool
) -> None:
    from privbench.report.numbers import bytes_text, duration

    lines = [
        {
            "kind": one_line(str(line["kind"])),
            "use": str(line["use"]),
            "artifacts": str(line["artifacts"]),
            "size": bytes_text(float(line["bytes"])),
        }
        for line in _lines(garbage)
    ]
    if not lines:
        echo(f"nothing is stored in {garbage.root / 'artifacts'}", err=True)
        return
    print_table(lines)
    size = bytes_text(sum(one.bytes for one in chosen))
    if not chosen:
        echo("nothing to free; --unreachable, --intermediate, --kind and others choose what goes")
        return
    echo(f"{'freed' if freed else 'would free'} {len(chosen)} artifacts and leftovers: {size}")
    if again:
        echo(
            f"the benchmarks compute {again} stages again then, some of which took {duration(lost)}"
        )
    if not freed:
        echo("nothing was freed: give --yes")


def _lines(garbage: Garbage) -> list[dict[str, str | int]]:
    """Return number and size of artifacts by kind and use."""
    groups: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    for one, use in zip(garbage.stored, garbage.uses, strict=True):
        groups[one.kind, use].append(one)
    return [
        {"kind": kind, "use": use, "artifacts": len(group), "bytes": _bytes(group)}
        for (kind, use), group in sorted(groups.items())
    ]


def _bytes(group: Iterable[Stored]) -> int:
    return sum(one.bytes for one in group)


def _line(one: Stored) -> dict[str, str | int | float]:
    return {"kind": one.kind, "key": one.key, "bytes": one.bytes, "age": one.age}


def _plans(host: PluginHost, config: str | None) -> list[Plan]:
    """Return the plans of all benchmarks of the file that can be planned here."""
    from privbench.api import make_plans
    from privbench.config import find_file, read_file
    from privbench.executors.workers.forking import runs_in_process

    plans: list[Plan] = []
    for name in read_file(find_file(config)).own.benchmarks:
        try:
            plans += make_plans(
                [name], host, config=config, fetch=False, in_process=runs_in_process()
            )
        except BadInput as error:
            echo(f"benchmark {one_line(name)} is left out: {one_line(str(error))}", err=True)
    return plans


def _seconds(text: str) -> float:
    """Return the seconds of an age such as ``30d``. Raises BadInput if it is none."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)\s*([smhdw])", text.strip())
    if match is None:
        raise BadInput(
            f"--older-than {one_line(text)}: this is no age (allowed: such as 30d, 12h or 2w)"
        )
    return float(match[1]) * UNITS[match[2]]
