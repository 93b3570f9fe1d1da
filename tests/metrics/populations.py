"""Simulated populations of scores whose true AUC and TPR are known, given the pool.

Record r scores difficulty_r + level_i + member * effect_r * leak_i + noise under model i. Difficulty
and effect stay with the record, so that rows share the pool; level and leak differ between models,
so that the pairs of one model are dependent. Difficulty and noise are standard normal, level has
``level`` as its standard deviation and leak is 1 with ``leak`` as its own; effects are exponential,
times ``size``. Conditional on the pool, a pair's score is a mixture of normals, which gives the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr


@dataclass(frozen=True)
class Pool:
    difficulty: np.ndarray
    effect: np.ndarray
    level: float = 0.3
    leak: float = 0.15

    @classmethod
    def draw(cls, n, size, rng):
        return cls(rng.normal(size=n), size * rng.exponential(size=n))

    def population(self, n_models, rng):
        shape = n_models, len(self.difficulty)
        member = rng.random(shape).argsort(axis=1) < shape[1] // 2
        level = self.level * rng.normal(size=(n_models, 1))
        leak = 1 + self.leak * rng.normal(size=(n_models, 1))
        gain = member * self.effect * leak
        return self.difficulty + level + gain + rng.normal(size=shape), member

    def true_auc(self):
        spread = np.sqrt(2 * (1 + self.level**2) + (self.leak * self.effect) ** 2)
        shift = self.difficulty + self.effect - self.difficulty[:, None]
        return float(ndtr(shift / spread).mean())

    def true_tpr(self, fpr):
        variance = 1 + self.level**2
        at = brentq(lambda t: ndtr((self.difficulty - t) / variance**0.5).mean() - fpr, -50, 50)
        spread = np.sqrt(variance + (self.leak * self.effect) ** 2)
        return float(ndtr((self.difficulty + self.effect - at) / spread).mean())


def random_population(rng, decimals=None, n_models=7, n_records=60):
    """Return scores and membership of models with different shares of members."""
    member = rng.random((n_models, n_records)) < rng.uniform(0.3, 0.7, size=(n_models, 1))
    scores = rng.normal(size=member.shape) + member
    return (scores if decimals is None else scores.round(decimals)), member


SIZES = {0.5: 0.0, 0.6: 0.54, 0.75: 1.87, 0.95: 15.33}
"""Size of the effect for about this AUC."""


def leave_one_out_ratios(n_models, n_records, shift, rng):
    """Return the scores of an attack whose shadows are the other models, and the membership.

    A record's confidence is N(0, 1), and ``shift`` more under the models that have it.
    """
    member = rng.random((n_models, n_records)) < 0.5
    confidence = rng.normal(size=member.shape) + shift * member
    return _ratios(confidence, member), member


def leave_one_out_ratios_of_pool(n_models, n_records, size, rng):
    """Return the same of a `Pool`, whose records differ in effect, and models in level and leak."""
    confidence, member = Pool.draw(n_records, size, rng).population(n_models, rng)
    return _ratios(confidence, member), member


def _ratios(confidence, member):
    """Return log-likelihood ratios (models, records) of two normals, fitted to the other models.

    Their means are those of the other models' confidence, IN and OUT, with the variance that is known
    to be 1. A record without others on one side scores 0.
    """
    means, counts = [], []
    for side in (member, ~member):
        count = side.sum(axis=0) - side
        total = (confidence * side).sum(axis=0) - confidence * side
        means.append(total / np.maximum(count, 1))
        counts.append(count)
    ratio = ((confidence - means[1]) ** 2 - (confidence - means[0]) ** 2) / 2
    return np.where((counts[0] > 0) & (counts[1] > 0), ratio, 0.0)
