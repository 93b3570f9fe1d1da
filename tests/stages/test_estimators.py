"""Populations of models that are no torch modules: resumed model by model, and asked once."""

import json
from collections import Counter

import pytest

from privbench.api import make_plans, run_plan
from privbench.computation import needed
from privbench.config import Overrides
from privbench.plugins.host import PluginHost
from privbench.storage.artifacts import Store

TREE = '''
import hashlib
import json
import time
from pathlib import Path

import numpy as np
import privbench

FOLDER = Path({folder!r})


class Tree(privbench.EstimatorModel):
    """A decision tree, which gives every record a probability of exactly zero or one."""

    name = "tree"
    noise: float = 0.0

    def fit(self, x, y, n_classes, rng):
        from sklearn.tree import DecisionTreeClassifier

        name = hashlib.sha256(x.tobytes()).hexdigest()
        if say("fit", name) == 3 and (FOLDER / "kill").exists():
            raise KeyboardInterrupt
        time.sleep(0.05)
        tree = DecisionTreeClassifier(random_state=int(rng.integers(2**31)))
        return Fitted(tree.fit(x.reshape(len(x), -1), y), n_classes, name, self.noise)


class Fitted:
    def __init__(self, tree, n_classes, name, noise):
        self.tree, self.n_classes, self.name, self.noise = tree, n_classes, name, noise

    def predict_proba(self, x):
        if len(x) != 32:  # what is asked twice, to see whether answers are random
            say("ask", self.name + hashlib.sha256(x.tobytes()).hexdigest())
        found = np.zeros((len(x), self.n_classes))
        found[:, self.tree.classes_] = self.tree.predict_proba(x.reshape(len(x), -1))
        found += self.noise * np.random.rand(*found.shape)
        return found / found.sum(1, keepdims=True)


class Asking(privbench.Attack):
    """Asks the target for records of its own making, and for those that it has the outputs of."""

    name = "asking"
    queries = True
    shift: float = 0.0

    def score(self, view):
        own = view.target_model.query(view.records + np.float32(0.5))
        again = view.target_model.query(view.records)
        assert (again.log_probs == view.target.log_probs).all()
        return (own.log_prob_of(view.labels) + again.log_prob_of(view.labels)).astype(float)


def say(kind, digest):
    """Write down what is asked, and return how often its kind was."""
    with open(FOLDER / "log", "a") as log:
        log.write(json.dumps([kind, digest]) + chr(10))
    return (FOLDER / "log").read_text().count(kind)


@privbench.hookimpl
def register_models(register):
    register(Tree)


@privbench.hookimpl
def register_attacks(register):
    register(Asking)
'''
SET = ("pool=100", 'models=["tree"]', 'defenses=["none"]', 'knowledge=["adaptive"]', "canaries=0")


@pytest.fixture
def log(tmp_path):
    """Return what trees were asked since the last call: pairs of a kind and a digest."""
    path = tmp_path / "log"

    def read():
        lines = path.read_text().splitlines()
        path.write_text("")
        return [tuple(json.loads(line)) for line in lines]

    return read


@pytest.fixture
def run(config, tmp_path):
    """Run ``small`` with trees; returns the rows, the kinds of stages to compute, and the progress."""
    path = tmp_path / "trees.py"
    path.write_text(TREE.replace("{folder!r}", repr(str(tmp_path))))

    def run(*overrides, results="results"):
        host = PluginHost([str(path)], installed=False)
        settings = Overrides.parse((*SET, *overrides))
        (plan,) = make_plans(["small"], host, config=config, overrides=settings)
        computed = [stage.kind for stage in needed(plan, Store(tmp_path / results))]
        return run_plan(plan, host, results=tmp_path / results, device="cpu"), computed

    return run


def numbers(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def kinds(log):
    return Counter(kind for kind, _ in log)


def test_a_run_that_was_killed_goes_on_with_the_models_that_are_done(run, log, tmp_path):
    (tmp_path / "kill").touch()
    with pytest.raises(KeyboardInterrupt):
        run()
    assert kinds(log()) == {"fit": 3, "ask": 2 * 3}
    (tmp_path / "kill").unlink()
    parts = tmp_path / "results/artifacts/population-parts"
    assert len(list(parts.glob("*.json"))) == 2
    rows, computed = run()
    assert computed.count("population") == 1
    assert kinds(log()) == {"fit": 2, "ask": 2 * 3}
    assert not list(parts.iterdir())
    whole, _ = run(results="whole")
    assert numbers(rows) == numbers(whole)
    assert all(row["seconds"] > 4 * 0.05 for row in (*rows, *whole))  # the trees that are fitted


def test_attacks_of_a_later_run_fit_nothing_that_they_do_not_query(run, log, tmp_path):
    _, computed = run()
    assert "population" in computed
    assert "outputs" not in computed, "they are those of the population, and stored once"
    assert not (tmp_path / "results/artifacts/outputs").exists()
    log()
    _, computed = run('attacks=["gap"]')
    assert "population" not in computed
    assert not log()
    run('attacks=["gap", { name = "label-only", copies = 2 }]')
    # Each tree is fitted once for all stages, and asked once for each set of copies.
    assert kinds(log()) == {"fit": 4, "ask": 4 * 2}


def test_no_model_is_asked_twice_about_the_same_records(run, log):
    attacks = '["loss", "lira", { name = "asking", shift = [0.0, 1.0] }'
    copies = '{ name = "label-only", copies = 2, calibrated = [true, false] }'
    rows, _ = run(f'attacks={attacks}, {copies}, "auto"]')
    assert {row["status"] for row in rows} == {"ok"}
    asked = log()
    assert kinds(asked)["fit"] == 4
    assert max(Counter(asked).values()) == 1


def test_random_answers_are_found_and_asked_for_again(run):
    attacks = 'attacks=["loss", { name = "lira", queries_per_record = 4 }]'
    loss, lira = run(attacks, "tree.noise=0.5")[0]
    assert "random-outputs" in {warning["name"] for warning in loss["warnings"]}
    assert lira["queries"] == 4
    sure, _ = run(attacks, results="sure")[0]
    assert "random-outputs" not in {warning["name"] for warning in sure["warnings"]}


@pytest.mark.slow
def test_all_attacks_take_outputs_of_which_most_are_equal(run, host):
    on_models = [e.name for e in host.registry("attack") if e.cls.observes != "synthetic"]
    rows, _ = run(f"attacks={json.dumps(on_models)}", "population=8")
    statuses = {row["attack"]: row["status"] for row in rows}
    assert statuses.pop("gradient") == "skipped"  # trees have no gradients
    assert set(statuses.values()) == {"ok"}
    assert all(row["auc"] > 0.6 for row in rows if row["attack"] in ("gap", "loss", "lira"))
