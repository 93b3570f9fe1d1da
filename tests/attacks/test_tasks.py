"""Regression and several labels: what outputs answer, and the attacks that ask, against loops."""

from math import erf, exp, log, pi, sqrt
from statistics import fmean, median

import numpy as np
import pytest

from privbench.attacks.attack_p import AttackP
from privbench.attacks.attack_r import AttackR
from privbench.attacks.auto import Auto
from privbench.attacks.base import View, Views
from privbench.attacks.base_attack import BaseAttack
from privbench.attacks.calibration import Calibration
from privbench.attacks.gap import Gap
from privbench.attacks.info_rmia import InfoRmia
from privbench.attacks.lira import Lira
from privbench.attacks.loss import Loss
from privbench.attacks.outputs import LOG_FLOOR, Outputs
from privbench.attacks.rmia import Rmia
from privbench.attacks.tasks import MultilabelOutputs, RegressionOutputs

from .helpers import auc, outputs_of_logits

N_MODELS, N, REFERENCES, SIGMA = 8, 40, 12, 2.0
ATTACKS = [
    Loss(), AttackP(), AttackR(), Calibration(), BaseAttack(), BaseAttack(mode="offline"), InfoRmia(),
    Rmia(), Rmia(mode="offline", a=0.3), Lira(), Lira(variance="global"), Lira(variance="per-record"),
    Lira(mode="offline"), Lira(mode="offline", variance="global"),
]  # fmt: skip
IDS = [f"{a.name}-{i}" for i, a in enumerate(ATTACKS)]


def regression(seed=0, pull=0.6, flip=1.0, move=0.0, stretch=1.0):
    """Return views of models whose residuals on members are smaller by the share ``pull``."""
    rng = np.random.default_rng(seed)
    member = rng.random((N_MODELS, N)) < 0.5
    targets = 5 * rng.normal(size=N + REFERENCES)
    error = 2 * rng.normal(size=N + REFERENCES) + 0.5 * rng.normal(size=(N_MODELS, N + REFERENCES))
    error[:, :N] *= 1 - pull * member
    targets = flip * stretch * (targets + move)
    return views(
        lambda part: RegressionOutputs(targets[part] + stretch * error[:, part], scale=stretch * SIGMA),
        targets, member, "regression",
    )  # fmt: skip


def labels_of(k, seed=0, pull=2.0):
    """Return views of models of ``k`` labels, and their logits and labels."""
    rng = np.random.default_rng(seed)
    member = rng.random((N_MODELS, N)) < 0.5
    labels = rng.integers(0, 2, (N + REFERENCES, k))
    known = (
        rng.normal(size=(N_MODELS, N + REFERENCES, k)) + rng.normal(size=(N + REFERENCES, k)) + 1
    )
    known[:, :N] += pull * member[..., None]
    logits = known * (2 * labels - 1)
    pair = np.stack([-np.logaddexp(0, logits), -np.logaddexp(0, -logits)], -1).astype(np.float32)
    made = views(
        lambda part: MultilabelOutputs(pair[:, part].argmax(-1), pair[:, part]),
        labels, member, "multi-label",
    )  # fmt: skip
    return made, logits, labels


def views(outputs, labels, member, task):
    pool, reference = slice(0, N), slice(N, None)
    models, on_reference, labels_of_pool = outputs(pool), outputs(reference), labels[pool]
    return Views(
        labels=labels_of_pool, n_classes=0, targets=models, shadows=models, shadow_labels=labels_of_pool,
        shadow_member=member, leave_one_out=True, reference_labels=labels[reference],
        target_reference=on_reference, shadow_reference=on_reference,
        rngs=[np.random.default_rng(i) for i in range(N_MODELS)], task=task,
    )  # fmt: skip


def test_what_outputs_of_regression_answer():
    outputs = RegressionOutputs(np.array([[1.0, 2.0, 500.0], [1.0, 4.0, 3.0]]), scale=2.0)
    y = np.array([1.0, 3.0, 3.0])
    for model in range(2):
        for record in range(3):
            residual = (y[record] - outputs.predicted[model, record]) / 2
            assert outputs.normal_value(y)[model, record] == residual
            expected = max(log(exp(-(residual**2) / 2) or 1e-300), LOG_FLOOR)
            assert outputs.log_prob_of(y)[model, record] == pytest.approx(expected)
            confidence = outputs.scaled_confidence(y)[model, record]
            assert confidence == pytest.approx(-log(max(abs(residual), 1e-6)))
    assert isinstance(outputs[0], RegressionOutputs)
    assert outputs[0].scale == 2.0
    with pytest.raises(TypeError, match="no probabilities"):
        outputs.probabilities()


def test_what_outputs_of_several_labels_answer():
    made, logits, labels = labels_of(3)
    log_prob = made.targets.log_prob_of(made.labels)
    confidence = made.targets.scaled_confidence(made.labels)
    for model in range(N_MODELS):
        for record in range(N):
            p = [
                1 / (1 + exp(-z if y else z))
                for z, y in zip(logits[model, record], labels[record], strict=True)
            ]
            g = (p[0] * p[1] * p[2]) ** (1 / 3)
            assert log_prob[model, record] == pytest.approx(log(g), rel=1e-5)
            assert confidence[model, record] == pytest.approx(log(g / (1 - g)), rel=1e-4)


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
@pytest.mark.parametrize("made", [regression(), labels_of(3)[0]], ids=["regression", "labels"])
def test_all_targets_at_once_and_one_by_one(attack, made):
    together = attack.score_all(made)
    assert np.isfinite(together).all()
    for scores, view in zip(together, made, strict=True):
        np.testing.assert_allclose(scores, attack.score(view), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("attack", [*ATTACKS, Auto()], ids=[*IDS, "auto"])
@pytest.mark.parametrize(
    "change", [{"move": 70.0}, {"stretch": 1000.0}, {"flip": -1.0, "stretch": -1.0}]
)
def test_units_of_targets_do_not_matter(attack, change):
    """Nor where zero is; nor the sign, if residuals change it, too."""
    np.testing.assert_allclose(
        attack.score_all(regression(**change)), attack.score_all(regression()), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("attack", [*ATTACKS, Gap()], ids=[*IDS, "gap"])
def test_the_order_of_labels_does_not_matter(attack):
    made, _, _ = labels_of(4)
    order = [2, 0, 3, 1]

    def permuted(outputs):
        return MultilabelOutputs(outputs.predicted[..., order], outputs.log_probs[..., order, :])

    models, reference = permuted(made.targets), permuted(made.target_reference)
    changed = made.__class__(**vars(made) | {
        "labels": made.labels[:, order], "reference_labels": made.reference_labels[:, order],
        "targets": models, "shadows": models, "target_reference": reference,
        "shadow_reference": reference,
    })  # fmt: skip
    changed = changed.__class__(**vars(changed) | {"shadow_labels": changed.labels})
    np.testing.assert_allclose(
        attack.score_all(changed), attack.score_all(made), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("attack", [*ATTACKS, Gap()], ids=[*IDS, "gap"])
def test_a_single_label_is_binary_classification(attack):
    made, logits, labels = labels_of(1)
    two = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    binary = views(
        lambda part: outputs_of_logits(two[:, part]), labels[:, 0],
        made.shadow_member, "classification",
    )  # fmt: skip
    assert type(binary.targets) is Outputs
    np.testing.assert_allclose(
        attack.score_all(made), attack.score_all(binary), rtol=2e-4, atol=2e-4
    )


def sides(view: View, record: int):
    """Return the residuals of the shadows IN and OUT of a record, and that of the target."""
    of_shadows = (view.labels[record] - view.shadows.predicted[:, record]) / SIGMA
    is_member = view.shadow_member[:, record]
    target = (view.labels[record] - view.target.predicted[record]) / SIGMA
    return of_shadows[is_member].tolist(), of_shadows[~is_member].tolist(), target


def complete(made):
    """Yield the views and records that have at least two shadows on both sides, with scores' place."""
    for target, view in enumerate(made):
        for record in range(N):
            if 2 <= view.shadow_member[:, record].sum() <= N_MODELS - 3:
                yield target, record, *sides(view, record)


def test_lira_on_residuals_against_a_loop():
    made = regression()
    scores = Lira(variance="per-record").score_all(made)
    n = 0
    for target, record, inside, outside, r in complete(made):
        log_p = []
        for values in (inside, outside):
            mean, sd = median(values), np.std(values)
            log_p.append(
                log(exp(-((r - mean) ** 2) / (2 * sd**2)) / sqrt(2 * pi * sd**2) or 1e-300)
            )
        if min(log_p) > -600:
            assert scores[target, record] == pytest.approx(log_p[0] - log_p[1], rel=1e-6, abs=1e-9)
            n += 1
    assert n > 100


def test_offline_lira_on_residuals_is_two_sided():
    made = regression()
    scores = Lira(mode="offline", variance="per-record").score_all(made)
    for target, record, _, outside, r in complete(made):
        mean, sd = median(outside), np.std(outside)
        cdf = [0.5 * (1 + erf((x - mean) / sd / sqrt(2))) for x in (-abs(r), abs(r))]
        outside_probability = cdf[0] + 1 - cdf[1]
        assert exp(scores[target, record]) == pytest.approx(outside_probability, abs=1e-9)


def gaussian(residual):
    return exp(-(residual**2) / 2)


def test_base_and_rmia_with_a_gaussian_against_a_loop():
    made = regression()
    base, info, rmia = (a.score_all(made) for a in (BaseAttack(), InfoRmia(), Rmia()))
    for target, record, inside, outside, r in complete(made):
        view = made[target]
        p_x = (fmean(map(gaussian, inside)) + fmean(map(gaussian, outside))) / 2
        expected = log(gaussian(r) / p_x)
        assert base[target, record] == pytest.approx(expected)
        ratios, gains = [], []
        for z in range(REFERENCES):
            y = view.reference_labels[z]
            given = gaussian((y - view.target_reference.predicted[z]) / SIGMA)
            p_z = fmean(gaussian((y - f) / SIGMA) for f in view.shadow_reference.predicted[:, z])
            ratios.append(given / p_z)
            gains.append(log(p_z / given))
        assert info[target, record] == pytest.approx(expected + fmean(gains))
        share = sum(gaussian(r) / p_x >= ratio for ratio in ratios)
        assert share <= rmia[target, record] * (REFERENCES + 1) <= share + 1


@pytest.mark.parametrize("attack", [*ATTACKS, Auto()], ids=[*IDS, "auto"])
def test_what_pulls_members_is_found_and_nothing_is_not(attack):
    strong = regression(pull=0.9)
    assert auc(attack.score_all(strong), strong.shadow_member) > 0.65
    null = regression(seed=3, pull=0.0)
    assert auc(attack.score_all(null), null.shadow_member) == pytest.approx(0.5, abs=0.12)


def test_models_that_fit_every_member_exactly():
    """A residual of zero is no logarithm of zero."""
    made = regression(pull=1.0)
    for attack in ATTACKS:
        assert np.isfinite(attack.score_all(made)).all()
    assert auc(Lira().score_all(made), made.shadow_member) > 0.99
    offline = Lira(mode="offline").score_all(made)
    assert auc(offline, made.shadow_member) > 0.99


def test_the_share_of_labels_that_are_right():
    made, logits, labels = labels_of(3)
    right = (logits[:, :N] > 0) == labels[:N]
    np.testing.assert_array_equal(Gap().score_all(made), right.mean(-1))
