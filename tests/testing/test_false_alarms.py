"""How often statistical checks fail for components without fault."""

import numpy as np
import pytest

from privbench.attacks.own_shadows import auc
from privbench.plugins.host import PluginHost
from privbench.testing import refuting
from privbench.testing.checks import attacks
from privbench.testing.problems.neighbours import neighbours_of
from privbench.testing.subject import Subject

from .planted_mechanisms import Honest, OneLabel

HOST = PluginHost(installed=False)


def built_in(kind, name, **params):
    return Subject(HOST.registry(kind).get(name, "here").cls, params)


def bounds(subject, repeats, n):
    """Return what is claimed, and the bounds of many audits that have seeds of their own."""
    neighbours = neighbours_of(subject.problem)
    claim = neighbours.claim
    found = [
        refuting.lower_bound(neighbours.sample, n, claim.delta, first=i * n) for i in range(repeats)
    ]
    return claim.epsilon, np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [Honest, OneLabel])
def test_audits_err_as_rarely_as_they_say(cls, monkeypatch):
    """At a stated error of 5%, of 200 audits at most so many exceed a guarantee that is tight."""
    monkeypatch.setattr(refuting, "ERRS", 0.05)
    claimed, found = bounds(Subject(cls), 200, 300)
    assert found.max() > 0.3 * claimed  # they prove something
    assert (found > claimed).mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.slow
@pytest.mark.parametrize(
    "subject",
    [
        built_in("mechanism", "output-noise", noise="laplace", scale=2.0),
        built_in("mechanism", "metric-privacy", epsilon=2.0),
        built_in("mechanism", "randomized-response", epsilon=1.0),
        built_in("mechanism", "gaussian", sigma=8.0, radius=1.0),
    ],
    ids=lambda subject: subject.name,
)
def test_built_in_mechanisms_are_not_refuted_by_any_of_many_seeds(subject):
    claimed, found = bounds(subject, 25, 600)
    assert (found <= claimed).all()


@pytest.mark.slow
def test_attacks_without_membership_stay_in_the_band(monkeypatch):
    """At a stated error of 5%; targets of a population share shadows, and count as one."""
    monkeypatch.setattr(attacks, "ERRS", 0.05)
    subject = built_in("attack", "calibration")
    outside = []
    for seed in range(200):
        member = subject.problem.membership(np.random.default_rng([seed, 99]))
        scores = subject.problem.run(subject.bound, subject.problem.inputs(member=member), 0)[
            "scores"
        ]
        mean = np.mean([auc(s, m) for s, m in zip(scores, member, strict=True)])
        band = attacks.null_band(int(member[0].sum()), int((~member[0]).sum()), 1)
        outside.append(abs(mean - 0.5) > band)
    assert np.mean(outside) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["entropy", "groundhog"])
def test_the_weakest_attacks_are_far_from_the_least_auc(name):
    """Those of a normal distribution with their mean and deviation are above it, but for 1e-4."""
    subject = built_in("attack", name)
    found = []
    for variant in range(12):
        scores = subject.run(variant=variant)["scores"]
        found.append(auc(scores, subject.problem.inputs(variant).shadow_member))
    assert np.mean(found) - 3.72 * np.std(found, ddof=1) > attacks.LEAST_AUC
