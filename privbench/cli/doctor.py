"""``privbench doctor``."""

from __future__ import annotations

import os
from typing import Any

import click

from privbench.cli.options import json_option, plugin_option
from privbench.cli.output import echo, fitted, print_json
from privbench.escape import one_line
from privbench.plugins.host import PluginHost


@click.command()
@plugin_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Show versions, device, data folder and plugins.

    The exit status is 1 if a plugin failed.
    """
    from privbench.config.device import resolve_device
    from privbench.storage.environment import environment

    host: PluginHost = ctx.obj
    facts: dict[str, Any] = environment(host.third_party, resolve_device("auto"), host.switched_off)
    facts["data_dir"] = _data_dir()
    facts["failures"] = [
        f"{failure.plugin} ({failure.place}): {failure.message}" for failure in host.failures
    ]
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            echo(fitted(one_line(_text(value)), f"{key:10}  ", " " * 12))
    if host.failures:
        ctx.exit(1)


def _data_dir() -> str:
    folder = os.environ.get("PRIVBENCH_DATA_DIR")
    if not folder:
        from platformdirs import user_cache_path

        return f"{user_cache_path('privbench') / 'data'} (PRIVBENCH_DATA_DIR is not set)"
    return folder if os.path.isdir(folder) else f"{folder} (PRIVBENCH_DATA_DIR) is not a folder"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, text in value.items()) or "none"
    if isinstance(value, list):
        return "; ".join(value) or "none"
    return str(value)
