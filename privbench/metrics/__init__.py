"""Metrics of membership inference: ROC curves, thresholds, confidence intervals and epsilon bounds.

    import numpy as np
    from privbench.metrics import auc, summarise

    auc(scores, member)                    # float64 and bool, both (models, records)
    summarise(scores, member, scores, member, groups=None, rng=np.random.default_rng(0)).to_json()

Larger scores mean member. Each model is the target in turn, and the (model, record) pairs of all models
are pooled. Nothing here depends on the harness.
"""

from privbench.metrics.bootstrap import Intervals, intervals
from privbench.metrics.epsilon import epsilon_lower_bound
from privbench.metrics.error_counts import clopper_pearson, gdp_bound
from privbench.metrics.holm import holm
from privbench.metrics.influence import Influences
from privbench.metrics.one_run import Coins, epsilon_bound, gaussian_bound, one_run_bound
from privbench.metrics.pairs import Pairs
from privbench.metrics.roc import Roc, advantage, auc, tpr_at_fpr
from privbench.metrics.summary import Summary, TprAtFpr, summarise, summarise_pairs
from privbench.metrics.threshold import balanced_accuracy, balanced_accuracy_at
from privbench.metrics.tradeoff import TradeOff
from privbench.metrics.vulnerability import record_auc

__all__ = [
    "Coins",
    "Influences",
    "Intervals",
    "Pairs",
    "Roc",
    "Summary",
    "TprAtFpr",
    "TradeOff",
    "advantage",
    "auc",
    "balanced_accuracy",
    "balanced_accuracy_at",
    "clopper_pearson",
    "epsilon_bound",
    "epsilon_lower_bound",
    "gaussian_bound",
    "gdp_bound",
    "holm",
    "intervals",
    "one_run_bound",
    "record_auc",
    "summarise",
    "summarise_pairs",
    "tpr_at_fpr",
]
