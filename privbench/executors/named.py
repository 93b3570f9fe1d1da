"""Executors as they are named on the command line, with parameters: ``ray[address=10.0.0.1:6379]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from privbench.config.overrides import toml_value
from privbench.errors import BadInput

if TYPE_CHECKING:
    from privbench.components import Bound
    from privbench.plugins.host import PluginHost

PACKAGES = {"ray": "privbench-ray", "slurm": "privbench-submitit"}
"""Executors that come with packages of their own."""


def build_executor(text: str, host: PluginHost, where: str = "--executor") -> Bound:
    """Return the executor that a text names, such as ``ray[num_cpus=4, artifacts=shared]``.

    Args:
        text: NAME or NAME[PARAMETER=VALUE, ...]; a value that is not TOML is a string.
        host: the plugins.
        where: what the text was given to, for messages.

    Raises:
        BadInput: there is no such executor, or it has no such parameter or value.
    """
    match = re.fullmatch(r"([^\[\]]+)(?:\[(.*)\])?", text.strip())
    if match is None:
        raise BadInput(f"{where} {text}: write NAME, or NAME[PARAMETER=VALUE, ...]")
    name, parameters = match[1].strip(), match[2] or ""
    values = {}
    for part in filter(str.strip, parameters.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise BadInput(f"{where} {text}: {part.strip()!r} is not PARAMETER=VALUE")
        if key.strip() in values:
            raise BadInput(f"{where} {text}: {key.strip()!r} is given twice")
        values[key.strip()] = toml_value(value.strip(), f"{where} {name}[{key.strip()}]")
    registry = host.registry("executor")
    if name in PACKAGES and name not in registry.entries:
        raise BadInput(f"{where}: {_not_there(name, host)}")
    return registry.get(name, where).build(values, f"{where} {name}")


def _not_there(name: str, host: PluginHost) -> str:
    """Return why an executor of a package is not there, and what to do."""
    if host.broken:
        broken = ", ".join(sorted(host.broken))
        return (
            f"no executor {name!r}, and a plugin failed to load: {broken} (see `privbench plugins`)"
        )
    return f"executor {name!r} is a package of its own: pip install {PACKAGES[name]}"
