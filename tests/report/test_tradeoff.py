"""What the plot of utility against protection draws."""

import pytest

from privbench.errors import BadInput
from privbench.report.tradeoff import plot_tradeoff, tradeoff_figure


@pytest.fixture
def swept(rows, row):
    """The rows of both subsets with a sweep of DP-SGD, whose second value is worse than its first."""
    points = {1: (0.52, 0.8), 8: (0.6, 0.75), 32: (0.7, 0.85)}
    return [
        *(one for one in rows if one["defense"] == "none"),
        *(
            row(defense=f"dp-sgd[epsilon={e}]", auc=auc, auc_ci=[auc, auc], test_accuracy=accuracy)
            for e, (auc, accuracy) in points.items()
        ),
    ]


@pytest.mark.parametrize("end", ["png", "pdf", "svg"])
def test_files_are_written(rows, tmp_path, end):
    plot_tradeoff(rows, tmp_path / f"a.{end}")
    assert (tmp_path / f"a.{end}").stat().st_size > 1000


def test_each_dataset_and_model_has_panels_of_its_own_for_all_seeds(rows, row):
    others = [row(dataset="adult", auc=0.6), row(seed=1, auc=0.65), row(model="cnn", auc=0.7)]
    figure = tradeoff_figure(rows + others)
    records = [axes for axes in figure.axes if axes.get_title().endswith("records")]
    assert [axes.get_title() for axes in records] == [
        f"small: {what}: records"
        for what in ("digits, mlp, 16 models, 2 seeds", "adult, mlp, 16 models, seed 0",
                     "digits, cnn, 16 models, seed 0")
    ]  # fmt: skip
    for axes, auc_of in zip(records[1:], (0.6, 0.7), strict=True):
        (line,) = [c.lines[0] for c in axes.containers]
        assert list(line.get_ydata()) == [auc_of]


def points(figure, panel, name):
    """The points (accuracy, exposure) of a defense."""
    axes = figure.axes[panel]
    (line,) = [c.lines[0] for c in axes.containers if c.get_label() == name]
    return list(zip(*line.get_data(), strict=True))


def test_a_point_is_the_strongest_attack_of_the_subset(rows):
    figure = tradeoff_figure(rows)
    assert points(figure, 0, "none") == [(0.9, 0.75)]
    assert points(figure, 1, "none") == [(0.9, 0.99)]
    assert points(tradeoff_figure(rows, "tpr"), 1, "none") == [(0.9, 0.95)]


def test_a_sweep_is_one_line_with_its_values(swept):
    figure = tradeoff_figure(swept)
    assert points(figure, 0, "dp-sgd") == [(0.8, 0.52), (0.75, 0.6), (0.85, 0.7)]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "8", "32"]


def test_the_frontier_is_of_the_baselines_best_points(swept):
    line = tradeoff_figure(swept).axes[0].lines[0]
    assert [list(values) for values in line.get_data()] == [[0.8, 0.85], [0.52, 0.7]]
    other = tradeoff_figure(swept, baseline="none").axes[0].lines[0]
    assert [list(values) for values in other.get_data()] == [[0.9], [0.75]]


def test_names_are_in_one_legend(swept):
    figure = tradeoff_figure(swept)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["none", "dp-sgd"]


def test_a_baseline_that_is_no_defense(rows, tmp_path):
    with pytest.raises(BadInput, match=r"--baseline 'dp' \(allowed: none, dp-sgd\)"):
        plot_tradeoff(rows, tmp_path / "a.png", baseline="dp")
    without = [row for row in rows if row["defense"] == "none"]
    plot_tradeoff(without, tmp_path / "a.png")  # the default need not be there


def test_no_trial_that_is_ok(rows, tmp_path):
    with pytest.raises(BadInput, match="no trial is ok"):
        plot_tradeoff(rows[-1:], tmp_path / "a.png")


@pytest.mark.parametrize("measure", ["auc", "tpr"])
def test_no_text_is_cut_off(swept, row, measure):
    """The label of the axis is longer than the axis is high unless it is broken into lines."""
    many = [row(defense=f"adversarial-regularization-{i}", auc=0.5 + i / 100) for i in range(20)]
    figure = tradeoff_figure([*swept, *many], measure)
    figure.draw_without_rendering()
    whole = figure.bbox
    labels = [label for axes in figure.axes for label in (axes.xaxis.label, axes.yaxis.label)]
    titles = [axes.title for axes in figure.axes]
    for text in [*labels, *titles, *figure.legends]:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text


@pytest.mark.parametrize(("measure", "name"), [("auc", "AUC"), ("tpr", "TPR at 1% FPR")])
def test_the_axis_says_what_is_measured(swept, measure, name):
    label = tradeoff_figure(swept, measure).axes[0].get_ylabel()
    assert label.startswith(f"{name} of the best attack")
    ranked = [row | {"attack": "auto"} for row in swept if row["attack"] != "dcr"]
    label = tradeoff_figure(ranked, measure).axes[0].get_ylabel()
    assert label.startswith(f"{name} of auto\n")


def test_public_only_is_a_line_at_its_accuracy(swept, row):
    """In both panels, whatever the attacks say of it; of a sweep, at its best accuracy."""
    public = [
        row(defense=f"public-only[records={n}]", subset=subset, auc=auc, test_accuracy=accuracy)
        for n, auc, accuracy in ((50, 0.51, 0.7), (100, 0.49, 0.82))
        for subset in ("records", "canaries")
    ]
    figure = tradeoff_figure([*swept, *public])
    for axes in figure.axes:
        (line,) = [line for line in axes.lines if line.get_label() == "public only"]
        assert list(line.get_xdata()) == [0.82, 0.82]
        assert "public-only" not in [c.get_label() for c in axes.containers]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()].count("public only") == 1
    without = tradeoff_figure(swept).axes[0]
    assert "public only" not in [line.get_label() for line in without.lines]
