"""The log-probabilities and modules of trained models."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from privbench.components import Distribution, Entry
from privbench.data import DataSpec
from privbench.errors import Incompatible, PrivbenchError
from privbench.models.base import EstimatorModel
from privbench.models.logistic import Logistic
from privbench.models.trained import FittedEstimator, load_models, to_log_probs
from privbench.storage.artifacts import Artifact

SPEC = DataSpec("tabular", (4,), 3)
X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


class Stub(EstimatorModel):
    name = "stub"

    def fit(self, x, y, n_classes, rng):
        raise NotImplementedError


def bound(cls):
    return Entry(cls, Distribution("privbench")).build({}, "here")


def estimators(*outputs):
    """Estimators with constant outputs."""
    fitted = [
        SimpleNamespace(predict_proba=lambda x, p=p: np.tile(p, (len(x), 1))) for p in outputs
    ]
    return [FittedEstimator(lambda one=one: one, bound(Stub), SPEC.n_classes) for one in fitted]


def test_torch_models_are_those_of_the_stored_weights():
    state = {"1.weight": np.zeros((2, 3, 4), np.float32), "1.bias": np.zeros((2, 3), np.float32)}
    state["1.weight"][1, 2, 0] = 1.0
    state["1.bias"][0, 1] = 2.0
    first, second = load_models(Artifact(state), bound(Logistic), SPEC)
    expected = np.log([1, np.exp(2), 1] / (2 + np.exp(2)))
    np.testing.assert_allclose(first.log_probs(X), np.tile(expected, (5, 1)), rtol=1e-5)
    logits = np.stack([0 * X[:, 0], 0 * X[:, 0], X[:, 0]], axis=1)
    expected = torch.tensor(logits).log_softmax(-1)
    np.testing.assert_allclose(second.log_probs(X), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(second.module()(torch.tensor(X)), torch.tensor(logits))


def test_estimators_have_outputs_and_no_module():
    first, second = estimators([0.2, 0.3, 0.5], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(
        np.exp(first.log_probs(X)), np.tile([0.2, 0.3, 0.5], (5, 1)), rtol=1e-6
    )
    np.testing.assert_allclose(second.log_probs(X)[:, 1], np.log(1e-12), rtol=1e-5)
    with pytest.raises(Incompatible, match="stub"):
        first.module()


def test_an_estimator_is_fitted_once_and_only_if_it_is_asked():
    times = []

    def fit():
        times.append(1)
        return SimpleNamespace(predict_proba=lambda x: np.tile([0.2, 0.3, 0.5], (len(x), 1)))

    model = FittedEstimator(fit, bound(Stub), SPEC.n_classes)
    assert not times
    model.log_probs(X)
    model.log_probs(X)
    assert len(times) == 1


def test_what_is_no_estimator_is_refused():
    with pytest.raises(PrivbenchError, match="stub: fit returned"):
        FittedEstimator(lambda: 3.0, bound(Stub), SPEC.n_classes).log_probs(X)


def test_invalid_outputs_of_estimators_are_refused():
    (model,) = estimators([0.2, 0.3, 0.6])
    with pytest.raises(PrivbenchError, match="stub: predict_proba returned"):
        model.log_probs(X)


def test_small_probabilities_are_clipped_and_rows_normalised():
    log_probs = to_log_probs(np.array([[0.9, 0.1, 0.0]]), floor=0.1)
    np.testing.assert_allclose(np.exp(log_probs), [[0.9 / 1.1, 0.1 / 1.1, 0.1 / 1.1]], rtol=1e-6)
    assert log_probs.dtype == np.float32
