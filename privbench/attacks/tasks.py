"""Outputs of models that do not name one class: numbers (regression), or several labels at once.

They answer what attacks ask of `Outputs`, so that an attack that asks nothing else is the same
attack for every task. It declares so by ``tasks``. With f the prediction and y the target of a record,
or with y_1..y_k its labels, 0 or 1:

    question            regression                        several labels
    log_prob_of         -(y - f)^2 / (2 sigma^2)          mean over labels of log p(y_l)
    scaled_confidence   -log |y - f|                      logit of exp(log_prob_of)
    normal_value        (y - f) / sigma                   scaled_confidence

*Regression.* The likelihood is Gaussian with one sigma for all records, as in Yeom et al. 2018 (arXiv
1709.01604), up to its constant, so that it is at most 1 and does not depend on units. Over
models, the signed residual of a record is normal if the prediction is. Its square and its logarithm are
not, and know less: they have lost on which side of the target the models err.

*Several labels.* The mean stands for the geometric mean of the labels' probabilities. Their product is
the probability of all labels if they are independent given the record; but its mean over shadows is
that of the few shadows which happen to fit all labels, which makes ratios noisy where labels are many. A
single label gives what binary classification gives.

docs/audit-tasks.md has measurements of these choices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.outputs import LOG_FLOOR, Outputs

Floats = NDArray[np.float64]

MIN_SQUARE = 1e-12
"""Added to squared residuals, in units of sigma, to avoid log(0): a smaller residual is rounding."""


@dataclass(frozen=True)
class RegressionOutputs(Outputs):
    """Predictions of numbers, one for each record. Labels are the targets, float64 (n,).

    Attributes:
        predicted: float64 (..., n), the predictions.
        log_probs: None.
        scale: sigma, the standard deviation that the likelihood takes targets to have about predictions.
    """

    predicted: NDArray[Any]
    log_probs: NDArray[np.float32] | None = None
    scale: float = 1.0

    def log_probabilities(self) -> Floats:
        """Raise TypeError: there are no classes."""
        raise TypeError("outputs of regression have no probabilities of classes")

    def log_prob_of(self, labels: NDArray[Any]) -> Floats:
        """Return the log-likelihood (..., n) of each target, from ``LOG_FLOOR`` to zero."""
        floored: Floats = np.maximum(-(self.normal_value(labels) ** 2) / 2, LOG_FLOOR)
        return floored

    def scaled_confidence(self, labels: NDArray[Any]) -> Floats:
        """Return minus the logarithm of the absolute residual (..., n), in units of ``scale``."""
        confidence: Floats = -np.log(self.normal_value(labels) ** 2 + MIN_SQUARE) / 2
        return confidence

    def normal_value(self, labels: NDArray[Any]) -> Floats:
        """Return the residual (..., n), target minus prediction, in units of ``scale``."""
        residual: Floats = (labels - self.predicted) / self.scale
        return residual


@dataclass(frozen=True)
class MultilabelOutputs(Outputs):
    """Predictions of several labels, each 0 or 1. Labels are int64 (n, k).

    Attributes:
        predicted: int64 (..., n, k), the more probable value of each label.
        log_probs: float32 (..., n, k, 2), log-probabilities of 0 and of 1; None for an attack that
            observes labels only.
    """

    def log_prob_of(self, labels: NDArray[np.int64]) -> Floats:
        """Return the mean over labels of their log-probability (..., n)."""
        if self.predicted.ndim > 2:  # one model at a time, to bound the memory in float64
            return np.stack([self[model].log_prob_of(labels) for model in range(len(self))])
        log_probs = self.log_probabilities()
        of_label = np.take_along_axis(log_probs, labels[..., None], axis=-1)[..., 0]
        of_other = np.take_along_axis(log_probs, 1 - labels[..., None], axis=-1)[..., 0]
        mean: Floats = -np.logaddexp(0.0, of_other - of_label).mean(axis=-1)
        return mean

    def scaled_confidence(self, labels: NDArray[np.int64]) -> Floats:
        """Return log p - log(1 - p) (..., n), where p is the geometric mean of the probabilities."""
        log_p = self.log_prob_of(labels)
        confidence: Floats = log_p - np.log(-np.expm1(log_p))
        return confidence
