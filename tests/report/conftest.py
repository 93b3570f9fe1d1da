"""Rows as a run would give them, made by hand."""

import numpy as np
import pytest

from privbench.storage.results import COLUMNS

DP = {
    "kind": "dp",
    "epsilon": 7.9912,
    "delta": 1e-5,
    "adjacency": "add-remove",
    "accountant": "prv (Opacus)",
    "conditions": [{"text": "Poisson sampling", "met": None, "why": "", "name": ""}],
}


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def row():
    """Make one row; everything that is not given has a sensible value."""

    def make(**values):
        rate = values.pop("tpr", 0.1)
        tpr = {"value": rate, "ci": None if rate is None else [rate / 2, rate + 0.1]}
        base = {
            "benchmark": "small", "dataset": "digits", "defense": "none", "model": "mlp",
            "attack": "lira", "observes": "probabilities", "knowledge": "adaptive",
            "subset": "records", "seed": 0, "status": "ok", "reason": "",
            "test_accuracy": 0.9, "train_accuracy": 1.0,
            "auc": 0.75, "auc_ci": [0.7, 0.8],
            "tpr_at_fpr": {"0.001": tpr, "0.01": tpr | {"resolved": rate is not None}},
            "balanced_accuracy": 0.7, "advantage": 0.4, "guarantee": None, "n_members": 100,
            "audited_epsilon": None, "verdict": None, "column_fidelity": None,
            "pairwise_fidelity": None,
            "n_nonmembers": 100, "n_models": 16, "seconds": 3.4, "key": "k",
        }  # fmt: skip
        unknown = values.keys() - set(COLUMNS)
        assert not unknown, unknown
        return dict.fromkeys(COLUMNS) | base | values

    return make


@pytest.fixture
def rows(row):
    """Two defenses, two attacks, both adversaries, both subsets, and a trial that failed."""
    return [
        row(),
        row(knowledge="naive", auc=0.74),
        row(attack="loss", auc=0.6),
        row(attack="loss", knowledge="naive", auc=0.6),
        row(subset="canaries", auc=0.99, tpr=0.95),
        row(defense="dp-sgd", auc=0.52, test_accuracy=0.8, train_accuracy=0.81, guarantee=DP),
        row(defense="dp-sgd", knowledge="naive", auc=0.53, guarantee=DP, tpr=None),
        row(defense="dp-sgd", attack="loss", status="failed", reason="scores: NaN", auc=None),
    ]
