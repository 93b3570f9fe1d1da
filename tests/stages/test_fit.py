"""Fitted generators: one per model, or one for all; stored and restored."""

import numpy as np
import pytest

from privbench.errors import PrivbenchError
from privbench.generators.base import Generator
from privbench.generators.gaussian_copula import FittedCopula
from privbench.stages import Context, parts
from privbench.storage.artifacts import Artifact


@pytest.fixture
def fit_of(plan, compute):
    def make(*overrides, defense="vae"):
        chosen = plan(f'defenses=["{defense}"]', *overrides)
        stage = chosen.trials[0].utility.fidelity.release.fit
        return stage, compute(chosen, stage), compute(chosen, stage.setting).live

    return make


@pytest.fixture
def copula(fit_of, config):
    """The same for a generator that is fitted for one model after another."""
    config.write_text('[defenses.copula]\ngenerator = "gaussian-copula"\n' + config.read_text())
    return lambda *overrides: fit_of(*overrides, defense="copula")


def context_of(setting):
    """The context of a stage that reads nothing else."""
    return Context(lambda stage: Artifact(live=setting), None, "cpu", lambda done, total: None)


def codes(fitted, setting):
    return [generator.encode(setting.pool) for generator in fitted]


def test_each_model_has_a_generator_of_its_own(fit_of):
    stage, artifact, setting = fit_of()
    fitted = stage.fitted(artifact, setting)
    assert len(fitted) == len(setting.member) == 4
    first, second, *_ = codes(fitted, setting)
    assert not np.allclose(first, second)


def test_one_generator_serves_all_models_if_it_is_fitted_on_reference_records(fit_of):
    stage, artifact, setting = fit_of('vae.fitted_on="reference"')
    fitted = stage.fitted(artifact, setting)
    assert len(fitted) == 4
    assert all(generator is fitted[0] for generator in fitted)


def test_restored_from_its_artifact_it_encodes_as_it_was_fitted(fit_of):
    stage, artifact, setting = fit_of()
    assert artifact.live is None
    fitted = stage.generator.component.fit_population(
        stage.private_sets(setting),
        [stage.rng("fit", model) for model in range(4)],
        "cpu",
        lambda done, total: None,
    )
    restored = codes(stage.fitted(artifact, setting), setting)
    for before, after in zip(codes(fitted, setting), restored, strict=True):
        assert np.allclose(before, after, atol=1e-6)


def test_generators_that_are_fitted_one_by_one_are_parts_of_one_model(copula):
    stage, artifact, setting = copula()
    assert stage.n_parts("cpu") == len(setting.member) == 4
    assert {name.partition(".")[0] for name in artifact.arrays} == set("0123")
    alone = stage.compute_part(context_of(setting), 2, 4)
    for name, array in alone.arrays.items():
        np.testing.assert_array_equal(array, artifact.arrays[name])
    assert {name.partition(".")[0] for name in alone.arrays} == {"2"}


def test_parts_of_models_that_are_trained_at_once_are_those_of_all(fit_of, monkeypatch):
    stage, whole, setting = fit_of()
    assert stage.n_parts("cpu") == 1
    monkeypatch.setitem(parts.MODELS, "cpu", 2)
    assert stage.n_parts("cpu") == 2
    for number in range(2):
        part = stage.compute_part(context_of(setting), number, 2)
        models = {str(model) for model in parts.models_of_part(4, number, 2)}
        assert {name.partition(".")[0] for name in part.arrays} == models
        for name, array in part.arrays.items():
            np.testing.assert_allclose(array, whole.arrays[name], atol=1e-5)


def test_a_generator_that_cannot_be_stored_has_no_parts(copula, monkeypatch):
    stage, _, setting = copula()
    cls = type(stage.generator.component)
    monkeypatch.setattr(FittedCopula, "state", lambda self: None)
    with pytest.raises(PrivbenchError, match="state returned None, expected arrays"):
        stage.compute_part(context_of(setting), 0, 4)
    monkeypatch.setattr(cls, "restore", Generator.restore)
    assert stage.n_parts("cpu") == 1
    assert len(stage.compute_part(context_of(setting), 0, 1).live) == 4


def test_data_mechanisms_come_before_the_fit(fit_of, config):
    text = config.read_text()
    config.write_text(
        '[defenses.flipped]\ngenerator = { name = "vae", latent_dim = 2, hidden = 8, epochs = 2 }\n'
        'mechanisms = [{ name = "randomized-response", epsilon = 0.01 }]\n' + text
    )
    stage, _, setting = fit_of(defense="flipped")
    private = stage.private_sets(setting)
    changed = [(data.y != setting.train_set(i).y).mean() for i, data in enumerate(private)]
    assert all(0.2 < share < 0.8 for share in changed)  # near a fair coin
    again = stage.private_sets(setting)
    assert all((a.y == b.y).all() for a, b in zip(private, again, strict=True))
