"""``privbench show``."""

from __future__ import annotations

import inspect
import json
from typing import Any

import click

from privbench.cli.listing import PLURALS, pipeline_text
from privbench.cli.options import config_option, json_option, plugin_option, print_json, print_table
from privbench.components import describe
from privbench.components.messages import closest
from privbench.config import DefenseTable, find_file, read_file
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("kind", type=click.Choice([p.removesuffix("s") for p in PLURALS]), metavar="KIND")
@click.argument("name")
@config_option
@plugin_option
@json_option
@click.pass_obj
def show(host: PluginHost, kind: str, name: str, config: str | None, as_json: bool) -> None:
    """Show what NAME is: its paper and its parameters.

    KIND is dataset, generator, mechanism, model, attack, executor, benchmark or defense.
    """
    if kind in ("benchmark", "defense"):
        _show_from_file(kind, name, config, as_json)
        return
    entry = host.registry(kind).get(name, "privbench show")
    facts = {
        "kind": kind,
        "name": name,
        "description": inspect.getdoc(entry.cls) or "",
        "paper": entry.cls.paper,
        "from": str(entry.distribution),
        "parameters": describe(entry.cls),
    }
    if as_json:
        print_json(facts)
    else:
        _print_component(facts)


def _print_component(facts: dict[str, Any]) -> None:
    click.echo(f"{facts['kind']} {facts['name']} ({facts['from']})\n\n{facts['description']}\n")
    if facts["paper"]:
        click.echo(f"Paper: {facts['paper']}\n")
    if not facts["parameters"]:
        click.echo("It has no parameters.")
        return
    print_table(
        [
            {
                "parameter": row["name"],
                "type": row["type"],
                "bounds": row["bounds"],
                "default": "(required)" if row["required"] else json.dumps(row["default"]),
                "description": row["description"],
            }
            for row in facts["parameters"]
        ]
    )


def _show_from_file(kind: str, name: str, config: str | None, as_json: bool) -> None:
    file = read_file(find_file(config))
    if kind == "defense":
        defenses = {"none": DefenseTable()} | file.defenses
        if name not in defenses:
            raise BadInput(f"{file.path}: unknown defense {name!r}{closest(name, defenses)}")
        facts = defenses[name].model_dump(mode="json")
        text = pipeline_text(defenses[name])
    else:
        if name not in file.benchmarks:
            raise BadInput(
                f"{file.path}: unknown benchmark {name!r}{closest(name, file.benchmarks)}"
            )
        facts = file.benchmarks[name].model_dump(mode="json")
        text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in facts.items())
    if as_json:
        print_json({"kind": kind, "name": name, "from": str(file.path), **facts})
    else:
        click.echo(f"{kind} {name} ({file.path})\n\n{text}")
