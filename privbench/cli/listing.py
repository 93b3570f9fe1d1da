"""``privbench list``."""

from __future__ import annotations

from typing import Any

import click

from privbench.cli.group import Choice
from privbench.cli.options import config_option, json_option, plugin_option
from privbench.cli.output import (
    echo,
    fitted,
    painted,
    print_definitions,
    print_json,
    terminal_width,
    wrapped,
)
from privbench.components import summary
from privbench.config import DefenseTable, File, Named, Section, find_file, read_file
from privbench.escape import one_line
from privbench.plugins.host import PluginHost

PLURALS = (
    "benchmarks", "defenses", "attacks", "datasets", "models", "generators", "mechanisms", "executors",
)  # fmt: skip
"""What can be listed; what a new user looks for comes first."""
HOW_TO_GO_ON = (
    "`privbench show NAME` describes one of them; `privbench run quickstart` is a first run."
)
SUMMARY_LINES = 2
"""Lines that a summary may take; `privbench show` prints the whole."""


@click.command("list")
@click.argument("kind", required=False, type=Choice(PLURALS), metavar="[KIND]")
@config_option
@plugin_option
@json_option
@click.pass_obj
def list_command(host: PluginHost, kind: str | None, config: str | None, as_json: bool) -> None:
    """List components, benchmarks and defenses.

    KIND is benchmarks, defenses, attacks, datasets, models, generators, mechanisms or executors.
    Without KIND, all of them are listed. `privbench show lira` describes one of them.
    """
    lines: list[dict[str, Any]] = []
    for plural in [kind] if kind else PLURALS:
        if plural in ("benchmarks", "defenses"):
            lines += _from_file(read_file(find_file(config)), plural)
        else:
            lines += _components(host, plural)
    if as_json:
        print_json(lines)
    else:
        _print_groups(lines)
        if terminal_width() is not None:
            echo("\n" + wrapped(HOW_TO_GO_ON, ""))


def _print_groups(lines: list[dict[str, Any]]) -> None:
    """Print names and summaries below a heading for each kind and each place that it is from."""
    groups: dict[str, dict[str, str]] = {}
    for line in lines:
        heading = one_line(f"{line['kind']}s ({line['from']})")
        groups.setdefault(heading, {})[line["name"]] = line["summary"]
    for number, (heading, summaries) in enumerate(groups.items()):
        echo("\n" if number else "", painted(fitted(heading), "heading"))
        print_definitions(summaries, SUMMARY_LINES)


def _components(host: PluginHost, plural: str) -> list[dict[str, Any]]:
    return [
        {
            "kind": entry.kind,
            "name": entry.name,
            "summary": summary(entry.cls),
            "from": str(entry.distribution),
            "paper": entry.cls.paper,
        }
        for entry in host.registry(plural.removesuffix("s"))
    ]


def _from_file(file: File, plural: str) -> list[dict[str, Any]]:
    if plural == "defenses":
        summaries = {name: pipeline_text(table) for name, table in defenses_of(file).items()}
        section: Section = "defenses"
    else:
        section = "benchmarks"
        summaries = {
            name: f"{_names(table.defenses)} on {_names(table.datasets)} against {_names(table.attacks)}"
            for name, table in file.benchmarks.items()
        }
    kind = plural.removesuffix("s")
    return [
        {
            "kind": kind,
            "name": name,
            "summary": f"{text} (instead of the shipped one)"
            if file.replaces(section, name)
            else text,
            "from": file.origin(section, name),
            "paper": "",
        }
        for name, text in summaries.items()
    ]


def defenses_of(file: File) -> dict[str, DefenseTable]:
    """Return the defenses of a file and ``none``, the empty pipeline."""
    return {"none": DefenseTable()} | file.defenses


def pipeline_text(table: DefenseTable) -> str:
    """Return the components of a pipeline: ``vae > metric-privacy(epsilon=8.0)``."""
    parts = table.mechanisms if table.generator is None else (table.generator, *table.mechanisms)
    return " > ".join(map(_component_text, parts)) or "the empty pipeline"


def _component_text(named: Named) -> str:
    if isinstance(named, str):
        return named
    params = ", ".join(f"{key}={value}" for key, value in named.items() if key != "name")
    return f"{named.get('name')}({params})" if params else str(named.get("name"))


def _names(components: tuple[Named, ...]) -> str:
    names = [named if isinstance(named, str) else str(named.get("name")) for named in components]
    return ", ".join(dict.fromkeys(names))
