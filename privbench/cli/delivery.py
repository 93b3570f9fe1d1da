"""What commands that audit share: the options of attacks, and those that say where the report goes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from privbench.cli import complete
from privbench.cli.options import EXCEEDED, json_option, limits_option, plugin_option
from privbench.cli.output import (
    COMMAND,
    check_suffix,
    echo,
    painter,
    print_json,
    terminal_width,
    write_text,
)
from privbench.errors import BadInput

if TYPE_CHECKING:
    from privbench.auditing import Audit
    from privbench.auditing.synthetic.report import DataAudit

F = TypeVar("F", bound=Callable[..., Any])

WRITERS: dict[str, Callable[[Audit | DataAudit, str], str]] = {
    ".html": lambda report, command: report.to_html(command),
    ".json": lambda report, command: json.dumps(report.to_json(), indent=1) + "\n",
    ".md": lambda report, command: report.to_markdown(),
}
"""What writes a report to a file, by the suffix of its name."""
FILE = click.Path(dir_okay=False, path_type=Path)

_ATTACKS = (
    click.option(
        "--attack", "attacks", metavar="NAME", multiple=True,
        shell_complete=complete.components("attack"),
        help="Attack to run. Repeatable. Default: all attacks that apply.",
    ),
    click.option(
        "--set", "settings", metavar="NAME.PARAMETER=VALUE", multiple=True,
        help="Set a parameter of an attack, such as lira.mode=offline. Repeatable.",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Seed of all random draws."
    ),
)  # fmt: skip
_REPORT = (
    limits_option(
        "auc, advantage, balanced_accuracy, audited_epsilon, tpr@FPR or precision@FPR, as in"
        " tpr@0.01=0.05"
    ),
    click.option(
        "-o", "--output", type=FILE, metavar="FILE",
        help="Write the report to FILE (.html, .json or .md) instead of stdout.",
    ),
    click.option(
        "--html", type=FILE, metavar="FILE",
        help="Write the report as a page for readers who are no experts to FILE (.html), too.",
    ),
    click.option(
        "--plot", type=FILE, metavar="FILE",
        help="Draw the ROC curves on log-log axes into FILE (.png, .pdf or .svg).",
    ),
    plugin_option,
    json_option,
)  # fmt: skip


def attack_options(function: F) -> F:
    """Add the options that choose attacks: ``--attack``, ``--set`` and ``--seed``."""
    for option in reversed(_ATTACKS):
        function = option(function)
    return function


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a report; the command gets their values as one argument, ``delivery``."""

    @functools.wraps(function)
    def command(
        limits: tuple[str, ...],
        output: Path | None,
        html: Path | None,
        plot: Path | None,
        as_json: bool,
        **others: Any,
    ) -> Any:
        return function(delivery=Delivery.of(limits, output, html, plot, as_json), **others)

    for option in reversed(_REPORT):
        command = option(command)
    return command


@dataclass(frozen=True)
class Delivery:
    """Where a report goes, and the limits that it is held to."""

    output: Path | None = None
    html: Path | None = None
    plot: Path | None = None
    as_json: bool = False
    limits: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        limits: tuple[str, ...],
        output: Path | None,
        html: Path | None,
        plot: Path | None,
        as_json: bool,
    ) -> Delivery:
        """Check all options before anything is computed.

        Raises:
            BadInput: a file or a limit is wrong.
        """
        from privbench.report.limits import parse_limits
        from privbench.report.plots import check_plot_file

        if plot is not None:
            check_plot_file(plot)
        if html is not None:
            check_suffix(html, [".html"], "--html")
        if output is not None:
            check_suffix(output, WRITERS)
        return cls(output, html, plot, as_json, parse_limits(limits))

    def deliver(self, ctx: click.Context, report: Audit | DataAudit, title: str) -> None:
        """Print and write a report, and exit with the status that it deserves.

        Args:
            ctx: the context of the command.
            report: the report.
            title: the title of the plot.

        Raises:
            BadInput: no attack applied, so that there is nothing to report.
        """
        from privbench.report.plots import plot_rocs

        if self.as_json:
            print_json(report.to_json())
        elif self.output is None:
            echo(report.text(terminal_width(), painter()))
        for path, option in ((self.output, "-o"), (self.html, "--html")):
            if path is not None:
                write_text(path, WRITERS[path.suffix](report, ctx.meta[COMMAND]), option)
        if self.plot is not None:
            curves = {
                name: (result.scores, report.member) for name, result in report.attacks.items()
            }
            plot_rocs(curves, self.plot, title=title, group=report.blocks)
        if not report.attacks and not report.failed:
            raise BadInput(report.nothing_applied())
        exceeded = report.exceeded(self.limits)
        for one in exceeded:
            echo(one, err=True)
        if exceeded or report.incomplete:
            ctx.exit(EXCEEDED if exceeded else 1)
