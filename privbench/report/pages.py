"""All tables and plots of a run as files, and an overview of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from privbench.errors import BadInput
from privbench.escape import markdown, markdown_code, one_line
from privbench.report.document import Document, read_document
from privbench.report.formats import render
from privbench.report.tradeoff import MEASURES, plot_tradeoff
from privbench.storage.environment import version_text
from privbench.storage.files import why_not_written, write_whole
from privbench.storage.results import Run

TABLES = ("summary", "utility", "attacks", "differences")
"""The views that a run has a file of."""


def write_pages(document: Document, folder: Path) -> list[Path]:
    """Write the tables and plots of a run; what compares defenses only if it has several.

    Args:
        document: the run.
        folder: where a folder with the name of the benchmark is made, if it is not there.

    Returns:
        The files that were written.

    Raises:
        BadInput: the folder cannot be made, its name would lead elsewhere, or there is nothing to plot.
    """
    run = document.run
    parts = Path(one_line(run.benchmark)).parts
    if parts != (run.benchmark,) or ".." in parts:
        raise BadInput(
            f"benchmark {run.benchmark!r}: cannot be the name of a folder of {folder} (allowed: a name"
            " without '/' and without characters that cannot be seen)"
        )
    place = folder / run.benchmark
    try:
        place.mkdir(parents=True, exist_ok=True)
        written = []
        for view, text in tables_of(document).items():
            written.append(place / f"{view}.md")
            write_whole(written[-1], text.encode())
        for measure in MEASURES if _has_several_defenses(run) else ():
            written.append(place / f"tradeoff-{measure}.png")
            plot_tradeoff(run.rows, written[-1], measure)
    except OSError as error:
        raise BadInput(f"-o {folder}: {why_not_written(place / '-', error)}") from None
    return written


def tables_of(document: Document) -> dict[str, str]:
    """Return the tables of a run as Markdown, by view; each names the commit of its code."""
    run = document.run
    remarks = {run.benchmark: run.title_remark}
    code = markdown(f"Code: {code_text(run)}. Run on {run.started_at[:10]}.") + "\n"
    return {
        view: render(run.rows, "markdown", view, remarks=remarks, differences=document.differences)
        + f"\n{code}"
        for view in TABLES
        if view != "differences" or _has_several_defenses(run)
    }


def _has_several_defenses(run: Run) -> bool:
    return len({row["defense"] for row in run.rows}) > 1


def code_text(run: Run) -> str:
    """Return which code a run was made with.

    A run of an installed package, or of a version that did not record it, names no commit.
    """
    return version_text(run.environment)


def overview(paths: Sequence[Path]) -> str:
    """Return a Markdown table of files of runs: command, code, versions, seeds and minutes of each.

    Minutes are those of all stages behind the rows, whichever run computed them.
    """
    heads = ("data", "command", "code", "models", "seeds", "minutes", "versions", "machine")
    lines = [_overview_cells(path, read_document(path).run) for path in paths]
    cells = [heads, ("---",) * len(heads), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def _overview_cells(path: Path, run: Run) -> tuple[str, ...]:
    facts: dict[str, Any] = dict(run.environment)
    libraries = facts.get("libraries", {})
    versions = {"Python": facts.get("python", "?")} | {
        name: libraries[name] for name in ("torch", "numpy") if name in libraries
    }
    models = sorted({row["n_models"] for row in run.rows})
    seeds = sorted({row["seed"] for row in run.rows})
    texts = (
        code_text(run),
        ", ".join(map(str, models)),
        ", ".join(map(str, seeds)),
        "?" if run.seconds is None else f"{run.seconds / 60:.0f}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{facts.get('machine', '?')}, {facts.get('cpus', '?')} cores, {facts.get('device', '?')}",
    )
    return (
        f"[{markdown(path.name)}]({quote(path.name)}), [tables and plots]({quote(run.benchmark)})",
        markdown_code(f"privbench run {run.benchmark}")
        + (f" with {markdown(run.remark)}" if run.remark else ""),
        *map(markdown, texts),
    )
