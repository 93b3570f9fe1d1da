"""``privbench plugins check``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privbench.cli import complete
from privbench.cli.options import json_option
from privbench.cli.output import echo, print_json, print_table, wrapped
from privbench.components.messages import near_file
from privbench.errors import BadInput
from privbench.wording import plural

if TYPE_CHECKING:
    from privbench.testing import Finding


@click.command()
@click.argument("plugin", metavar="MODULE|FILE", shell_complete=complete.files)
@json_option
@click.pass_context
def check(ctx: click.Context, plugin: str, as_json: bool) -> None:
    """Check that the components of a plugin keep to their contracts.

    The plugin is a module or a single .py file. All checks of `privbench.testing` that apply to its
    components are made; docs/testing.md lists them. The exit status is 1 if one failed.
    """
    path = Path(plugin)
    if path.suffix == ".py" and not path.is_file():
        raise BadInput(f"{plugin}: there is no such file{near_file(path)}")
    if path.suffix != ".py" and not _is_there(plugin):
        module = plugin.replace("-", "_")  # of a distribution's name, as `privbench plugins` has it
        instead = f"; did you mean '{module}'?" if _is_there(module) else ""
        hint = "install its package (pip install -e . in its folder), or name its .py file"
        raise BadInput(f"{plugin}: there is no such module{instead or f'; {hint}'}")
    import privbench.testing

    findings = privbench.testing.check(path if path.suffix == ".py" else plugin)
    if as_json:
        print_json([asdict(finding) | {"passed": finding.passed} for finding in findings])
    else:
        _print(findings)
    if not all(finding.passed for finding in findings):
        ctx.exit(1)


def _is_there(module: str) -> bool:
    """Return whether a module, or the package that it is in, can be imported from somewhere."""
    package = module.partition(".")[0]
    return bool(package) and (package in sys.modules or find_spec(package) is not None)


def _print(findings: list[Finding]) -> None:
    """Print what failed first, and then the others."""
    ordered = sorted(findings, key=lambda finding: finding.passed)
    print_table(
        [
            {
                "component": finding.component,
                "check": finding.check,
                "outcome": finding.outcome if finding.passed else "FAILED",
                "reason": finding.reason,
            }
            for finding in ordered
        ]
    )
    failed = sum(not finding.passed for finding in findings)
    echo("\n", wrapped(f"{plural(len(findings), 'check')}, {failed} failed", ""))
