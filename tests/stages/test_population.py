"""Populations: what they are trained on."""

import numpy as np
import pytest

CONSTANT = """
import numpy as np
import privbench


class AllZero(privbench.DataMechanism):
    name = "all-zero"

    def apply(self, data, rng):
        return privbench.Data(data.x, np.zeros_like(data.y), data.spec)


class Prior(privbench.EstimatorModel):
    name = "prior"

    def fit(self, x, y, n_classes, rng):
        return Frequencies(np.bincount(y, minlength=n_classes) / len(y))


class Frequencies:
    def __init__(self, shares):
        self.shares = shares

    def predict_proba(self, x):
        return np.tile(self.shares, (len(x), 1))


@privbench.hookimpl
def register_mechanisms(register):
    register(AllZero)


@privbench.hookimpl
def register_models(register):
    register(Prior)
"""


@pytest.fixture
def host(host, tmp_path):
    path = tmp_path / "constant.py"
    path.write_text(CONSTANT)
    host.load(str(path))
    return host


def populations(plan):
    return {trial.defense: trial.utility.outputs.population for trial in plan.trials}


@pytest.fixture
def defended(config):
    config.write_text(
        "[defenses.zero]\nmechanisms = ['all-zero']\n" + config.read_text(), encoding="utf-8"
    )


def test_it_is_trained_on_the_release(plan, compute, context, defended):
    chosen = plan('defenses=["none", "zero"]', "mlp.epochs=10")
    predicted = {}
    for name, stage in populations(chosen).items():
        (model, *_) = stage.models(context(chosen))
        setting = compute(chosen, stage.setting).live
        predicted[name] = model.log_probs(setting.pool.x).argmax(-1)
    assert set(predicted["none"]) == {0, 1}
    assert set(predicted["zero"]) == {0}


def test_an_estimator_is_fitted_on_its_own_half(plan, compute):
    chosen = plan('models=["prior"]', 'defenses=["none"]')
    (stage,) = populations(chosen).values()
    artifact = compute(chosen, stage)
    setting = compute(chosen, stage.setting).live
    for model, fitted in enumerate(artifact.live):
        share = setting.pool.y[setting.member[model]].mean()
        expected = np.tile([1 - share, share], (len(setting.test), 1))
        assert np.allclose(np.exp(artifact.arrays["test"][model]), expected)
        assert np.allclose(np.exp(fitted.log_probs(setting.test.x)), expected)


def test_without_a_release_there_is_one_input(plan):
    chosen = plan('defenses=["none", "vae"]')
    stages = populations(chosen)
    assert [stage.kind for stage in stages["none"].inputs] == ["setting"]
    assert [stage.kind for stage in stages["vae"].inputs] == ["setting", "release"]
