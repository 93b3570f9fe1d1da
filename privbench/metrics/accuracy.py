"""Accuracies of populations of models on the same test records, with 95% intervals.

``correct`` (models, records) says which records each model predicts correctly. Intervals are clustered
by models and by records, see `clustered`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privbench.metrics.clustered import difference_interval, proportion_interval
from privbench.metrics.interval import Interval
from privbench.metrics.pairs import Bools, Floats

Labels = NDArray[np.int64]


def accuracy(correct: Bools) -> tuple[float, Interval]:
    """Return the mean of ``correct`` (models, records) and its interval.

    >>> accuracy(np.array([[True, False], [True, False]]))[0]
    0.5
    """
    estimate = float(correct.mean())
    return estimate, proportion_interval(estimate, _influence(correct))


def class_balanced_accuracy(correct: Bools, labels: Labels) -> tuple[float, Interval]:
    """Return the mean over classes of the accuracy on each class, and its interval.

    Classes without test records are left out. The number of records per class is taken as given, so
    the interval is about other test records with as many of each class. With a class of one record
    nothing is known about other records of this class, and the interval is [0, 1].

    Args:
        correct: (models, records), which records each model predicts correctly.
        labels: (records,), the labels of the records.

    >>> class_balanced_accuracy(np.array([[True, True, True, False]] * 2), np.array([0, 0, 0, 1]))[0]
    0.5
    """
    classes, of_record, counts = np.unique(labels, return_inverse=True, return_counts=True)
    per_class = np.zeros(len(classes))
    np.add.at(per_class, of_record, correct.mean(axis=0))
    per_class /= counts
    estimate = float(per_class.mean())
    if counts.min() < 2:
        return estimate, (0.0, 1.0)
    # A deviation from the mean of n records, of which it is one, is too small by sqrt(n / (n - 1)).
    weights = np.sqrt(counts / (counts - 1)) / (len(classes) * counts * len(correct))
    influence = weights[of_record] * (correct - per_class[of_record])
    return estimate, proportion_interval(estimate, influence)


def accuracy_difference(first: Bools | Floats, second: Bools | Floats) -> tuple[float, Interval]:
    """Return the accuracy of ``first`` less that of ``second``, and its paired interval.

    Both are (models, records) on the same records. Values between 0 and 1 are probabilities of a correct
    prediction, as of a mixture of two populations.
    """
    difference = np.asarray(first, dtype=np.float64) - second
    estimate = float(difference.mean())
    return estimate, difference_interval(estimate, _influence(difference))


def majority_correct(labels: Labels, training_labels: Labels) -> Bools:
    """Return which ``labels`` (records,) are the most frequent training label.

    >>> majority_correct(np.array([0, 1, 1]), np.array([1, 1, 0])).tolist()
    [False, True, True]
    """
    correct: Bools = labels == np.bincount(training_labels).argmax()
    return correct


def _influence(values: Bools | Floats) -> Floats:
    influence: Floats = (values - values.mean()) / values.size
    return influence
