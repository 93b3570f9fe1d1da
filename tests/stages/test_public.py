"""Public records: who reads them, and the defense that reads nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest

from privbench.mechanisms.early_stopping import EarlyStopping
from privbench.mechanisms.memguard import MemGuard
from privbench.mechanisms.metric_privacy import MetricPrivacy
from privbench.mechanisms.public_only import PublicOnly
from privbench.membership import draw_membership
from privbench.stages.fit import FitStage, apply_data_mechanisms

DEFENSES = """
[defenses.public-only]
mechanisms = ["public-only"]

[defenses.early]
mechanisms = ["early-stopping"]

[defenses.guarded]
mechanisms = [{ name = "memguard", epochs = 1 }]

[defenses.coded]
generator = { name = "vae", latent_dim = 2, hidden = 8, epochs = 2, fitted_on = "reference" }
mechanisms = [{ name = "metric-privacy", epsilon = 8.0 }]

[defenses.beside]
mechanisms = ["public-only", { name = "dp-sgd", noise_multiplier = 1.0 }, { name = "output-noise" }]

[defenses.behind]
generator = { name = "vae", latent_dim = 2, hidden = 8, epochs = 2 }
mechanisms = ["public-only", { name = "metric-privacy", epsilon = 8.0 }]
"""


ESTIMATOR = """
import privbench
from sklearn.neighbors import KNeighborsClassifier


class Nearest(privbench.EstimatorModel):
    name = "nearest"

    def fit(self, x, y, n_classes, rng):
        return KNeighborsClassifier(5).fit(x, y)


@privbench.hookimpl
def register_models(register):
    register(Nearest)
"""


@pytest.fixture
def host(host, tmp_path):
    (tmp_path / "nearest.py").write_text(ESTIMATOR)
    host.load(str(tmp_path / "nearest.py"))
    return host


@pytest.fixture
def config(config):
    config.write_text(DEFENSES + config.read_text())
    return config


@pytest.fixture
def of_defense(plan):
    """The first trial of a defense."""

    def make(defense, *overrides):
        chosen = plan(f'defenses=["{defense}"]', *overrides)
        return chosen, chosen.trials[0]

    return make


def test_the_split_does_not_depend_on_how_many_there_are(of_defense, compute):
    stages = []
    for overrides in ((), ("public=5",), ("public=32",)):
        chosen, trial = of_defense("none", *overrides)
        stages.append(trial.metrics[1].setting)
        setting = compute(chosen, stages[-1]).live
        assert len(setting.reference) == stages[-1].n_reference == 32
        assert len(setting.public) == stages[-1].n_public
    everything, few, all_of_them = stages
    assert [stage.n_public for stage in stages] == [32, 5, 32]
    assert everything.names == few.names == all_of_them.names
    assert everything.key == all_of_them.key != few.key


class Seen:
    """Notes what a method of a component is called with, and calls it."""

    def __init__(self, monkeypatch, cls, method):
        original, self.arguments = getattr(cls, method), []

        def noting(component, *arguments):
            self.arguments.append(arguments)
            return original(component, *arguments)

        monkeypatch.setattr(cls, method, noting)


def test_defenses_are_handed_these_alone(of_defense, compute, monkeypatch):
    trained = Seen(monkeypatch, EarlyStopping, "train_population")
    guarded = Seen(monkeypatch, MemGuard, "fit")
    coded = Seen(monkeypatch, MetricPrivacy, "apply_with_reference")
    for defense in ("early", "guarded", "coded"):
        chosen, trial = of_defense(defense, "public=9")
        stage = trial.utility.outputs
        compute(chosen, stage)
        public = compute(chosen, stage.setting).live.public
        if defense == "early":
            ((task,),) = trained.arguments
            assert (task.reference.x == public.x).all()
        elif defense == "guarded":
            assert len(guarded.arguments) == 4
            bare = compute(chosen, stage.bare).arrays["reference"]
            for model, (context, _) in enumerate(guarded.arguments):
                assert (context.reference_labels == public.y).all()
                assert np.allclose(context.reference_outputs, np.exp(bare[model, :9]))
        else:
            assert {reference.shape for _, reference, _ in coded.arguments} == {(9, 2)}


def test_a_generator_is_fitted_on_these_alone(of_defense, compute, monkeypatch):
    chosen, trial = of_defense("coded", "public=9")
    fit = trial.utility.fidelity.release.fit
    assert isinstance(fit, FitStage)
    fitted = Seen(monkeypatch, type(fit.generator.component), "fit_population")
    compute(chosen, fit)
    ((sets, *_),) = fitted.arguments
    assert [len(data) for data in sets] == [9]
    assert (sets[0].x == compute(chosen, fit.setting).live.public.x).all()


def test_the_adversary_keeps_all(of_defense, compute, context):
    chosen, trial = of_defense("public-only", "public=9", 'attacks=["attack-p", "dcr"]')
    on_outputs, on_data = (t.metrics[0].scores for t in (trial, chosen.trials[2]))
    views = on_outputs.views(context(chosen))
    assert views.reference_records.shape == (32, 8)
    assert views.target_reference.log_probs.shape == (4, 32, 2)
    released = on_data.views(context(chosen))
    assert len(released.reference) == 32
    assert [len(data) for data in released.targets] == [9] * 4


def test_it_is_handed_no_private_record(of_defense, compute, monkeypatch):
    chosen, trial = of_defense("public-only", "public=9")
    seen = Seen(monkeypatch, PublicOnly, "apply_with_reference")
    compute(chosen, trial.utility.fidelity.release)
    assert [data.x.shape for data, _, _ in seen.arguments] == [(0, 8)] * 4
    assert all(data.x.base is None for data, _, _ in seen.arguments)


@pytest.mark.parametrize(
    ("defense", "the_same"),
    [("public-only", True), ("behind", True), ("beside", True), ("none", False), ("early", False)],
)
def test_outputs_do_not_depend_on_the_private_records(
    of_defense, compute, context, defense, the_same
):
    """With fewer of them, and another membership, models answer the same."""
    chosen, trial = of_defense(defense, "public=9")
    stage = trial.utility.outputs
    known = context(chosen)
    setting = known.get(stage.setting).live
    outputs = compute(chosen, stage).arrays["test"]
    pool, kind, always = setting.pool.first(60), setting.kind[:60], setting.always[:60]
    member = draw_membership(4, kind != "", "another")
    altered = replace(setting, pool=pool, member=member, kind=kind, always=always)
    artifact = replace(known.get(stage.setting), live=altered)

    def get(other):
        return artifact if other is stage.setting else other.compute(again)

    again = replace(known, get=get)
    assert (stage.compute(again).arrays["test"] == outputs).all() == the_same


def test_each_model_has_weights_of_its_own(of_defense, compute):
    chosen, trial = of_defense("public-only")
    outputs = compute(chosen, trial.utility.outputs).arrays["test"]
    assert all(not np.allclose(outputs[0], other) for other in outputs[1:])


@pytest.mark.parametrize(
    "models", ['[{ name = "mlp", hidden = [16], epochs = 20 }]', '["logistic"]', '["nearest"]']
)
def test_models_of_every_kind_learn_from_it(of_defense, compute, models):
    chosen, trial = of_defense("public-only", f"models={models}")
    info = compute(chosen, trial.utility).info
    assert info["test_accuracy"] > 0.6
    assert info["guarantee"]["epsilon"] == 0
    assert info["guarantee"]["covers"] == "records"


@pytest.mark.parametrize(("defense", "epsilon"), [("behind", 0), ("beside", 0)])
def test_further_mechanisms_keep_its_guarantee(of_defense, compute, defense, epsilon):
    chosen, trial = of_defense(defense)
    info = compute(chosen, trial.utility).info
    assert (info["guarantee"]["epsilon"], info["guarantee"]["delta"]) == (epsilon, 0)
    assert info["guarantee"]["conditions"] == []


def test_more_records_than_there_are(cli, config):
    result = cli("run", "small", "-c", config, "--set", 'defenses=["public-only"]', "--set", "public=9",
                 "--set", "public-only.records=10", "--set", "mlp.epochs=1", "--json")  # fmt: skip
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert {row["status"] for row in rows} == {"skipped"}
    reason = "public-only: records: 10 is more than the public records (allowed: 1..9)"
    assert {row["reason"] for row in rows} == {reason}
    assert {(row["n_reference"], row["n_public"]) for row in rows} == {(32, 9)}


class Uneven(PublicOnly):
    """Returns another number of records with each call."""

    def apply_with_reference(self, data, reference, rng):
        return reference.first(int(rng.integers(1, 30)))


def test_models_with_different_numbers_of_records(of_defense, compute):
    from privbench.components import Entry
    from privbench.components.distribution import Distribution
    from privbench.errors import PrivbenchError

    chosen, trial = of_defense("public-only")
    release = trial.utility.fidelity.release
    setting = compute(chosen, release.setting).live
    uneven = Entry(Uneven, Distribution("test")).build({}, "test")
    with pytest.raises(
        PrivbenchError, match=r"public-only: apply returned from .* as many for each"
    ):
        apply_data_mechanisms(release, setting, [uneven])
