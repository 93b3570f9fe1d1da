"""RMIA: against loops from the paper's equations, and the meaning of its parameters."""

import numpy as np
import pytest

from privbench.attacks import moments
from privbench.attacks.rmia import Rmia

from .helpers import outputs_of_phi, random_population, views_of


def label_probabilities(outputs, labels):
    """Return the probability of each record's label."""
    return [np.exp(float(row[y])) for row, y in zip(outputs.log_probs, labels, strict=True)]


def marginal(attack, values, inside):
    """Return p(x) from the shadows' probabilities of one record; None where no shadow may be used."""
    if attack.mode == "online":
        return sum(values) / len(values)
    out = [value for value, is_in in zip(values, inside, strict=True) if not is_in]
    if not out:
        return None
    return 0.5 * ((1 + attack.a) * sum(out) / len(out) + 1 - attack.a)


def slow_rmia(attack, view):
    """Compute equations 2, 3 and 10, pair by pair."""
    shadows = [label_probabilities(shadow, view.labels) for shadow in view.shadows]
    others = [
        label_probabilities(shadow, view.reference_labels) for shadow in view.shadow_reference
    ]
    p_x = [
        marginal(attack, [s[i] for s in shadows], view.shadow_member[:, i])
        for i in range(len(view.labels))
    ]
    typical = np.mean([p for p in p_x if p is not None])
    p_x = [typical if p is None else p for p in p_x]
    p_z = [
        marginal(attack, [s[j] for s in others], [False] * len(others))
        for j in range(len(view.reference_labels))
    ]
    target = label_probabilities(view.target, view.labels)
    reference = label_probabilities(view.target_reference, view.reference_labels)
    return [
        np.mean([(x / px) / (z / pz) >= attack.gamma for z, pz in zip(reference, p_z, strict=True)])
        for x, px in zip(target, p_x, strict=True)
    ]


@pytest.fixture(params=[2**18, 100], ids=["one chunk", "several chunks"])
def _chunks(request, monkeypatch):
    monkeypatch.setattr(moments, "CHUNK", request.param)


@pytest.mark.usefixtures("_chunks")
@pytest.mark.parametrize("n_models", [3, 7])
@pytest.mark.parametrize(
    "attack",
    [
        Rmia(),
        Rmia(gamma=2.0),
        Rmia(mode="offline"),
        Rmia(mode="offline", a=0.0, gamma=0.5),
        Rmia(mode="offline", a=1.0),
    ],
    ids=str,
)
def test_slow_reference(attack, n_models):
    """With three models, many records have no OUT shadow."""
    views = views_of(*random_population(n_models=n_models, n=80, references=33), references=33)
    for scores, view in zip(attack.score_all(views), views, strict=True):
        np.testing.assert_allclose(scores, slow_rmia(attack, view), atol=1e-12)


def two_records(target, shadow):
    """Return a view of one pool record and one reference record with these label probabilities."""
    odds = [[np.log(p / (1 - p)) for p in pair] for pair in (target, shadow)]
    member = np.zeros((2, 2), dtype=bool)
    return views_of(outputs_of_phi(np.array(odds)), np.zeros(2, int), member, references=1)[0]


def test_gamma_is_the_factor_by_which_the_ratio_must_exceed_the_other():
    view = two_records(target=(0.8, 0.3), shadow=(0.4, 0.5))  # ratios 2 and 0.6
    assert Rmia(gamma=3.3).score(view)[0] == 1
    assert Rmia(gamma=3.4).score(view)[0] == 0


def test_equal_ratios_count_at_gamma_one():
    view = two_records(target=(0.5, 0.5), shadow=(0.5, 0.5))
    assert Rmia(gamma=1.0).score(view)[0] == 1
    assert Rmia(gamma=1.001).score(view)[0] == 0


def test_a_is_the_slope_from_out_to_in_probabilities():
    """Offline p = ((1 + a) out + 1 - a) / 2: at a = 1 the OUT mean itself, at a = 0 halfway to one."""
    view = two_records(target=(0.5, 0.5), shadow=(0.1, 0.4))
    # a = 1: 0.1 and 0.4, so the record has 4 times the reference's ratio; a = 0: 0.55 and 0.7.
    assert Rmia(mode="offline", a=1.0, gamma=3.9).score(view)[0] == 1
    assert Rmia(mode="offline", a=0.0, gamma=3.9).score(view)[0] == 0
    assert Rmia(mode="offline", a=0.0, gamma=0.69 / 0.55).score(view)[0] == 1
    assert Rmia(mode="offline", a=0.0, gamma=0.71 / 0.55).score(view)[0] == 0


def test_offline_does_not_use_in_shadows():
    models, labels, member = random_population(n_models=5, n=60, references=20)
    changed = models.log_probs.copy()
    changed[1:][member[1:]] = changed[1:][member[1:]][:, ::-1]
    views = [
        views_of(type(models)(models.predicted, log_probs), labels, member, references=20)
        for log_probs in (models.log_probs, changed)
    ]
    for mode, same in (("offline", True), ("online", False)):
        before, after = (Rmia(mode=mode).score(view[0]) for view in views)
        assert np.array_equal(before, after) is same
