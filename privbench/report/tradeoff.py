"""The plot of utility against protection, with the frontier of the baseline (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from privbench.components.messages import near
from privbench.errors import BadInput
from privbench.escape import plot_text
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
    on_data,
    only_on_data,
)
from privbench.report.labels import place_labels
from privbench.report.plots import MARKERS, OTHER, PALETTE, check_plot_file, panels, save, settings
from privbench.report.seeds import combine_seeds
from privbench.report.tables import comparable_groups, group_title
from privbench.storage.results import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = {"auc": "AUC", "tpr": "TPR at 1% FPR"}
"""The measures of exposure, and their names on the axis."""
EXPOSURE_LABEL = "{} of {}\non the {} (95% interval)"
"""In two lines, since constrained layout does not shorten a label that is longer than its axis."""
CHANCE = {"auc": 0.5, "tpr": 0.01}
MAX_NAMED = 10
"""Defenses that are named in a panel, `PUBLIC_ONLY` among them."""
NEAR = 0.02
MAX_CORNERS = 4
"""Corners of the frontier that are named."""
FRONTIER = "frontier of {}"
UNNAMED = "other defenses"
BAR: dict[str, Any] = {"capsize": 2, "elinewidth": 0.8, "linewidth": 0.8}

Points = dict[str, Row]
"""The row that says how exposed a defense is, by defense."""


def plot_tradeoff(
    rows: Sequence[Row], path: Path, measure: str = "auc", baseline: str = BASELINE
) -> None:
    """Plot test accuracy against the strongest attack on the model, a point per defense.

    Where no attack sees a model, attacks on released data take its place.

    There is a line of panels for each (dataset, model): records, and the worst kind of canaries
    if there are any. Bars are 95% intervals. The `named` defenses have a label; others are small and
    grey. A vertical line has the accuracy of the defense `PUBLIC_ONLY`, if it is among the rows: what is
    to its left is of less use than public records alone. Several seeds are combined in one panel.

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
        with settings():
            figure = tradeoff_figure(rows, measure, baseline)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    save(figure, path)


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
        hint = near(baseline, families)
        raise ValueError(f"--baseline {baseline!r}{hint} (allowed: {', '.join(families)})")
    groups = comparable_groups(ok)
    names = [named(_points(group, subsets[0], measure), measure, baseline) for group in groups]
    styles = _styles([defense for of_group in names for defense in of_group], baseline)
    figure, all_axes = panels(len(groups), len(subsets))
    grid = np.reshape(all_axes, (len(groups), -1))
    drawn: list[tuple[Any, Points, list[str]]] = []
    for group, of_group, row_of_axes in zip(groups, names, grid, strict=True):
        for subset, axes in zip(subsets, row_of_axes, strict=True):
            axes.set_title(plot_text(f"{group_title(group)}: {subset}"), fontsize="medium")
            points = _points(group, subset, measure)
            _draw(axes, points, of_group, measure, styles, baseline)
            drawn.append((axes, points, of_group))
    _legend(figure, all_axes)
    figure.draw_without_rendering()  # the layout, on which the places of labels depend
    figure.set_layout_engine("none")
    for axes, points, of_group in drawn:
        _label(axes, points, of_group, measure, baseline)
    return figure


def named(points: Mapping[str, Row], measure: str, baseline: str = BASELINE) -> list[str]:
    """Return the defenses that a panel names, at most `MAX_NAMED`.

    1. ``none``, and `PUBLIC_ONLY`, whose line the legend names.
    2. Corners of the frontier: the first, the last, and some between them, at most `MAX_CORNERS`.
    3. Defenses that no other one dominates, the most accurate ones first: each other one is less
       accurate or more exposed.
    4. The most accurate ones of the others. One is left out if it is nearer to a named one than `NEAR`
       of both axes.

    Args:
        points: the row of each defense.
        measure: ``auc``, or ``tpr`` at 1% FPR.
        baseline: the defense whose sweep is the frontier.
    """
    place = {defense: _place(row, measure) for defense, row in points.items()}
    frontier = frontier_of(dict(points), measure, baseline)
    corners = list(zip(frontier.accuracy, frontier.exposure, strict=True))
    chosen = np.unique(np.linspace(0, len(corners) - 1, MAX_CORNERS).round().astype(int))
    named_corners = [corners[i] for i in chosen] if corners else []
    by_accuracy = sorted(place, key=lambda defense: -place[defense][0])

    def is_dominated(defense: str) -> bool:
        x, y = place[defense]
        return any(a >= x and e <= y and (a, e) != (x, y) for a, e in place.values())

    order = [
        *(d for d in place if d == "none" or family(d) == PUBLIC_ONLY),
        *(d for d in place if family(d) == baseline and place[d] in named_corners),
        *(d for d in by_accuracy if not is_dominated(d)),
    ]
    names = list(dict.fromkeys(order))
    reach = NEAR * np.ptp(np.reshape(list(place.values()), (-1, 2)), axis=0) if place else 0.0
    for defense in by_accuracy:
        distances = np.abs(np.array([place[d] for d in names]) - place[defense])
        if not (distances <= reach).all(axis=1).any():
            names.append(defense)
    return names[:MAX_NAMED]


def _points(rows: Sequence[Row], subset: str, measure: str) -> Points:
    """Return the row of each defense that says how exposed the records of a subset are."""
    of_subset = [row for row in rows if row["subset"] == subset]
    if subset == "canaries":
        of_subset = worst_kinds(of_subset, measure)
    return exposures(of_subset, measure, data=only_on_data(rows))


def _styles(defenses: Sequence[str], baseline: str) -> dict[str, dict[str, Any]]:
    """Return a color and a marker for each family of the named defenses; the baseline is black."""
    families = dict.fromkeys(
        family(d) for d in defenses if family(d) not in (baseline, PUBLIC_ONLY)
    )
    styles = {
        name: {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(families)
    }
    return styles | {baseline: {"color": "black", "marker": "o"}}


def _draw(
    axes: Any,
    points: Points,
    names: Sequence[str],
    measure: str,
    styles: Mapping[str, dict[str, Any]],
    baseline: str,
) -> None:
    frontier = frontier_of(points, measure, baseline)
    if len(frontier.exposure):
        axes.plot(
            frontier.accuracy, frontier.exposure, color="black", linewidth=2.5, alpha=0.3,
            label=plot_text(FRONTIER.format(baseline)),
        )  # fmt: skip
    public = [row["test_accuracy"] for d, row in points.items() if family(d) == PUBLIC_ONLY]
    if public:
        axes.axvline(max(public), linestyle="--", linewidth=1.2, color="black", label=PUBLIC_ONLY)
    axes.axhline(CHANCE[measure], color="grey", linewidth=1, linestyle=":", label="chance")
    private = {d: row for d, row in points.items() if family(d) != PUBLIC_ONLY}
    others = [row for defense, row in private.items() if defense not in names]
    if others:
        _bars(
            axes, others, measure, UNNAMED, {"color": OTHER, "marker": "."}, alpha=0.6, zorder=1.5
        )
    for name in dict.fromkeys(family(d) for d in private if d in names):
        of_family = [row for d, row in private.items() if d in names and family(d) == name]
        _bars(axes, of_family, measure, name, styles[name], zorder=3, markersize=6)
    axes.margins(0.08)
    seen = "released data" if any(map(on_data, points.values())) else "model"
    label = EXPOSURE_LABEL.format(MEASURES[measure], _attacks_of(points), seen)
    axes.set(xlabel="test accuracy (95% interval)", ylabel=label)


def _bars(
    axes: Any, rows: Sequence[Row], measure: str, name: str, style: Mapping[str, Any], **more: Any
) -> None:
    x, y = np.array([_place(row, measure) for row in rows]).T
    axes.errorbar(
        x, y, xerr=_accuracy_errors(rows), yerr=_errors(rows, list(y), measure), label=plot_text(name),
        linestyle="none", **{**BAR, **style, **more},
    )  # fmt: skip


def _place(row: Row, measure: str) -> tuple[float, float]:
    """Return test accuracy and exposure."""
    return float(row["test_accuracy"]), exposure_of(row, measure) or 0.0


def _label(axes: Any, points: Points, names: Sequence[str], measure: str, baseline: str) -> None:
    """Write the names of defenses beside their points, and off bars and lines as far as possible."""
    shown = [d for d in names if d in points and family(d) != PUBLIC_ONLY]
    places = [_place(points[d], measure) for d in shown]
    others = [_place(row, measure) for d, row in points.items() if d not in names]
    frontier = frontier_of(points, measure, baseline)
    corners = list(zip(frontier.accuracy, frontier.exposure, strict=True))
    left, right = axes.get_xlim()
    lines = [*pairwise(corners), ((left, CHANCE[measure]), (right, CHANCE[measure]))]
    for defense, (x, y) in zip(shown, places, strict=True):
        row = points[defense]
        low, high = row["test_accuracy_ci"] or (x, x)
        lines.append(((low, y), (high, y)))
        low, high = interval_of(row, measure) or (y, y)
        lines.append(((x, low), (x, high)))
    place_labels(
        axes, [_short(d) for d in shown], np.array(places), np.array(others), np.array(lines)
    )


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


def _short(defense: str) -> str:
    """Return the name of a defense with the values of its sweep, without their names.

    >>> _short("vae-metric[epsilon=8,metric=mahalanobis]"), _short("none")
    ('vae-metric 8, mahalanobis', 'none')
    """
    name, _, inside = defense.partition("[")
    values = [part.partition("=")[2] for part in inside.rstrip("]").split(",")] if inside else []
    return f"{name} {', '.join(values)}".strip()


def _legend(figure: Figure, all_axes: Sequence[Any]) -> None:
    """Add a legend for all panels of what has no label beside it."""
    handle_of: dict[str, Any] = {}
    for axes in all_axes:
        handles, names = axes.get_legend_handles_labels()
        handle_of |= {
            name: handle
            for name, handle in zip(names, handles, strict=True)
            if name in (PUBLIC_ONLY, UNNAMED, "chance") or name.startswith(FRONTIER.format(""))
        }
    figure.legend(
        list(handle_of.values()), list(handle_of), loc="outside lower center", fontsize="small",
        ncols=len(handle_of), frameon=False,
    )  # fmt: skip
