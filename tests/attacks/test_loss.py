"""Loss: the log-probability of the label."""

from math import exp, log

import numpy as np

from privbench.attacks.loss import Loss

from .helpers import (
    outputs_of_logits,
    view_of,
)


def test_slow_reference(view):
    rows = view.target.log_probs.astype(float)
    expected = [log(exp(row[y])) for row, y in zip(rows, view.labels, strict=True)]
    np.testing.assert_allclose(Loss().score(view), expected, rtol=1e-5)


def test_confident_outputs_differ_where_float32_does_not():
    """Logits (40, 0) and (60, 0): both log-probabilities round to zero in float32."""
    models = outputs_of_logits(np.array([[[40.0, 0.0], [60.0, 0.0]]] * 2))
    assert (models.log_probs[0, :, 0] == 0).all()
    scores = Loss().score(view_of(models, np.array([0, 0]), np.zeros((2, 2), dtype=bool)))
    np.testing.assert_allclose(scores, [-exp(-40), -exp(-60)], rtol=1e-5)
