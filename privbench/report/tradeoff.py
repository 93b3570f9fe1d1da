"""The plot of utility against protection, with the frontier of the baseline (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privbench.errors import BadInput
from privbench.report.canaries import worst_kinds
from privbench.report.frontier import (
    BASELINE,
    PUBLIC_ONLY,
    RANKED_BY,
    exposure_of,
    exposures,
    family,
    frontier_of,
    interval_of,
)
from privbench.report.plots import COLORS, check_plot_file, panels
from privbench.report.seeds import combine_seeds
from privbench.report.tables import comparable_groups, group_title
from privbench.storage.results import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = {"auc": "AUC", "tpr": "TPR at 1% FPR"}
"""The measures of exposure, and their names on the axis."""
EXPOSURE_LABEL = "{} of {}\non the model (95% interval)"
"""In two lines, since constrained layout does not shorten a label that is longer than its axis."""
CHANCE = {"auc": 0.5, "tpr": 0.01}
MARKERS = "osD^vP*Xd<>"


def plot_tradeoff(
    rows: Sequence[Row], path: Path, measure: str = "auc", baseline: str = BASELINE
) -> None:
    """Plot test accuracy against the strongest attack on the model, a point per defense.

    There is a line of panels for each (dataset, model): records, and the worst kind of canaries
    if there are any. The values of a sweep are joined, and bars are 95% intervals. A vertical line has
    the accuracy of the defense `PUBLIC_ONLY`, if it is among the rows: what is to its left is of less
    use than public records alone. Several seeds are combined in one panel.

    Args:
        rows: rows of results.
        path: the file; its suffix is the format.
        measure: exposure by ``auc`` or by ``tpr`` (at 1% FPR).
        baseline: the defense whose sweep is drawn as the frontier. The default need not be among the
            defenses.

    Raises:
        BadInput: no row is ok, or ``baseline`` is not one of the defenses.
    """
    check_plot_file(path)
    try:
        figure = tradeoff_figure(rows, measure, baseline)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    figure.savefig(path, dpi=150)


def tradeoff_figure(rows: Sequence[Row], measure: str = "auc", baseline: str = BASELINE) -> Figure:
    """Return the figure of `plot_tradeoff`.

    Raises:
        ValueError: no row is ok, or ``baseline`` is not one of the defenses.
    """
    ok = [row for row in combine_seeds(rows) if row["status"] == "ok"]
    if not ok:
        raise ValueError("no trial is ok, so there is nothing to draw")
    subsets = [s for s in ("records", "canaries") if any(row["subset"] == s for row in ok)]
    families = list(dict.fromkeys(family(row["defense"]) for row in ok))
    if baseline not in (*families, BASELINE):
        raise ValueError(f"--baseline {baseline!r} (allowed: {', '.join(families)})")
    styles = _styles(families, baseline)
    groups = comparable_groups(ok)
    figure, all_axes = panels(len(groups), len(subsets))
    for group, row_of_axes in zip(groups, np.reshape(all_axes, (len(groups), -1)), strict=True):
        for subset, axes in zip(subsets, row_of_axes, strict=True):
            axes.set_title(f"{group_title(group)}: {subset}", fontsize="medium")
            of_subset = [row for row in group if row["subset"] == subset]
            if subset == "canaries":
                of_subset = worst_kinds(of_subset, measure)
            _draw(axes, exposures(of_subset, measure), measure, styles, baseline)
    _legend(figure, all_axes)
    return figure


def _styles(families: Sequence[str], baseline: str) -> dict[str, dict[str, Any]]:
    """Return a color and a marker for each family of defenses; the baseline is black."""
    others = [name for name in families if name != baseline]
    styles = {
        name: {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(others)
    }
    return styles | {baseline: {"color": "black", "marker": "o"}}


def _draw(
    axes: Any,
    strongest: Mapping[str, Row],
    measure: str,
    styles: Mapping[str, dict[str, Any]],
    baseline: str,
) -> None:
    frontier = frontier_of(dict(strongest), measure, baseline)
    axes.plot(frontier.accuracy, frontier.exposure, color="black", linewidth=2, alpha=0.3)
    for name in dict.fromkeys(map(family, strongest)):
        points = {d: row for d, row in strongest.items() if family(d) == name}
        if name == PUBLIC_ONLY:
            accuracy = max(row["test_accuracy"] for row in points.values())
            axes.axvline(accuracy, linestyle="--", label="public only", color=styles[name]["color"])
            continue
        x = [row["test_accuracy"] for row in points.values()]
        y = [exposure_of(row, measure) or 0.0 for row in points.values()]
        axes.errorbar(
            x, y, xerr=_accuracy_errors(list(points.values())),
            yerr=_errors(list(points.values()), y, measure), label=name, capsize=2,
            markersize=5, linewidth=0.8, elinewidth=0.8, linestyle=":", **styles[name],
        )  # fmt: skip
        for defense, *place in zip(points, x, y, strict=True):
            if values := _values(defense):
                axes.annotate(
                    values, place, textcoords="offset points", xytext=(4, 4), fontsize=6,
                    color=styles[name]["color"],
                )  # fmt: skip
    axes.axhline(CHANCE[measure], color="grey", linewidth=0.8, linestyle=":")
    label = EXPOSURE_LABEL.format(MEASURES[measure], _attacks_of(strongest))
    axes.set(xlabel="test accuracy", ylabel=label)


def _attacks_of(strongest: Mapping[str, Row]) -> str:
    """Return which attacks the exposures are of, for the axis."""
    ranked = {row["attack"] == RANKED_BY for row in strongest.values()}
    if ranked == {True}:
        return RANKED_BY
    return f"{RANKED_BY} or, uncorrected, the best attack" if True in ranked else "the best attack"


def _errors(rows: Sequence[Row], y: Sequence[float], measure: str) -> Any:
    """Return how far the intervals reach below and above the values (2, n)."""
    ends = [interval_of(row, measure) or (v, v) for row, v in zip(rows, y, strict=True)]
    return np.abs(np.array(ends).T - np.array(y))


def _accuracy_errors(rows: Sequence[Row]) -> Any:
    """Return how far the intervals of test accuracies reach below and above (2, n)."""
    x = [row["test_accuracy"] for row in rows]
    ends = [row["test_accuracy_ci"] or (v, v) for row, v in zip(rows, x, strict=True)]
    return np.abs(np.array(ends).T - np.array(x))


def _values(defense: str) -> str:
    """Return the values of a sweep without the names of its parameters.

    >>> _values("vae-metric[epsilon=8,metric=mahalanobis]")
    '8,mahalanobis'
    """
    inside = defense.partition("[")[2].rstrip("]")
    return ",".join(part.partition("=")[2] for part in inside.split(",")) if inside else ""


def _legend(figure: Figure, all_axes: Sequence[Any]) -> None:
    """Add a legend for all panels, in which each family appears once."""
    handle_of: dict[str, Any] = {}
    for axes in all_axes:
        handles, names = axes.get_legend_handles_labels()
        handle_of |= dict(zip(names, handles, strict=True))
    figure.legend(
        list(handle_of.values()), list(handle_of), loc="outside right upper", fontsize="small"
    )
