"""Dropout against the layers of a model that has them."""

import numpy as np
import pytest
import torch

from privbench.engine import Population
from privbench.errors import Incompatible
from privbench.mechanisms.dropout import Dropout
from privbench.models.logistic import Logistic
from privbench.models.mlp import Mlp

from .training import X, task


def test_dropout_is_that_of_a_model_with_dropout_layers():
    """The dropout of mlp also acts on the inputs of the second linear layer."""
    own = Mlp(hidden=(16, 12), epochs=2, batch_size=20, dropout=0.4)
    bare = Mlp(hidden=(16, 12), epochs=2, batch_size=20)
    found = Dropout(rate=0.4).train_population(task(bare)).state().values()
    expected = task(own).train().state().values()  # layers have other names
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_dropout_is_off_after_training_and_in_fresh_modules():
    whole = task()
    found = Dropout(rate=0.9).train_population(whole)
    np.testing.assert_array_equal(found.predict(X), found.predict(X))
    stored = Population.from_state(whole.build, found.state())
    np.testing.assert_allclose(found.predict(X), stored.predict(X), atol=1e-6)
    module = whole.build().train()
    assert torch.equal(module(torch.tensor(X)), module(torch.tensor(X)))


def test_dropout_needs_a_linear_layer_after_the_first_layer():
    with pytest.raises(Incompatible, match="dropout: the model has no linear layer after"):
        Dropout().train_population(task(Logistic(epochs=1)))
