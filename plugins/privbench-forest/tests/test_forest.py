import importlib.metadata

import numpy as np
import pytest
from privbench_forest import RandomForest

import privbench
import privbench.testing


def make_records(n=200, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    return (rng.normal(size=(n, 4)) + 2 * y[:, None]).astype(np.float32), y


def test_it_learns_and_gives_probabilities():
    x, y = make_records()
    forest = RandomForest(n_trees=20).fit(x, y, 3, np.random.default_rng(0))
    probabilities = forest.predict_proba(make_records(seed=1)[0])
    assert probabilities.shape == (200, 3)
    assert np.allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == make_records(seed=1)[1]).mean() > 0.8


def test_a_class_that_was_not_seen_has_probability_zero():
    x, y = make_records(n_classes=2)
    forest = RandomForest(n_trees=5).fit(x, y, 4, np.random.default_rng(0))
    assert (forest.predict_proba(x)[:, 2:] == 0).all()


def test_the_same_seed_gives_the_same_forest_and_every_parameter_matters():
    x, y = make_records()

    def answers(seed=0, **params):
        model = RandomForest(**{"n_trees": 10, **params})
        return model.fit(x, y, 3, np.random.default_rng(seed)).predict_proba(x)

    assert (answers() == answers()).all()
    for changed in (answers(seed=1), answers(n_trees=11), answers(min_leaf=20)):
        assert not (changed == answers()).all()


def test_the_entry_point_makes_it_a_model_of_privbench(tmp_path):
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="forest")]
    config = tmp_path / "benchmarks.toml"
    config.write_text(
        """
        [benchmarks.forest]
        datasets = ["digits"]
        models = [{ name = "random-forest", n_trees = 10 }]
        defenses = ["none"]
        attacks = ["loss"]
        knowledge = ["adaptive"]
        population = 3
        pool = 300
        canaries = 0
        """
    )
    (row,) = privbench.run("forest", config=config, results=tmp_path).to_dict("records")
    assert row["status"] == "ok", row["reason"]
    assert row["test_accuracy"] > 0.7
    assert row["auc"] > 0.75  # trees grown to purity remember their records


def test_training_mechanisms_are_skipped_with_the_reason(tmp_path):
    config = tmp_path / "benchmarks.toml"
    config.write_text(
        """
        [defenses.dp]
        mechanisms = [{ name = "dp-sgd", epsilon = 1.0 }]

        [benchmarks.forest]
        datasets = ["digits"]
        models = ["random-forest"]
        defenses = ["dp"]
        attacks = ["loss"]
        """
    )
    frame = privbench.run("forest", config=config, results=tmp_path)
    assert set(frame["status"]) == {"skipped"}
    assert frame["reason"][0].endswith("and random-forest is not one")


class TestForest(privbench.testing.ModelSuite):
    component = RandomForest
    params = {"n_trees": 5}


@pytest.mark.parametrize("parameter", ["n_trees", "min_leaf"])
def test_bounds(parameter):
    with pytest.raises(ValueError, match=parameter):
        RandomForest(**{parameter: 0})
