"""What the plots draw."""

import numpy as np
import pytest

from privbench.errors import BadInput
from privbench.metrics import auc, intervals, tpr_at_fpr
from privbench.report.plots import RocCurve, check_plot_file, plot_record, plot_rocs, plot_tradeoff


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
def test_files_are_written(scored, rows, tmp_path, end):
    plot_rocs({"lira": scored, "loss": scored}, tmp_path / f"a.{end}", "title")
    plot_tradeoff(rows, tmp_path / f"b.{end}")
    scores, member = scored
    plot_record(scores[:, 0], member[:, 0], tmp_path / f"c.{end}", "title")
    assert all((tmp_path / f"{name}.{end}").stat().st_size > 1000 for name in "abc")


def test_svg_says_what_it_shows(scored, rows, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot_rocs({"lira": scored}, tmp_path / "a.svg")
        plot_tradeoff(rows, tmp_path / "b.svg")
    assert f"lira (AUC {auc(*scored):.3f})" in (tmp_path / "a.svg").read_text()
    text = (tmp_path / "b.svg").read_text()
    assert "dp-sgd" in text
    assert "canaries" in text


def test_where_no_plot_can_be_written(tmp_path):
    with pytest.raises(BadInput, match=r"'.gif' \(allowed: .png, .pdf, .svg\)"):
        check_plot_file(tmp_path / "a.gif")
    with pytest.raises(BadInput, match="no folder"):
        check_plot_file(tmp_path / "nowhere" / "a.png")
