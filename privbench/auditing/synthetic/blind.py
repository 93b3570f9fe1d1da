"""Can train and holdout be told apart without the synthetic table? Then an attack proves nothing.

Das, Zhang, Tramèr 2024, "Blind Baselines Beat Membership Inference Attacks for Foundation Models", arXiv
2406.16201.
"""

from __future__ import annotations

import numpy as np

from privbench.auditing.synthetic.measuring import p_value_of
from privbench.data import Data
from privbench.metrics.pairs import Bools, Ints

MAX_RECORDS = 20_000
"""Number of records that suffice."""


def blind_auc(records: Data, member: Bools, value: Ints, rng: np.random.Generator) -> tuple[
    float, float, float
]:  # fmt: skip
    """Return the AUC of a classifier of membership on records it was not fitted on, and its interval.

    Gradient-boosted trees are fitted to each half of the records and predict the other. Equal records
    are in the same half.

    Args:
        records: the attacked records.
        member: bool (records,).
        value: (records,), the number of each record's value.
        rng: draws the halves.
    """
    from scipy.stats import rankdata
    from sklearn.ensemble import HistGradientBoostingClassifier

    some = rng.permutation(len(member))[:MAX_RECORDS]
    x, y, of = records.x[some], member[some], value[some]
    first = (rng.permutation(int(value.max()) + 1) % 2 == 0)[of]
    scores = np.zeros(len(y))
    for half in (first, ~first):
        if len(np.unique(y[half])) < 2 or len(np.unique(y[~half])) < 2:
            return 0.5, 0.0, 1.0
        trees = HistGradientBoostingClassifier(max_iter=50, random_state=0)
        trees.fit(x[half], y[half])
        # Each half has its own model: ranks make them comparable.
        scores[~half] = rankdata(trees.decision_function(x[~half])) / (~half).sum()
    _, estimate = p_value_of(scores, y, np.unique(of, return_inverse=True)[1])
    reach = 3 * estimate.error  # rarely wrong, since each audit makes this comparison
    return estimate.value, max(0.0, estimate.value - reach), min(1.0, estimate.value + reach)
