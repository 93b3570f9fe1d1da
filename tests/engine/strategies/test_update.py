"""Updates of stacked weights, by stacked gradients or by one of each model."""

import pytest
import torch

from privbench.engine.strategies.update import StackedUpdate

from ..problems import RECIPES


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_gradients_may_arrive_as_one_tensor_per_model(recipe):
    rng = torch.Generator().manual_seed(0)
    stacked = [torch.randn(3, 4, 2, generator=rng), torch.randn(3, 2, generator=rng)]
    parts = [weight.clone() for weight in stacked]
    at_once = StackedUpdate(stacked, [False, False], recipe)
    separately = StackedUpdate(parts, [True, False], recipe)
    for _ in range(3):
        first, second = (torch.randn(weight.shape, generator=rng) for weight in stacked)
        at_once([first, second])
        separately([list(first.unbind()), second])
    torch.testing.assert_close(stacked, parts)
    separately([first, second])  # a step of another shape, which was recorded without a list
    at_once([first, second])
    torch.testing.assert_close(stacked, parts)


@pytest.mark.parametrize("separate", [True, False])
def test_a_weight_without_a_gradient_stays(separate):
    weights = [torch.ones(2, 3), torch.ones(2, 3)]
    StackedUpdate(weights, [separate, False], RECIPES["adam"])([None, torch.ones(2, 3)])
    assert torch.equal(weights[0], torch.ones(2, 3))
    assert not torch.equal(weights[1], torch.ones(2, 3))
