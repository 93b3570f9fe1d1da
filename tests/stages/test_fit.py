"""Fitted generators: one per model, or one for all; stored and restored."""

import numpy as np
import pytest


@pytest.fixture
def fit_of(plan, compute):
    def make(*overrides, defense="vae"):
        chosen = plan(f'defenses=["{defense}"]', *overrides)
        stage = chosen.trials[0].utility.fidelity.release.fit
        return stage, compute(chosen, stage), compute(chosen, stage.setting).live

    return make


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
