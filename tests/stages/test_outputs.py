"""Outputs before and after the output mechanisms."""

import numpy as np
import pytest


@pytest.fixture
def defended(plan):
    chosen = plan('defenses=["noisy"]', select="loss and adaptive")
    return chosen, chosen.trials[0].utility.outputs


def test_bare_outputs_are_log_probabilities_of_each_model(plan, compute, context):
    chosen = plan('defenses=["none"]', select="loss and adaptive")
    stage = chosen.trials[0].utility.outputs
    outputs = compute(chosen, stage).arrays
    setting = compute(chosen, stage.setting).live
    assert {name: array.shape for name, array in outputs.items()} == {
        "pool": (4, len(setting.pool), 2),
        "reference": (4, len(setting.reference), 2),
        "test": (4, len(setting.test), 2),
    }
    for model, trained in enumerate(stage.population.models(context(chosen))):
        assert (outputs["test"][model] == trained.log_probs(setting.test.x)).all()
    assert np.allclose(np.exp(outputs["pool"]).sum(-1), 1, atol=1e-5)


def test_output_mechanisms_change_the_outputs_and_nothing_before_them(defended, compute):
    chosen, stage = defended
    bare, noisy = compute(chosen, stage.bare).arrays, compute(chosen, stage).arrays
    assert stage.population is stage.bare.population
    for name, array in bare.items():
        assert noisy[name].shape == array.shape
        assert not np.allclose(noisy[name], array)
        assert np.allclose(np.exp(noisy[name]).sum(-1), 1, atol=1e-5)


def test_another_query_is_another_draw_and_the_same_query_is_the_same(defended, compute, context):
    chosen, stage = defended
    log_probs = compute(chosen, stage.bare).arrays["pool"][0]
    transforms = next(stage.transforms(context(chosen)))
    first, again, second = (
        stage.transform(log_probs, transforms, stage.floor(), "query", number)
        for number in (1, 1, 2)
    )
    assert (first == again).all()
    assert not np.allclose(first, second)
    assert (compute(chosen, stage).arrays["pool"][0] != first).any()


def test_outputs_are_floored_at_the_resolution(defended, compute):
    chosen, stage = defended
    smallest = np.exp(compute(chosen, stage).arrays["pool"]).min()
    assert smallest >= stage.floor() / 2  # normalised after the floor, which adds at most one
    assert stage.floor() > 1e-12
