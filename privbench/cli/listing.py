"""``privbench list``."""

from __future__ import annotations

from typing import Any

import click

from privbench.cli.options import config_option, json_option, plugin_option, print_json, print_table
from privbench.components import KINDS, summary
from privbench.config import DefenseTable, File, Named, find_file, read_file
from privbench.plugins.host import PluginHost

PLURALS = tuple(f"{kind}s" for kind in (*KINDS, "benchmark", "defense"))


@click.command("list")
@click.argument("kind", required=False, type=click.Choice(PLURALS), metavar="[KIND]")
@config_option
@plugin_option
@json_option
@click.pass_obj
def list_command(host: PluginHost, kind: str | None, config: str | None, as_json: bool) -> None:
    """List what there is.

    KIND is datasets, generators, mechanisms, models, attacks, executors, benchmarks or defenses;
    without it, all of them are listed.
    """
    lines: list[dict[str, Any]] = []
    for plural in [kind] if kind else PLURALS:
        if plural in ("benchmarks", "defenses"):
            lines += _of_file(read_file(find_file(config)), plural)
        else:
            lines += _components(host, plural)
    if as_json:
        print_json(lines)
        return
    shown = ("name", "summary", "from") if kind else ("kind", "name", "summary", "from")
    print_table([{key: line[key] for key in shown} for line in lines])


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


def _of_file(file: File, plural: str) -> list[dict[str, Any]]:
    if plural == "defenses":
        defenses = {"none": DefenseTable()} | file.defenses
        found = {name: pipeline_text(table) for name, table in defenses.items()}
    else:
        found = {
            name: f"{_names(table.defenses)} on {_names(table.datasets)} against {_names(table.attacks)}"
            for name, table in file.benchmarks.items()
        }
    kind = plural.removesuffix("s")
    return [
        {"kind": kind, "name": name, "summary": text, "from": str(file.path), "paper": ""}
        for name, text in found.items()
    ]


def pipeline_text(table: DefenseTable) -> str:
    """The components of a pipeline with their parameters: ``vae > metric-privacy(epsilon=8.0)``."""
    parts = table.mechanisms if table.generator is None else (table.generator, *table.mechanisms)
    return " > ".join(map(_named_text, parts)) or "the empty pipeline"


def _named_text(spec: Named) -> str:
    if isinstance(spec, str):
        return spec
    params = ", ".join(f"{key}={value}" for key, value in spec.items() if key != "name")
    return f"{spec.get('name')}({params})" if params else str(spec.get("name"))


def _names(specs: tuple[Named, ...]) -> str:
    return ", ".join(spec if isinstance(spec, str) else str(spec.get("name")) for spec in specs)
