"""``privbench data``."""

from __future__ import annotations

from contextlib import nullcontext

import click

from privbench.cli import complete
from privbench.cli.options import json_option, plugin_option
from privbench.cli.output import echo, print_json, print_table
from privbench.components import Entry
from privbench.components.contained import contained
from privbench.components.messages import error_text
from privbench.datasets.files import FileDataset
from privbench.errors import DatasetUnavailable
from privbench.plugins.host import PluginHost


@click.group()
def data() -> None:
    """List and download datasets."""


@data.command("list")
@plugin_option
@json_option
@click.pass_obj
def list_data(host: PluginHost, as_json: bool) -> None:
    """List datasets and where they are."""
    lines = []
    for entry in host.registry("dataset"):
        try:
            with contained() if entry.third_party else nullcontext():
                status, details = _look_for(entry)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code; the others are listed
            status, details = "failed", error_text(error)
        lines.append({"name": entry.name, "status": status, "details": details})
    if as_json:
        print_json(lines)
    else:
        print_table(lines)


@data.command()
@click.argument("name", shell_complete=complete.components("dataset"))
@plugin_option
@click.pass_obj
def fetch(host: PluginHost, name: str) -> None:
    """Download a dataset.

    The files of the dataset NAME are downloaded unless they are on this machine, and their paths are
    printed.
    """
    entry = host.registry("dataset").get(name, "privbench data fetch")
    if not issubclass(entry.cls, FileDataset):
        echo(f"{name} needs no download", err=True)
        return
    try:
        paths = entry.build({}, name).component.fetch()
    except DatasetUnavailable as error:
        raise DatasetUnavailable(f"dataset {name!r}: {error}") from error
    for path in paths:
        echo(path)


def _look_for(entry: Entry) -> tuple[str, str]:
    """Return whether a dataset can be loaded without a download, and from where."""
    if any(field.is_required() for field in entry.cls.model_fields.values()):
        return "yours", "reads a file of your own"
    component = entry.build({}, entry.name).component
    if missing := component.to_download():
        return "missing", missing
    if not isinstance(component, FileDataset):
        return "here", "needs no download"
    return "here", ", ".join(sorted({str(path.parent) for path in component.fetch()}))
