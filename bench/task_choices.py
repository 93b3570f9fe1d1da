"""Which statistics serve attacks on regression, on several labels and on persons best?

Prints AUC and TPR at 1% FPR, leave-one-out, for the alternatives that docs/audit-tasks.md compares, on
data that scikit-learn ships. It takes two minutes.

    python bench/task_choices.py
    python bench/task_choices.py --models 32
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from privbench.attacks.lira import Variance, log_ratios
from privbench.attacks.marginals import balanced_means
from privbench.metrics import auc, tpr_at_fpr
from privbench.metrics.groups import Groups

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Scores = Iterator[tuple[str, Floats]]


def lira(values: Floats, member: Bools, variance: Variance = "shrunk", **how: bool) -> Floats:
    """Return the log ratios of LiRA on any statistic (models, records)."""
    return log_ratios(values, values, member, True, variance, **how)


def base(log_probs: Floats, member: Bools) -> Floats:
    """Return the scores of BASE, by which RMIA ranks as well."""
    return log_probs - np.log(balanced_means(log_probs, member, leave_one_out=True))


def of_residuals(residuals: Floats, member: Bools) -> Scores:
    """Yield attacks on residuals (models, records) in units of their root mean square."""
    square = residuals**2
    yield "LiRA: residual, gap towards zero", lira(residuals, member, to_zero=True)
    yield "LiRA: residual", lira(residuals, member)
    yield "LiRA: -log |residual|", lira(-np.log(square + 1e-12) / 2, member)
    yield "LiRA: -residual^2", lira(-square, member)
    for factor in (0.5, 1.0, 2.0):
        yield f"BASE: sigma x {factor:g}", base(-square / (2 * factor**2), member)


def of_labels(log_p: Floats, phi: Floats, member: Bools) -> Scores:
    """Yield attacks on the log-probabilities and the logits (models, records, labels) of labels."""
    n_labels = log_p.shape[2]
    mean, total = log_p.mean(-1), log_p.sum(-1)
    by_label = [lira(phi[..., k], member) for k in range(n_labels)]
    yield "LiRA: logit of the geometric mean", lira(mean - np.log(-np.expm1(mean)), member)
    yield "LiRA: logit of the product", lira(total - np.log(-np.expm1(total)), member)
    yield "LiRA: sum of logits", lira(phi.sum(-1), member)
    yield "LiRA: sum over labels of log ratios", np.sum(by_label, axis=0)
    yield "BASE: geometric mean", base(mean, member)
    yield "BASE: product", base(total, member)
    yield "BASE: sum over labels", sum(base(log_p[..., k], member) for k in range(n_labels))


def of_persons(residuals: Floats, member: Bools, person: NDArray[np.int64]) -> Scores:
    """Yield attacks on persons, by the sum and by the mean over their records."""
    groups, square = Groups.of(person), residuals**2
    attacks = {
        "loss": -square,
        "LiRA": lira(residuals, member, to_zero=True),
        "BASE": base(-square / 2, member),
    }
    for name, scores in attacks.items():
        yield f"{name}: sum", groups.scores(scores, add=True)
        yield f"{name}: mean", groups.scores(scores, add=False)


def regressions() -> dict[str, Callable[[int], Any]]:
    """Return what makes a regression, given a seed."""
    return {
        "ridge": lambda seed: Ridge(0.01),
        "network": lambda seed: make_pipeline(
            StandardScaler(),
            MLPRegressor(hidden_layer_sizes=(64,), solver="lbfgs", max_iter=60, random_state=seed),
        ),
        "forest": lambda seed: RandomForestRegressor(50, random_state=seed),
    }


def classifiers() -> dict[str, Callable[[int], Any]]:
    """Return what makes a classifier of several labels, given a seed."""
    return {
        "network": lambda seed: MLPClassifier(
            (32,), learning_rate_init=0.01, max_iter=100, random_state=seed
        ),
        "forest": lambda seed: RandomForestClassifier(40, min_samples_leaf=3, random_state=seed),
    }


def label_sets() -> dict[str, tuple[Floats, Bools]]:
    """Return features and labels: four properties of digits with noise, and twenty synthetic labels."""
    x, digit = load_digits(return_X_y=True)
    x, digit = x[:600] / 16, digit[:600]
    sets = [digit % 2 == 0, digit >= 5, np.isin(digit, [2, 3, 5, 7]), np.isin(digit, [0, 6, 8, 9])]
    digits = np.stack(sets, 1) ^ (np.random.default_rng(1).random((600, 4)) < 0.05)
    x20, y20 = make_multilabel_classification(
        400, n_features=30, n_classes=20, n_labels=4, random_state=0
    )
    return {"4 labels": (x, digits), "20 labels": (x20 / 10, y20.astype(bool))}


def probabilities(model: Any, x: Floats) -> Floats:
    """Return the probability of each label (records, labels)."""
    probs = model.predict_proba(x)
    if isinstance(probs, list):  # a forest; a label that no member has has one class
        probs = np.stack([p[:, -1] * (p.shape[1] > 1) for p in probs], axis=1)
    return np.clip(probs, 1e-6, 1 - 1e-6)


def show(title: str, scores: Scores, member: Bools) -> None:
    """Print a line for each attack."""
    print(f"\n{title}")
    for name, found in scores:
        print(f"  {name:38s} {auc(found, member):.3f}  {tpr_at_fpr(found, member, 0.01):.3f}")


def main() -> None:
    """Print all comparisons."""
    parser = argparse.ArgumentParser(description="Compare statistics of attacks on other tasks.")
    parser.add_argument("--models", type=int, default=16)
    n_models = parser.parse_args().models
    warnings.simplefilter("ignore")  # few iterations are meant
    x, y = load_diabetes(return_X_y=True)
    rng = np.random.default_rng(0)
    member = rng.random((n_models, len(x))) < 0.5
    person = np.random.default_rng(2).choice(80, len(x), p=np.arange(1, 81) / 3240)
    of_person = (rng.random((n_models, 80)) < 0.5)[:, person]
    for name, make in regressions().items():
        for rows in (member, of_person):
            fitted = [make(i).fit(x[row], y[row]) for i, row in enumerate(rows)]
            residuals = y - np.stack([model.predict(x) for model in fitted])
            residuals /= np.sqrt((residuals**2).mean())
            if rows is member:
                show(f"regression, {name}", of_residuals(residuals, rows), rows)
            else:
                by_person = Groups.of(person).member(rows)
                show(f"persons, {name}", of_persons(residuals, rows, person), by_person)
    for title, (x, labels) in label_sets().items():
        member = np.random.default_rng(0).random((n_models, len(x))) < 0.5
        for name, make in classifiers().items():
            fitted = [make(i).fit(x[row], labels[row]) for i, row in enumerate(member)]
            probs = np.stack([probabilities(model, x) for model in fitted])
            p = np.where(labels, probs, 1 - probs)
            show(f"{title}, {name}", of_labels(np.log(p), np.log(p) - np.log1p(-p), member), member)


if __name__ == "__main__":
    main()
