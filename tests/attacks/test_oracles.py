"""Published-format predictions of real models: AUC and TPR as computed elsewhere from the formulas.

Skipped unless the environment variable PRIVBENCH_ORACLES names the folder that holds them.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss

from .helpers import answers, auc, select, tpr_at, view_of

FOLDER = os.environ.get("PRIVBENCH_ORACLES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="PRIVBENCH_ORACLES is not set")

CASES = {
    "loss": Loss(),
    "lira online global (mean centre, pooled residual variance, ddof 0)": Lira(variance="global"),
    "lira online per-record (median centre, std ddof 0)": Lira(variance="per-record"),
    "lira offline global (mean centre)": Lira(mode="offline", variance="global"),
}


def load(dataset):
    """Answers and membership of the 16 shadows and 4 targets."""
    shadow, target = (
        np.load(Path(FOLDER, f"{dataset}_{role}.npz")) for role in ("shadow", "target")
    )
    logits = np.concatenate([shadow["logits"], target["logits"]])
    member = np.concatenate([shadow["member"], target["member"]])
    return answers(logits), shadow["labels"], member


@pytest.mark.parametrize("dataset", ["location30", "mnist"])
@pytest.mark.parametrize("name", CASES)
def test_oracle(dataset, name):
    expected = json.loads(Path(FOLDER, "expected.json").read_text())[dataset][name]
    models, labels, member = load(dataset)
    scores = []
    for target in range(16, 20):
        rows = [*range(16), target]
        view = view_of(select(models, rows), labels, member[rows], target=16)
        scores.append(CASES[name].score(view))
    scores, truth = np.array(scores), member[16:]
    assert auc(scores, truth) == pytest.approx(expected["auc"], abs=1e-3)
    assert tpr_at(scores, truth, 0.01) == pytest.approx(expected["tpr_01"], abs=5e-3)
    assert tpr_at(scores, truth, 0.001) == pytest.approx(expected["tpr_001"], abs=5e-3)
