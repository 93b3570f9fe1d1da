"""``privbench completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from privbench.cli.complete import VARIABLE
from privbench.cli.group import Choice
from privbench.cli.output import echo


@click.command()
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes names in a shell.

    It completes commands, options, benchmarks, defenses, components, stored results and files. To
    install it, write it where the shell looks for such scripts:

    \b
    bash: ~/.local/share/bash-completion/completions/privbench
    zsh:  a file _privbench in a folder of $fpath
    fish: ~/.config/fish/completions/privbench.fish
    """
    found = get_completion_class(shell)
    assert found is not None  # click has all three
    echo(found(ctx.find_root().command, {}, "privbench", VARIABLE).source())
