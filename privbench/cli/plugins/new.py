"""``privbench plugins new``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from privbench.cli.group import Choice
from privbench.cli.output import echo
from privbench.components import KINDS
from privbench.components.messages import closest
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.plugins.host import PluginHost


@click.command()
@click.argument("name")
@click.option(
    "--kind", type=Choice(KINDS), required=True, metavar="KIND",
    help=f"Kind of its component: {', '.join(KINDS)}.",
)  # fmt: skip
@click.option(
    "--role", metavar="ROLE",
    help="What a mechanism acts on: loss (default), loop (a training loop), data, latent (codes) or"
    " output. What an attack attacks: models (default) or releases. What a model is: torch (default) or"
    " estimator.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder to write, which must not exist. Default: ./privbench-NAME.",
)  # fmt: skip
@click.pass_obj
def new(host: PluginHost, name: str, kind: str, role: str | None, output: Path | None) -> None:
    """Write the package of a new plugin.

    NAME is the name of its component, such as my-margin. The package, privbench-NAME, has a component
    that works, tests, a README and a workflow for continuous integration. Replace the method of the
    component by yours.
    """
    from privbench.plugins.new import ROLES, names_of, write_package

    names = names_of(name, kind)
    roles = ROLES[kind]
    if role is not None and role not in roles:
        raise BadInput(f"--role {role}: unknown role of {kind}s{closest(role, roles)}")
    if names.name in host.registry(kind).entries:
        taken = host.registry(kind).entries[names.name].distribution
        raise BadInput(f"NAME {name!r}: {taken} has {kind} {names.name!r} already; choose another")
    folder = Path(names.distribution) if output is None else output
    files = write_package(names, role or "".join(roles[:1]), folder)
    for path in files:
        echo(one_line(str(path)))
    echo(
        "\nInstall it, look at it, and test it:"
        f"\n  cd {shlex.quote(str(folder))}"
        "\n  pip install -e '.[dev]'"
        f"\n  privbench show {kind} {names.name}"
        "\n  pytest"
    )
