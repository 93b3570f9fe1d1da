"""What a model answers about records, and the confidences that attacks make of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOG_FLOOR = -200.0
"""Floor of log-probabilities, which avoids log(0). Float32 logits of +-60 reach -120, so only a
probability of exactly zero (from outputs that were rounded or clipped) is raised to it."""


@dataclass(frozen=True)
class Outputs:
    """Predictions of one model, or of several along a leading axis, for n records.

    Attributes:
        predicted: int64 (..., n), the most probable class.
        log_probs: float32 (..., n, n_classes), log-probabilities; None for an attack that observes
            labels only. They are -inf where a probability is exactly zero; the methods below raise
            them to ``LOG_FLOOR``. Those of some of the models are copied when they are asked for.
    """

    predicted: NDArray[np.int64]
    log_probs: NDArray[np.float32] | None
    _origin: tuple[Outputs, NDArray[Any]] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    """The outputs of which these are those of some models, and which models."""
    _confidences: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Labels and the scaled confidences of a model, which many views ask for."""

    def __len__(self) -> int:
        return len(self.predicted)

    def __getitem__(self, index: Any) -> Outputs:
        """Return the outputs of some models and records, indexed as in NumPy."""
        picks_models = isinstance(index, int | np.integer | np.ndarray) and np.ndim(index) < 2
        if self.predicted.ndim == 2 and picks_models:
            return self._of_models(index)
        log_probs = None if self.log_probs is None else self.log_probs[index]
        return replace(self, predicted=self.predicted[index], log_probs=log_probs)

    def _of_models(self, index: Any) -> Outputs:
        """Return the outputs of one model, or of several, whose log-probabilities are not copied yet.

        All shadows of each target are picked in turn, and most attacks ask for confidences alone.
        """
        whole, models = self._origin or (self, np.arange(len(self)))
        part = replace(self, predicted=self.predicted[index], log_probs=None)
        object.__setattr__(part, "_origin", (whole, models[index]))  # it is new and frozen
        if whole.log_probs is not None:
            del part.__dict__["log_probs"]  # `__getattr__` makes it
        return part

    def __getattr__(self, name: str) -> Any:
        """Return the log-probabilities of some models, which are copied when they are asked for."""
        origin = self.__dict__.get("_origin")
        if name != "log_probs" or origin is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        whole, models = origin
        log_probs = whole.log_probs[models]
        object.__setattr__(self, "log_probs", log_probs)
        return log_probs

    def log_probabilities(self) -> NDArray[np.float64]:
        """Return log-probabilities (..., n, n_classes), finite."""
        if self.log_probs is None:
            raise TypeError("this attack declares observes = 'labels', so it has no probabilities")
        return np.maximum(self.log_probs, LOG_FLOOR).astype(np.float64)

    def probabilities(self) -> NDArray[np.float64]:
        """Return class probabilities (..., n, n_classes)."""
        return np.exp(self.log_probabilities())

    def log_prob_of(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the log-probability (..., n) of each record's label (n,).

        It is computed from the scaled confidence, log p = -log(1 + exp(-phi)), so that confident
        predictions differ even where the stored logarithm rounds to zero.
        """
        log_prob: NDArray[np.float64] = -np.logaddexp(0.0, -self.scaled_confidence(labels))
        return log_prob

    def scaled_confidence(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return phi = log p_y - log sum_{c != y} p_c (..., n), the logit-scaled confidence.

        Carlini et al. 2022, arXiv 2112.03570, section IV-C. The sum is a logsumexp over the other
        classes, so that phi stays finite where p_y rounds to one.
        """
        if self.predicted.ndim > 1:  # one model at a time, to bound the memory in float64
            phi = np.empty(self.predicted.shape)
            for model in range(len(self)):
                phi[model] = self[model].scaled_confidence(labels)
            return phi
        if self._origin is not None:
            whole, position = self._origin
            return whole._confidence_of(int(position), labels)
        log_probs = self.log_probabilities()
        return _of_label(log_probs, labels) - log_sum_of_others(log_probs, labels)

    def _confidence_of(self, model: int, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the scaled confidences (n,) of a model, computed once where no array can change."""
        asked, known = self._confidences.get(model, (None, None))
        if known is not None and asked is labels:
            return known.copy()
        log_probs = None if self.log_probs is None else self.log_probs[model]
        alone = replace(self, predicted=self.predicted[model], log_probs=log_probs)
        phi = alone.scaled_confidence(labels)
        if log_probs is None or not (log_probs.flags.writeable or labels.flags.writeable):
            self._confidences[model] = labels, phi.copy()
        return phi

    def normal_value(self, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what is taken to be normal over models (..., n): here the scaled confidence."""
        return self.scaled_confidence(labels)


def log_sum_of_others(
    log_probs: NDArray[np.float64], classes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return log sum_{c != classes} p_c (...,), the log-probability of any other class.

    It is accurate where 1 - p rounds to zero. ``classes`` broadcasts to the shape without the last
    axis.
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
