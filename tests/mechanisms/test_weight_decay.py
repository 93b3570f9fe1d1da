"""Weight decay against that of the recipe."""

import pytest

from privbench.mechanisms.weight_decay import WeightDecay
from privbench.models.mlp import Mlp

from .training import assert_close, task


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weight_decay_is_that_of_the_recipe(optimizer):
    model = Mlp(hidden=(16,), epochs=3, batch_size=20, lr=0.02, optimizer=optimizer)
    own = model.model_copy(update={"weight_decay": 0.3})
    found = WeightDecay(strength=0.3).train_population(task(model))
    assert_close(found, task(own).train(), atol=0)
    replaced = WeightDecay(strength=0.3).train_population(task(own))
    assert_close(found, replaced, atol=0)  # it replaces the weight decay of the model
