"""The plot of utility against protection, with the baseline's frontier (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privbench.errors import BadInput
from privbench.report.frontier import (
    BASELINE,
    exposure_of,
    exposures,
    family,
    frontier_of,
    interval_of,
)
from privbench.report.plots import COLORS, check_plot_file, panels
from privbench.report.views import block_title, blocks
from privbench.storage.results import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = {
    "auc": "AUC of the strongest attack on the model",
    "tpr": "TPR at 1% FPR of the strongest attack on the model",
}
"""What protection is measured by, and the name of the axis."""
CHANCE = {"auc": 0.5, "tpr": 0.01}
MARKERS = "osD^vP*Xd<>"


def plot_tradeoff(
    rows: Sequence[Row], path: Path, measure: str = "auc", baseline: str = BASELINE
) -> None:
    """Test accuracy against the strongest attack on the model, by ``measure``: a point a defense.

    The values of a sweep are joined; those of the ``baseline`` are the frontier that the others are
    compared with. A line of panels for each (dataset, model, seed): records, and canaries if there are
    any. Raises BadInput where no row is ok, and for a ``baseline`` that is none of the defenses, unless
    it is the default.
    """
    check_plot_file(path)
    try:
        figure = tradeoff_figure(rows, measure, baseline)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    figure.savefig(path, dpi=150)


def tradeoff_figure(rows: Sequence[Row], measure: str = "auc", baseline: str = BASELINE) -> Figure:
    """What `plot_tradeoff` writes. Raises ValueError on what it cannot draw."""
    ok = [row for row in rows if row["status"] == "ok"]
    if not ok:
        raise ValueError("no trial is ok, there is nothing to draw")
    subsets = [s for s in ("records", "canaries") if any(row["subset"] == s for row in ok)]
    families = list(dict.fromkeys(family(row["defense"]) for row in ok))
    if baseline not in (*families, BASELINE):
        raise ValueError(f"--baseline {baseline!r} (allowed: {', '.join(families)})")
    styles = _styles(families, baseline)
    groups = blocks(ok)
    figure, all_axes = panels(len(groups), len(subsets))
    for group, row_of_axes in zip(groups, np.reshape(all_axes, (len(groups), -1)), strict=True):
        for subset, axes in zip(subsets, row_of_axes, strict=True):
            axes.set_title(f"{block_title(group)}: {subset}", fontsize="medium")
            own = exposures([row for row in group if row["subset"] == subset], measure)
            _draw(axes, own, measure, styles, baseline)
    _legend(figure, all_axes)
    return figure


def _styles(families: Sequence[str], baseline: str) -> dict[str, dict[str, Any]]:
    """A color and a marker for each family, the baseline's black."""
    others = [name for name in families if name != baseline]
    styles = {
        name: {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(others)
    }
    return styles | {baseline: {"color": "black", "marker": "o"}}


def _draw(
    axes: Any,
    best: Mapping[str, Row],
    measure: str,
    styles: Mapping[str, dict[str, Any]],
    baseline: str,
) -> None:
    frontier = frontier_of(dict(best), measure, baseline)
    axes.plot(frontier.accuracy, frontier.exposure, color="black", linewidth=2, alpha=0.3)
    for name in dict.fromkeys(map(family, best)):
        points = {d: row for d, row in best.items() if family(d) == name}
        x = [row["test_accuracy"] for row in points.values()]
        y = [exposure_of(row, measure) or 0.0 for row in points.values()]
        axes.errorbar(
            x, y, yerr=_errors(list(points.values()), y, measure), label=name, capsize=2,
            markersize=5, linewidth=0.8, elinewidth=0.8, linestyle=":", **styles[name],
        )  # fmt: skip
        for defense, *place in zip(points, x, y, strict=True):
            if values := _values(defense):
                axes.annotate(
                    values, place, textcoords="offset points", xytext=(4, 4), fontsize=6,
                    color=styles[name]["color"],
                )  # fmt: skip
    axes.axhline(CHANCE[measure], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="test accuracy", ylabel=f"{MEASURES[measure]} (95% interval)")


def _errors(rows: Sequence[Row], y: Sequence[float], measure: str) -> Any:
    """How far the intervals reach below and above (2, n)."""
    ends = [interval_of(row, measure) or (v, v) for row, v in zip(rows, y, strict=True)]
    return np.abs(np.array(ends).T - np.array(y))


def _values(defense: str) -> str:
    """The values of a sweep without the names of its parameters.

    >>> _values("vae-metric[epsilon=8,metric=mahalanobis]")
    '8,mahalanobis'
    """
    inside = defense.partition("[")[2].rstrip("]")
    return ",".join(part.partition("=")[2] for part in inside.split(",")) if inside else ""


def _legend(figure: Figure, all_axes: Sequence[Any]) -> None:
    """One for all panels: each family once."""
    found: dict[str, Any] = {}
    for axes in all_axes:
        handles, names = axes.get_legend_handles_labels()
        found |= dict(zip(names, handles, strict=True))
    figure.legend(list(found.values()), list(found), loc="outside right upper", fontsize="small")
