"""``privbench data``."""

from __future__ import annotations

import click

from privbench.cli.options import json_option, plugin_option, print_json, print_table
from privbench.datasets.files import FileDataset
from privbench.plugins import PluginHost


@click.group()
def data() -> None:
    """Data sets on this machine."""


@data.command("list")
@plugin_option
@json_option
@click.pass_obj
def list_data(host: PluginHost, as_json: bool) -> None:
    """List the data sets and whether they are on this machine."""
    lines = []
    for entry in host.registry("dataset"):
        if any(field.is_required() for field in entry.cls.model_fields.values()):
            lines.append(
                {"name": entry.name, "status": "yours", "details": "reads a file of yours"}
            )
            continue
        component = entry.build({}, entry.name).component
        missing = component.missing()
        places = [str(place) for place in getattr(component, "locations", tuple)()]
        details = missing or (", ".join(places) if places else "ships with scikit-learn")
        status = "missing" if missing else "here"
        lines.append({"name": entry.name, "status": status, "details": details})
    if as_json:
        print_json(lines)
    else:
        print_table(lines)


@data.command()
@click.argument("name")
@plugin_option
@click.pass_obj
def fetch(host: PluginHost, name: str) -> None:
    """Download the data set NAME, unless it is there, and print where its files are."""
    component = host.registry("dataset").get(name, "privbench data fetch").build({}, name).component
    if not isinstance(component, FileDataset):
        click.echo(f"{name} needs no download", err=True)
        return
    for path in component.fetch():
        click.echo(path)
