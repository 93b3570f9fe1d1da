"""Where records have copies: attacks without signal, attacks with it, and claims that hold."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.data import Data, DataSpec
from privbench.membership import clean_setting
from privbench.metrics import Influences, Pairs, Roc
from privbench.metrics.roc import auc
from privbench.privacy.audit import AuditedScores, audit
from privbench.privacy.guarantees import Guarantee
from privbench.units import Units

N_MODELS, N_DIFFERENT, COPIES = 16, 60, 6
SPEC = DataSpec(kind="tabular", shape=(1,), n_classes=2, scaled_by="all")


def setting(seed, grouped, n_models=N_MODELS, n=N_DIFFERENT, times=COPIES):
    """Return the setting of a dataset in which every record stands several times."""
    again = np.repeat(np.arange(n), times)
    x = again[:, None].astype(np.float32)
    data = Data(x, again % 2, SPEC, again if grouped else None)
    return clean_setting(data, n_models, int(0.6 * len(again)) // (2 * times) * 2 * times, seed)


def of_value(drawn, rng, leak=0.0):
    """Return scores (models, pool) that depend on a record's value, and on whether it was learned."""
    value = drawn.pool.x[:, 0].astype(int)
    shape = (len(drawn.member), value.max() + 1)
    noise = rng.normal(size=shape) + rng.normal(size=shape[1])
    learned = np.zeros(shape)
    for model, member in enumerate(drawn.member):
        learned[model, np.unique(value[member])] = 1.0
    return (noise + learned * rng.gamma(0.5, 2 * leak, shape[1]))[:, value]


def interval_of(scores, member):
    roc = Roc.of(Pairs.of(scores, member))
    return roc.auc, *Influences.of(scores, member).intervals(roc).auc


def shares_covered(leak, n=100):
    """Return how often intervals over groups, and over records, cover the mean AUC; and that."""
    rng, of_groups, of_records = np.random.default_rng(0), [], []
    for seed in range(n):
        drawn = setting(seed, grouped=True)
        scores, units = of_value(drawn, rng, leak), Units.of(drawn, "records")
        of_groups.append(interval_of(units.scores(scores, add=False), units.member))
        of_records.append(interval_of(scores, drawn.member))
    truth = np.mean(of_groups, axis=0)[0]
    covered = [
        np.mean([low <= truth <= high for _, low, high in found])
        for found in (of_groups, of_records)
    ]
    return *covered, truth


def test_without_signal_intervals_over_groups_cover_a_half():
    of_groups, _, truth = shares_covered(leak=0.0)
    assert truth == pytest.approx(0.5, abs=0.01)
    assert of_groups > 0.91


def test_intervals_that_count_copies_as_news_are_too_narrow():
    of_groups, of_records, truth = shares_covered(leak=4.0)
    assert truth > 0.7
    assert of_groups > 0.91
    assert of_records < 0.85


def test_copies_that_are_drawn_apart_hide_a_leak():
    rng = np.random.default_rng(1)
    apart, together = setting(0, grouped=False), setting(0, grouped=True)
    found = auc(of_value(apart, rng, leak=6.0), apart.member)
    units = Units.of(together, "records")
    scores = units.scores(of_value(together, rng, leak=6.0), add=False)
    assert found < 0.55
    assert auc(scores, units.member) > 0.8


@pytest.mark.parametrize("size", [1, 3])
def test_group_privacy_against_replacing_one_record_after_another(size):
    stated = Guarantee("local-dp", 1.5, 1e-6, "local", "closed form")
    found = stated.of_group(size)
    epsilon, delta = 0.0, 0.0
    for _ in range(size):
        epsilon, delta = epsilon + 1.5, np.exp(1.5) * delta + 1e-6
    assert found.replace_one() == pytest.approx((epsilon, delta))
    added = replace(stated, kind="dp", adjacency="add-remove")
    assert added.of_group(size).replace_one()[0] == pytest.approx(2 * epsilon)


def test_group_privacy_may_leave_nothing():
    stated = Guarantee("dp", 8.0, 1e-5, "add-remove", "pld", profile=((13.0, 1e-5),))
    assert stated.of_group(1) is stated
    assert stated.of_group(3) is None
    curve = replace(stated, profile=((13.0, 1e-5), (20.0, 1e-12))).of_group(2)
    assert curve.profile == ((40.0, pytest.approx(1e-12 * (1 + np.exp(20.0)))),)
    assert curve.replace_one() == curve.profile[0]
    metric = Guarantee("metric-dp", 8.0, 0.0, "local", "closed form")
    assert metric.of_group(3) is metric


def test_a_claim_about_records_that_holds_is_not_refuted_by_their_groups():
    """Each record's membership is told with probability e/(1 + e): epsilon 2 for replacing a record."""
    drawn = setting(0, grouped=True, n_models=16)
    rng = np.random.default_rng(3)
    told = drawn.member ^ (rng.random(drawn.member.shape) > np.e / (1 + np.e))
    units = Units.of(drawn, "records")
    assert units.audited_size == COPIES
    scores = drawn.groups.sizes * replace(drawn.groups, weight=None).scores(
        told.astype(float), add=False
    )
    audited = AuditedScores(
        scores=scores, shadow_scores=scores, split=scores, is_target=np.arange(16) >= 2,
        member=units.member, labels=units.labels, own_coins=False,
    )  # fmt: skip
    stated = Guarantee("dp", 2.0, 0.0, "replace-one", "closed form")

    def p_value(guarantee):
        drawn = [np.random.default_rng(i) for i in (0, 1)]
        return audit(audited, guarantee, pairing=drawn[0], rng=drawn[1])["audit"]["p_value"]

    assert p_value(stated) < 0.001  # as if a coin replaced one record
    of_group = stated.of_group(COPIES)
    assert of_group.epsilon == 2.0 * COPIES
    p = p_value(of_group)
    assert p is None or p > 0.05
