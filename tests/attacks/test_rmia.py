"""RMIA: against loops from the paper's equations, and the meaning of its parameters."""

import numpy as np
import pytest

from privbench.attacks import moments
from privbench.attacks.rmia import SLOPES, Rmia, best_slope, offline_marginal

from .helpers import auc, outputs_of_phi, random_population, tpr_at, views_of


def label_probabilities(outputs, labels):
    """Return the probability of each record's label."""
    return [np.exp(float(row[y])) for row, y in zip(outputs.log_probs, labels, strict=True)]


def p_of_records(attack, probabilities, member):
    """P(x) from what each shadow says of each record, record by record."""
    columns = list(zip(np.transpose(probabilities), np.transpose(member), strict=True))
    sides = [
        tuple([np.mean(p[inside]) if any(inside) else None for inside in (is_in, ~is_in)])
        for p, is_in in columns
    ]
    if attack.mode == "offline":
        known = [out for _, out in sides if out is not None]
        outs = [np.mean(known) if out is None else out for _, out in sides]
        return [0.5 * ((1 + attack.a) * out + 1 - attack.a) for out in outs]
    gap = np.mean([i - o for i, o in sides if i is not None and o is not None])
    return [
        np.mean([min(o + gap, 1) if i is None else i, max(i - gap, 0) if o is None else o])
        for i, o in sides
    ]


def slow_shares(attack, view):
    """Equations 2, 3 and 10, pair by pair; the log ratios of the records, too."""
    shadows = [label_probabilities(one, view.labels) for one in view.shadows]
    others = [label_probabilities(one, view.reference_labels) for one in view.shadow_reference]
    p_x = p_of_records(attack, shadows, view.shadow_member)
    p_z = np.mean(others, axis=0)  # no shadow was trained on them
    if attack.mode == "offline":
        p_z = 0.5 * ((1 + attack.a) * p_z + 1 - attack.a)
    target = label_probabilities(view.target, view.labels)
    reference = label_probabilities(view.target_reference, view.reference_labels)
    shares = [
        np.mean([(x / px) / (z / pz) >= attack.gamma for z, pz in zip(reference, p_z, strict=True)])
        for x, px in zip(target, p_x, strict=True)
    ]
    return np.array(shares), np.log(target) - np.log(p_x)


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
        Rmia(mode="offline", a=0.3),
        Rmia(mode="offline", a=0.0, gamma=0.5),
        Rmia(mode="offline", a=1.0),
    ],
    ids=str,
)
def test_slow_reference(attack, n_models):
    """With three models, many records have no OUT shadow, or no IN shadow."""
    views = views_of(*random_population(n_models=n_models, n=80, references=33), references=33)
    for scores, view in zip(attack.score_all(views), views, strict=True):
        shares, ratios = slow_shares(attack, view)
        np.testing.assert_array_equal(share_of(scores, 33), shares)
        order = np.lexsort([ratios, shares])
        assert (np.diff(scores[order]) > 0).all()


def share_of(scores, n_reference):
    """The share that scores were made of: what is left of a step is the order within ties."""
    return np.floor(np.asarray(scores) * (n_reference + 1)) / n_reference


def two_records(target, shadow):
    """Return a view of one pool record and one reference record with these label probabilities."""
    odds = [[np.log(p / (1 - p)) for p in pair] for pair in (target, shadow)]
    member = np.zeros((2, 2), dtype=bool)
    return views_of(outputs_of_phi(np.array(odds)), np.zeros(2, int), member, references=1)[0]


def test_gamma_is_the_factor_by_which_the_ratio_must_exceed_the_other():
    view = two_records(target=(0.8, 0.3), shadow=(0.4, 0.5))  # ratios 2 and 0.6
    assert share_of(Rmia(gamma=3.3).score(view), 1)[0] == 1
    assert share_of(Rmia(gamma=3.4).score(view), 1)[0] == 0


def test_equal_ratios_count_at_gamma_one():
    view = two_records(target=(0.5, 0.5), shadow=(0.5, 0.5))
    assert share_of(Rmia(gamma=1.0).score(view), 1)[0] == 1
    assert share_of(Rmia(gamma=1.001).score(view), 1)[0] == 0


def offline_share(view, **parameters):
    return share_of(Rmia(mode="offline", **parameters).score(view), 1)[0]


def test_a_is_the_slope_from_out_to_in_probabilities():
    """Offline p = ((1 + a) out + 1 - a) / 2: at a = 1 the OUT mean itself, at a = 0 halfway to one."""
    view = two_records(target=(0.5, 0.5), shadow=(0.1, 0.4))
    # a = 1: 0.1 and 0.4, so the record has 4 times the reference's ratio; a = 0: 0.55 and 0.7.
    assert offline_share(view, a=1.0, gamma=3.9) == 1
    assert offline_share(view, a=0.0, gamma=3.9) == 0
    assert offline_share(view, a=0.0, gamma=0.69 / 0.55) == 1
    assert offline_share(view, a=0.0, gamma=0.71 / 0.55) == 0


def test_offline_does_not_use_in_shadows():
    models, labels, member = random_population(n_models=5, n=60, references=20)
    changed = models.log_probs.copy()
    changed[1:][member[1:]] = changed[1:][member[1:]][:, ::-1]
    views = [
        views_of(type(models)(models.predicted, log_probs), labels, member, references=20)
        for log_probs in (models.log_probs, changed)
    ]
    for mode, same in (("offline", True), ("online", False)):
        before, after = (Rmia(mode=mode, a=0.3).score(view[0]) for view in views)
        assert np.array_equal(before, after) is same


def test_the_share_comes_first_and_the_log_ratio_decides_among_equal_shares():
    """One reference record: all records exceed it or not, and yet they are all ordered."""
    views = views_of(*random_population(n_models=6, n=100, references=1), references=1)
    scores = Rmia().score_all(views)
    assert all(len(np.unique(row)) == 100 for row in scores)
    assert set(np.unique(share_of(scores, 1))) == {0, 1}


def independent_rows(n_models=16, n=2000, seed=0):
    """Records of very different difficulty, whose probabilities IN and OUT lie far apart."""
    rng = np.random.default_rng(seed)
    member = rng.random((n_models, n + 200)) < 0.5
    member[:, n:] = False
    phi = rng.normal(-3, 2, n + 200) + 3 * member + rng.normal(scale=0.7, size=member.shape)
    return outputs_of_phi(phi), np.zeros(n + 200, int), member


def test_the_number_of_in_shadows_does_not_matter_online():
    """The plain mean grows with the number of a record's IN shadows, and that costs power."""
    models, labels, member = independent_rows()
    views = views_of(models, labels, member, references=200)
    truth = member[:, :-200]
    scores = Rmia().score_all(views)
    p = np.exp(views.targets.log_prob_of(views.labels))
    plain = np.log(p) - np.log((p.sum(axis=0) - p) / (len(p) - 1))
    assert tpr_at(scores, truth, 0.01) > tpr_at(plain, truth, 0.01) + 0.01
    n_in = truth.sum(axis=0) - truth  # of the shadows, for each target
    out_only = np.where(truth, np.nan, scores)
    few, many = (np.nanmean(out_only[n_in <= 5]), np.nanmean(out_only[n_in >= 10]))
    assert few == pytest.approx(many, abs=0.02)


def test_a_is_chosen_on_shadows_by_their_auc():
    views = views_of(*random_population(n_models=9, n=200, references=50), references=50)
    view = views[0]
    shadows, member = view.shadows.log_prob_of(view.labels), view.shadow_member
    areas = []
    for a in SLOPES:
        ratios = np.empty(shadows.shape)
        for s in range(8):
            out = ~member & (np.arange(8) != s)[:, None]
            kept = [np.exp(shadows[out[:, i], i]) for i in range(200)]
            typical = np.mean([p.mean() for p in kept if len(p)])
            mean = np.array([p.mean() if len(p) else typical for p in kept])
            ratios[s] = shadows[s] - np.log(offline_marginal(mean, a))
        areas.append(auc(ratios, member))
    chosen = best_slope(shadows, member)
    assert chosen == SLOPES[np.argmax(areas)]
    np.testing.assert_array_equal(
        Rmia(mode="offline").score(view), Rmia(mode="offline", a=chosen).score(view)
    )


@pytest.mark.parametrize("inside", [True, False])
def test_a_has_a_default_where_nothing_can_be_chosen(inside):
    views = views_of(*random_population(n_models=4, n=30, references=9), references=9)
    views.shadow_member[:] = inside
    np.testing.assert_array_equal(
        Rmia(mode="offline").score_all(views), Rmia(mode="offline", a=0.3).score_all(views)
    )
