"""Options that several commands share."""

import click
import pytest
from click.testing import CliRunner

from privbench.cli.options import config_option, plugin_option, results_option
from privbench.plugins.host import PluginHost


@click.command()
@config_option
@plugin_option
@results_option
@click.pass_context
def command(ctx, config, results):
    host = ctx.find_object(PluginHost)
    plugins = [] if host is None else [plugin.name for plugin in host.plugins[1:]]
    click.echo(f"{config} {results} {plugins}")


def run(*arguments, host=None, **env):
    result = CliRunner().invoke(command, arguments, obj=host, env=env)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_defaults():
    assert run(PRIVBENCH_RESULTS=None) == "None results []"


def test_results_go_where_the_option_says_and_else_where_the_variable_says():
    assert run(PRIVBENCH_RESULTS="there") == "None there []"
    assert run("--results", "here", PRIVBENCH_RESULTS="there") == "None here []"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_plugins_are_loaded_in_the_order_in_which_they_are_given(attack, order):
    paths = [str(attack()), str(attack(name="other", file="other.py"))]
    chosen = [paths[i] for i in order]
    host = PluginHost(installed=False)
    assert run("-p", chosen[0], "--plugin", chosen[1], host=host) == f"None results {chosen}"
    assert {"mine", "other"} <= set(host.registry("attack").entries)
