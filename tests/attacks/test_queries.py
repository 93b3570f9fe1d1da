"""The number of queries that attacks say they make, beside the number that models are asked."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks.auto import QUERIES, Auto
from privbench.attacks.gradient import Gradient
from privbench.attacks.label_only import LabelOnly
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss

from .helpers import Network, random_population, views_of


class Counting(Network):
    """A network that counts the records that it is queried for."""

    asked = 0

    def query(self, x):
        self.asked += len(x)
        return super().query(x)


class Random(Counting):
    """The same with random outputs, about which `auto` asks more often."""

    def query(self, x):
        outputs = super().query(x)
        noise = np.random.default_rng(self.asked).normal(0, 0.5, outputs.log_probs.shape)
        return dataclasses.replace(outputs, log_probs=outputs.log_probs + noise.astype("f4"))


ATTACKS = [Loss(), Lira(), Lira(queries_per_record=3), LabelOnly(copies=5)]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attacks_make_the_queries_that_they_say(attack):
    views = views_of(*random_population(n_models=6, n=60))
    models = [Counting(network.weight) for network in views.target_models]
    views = dataclasses.replace(views, target_models=models, shadow_models=models)
    assert np.isfinite(attack.score_all(views)).all()
    further = {model.asked / len(views.labels) for model in models}
    assert further == {attack.queries_used() - 1}


@pytest.mark.parametrize(("kind", "fewer"), [(Counting, QUERIES - 1), (Random, 0)])
def test_auto_states_the_most_queries_that_it_makes(kind, fewer):
    views = views_of(*random_population(n_models=8, n=60))
    models = [kind(network.weight) for network in views.target_models]
    views = dataclasses.replace(views, target_models=models, shadow_models=models)
    Auto().score_all(views)
    probe = [2 * min(64, len(views.labels)), *[0] * 7]  # two answers of the first model
    asked = [model.asked - extra for model, extra in zip(models, probe, strict=True)]
    assert {n / len(views.labels) for n in asked} == {Auto().queries_used() - 1 - fewer}


def test_parameters_take_no_queries():
    assert Gradient().queries_used() is None
