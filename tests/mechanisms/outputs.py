"""Outputs of models with known margins, and the context to which output mechanisms are fitted."""

from __future__ import annotations

import numpy as np

from privbench.data import DataSpec
from privbench.mechanisms.base import OutputContext
from privbench.mechanisms.probabilities import softmax

CLASSES = 5
SPEC = DataSpec("tabular", (6,), CLASSES)


def rng(seed=0):
    return np.random.default_rng(seed)


def outputs(n=400, classes=CLASSES, seed=0):
    return rng(seed).dirichlet(np.ones(classes), n)


def model(x):
    """A model of SPEC's records, linear and fixed."""
    return softmax(x.astype(np.float64) @ rng(9).normal(size=(6, CLASSES)))


def confident(n, margin, seed):
    """Outputs in which the logit of one class is higher by ``margin``, and that class."""
    labels = rng(seed).integers(0, CLASSES, n)
    logits = rng(seed + 1).normal(size=(n, CLASSES))
    logits[range(n), labels] += margin
    return softmax(logits), labels


def context(query=model):
    """A model that is more confident on its members."""
    return OutputContext(SPEC, *confident(300, 6.0, 0), *confident(240, 2.0, 10), query)
