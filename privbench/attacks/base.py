"""The contract of an attack.

    class Confidence(Attack):
        '''Probability of the label.'''
        name = "confidence"

        def score(self, view):
            return view.target.log_prob_of(view.labels)

Larger scores mean member, everywhere. An attack never sees the membership of its target; it sees what
its ``observes`` declares of the target and of the shadows, the shadows' membership, and reference
records that no model was trained on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from privbench.components import Component

Observes = Literal["labels", "probabilities"]

LOG_FLOOR = -200.0
"""Log-probabilities are read as at least this. Float32 logits of +-60 reach -120, so only a
probability of exactly zero (an answer that was rounded or clipped) meets it."""


@dataclass(frozen=True)
class Answers:
    """What models answer about records; leading axes are models, where there is more than one.

    ``predicted`` int64 (..., n) is the most probable class. ``log_probs`` float32 (..., n, n_classes)
    are log-probabilities, absent for an attack that observes labels only. They may be -inf, where a
    probability is exactly zero; the methods below read them no lower than ``LOG_FLOOR``.
    """

    predicted: NDArray[np.int64]
    log_probs: NDArray[np.float32] | None

    def log_probabilities(self) -> NDArray[np.float64]:
        """Log-probabilities (..., n, n_classes), finite."""
        if self.log_probs is None:
            raise TypeError("this attack declares observes = 'labels', so it has no probabilities")
        return np.maximum(self.log_probs, LOG_FLOOR).astype(np.float64)

    def probabilities(self) -> NDArray[np.float64]:
        """Class probabilities (..., n, n_classes)."""
        return np.exp(self.log_probabilities())

    def log_prob_of(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-probability (..., n) of each record's label (n,).

        From the scaled confidence, so that certain answers are still told apart where the stored
        logarithm rounds to zero: log p = -log(1 + exp(-phi)).
        """
        log_prob: NDArray[np.float64] = -np.logaddexp(0.0, -self.scaled_confidence(labels))
        return log_prob

    def scaled_confidence(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Phi = log p_y - log sum_{c != y} p_c, (..., n): the logit-scaled confidence.

        Carlini et al. 2022, arXiv 2112.03570, section IV-C. Computed by logsumexp over the other
        classes, so that it stays finite where p_y rounds to one.
        """
        log_probs = self.log_probabilities()
        return _of_label(log_probs, labels) - log_sum_of_others(log_probs, labels)


def log_sum_of_others(
    log_probs: NDArray[np.float64], classes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Log sum_{c != classes} p_c (...,): the log-probability of any other class.

    Accurate where 1 - p rounds to zero. ``classes`` broadcasts to the shape without the last axis.
    """
    others = log_probs.copy()
    index = np.broadcast_to(classes, log_probs.shape[:-1])[..., None]
    np.put_along_axis(others, index, -np.inf, axis=-1)
    top = others.max(axis=-1, keepdims=True)
    total: NDArray[np.float64] = np.log(np.exp(others - top).sum(axis=-1)) + top[..., 0]
    return total


def _of_label(log_probs: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    index = np.broadcast_to(labels, log_probs.shape[:-1])[..., None]
    return np.take_along_axis(log_probs, index, axis=-1)[..., 0]


@dataclass(frozen=True)
class View:
    """Everything that the adversary knows when it attacks one target.

    The pool's ``labels`` (n_pool,); the ``target``'s answers on it; the ``shadows``' answers with a
    leading axis of models; which shadow was trained on which record, ``shadow_member`` bool
    (n_shadows, n_pool). The same for the reference records, which the adversary owns. ``rng`` is the
    only source of randomness.
    """

    labels: NDArray[np.int64]
    n_classes: int
    target: Answers
    shadows: Answers
    shadow_member: NDArray[np.bool_]
    reference_labels: NDArray[np.int64]
    target_reference: Answers
    shadow_reference: Answers
    rng: np.random.Generator


class Attack(Component, ABC):
    """Gives each pool record a score for one target."""

    kind: ClassVar[str] = "attack"
    observes: ClassVar[Observes] = "probabilities"
    per_class_threshold: ClassVar[bool] = False
    """Whether the threshold for balanced accuracy is chosen for each class (Song, Mittal 2021)."""

    @abstractmethod
    def score(self, view: View) -> NDArray[np.float64]:
        """Scores (n_pool,), finite, larger = member."""
