"""Gap: correctness of the prediction, from labels only."""

import numpy as np
import pytest

from privbench.attacks.gap import Gap
from privbench.attacks.outputs import Outputs

from .helpers import (
    auc,
    random_population,
    view_of,
)


def test_scores_are_correct_predictions(view):
    expected = [float(p == y) for p, y in zip(view.target.predicted, view.labels, strict=True)]
    assert Gap().score(view).tolist() == expected


def test_it_needs_no_probabilities(view):
    blind = Outputs(view.target.predicted, None)
    scores = Gap().score(view.__class__(**{**vars(view), "target": blind}))
    np.testing.assert_array_equal(scores, Gap().score(view))
    assert Gap.observes == "labels"


def test_the_auc_is_a_half_plus_half_the_accuracy_gap():
    models, labels, member = random_population()
    scores = Gap().score(view_of(models, labels, member))
    gap = scores[member[0]].mean() - scores[~member[0]].mean()
    assert auc(scores, member[0]) == pytest.approx(0.5 + gap / 2)
