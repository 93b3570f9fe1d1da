"""What a training loop reports of itself, and the guarantee that is made of it."""

import pytest

from privbench.api import run

PLUGIN = """
import privbench

class Loop(privbench.TrainingLoop):
    '''Adds a constant to the weights.'''
    name = "loop"
    budget: float = 2.0
    wanders: bool = False

    def train(self, module, x, y, model, rng):
        import torch
        with torch.no_grad():
            for weight in module.parameters():
                weight += 1
        return {"budget": self.budget + self.wanders * rng.random(), "steps": len(x)}

    def guarantee(self, context):
        if not context.facts:
            return None
        epsilon = context.facts["budget"] * context.facts["steps"] / context.n_train
        return privbench.Guarantee("dp", epsilon, 1e-5, "replace-one", "counted")

class Spoken(privbench.EstimatorModel):
    '''Answers 1 for a record whose first category is in its training set.'''
    name = "spoken"
    uses: str = "named"

    def fit(self, x, y, n_classes, rng):
        raise NotImplementedError

    def fit_data(self, data, rng):
        import numpy as np
        self_data = data
        class Fitted:
            def predict_proba(self, x):
                return np.full((len(x), self_data.spec.n_classes), 1 / self_data.spec.n_classes)
        return Fitted()

@privbench.hookimpl
def register_mechanisms(register): register(Loop)

@privbench.hookimpl
def register_models(register): register(Spoken)
"""
CONFIG = """
[defenses.counted]
mechanisms = [{ name = "loop" }]
[benchmarks.facts]
datasets = ["digits"]
models = [{ name = "logistic", epochs = 1 }]
defenses = ["counted"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 3
pool = 200
canaries = 0
"""


@pytest.fixture
def rows(tmp_path):
    plugin, config = tmp_path / "plugin.py", tmp_path / "benchmarks.toml"
    plugin.write_text(PLUGIN)
    config.write_text(CONFIG)

    def rows(**overrides):
        frame = run("facts", config=config, results=tmp_path, plugins=plugin, set=overrides)
        return frame.to_dict("records")

    return rows


def test_a_guarantee_is_made_of_what_training_reported(rows):
    (row,) = rows()
    assert row["status"] == "ok", row["reason"]
    assert row["guarantee"]["epsilon"] == 2.0  # one step for each of the records
    assert row["verdict"] is not None
    assert rows()[0]["guarantee"] == row["guarantee"]  # from what is stored
    assert rows(**{"loop.budget": 0.25})[0]["guarantee"]["epsilon"] == 0.25


@pytest.mark.parametrize("population", [3, 40])  # one part, and three
def test_a_fact_that_all_models_share_is_not_rounded(rows, population):
    (row,) = rows(**{"loop.budget": 0.7, "population": population})
    assert row["guarantee"]["epsilon"] == 0.7 * 100 / 100


def test_what_differs_between_models_is_no_claim(rows):
    (row,) = rows(**{"loop.wanders": True})
    assert row["status"] == "failed"
    assert "loop: train returned budget from 2." in row["reason"]


def test_what_differs_between_parts_is_no_claim():
    """Each part of a population is checked by itself; their claims must agree as well."""
    from privbench.errors import PrivbenchError
    from privbench.stages.population import _joined
    from privbench.storage.artifacts import Artifact

    def join(**facts):
        parts = [Artifact({}, {name: pair[i] for name, pair in facts.items()}) for i in range(2)]
        return _joined(parts, [3, 1], None).info

    assert join(budget=(0.7, 0.7), clipped_share=(0.2, 0.6)) == {
        "budget": 0.7, "clipped_share": pytest.approx(0.3),
    }  # fmt: skip
    with pytest.raises(PrivbenchError, match=r"training returned budget from 0\.7 to 0\.9"):
        join(budget=(0.9, 0.7))


@pytest.mark.parametrize("name", ["clipped_share", "random"])
def test_names_of_what_the_harness_measures_are_taken(name):
    from privbench.components.checks import checked_facts
    from privbench.errors import PrivbenchError

    with pytest.raises(PrivbenchError, match=f"{name}', a name of what the harness measures"):
        checked_facts({name: 0.5}, "loop: train returned")


def test_an_estimator_may_read_what_the_features_mean(rows):
    (row,) = rows(models=["spoken"], defenses=["none"])
    assert row["status"] == "ok", row["reason"]
    assert row["auc"] == 0.5
