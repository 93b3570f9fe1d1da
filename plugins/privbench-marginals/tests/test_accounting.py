import numpy as np
import pytest
from privbench_marginals import Aim, Mst
from privbench_marginals.accounting import Budget, budget_of, guarantee_of
from scipy.stats import norm
from small_table import SPEC

from privbench import GuaranteeContext


def delta_of(epsilon, mu):
    """Return the delta of mu-GDP; Dong, Roth, Su 2019, corollary 2.13."""
    return norm.cdf(-epsilon / mu + mu / 2) - np.exp(epsilon) * norm.cdf(-epsilon / mu - mu / 2)


def test_the_mu_that_the_literature_states_at_epsilon_1_and_delta_1_percent():
    assert budget_of(1.0, 0.01, selection=0).mu == pytest.approx(0.45, abs=0.006)


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 8.0])
def test_a_budget_keeps_the_guarantee_and_wastes_little_of_it(epsilon):
    """zCDP of rho is (rho + 2 sqrt(rho log(1/delta)), delta)-DP: Bun, Steinke 2016, proposition 1.3."""
    rho = budget_of(epsilon, 1e-5, selection=1 / 3).total
    simple = rho + 2 * np.sqrt(rho * np.log(1e5))
    assert 0.75 * simple < epsilon < simple


def test_shares_of_selections_add_up():
    whole, split = budget_of(1.0, 1e-5, 0), budget_of(1.0, 1e-5, 0.1)
    assert split.total == pytest.approx(whole.total)
    assert split.selection == pytest.approx(0.1 * whole.total)


def test_replacing_a_record_of_gaussian_noise_has_the_sensitivity_sqrt_2():
    budget = Budget(gaussian=0.1, selection=0)
    for delta in (1e-6, 0.01):
        epsilon = budget.replace_one_epsilon(delta)
        assert delta_of(epsilon, np.sqrt(2) * budget.mu) == pytest.approx(delta, rel=1e-4)


def test_replacing_a_record_costs_more_where_something_is_selected():
    gaussian, mixed = Budget(0.1, 0), Budget(0.08, 0.02)
    assert mixed.replace_one_epsilon(1e-5) > gaussian.replace_one_epsilon(1e-5)


def test_a_guarantee_states_how_it_holds():
    stated = guarantee_of(budget_of(1.0, 1e-5, 0), 1.0, 1e-5)
    assert (stated.kind, stated.adjacency, stated.gaussian) == ("dp", "add-remove", True)
    epsilons = [epsilon for epsilon, _ in stated.profile]
    assert epsilons == sorted(epsilons, reverse=True)
    assert not guarantee_of(budget_of(1.0, 1e-5, 0.1), 1.0, 1e-5).gaussian


@pytest.mark.parametrize("cls", [Mst, Aim])
def test_a_fit_on_reference_records_states_nothing(cls):
    context = GuaranteeContext(spec=SPEC, n_train=100, model=None, generator_fitted_on="private")
    assert cls(epsilon=2.0).guarantee(context).epsilon == 2.0
    assert cls(fitted_on="reference").guarantee(context) is None
