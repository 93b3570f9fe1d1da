"""``privbench show``."""

from __future__ import annotations

import inspect
import json
from typing import Any

import click

from privbench.cli.listing import PLURALS, pipeline_text
from privbench.cli.options import config_option, json_option, plugin_option
from privbench.cli.output import echo, line_width, print_json, wrapped, wrapped_document
from privbench.components import describe
from privbench.components.messages import closest
from privbench.config import DefenseTable, find_file, read_file
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("kind", type=click.Choice([p.removesuffix("s") for p in PLURALS]), metavar="KIND")
@click.argument("name")
@config_option
@plugin_option
@json_option
@click.pass_obj
def show(host: PluginHost, kind: str, name: str, config: str | None, as_json: bool) -> None:
    """Describe a component, benchmark or defense.

    For a component, its paper and its parameters are shown, too. KIND is dataset, generator,
    mechanism, model, attack, executor, benchmark or defense.
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
    echo(one_line(f"{facts['kind']} {facts['name']} ({facts['from']})") + "\n")
    echo(f"{wrapped_document(facts['description'])}\n")
    if facts["paper"]:
        echo(wrapped(f"Paper: {facts['paper']}") + "\n")
    echo("Parameters:" if facts["parameters"] else "It has no parameters.")
    for row in facts["parameters"]:
        default = "required" if row["required"] else f"default {json.dumps(row['default'])}"
        constraints = "; ".join(part for part in (row["type"], row["bounds"], default) if part)
        echo(wrapped(f"  {row['name']}: {constraints}", "      "))
        echo(wrapped(f"      {row['description']}", "      "))


def _show_from_file(kind: str, name: str, config: str | None, as_json: bool) -> None:
    file = read_file(find_file(config))
    if kind == "defense":
        defenses = {"none": DefenseTable()} | file.defenses
        if name not in defenses:
            raise BadInput(f"{file.path}: unknown defense {name!r}{closest(name, defenses)}")
        facts = defenses[name].model_dump(mode="json")
        text = wrapped(pipeline_text(defenses[name]))
        origin = file.origin("defenses", name)
    else:
        if name not in file.benchmarks:
            raise BadInput(
                f"{file.path}: unknown benchmark {name!r}{closest(name, file.benchmarks)}"
            )
        facts = file.benchmarks[name].model_dump(mode="json")
        text = "\n".join(_setting_text(key, value) for key, value in facts.items())
        origin = file.origin("benchmarks", name)
    if as_json:
        print_json({"kind": kind, "name": name, "from": origin, **facts})
    else:
        echo(one_line(f"{kind} {name} ({origin})") + f"\n\n{text}")


def _setting_text(key: str, value: Any) -> str:
    """Return ``key = value``; a list of tables that is too wide has a line for each table."""
    text = f"{key} = {json.dumps(value)}"
    if len(text) <= line_width() or not any(isinstance(item, dict) for item in value):
        return wrapped(text)
    items = [wrapped(f"    {json.dumps(item)},", "        ") for item in value]
    return "\n".join([f"{key} = [", *items, "]"])
