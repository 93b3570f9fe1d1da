"""Predictions of real models, whose AUC and TPR were computed independently from the formulas.

Skipped unless the environment variable PRIVBENCH_ORACLES names the folder that holds them.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from privbench.attacks.calibration import Calibration
from privbench.attacks.confidence import Confidence
from privbench.attacks.entropy import Entropy
from privbench.attacks.gap import Gap
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.modified_entropy import ModifiedEntropy
from privbench.attacks.rmia import Rmia
from privbench.metrics import balanced_accuracy_at

from .helpers import auc, outputs_of_logits, tpr_at, views_of

FOLDER = os.environ.get("PRIVBENCH_ORACLES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="PRIVBENCH_ORACLES is not set")

CASES = {
    "loss": Loss(),
    "lira online global (mean centre, pooled residual variance, ddof 0)": Lira(variance="global"),
    "lira online per-record (median centre, std ddof 0)": Lira(variance="per-record"),
    "lira offline global (mean centre)": Lira(mode="offline", variance="global"),
    "calibration": Calibration(),
}
DATASETS = ["location30", "mnist"]


def load(dataset, shadow_rows=slice(None)):
    """Return views of the 4 targets with some of the 16 shadows, and the targets' membership."""
    shadow, target = (
        np.load(Path(FOLDER, f"{dataset}_{role}.npz")) for role in ("shadow", "target")
    )
    targets, shadows = (
        outputs_of_logits(np.concatenate([role["logits"], role["reference_logits"]], axis=1))
        for role in (target, shadow)
    )
    references = len(shadow["reference_labels"])
    views = views_of(
        targets,
        np.concatenate([shadow["labels"], shadow["reference_labels"]]).astype(np.int64),
        np.pad(shadow["member"], [(0, 0), (0, references)])[shadow_rows],
        references=references,
        shadows=shadows[shadow_rows],
        leave_one_out=False,
    )
    return views, target["member"]


def expected(dataset, name):
    return json.loads(Path(FOLDER, "expected.json").read_text())[dataset][name]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("name", CASES)
def test_oracle(dataset, name):
    views, truth = load(dataset)
    scores, known = CASES[name].score_all(views), expected(dataset, name)
    assert auc(scores, truth) == pytest.approx(known["auc"], abs=1e-3)
    assert tpr_at(scores, truth, 0.01) == pytest.approx(known["tpr_01"], abs=5e-3)
    assert tpr_at(scores, truth, 0.001) == pytest.approx(known["tpr_001"], abs=5e-3)


@pytest.mark.parametrize("dataset", DATASETS)
def test_rmia(dataset):
    """Scores are multiples of 1/1000, so only the AUC is compared: the TPR depends on ties."""
    views, truth = load(dataset)
    scores = Rmia(mode="offline", a=0.3, gamma=1.0).score_all(views)
    known = expected(dataset, "rmia offline a=0.3 gamma=1, formula of protocol.md")
    assert auc(scores, truth) == pytest.approx(known["auc"], abs=1e-3)


@pytest.mark.parametrize("dataset", DATASETS)
def test_balanced_accuracy_of_thresholds_from_one_shadow(dataset):
    """Correctness, confidence, entropy and modified entropy of Song, Mittal."""
    views, truth = load(dataset)
    accuracies = []
    for attack in (Gap(), Confidence(), Entropy(), ModifiedEntropy()):
        shadow = attack.score(replace(views[0], target=views.shadows[0]))
        groups = views.labels if attack.per_class_threshold else None
        scores = attack.score(views[0])
        accuracies.append(
            balanced_accuracy_at(
                scores[None], truth[:1], shadow[None], views.shadow_member[:1], groups
            )
        )
    known = expected(dataset, "song-mittal, shadow 0 on target 16, official")
    np.testing.assert_allclose(accuracies, [float(value) for value in known], atol=1e-3)


@pytest.mark.parametrize("dataset", DATASETS)
def test_shrunk_is_best_with_eight_shadows(dataset):
    rng = np.random.default_rng(0)
    aucs = {"per-record": [], "global": [], "shrunk": []}
    for _ in range(3):
        views, truth = load(dataset, rng.choice(16, 8, replace=False))
        for variance, values in aucs.items():
            values.append(auc(Lira(variance=variance).score_all(views), truth))
    assert np.mean(aucs["shrunk"]) > np.mean(aucs["global"]) > np.mean(aucs["per-record"])
