"""The number of queries that attacks say they make, beside the number that models are asked."""

import dataclasses

import numpy as np
import pytest

from privbench.attacks.auto import Auto
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


ATTACKS = [Loss(), Lira(), Lira(queries_per_record=3), LabelOnly(copies=5), Auto()]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attacks_make_the_queries_that_they_say(attack):
    views = views_of(*random_population(n_models=6, n=60))
    models = [Counting(network.weight) for network in views.target_models]
    views = dataclasses.replace(views, target_models=models, shadow_models=models)
    assert np.isfinite(attack.score_all(views)).all()
    further = {model.asked / len(views.labels) for model in models}
    assert further == {attack.queries_used() - 1}


def test_parameters_take_no_queries():
    assert Gradient().queries_used() is None
