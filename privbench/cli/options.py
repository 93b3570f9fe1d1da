"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from privbench.cli import complete
from privbench.errors import BadInput
from privbench.plugins.host import PluginHost
from privbench.plugins.installed import OPTION, check_installed

F = TypeVar("F", bound=Callable[..., Any])

PLUGINS = "privbench.plugins"
"""The key of `click.Context.meta` under which the plugins are that ``-p`` named."""

config_option = click.option(
    "-c", "--config", metavar="FILE", shell_complete=complete.files,
    help="File of benchmarks and defenses. Default: ./benchmarks.toml, or else the file that ships"
    " with privbench.",
)  # fmt: skip
results_option = click.option(
    "--results", type=click.Path(file_okay=False), metavar="DIR", default="results",
    show_default=True, envvar="PRIVBENCH_RESULTS",
    help="Folder of the results database and of stored artifacts.",
)  # fmt: skip
run_option = click.option(
    "--run", "run_id", metavar="ID",
    help="ID of a run, as `privbench runs` lists them, instead of the last complete one.",
)  # fmt: skip
EXCEEDED = 3
"""The exit status if a limit is exceeded."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def limits_option(metrics: str) -> Callable[[F], F]:
    """Return the option ``--fail-above``, given which metrics there are."""
    return click.option(
        "--fail-above", "limits", metavar="METRIC=NUMBER", multiple=True,
        help="Exit with status 3 if the upper end of an attack's 95% interval is above NUMBER. METRIC is"
        f" {metrics}. Repeatable.",
    )  # fmt: skip


def run_argument(name: str, metavar: str) -> Callable[[F], F]:
    """Return an argument that is the ID of a run; if it is missing, a message says where IDs are."""

    def given(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
        if value is None and not ctx.resilient_parsing:
            raise BadInput(f"{metavar} is missing; `privbench runs` lists the IDs of runs")
        return value

    return click.argument(name, metavar=metavar, required=False, callback=given)


def plugin_option(function: F) -> F:
    """Add ``-p PLUGIN``, which loads a plugin before the command runs, and ``--no-plugin NAME``."""

    def load(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> None:
        if ctx.resilient_parsing:  # a shell asks for completions, and must not run code
            return
        host: PluginHost = ctx.find_object(PluginHost) or PluginHost()
        ctx.meta[PLUGINS] = value
        for spec in value:
            host.load(spec)

    loading = click.option(
        "-p", "--plugin", metavar="PLUGIN", multiple=True, expose_value=False, is_eager=True,
        shell_complete=complete.files,
        callback=load, help="Plugin to load: a module or a single .py file. Repeatable.",
    )  # fmt: skip
    return loading(no_plugin_option(function))


def no_plugin_option(function: F) -> F:
    """Add ``--no-plugin NAME``. `main` reads it before it loads plugins; here names are checked."""

    def check(ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> None:
        for name in () if ctx.resilient_parsing else value:
            check_installed(name, OPTION)

    return click.option(
        OPTION, metavar="NAME", multiple=True, expose_value=False, is_eager=True,
        shell_complete=complete.plugins, callback=check,
        help="Installed plugin that is not loaded, by distribution or entry point. Repeatable.",
    )(function)  # fmt: skip
