"""Plots of scores (matplotlib): ROC curves, and the scores of one record.

Each function writes one file, whose suffix is the format. The same figure gives the same bytes.

SVG has text as text instead of outlines, so that it can be read by a screen reader, found, copied and
translated; the fonts are those of the reader. PDF embeds its fonts as TrueType, which publishers ask
for. Text is never taken for mathematics or TeX.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.components.messages import near
from privbench.errors import BadInput
from privbench.escape import plot_text
from privbench.metrics import Pairs, Roc
from privbench.metrics.bootstrap import draw_weights
from privbench.metrics.interval import arcsine_t, bootstrap_error
from privbench.metrics.resample import WeightedTpr
from privbench.storage.files import why_not_written, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")
SETTINGS: dict[Any, Any] = {
    "text.usetex": False,  # would run what names say
    "svg.fonttype": "none",
    "svg.hashsalt": "privbench",  # or identifiers would be random
    "pdf.fonttype": 42,
}
"""Settings of matplotlib that hold whatever a user's own are."""
N_GRID = 25
"""Number of false positive rates at which a curve has an interval."""
N_DRAWS = 1000
"""Bootstrap draws of an interval."""
PANEL = (7, 4.5)
"""Width and height of a panel, in inches."""
TITLE_WIDTH = 80
"""Characters of a title that fit the width of a panel."""
MAX_BINS = 50
"""Largest number of bins of a histogram."""

DPI = 150
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colors that color-blind readers can tell apart, without black, which is for baselines, and without
yellow, which is too light on white. Source: Okabe, Ito 2008, "Color universal design"."""
MARKERS = "sD^vP*X<>dph"
"""Markers beside the colors; no two of the first 12 pairs are equal."""
DASHES = ("-", "--", "-.", (0, (4, 1, 1, 1, 1, 1)), ":")
"""Line styles beside the colors; no two of the first 30 pairs are equal."""
OTHER = "#999999"
"""The color of what is not named."""
MAX_NAMED = 10
"""Largest number of curves that a legend names."""

Scored = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Scores and membership (models, records)."""


def check_plot_file(path: Path) -> None:
    """Check that a plot can be written to ``path``.

    Raises:
        BadInput: the suffix is not a known format, or the folder does not exist.
    """
    if path.suffix not in FORMATS:
        hint = near(path.suffix, FORMATS)
        raise BadInput(
            f"{path}: unknown format {path.suffix!r}{hint} (allowed: {', '.join(FORMATS)})"
        )
    if not path.parent.is_dir():
        raise BadInput(f"{path}: no such folder {path.parent}")


def plot_rocs(
    curves: Mapping[str, Scored],
    path: Path,
    title: str = "",
    group: NDArray[np.int64] | None = None,
) -> None:
    """Plot ROC curves on log-log axes with 95% intervals.

    Axes are logarithmic because an attack that identifies a few members with confidence is a danger that
    the area under the curve does not show (Carlini et al. 2022, arXiv 2112.03570). They begin at one
    false positive, the lowest rate that the data can show. The `MAX_NAMED` curves with the largest AUC
    are named, and others are grey.

    Args:
        curves: scores and membership of each attack, by the name for the legend.
        path: the file; its suffix is the format.
        title: title of the plot.
        group: the group (records,) of each record. Intervals are over models, or over these groups if
            there is one model; without groups one model has no intervals.

    Raises:
        BadInput: there are no curves, or the file cannot be written.
    """
    if not curves:
        raise BadInput(f"{path}: there is no ROC curve to draw")
    with _axes(path, title) as axes:
        floor = min(1 / (~member).sum() for _, member in curves.values())
        drawn = {name: RocCurve.of(*scored, group) for name, scored in curves.items()}
        order = sorted(drawn.items(), key=lambda item: -item[1].auc)
        for i, (name, curve) in enumerate(order[:MAX_NAMED]):
            style = {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)]}
            axes.plot(
                curve.fpr, curve.tpr, drawstyle="steps-post", label=plot_text(curve.label(name)),
                **style,
            )  # fmt: skip
            if curve.low is not None:
                axes.fill_between(
                    curve.grid, curve.low, curve.high, alpha=0.12, color=style["color"], linewidth=0
                )
        for i, (_, curve) in enumerate(order[MAX_NAMED:]):
            label = f"{len(order) - MAX_NAMED} more of lower AUC" if i == 0 else None
            axes.plot(
                curve.fpr, curve.tpr, drawstyle="steps-post", label=label, color=OTHER,
                linewidth=0.7, zorder=1,
            )  # fmt: skip
        axes.plot(
            [floor, 1], [floor, 1], color="black", linewidth=0.8, linestyle=":", label="chance"
        )
        axes.set(xscale="log", yscale="log", xlim=(floor, 1), ylim=(floor, 1.05))
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))


@dataclass(frozen=True)
class RocCurve:
    """A ROC curve, and its interval ``low`` to ``high`` at the false positive rates ``grid``."""

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    auc: float
    grid: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None
    """None if there are no intervals."""

    @classmethod
    def of(
        cls,
        scores: NDArray[np.float64],
        member: NDArray[np.bool_],
        group: NDArray[np.int64] | None = None,
    ) -> RocCurve:
        """Compute the empirical curve, and its intervals over models or groups of records."""
        if len(scores) == 1 and group is not None:
            pairs = Pairs.grouped(scores[0], member[0], group)
        else:
            pairs = Pairs.of(scores, member)
        roc = Roc.of(pairs)
        fpr, tpr = roc.false_positives / roc.n_nonmembers, roc.true_positives / roc.n_members
        grid = np.geomspace(max(roc.resolution, 1e-5), 1, N_GRID)
        low = high = None
        if pairs.n_models > 1:
            low, high = _band(pairs, roc, grid)
        return cls(np.append(0, fpr), np.append(0, tpr), roc.auc, grid, low, high)

    def label(self, name: str) -> str:
        """Return the entry of the legend."""
        return f"{name} (AUC {self.auc:.3f})"


def _band(
    pairs: Pairs, roc: Roc, grid: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    weights = draw_weights(pairs.n_models, N_DRAWS, np.random.default_rng(0))
    weighted = WeightedTpr.of(pairs)
    n_pairs = min(roc.n_members, roc.n_nonmembers)
    ends = []
    for fpr in grid:
        rate = roc.tpr_at_fpr(float(fpr))
        error = bootstrap_error(weighted(weights, float(fpr)), pairs.n_models)
        ends.append(
            (np.nan, np.nan) if rate is None else arcsine_t(rate, error, pairs.n_models, n_pairs)
        )
    low, high = np.array(ends).T
    return low, high


def plot_record(
    scores: NDArray[np.float64], member: NDArray[np.bool_], path: Path, title: str
) -> None:
    """Plot histograms of one record's scores (models,) under its IN and its OUT models."""
    bins = np.histogram_bin_edges(scores, bins=_bins(scores))
    with _axes(path, title) as axes:
        for kind, name, color, hatch in (
            (member, "IN", PALETTE[1], "//"), (~member, "OUT", PALETTE[0], ""),
        ):  # fmt: skip
            axes.hist(
                scores[kind], bins=bins, alpha=0.5, color=color, hatch=hatch, edgecolor="white",
                label=f"{name} ({int(kind.sum())} models)",
            )  # fmt: skip
        axes.set(xlabel="score", ylabel="models")
        axes.legend(fontsize="small")


def _bins(scores: NDArray[np.float64]) -> int:
    """Return the number of bins of NumPy's "auto" rule, but at most `MAX_BINS`.

    The rule is that of Sturges, or that of Freedman and Diaconis if it gives more. With heavy tails
    the latter gives millions of bins.
    """
    low, high = np.percentile(scores, [25, 75])
    sturges = np.log2(len(scores)) + 1
    width = 2 * (high - low) / len(scores) ** (1 / 3)
    by_width = np.ptp(scores) / width if width > 0 else 0.0
    return int(min(MAX_BINS, np.ceil(max(sturges, by_width))))


@contextmanager
def _axes(path: Path, title: str) -> Iterator[Any]:
    """Yield the axes of a new figure, which is written to ``path`` at the end."""
    check_plot_file(path)
    with settings():
        figure, (axes,) = panels(1, 1)
        figure.suptitle(textwrap.fill(plot_text(title), TITLE_WIDTH), fontsize="medium")
        yield axes
        save(figure, path)


@contextmanager
def settings() -> Iterator[None]:
    """Draw with `SETTINGS`, in a ``with`` statement around the making of a figure."""
    from matplotlib import rc_context

    with rc_context(SETTINGS):
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure, without the date and the version of matplotlib, by which files would differ.

    Raises:
        BadInput: the file cannot be written.
    """
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    title = "; ".join(" ".join(text.replace(r"\$", "$").split()) for text in titles if text)
    content = io.BytesIO()
    metadata = {
        ".png": {"Software": None},
        ".pdf": {"Title": title, "CreationDate": None, "Producer": None, "Creator": None},
        ".svg": {"Title": title, "Date": None, "Creator": None},
    }
    try:
        with settings():
            figure.savefig(content, format=path.suffix[1:], metadata=metadata[path.suffix])
        write_whole(path, content.getvalue())
    except OSError as error:
        why = why_not_written(path, error)
        raise BadInput(f"{path}: {why} (allowed: a file that can be written)") from None


def panels(
    n_rows: int, columns: int, size: tuple[float, float] = PANEL
) -> tuple[Figure, list[Any]]:
    """Return a figure and its axes, row by row, each of ``size`` inches; pyplot is not involved."""
    from matplotlib.figure import Figure

    whole = (size[0] * columns, size[1] * n_rows)
    figure = Figure(figsize=whole, dpi=DPI, layout="constrained")
    return figure, list(figure.subplots(n_rows, columns, squeeze=False).flat)
