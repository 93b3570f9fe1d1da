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
    """Inputs of the second linear layer are dropped: so does mlp's own dropout."""
    own = Mlp(hidden=(16, 12), epochs=2, batch_size=20, dropout=0.4)
    bare = Mlp(hidden=(16, 12), epochs=2, batch_size=20)
    found = Dropout(rate=0.4).train_population(task(bare)).state().values()
    expected = task(own).train().state().values()  # its layers have other numbers in their names
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_dropout_does_not_act_on_answers_nor_on_the_module_of_the_task():
    whole = task()
    found = Dropout(rate=0.9).train_population(whole)
    np.testing.assert_array_equal(found.predict(X), found.predict(X))
    stored = Population.from_state(whole.build, found.state())
    np.testing.assert_allclose(found.predict(X), stored.predict(X), atol=1e-6)
    module = whole.build().train()
    assert torch.equal(module(torch.tensor(X)), module(torch.tensor(X)))


def test_dropout_needs_a_layer_behind_the_first():
    with pytest.raises(Incompatible, match="dropout: the model has no linear layer after"):
        Dropout().train_population(task(Logistic(epochs=1)))
