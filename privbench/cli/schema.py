"""``privbench schema``."""

from __future__ import annotations

from pathlib import Path

import click

from privbench.cli.options import plugin_option
from privbench.cli.output import echo, write_text
from privbench.plugins.host import PluginHost


@click.command()
@plugin_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write to FILE, such as benchmarks.schema.json, instead of stdout.",
)  # fmt: skip
@click.pass_obj
def schema(host: PluginHost, output: Path | None) -> None:
    """Print the JSON schema of benchmarks.toml, for editors.

    It has the components of all plugins that are loaded, with their parameters. An editor completes
    keys and names in a benchmarks.toml whose first line is `#:schema ./benchmarks.schema.json`
    (docs/benchmarks.md).
    """
    from privbench.config.schema import schema_for, schema_text

    text = schema_text(schema_for(host.registries))
    if output is None:
        echo(text, nl=False)
    else:
        write_text(output, text)
