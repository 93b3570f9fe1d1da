"""What the plots draw."""

from xml.etree import ElementTree

import numpy as np
import pytest

from privbench.errors import BadInput
from privbench.metrics import Pairs, Roc, auc, intervals, tpr_at_fpr
from privbench.metrics.bootstrap import intervals_of
from privbench.report.plots import (
    MAX_BINS,
    MAX_NAMED,
    RocCurve,
    _bins,
    check_plot_file,
    plot_record,
    plot_rocs,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    member = rng.random((8, 300)) < 0.5
    return rng.normal(size=member.shape) + member, member


def test_the_curve_is_the_empirical_one(scored):
    curve = RocCurve.of(*scored)
    assert curve.auc == auc(*scored)
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    for fpr in (0.01, 0.1, 0.5):
        assert curve.tpr[curve.fpr <= fpr].max() == tpr_at_fpr(*scored, fpr)


def test_the_band_is_that_of_the_metrics(scored):
    curve = RocCurve.of(*scored)
    at = int(np.argmin(np.abs(curve.grid - 0.05)))
    fpr = float(curve.grid[at])
    found = intervals(*scored, (fpr,), 1000, rng=np.random.default_rng(0)).tpr_at_fpr[fpr]
    assert (curve.low[at], curve.high[at]) == pytest.approx(found, abs=0.01)
    assert (curve.low <= curve.high).all()


def test_one_model_has_no_band(scored):
    scores, member = scored
    assert RocCurve.of(scores[:1], member[:1]).low is None


@pytest.mark.parametrize("end", ["png", "pdf", "svg"])
def test_files_are_written(scored, tmp_path, end):
    plot_rocs({"lira": scored, "loss": scored}, tmp_path / f"a.{end}", "title")
    scores, member = scored
    plot_record(scores[:, 0], member[:, 0], tmp_path / f"b.{end}", "title")
    assert all((tmp_path / f"{name}.{end}").stat().st_size > 1000 for name in "ab")


def test_svg_says_what_it_shows(scored, tmp_path):
    """In text elements, and in a title, which is the first thing that a screen reader says."""
    scored = scored[0][:1], scored[1][:1]
    plot_rocs({"_$a$ <b>": scored}, tmp_path / "a.svg", "$x$ & y")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert f" _$a$ <b> (AUC {auc(*scored):.3f})" in texts
    assert root.find(f"{SVG}title").text == "$x$ & y"


@pytest.mark.parametrize("end", ["png", "pdf", "svg"])
def test_the_same_figure_gives_the_same_bytes(scored, tmp_path, end, monkeypatch):
    """Whatever the time, and whatever a user's own settings of matplotlib are."""
    import matplotlib

    scored = scored[0][:1], scored[1][:1]  # one model, so no intervals, which take time
    plot_rocs({"lira": scored}, tmp_path / f"a.{end}")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    with matplotlib.rc_context({"svg.hashsalt": None, "svg.fonttype": "path", "text.usetex": True}):
        plot_rocs({"lira": scored}, tmp_path / f"b.{end}")
    assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()
    assert b"D:20" not in (tmp_path / f"a.{end}").read_bytes()


def test_a_file_that_cannot_be_written(scored, tmp_path):
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(BadInput, match=r"a\.svg: Is a directory \(allowed: "):
        plot_rocs({"lira": (scored[0][:1], scored[1][:1])}, tmp_path / "a.svg")


def test_where_no_plot_can_be_written(tmp_path):
    with pytest.raises(BadInput, match=r"'.gif' \(allowed: .png, .pdf, .svg\)"):
        check_plot_file(tmp_path / "a.gif")
    with pytest.raises(BadInput, match="no such folder"):
        check_plot_file(tmp_path / "nowhere" / "a.png")


def test_one_model_has_the_band_of_the_groups_of_its_records(scored):
    scores, member = scored[0][:1], scored[1][:1]
    group = np.arange(300) % 50
    curve = RocCurve.of(scores, member, group)
    assert curve.auc == auc(scores, member)
    at = int(np.argmin(np.abs(curve.grid - 0.1)))
    fpr = float(curve.grid[at])
    found = intervals_of(
        Pairs.grouped(scores[0], member[0], group), Roc.of(Pairs.of(scores, member)), (fpr,), 1000,
        np.random.default_rng(0),
    ).tpr_at_fpr[fpr]  # fmt: skip
    assert (curve.low[at], curve.high[at]) == pytest.approx(found, abs=0.01)


def test_heavy_tails_do_not_make_millions_of_bins(tmp_path):
    scores = np.append(np.random.default_rng(0).normal(size=200), 1e9)
    assert _bins(scores) == MAX_BINS
    plot_record(scores, np.arange(201) % 2 == 0, tmp_path / "a.png", "title")


@pytest.mark.parametrize("n", [5, 64, 500])
def test_other_bins_are_numpys(n):
    scores = np.random.default_rng(n).normal(size=n)
    assert _bins(scores) == len(np.histogram_bin_edges(scores, bins="auto")) - 1
    assert _bins(np.zeros(n)) == int(np.ceil(np.log2(n) + 1))


@pytest.mark.parametrize("legend", [0, 30])
def test_a_long_title_is_broken_into_lines(scored, tmp_path, monkeypatch, legend):
    """Beside the legend of ROC curves, too, which stands outside of the axes."""
    from matplotlib.figure import Figure

    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    title = f"digits/vae-metric[epsilon=8,metric=mahalanobis]/mlp[hidden={'[128]' * 20}]/seed=0, 12"
    if legend:
        plot_rocs({"a" * legend: scored}, tmp_path / "a.png", title)
    else:
        plot_record(scored[0][:, 0], scored[1][:, 0], tmp_path / "a.png", title)
    (figure,) = figures
    figure.draw_without_rendering()
    (text,) = figure.texts
    box = text.get_window_extent()
    assert box.y0 >= figure.axes[0].get_window_extent().y1
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1


def test_ten_curves_are_named_from_one_false_positive_on(scored, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    scores, member = scored[0][:1], scored[1][:1]  # one model, so no intervals
    curves = {f"a{i}": (scores + i / 5 * member, member) for i in range(MAX_NAMED + 2)}
    plot_rocs(curves, tmp_path / "a.png")
    (axes,) = figures[0].axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [text.split()[0] for text in texts[:MAX_NAMED]] == [f"a{i}" for i in range(11, 1, -1)]
    assert texts[MAX_NAMED:] == ["2 more of lower AUC", "chance"]
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.lines[:MAX_NAMED]}
    assert len(styles) == MAX_NAMED
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlim() == pytest.approx((1 / (~member).sum(), 1))
