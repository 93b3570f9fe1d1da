"""Views with known truth, and the AUC of scores, for the tests of attacks."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.stats import rankdata

from privbench.attacks.base import Answers, View


def auc(scores, member):
    """Area under the ROC curve (Mann-Whitney), ties counted half."""
    scores, member = np.ravel(scores), np.ravel(member)
    n_in, n_out = member.sum(), (~member).sum()
    return (rankdata(scores)[member].sum() - n_in * (n_in + 1) / 2) / (n_in * n_out)


def null_band(n_in, n_out, deviations=4.0):
    """Half the width of the band about 0.5 in which the AUC of scores without signal lies."""
    return deviations * np.sqrt((n_in + n_out + 1) / (12 * n_in * n_out))


def tpr_at(scores, member, fpr):
    """Largest true-positive rate whose false-positive rate is at most ``fpr``."""
    scores, member = np.ravel(scores), np.ravel(member)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # thresholds lie between distinct scores
    tp, fp = np.cumsum(member[order])[last], np.cumsum(~member[order])[last]
    allowed = fp <= fpr * (~member).sum()
    return tp[allowed].max(initial=0) / member.sum()


def log_softmax(logits):
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def answers(logits):
    log_probs = log_softmax(logits).astype(np.float32)
    return Answers(log_probs.argmax(axis=-1), log_probs)


def answers_with_phi(phi):
    """Two-class answers whose scaled confidence in class 0 is ``phi``."""
    return answers(np.stack([phi, np.zeros_like(phi)], axis=-1))


def view_of(models, labels, member, target=0, seed=0, n_classes=None):
    """The view of one target among ``models`` (answers with a leading axis); the others are shadows."""
    others = np.arange(len(member)) != target
    none = Answers(models.predicted[:, :0], models.log_probs[:, :0])
    return View(
        labels=labels,
        n_classes=n_classes or models.log_probs.shape[-1],
        target=select(models, target),
        shadows=select(models, others),
        shadow_labels=labels,
        shadow_member=member[others],
        reference_labels=labels[:0],
        target_reference=select(none, target),
        shadow_reference=select(none, others),
        rng=np.random.default_rng(seed),
    )


def select(models, which):
    return Answers(models.predicted[which], models.log_probs[which])


def permuted(view, order):
    """The same view with the pool's records in another order."""
    return dataclasses.replace(
        view,
        labels=view.labels[order],
        shadow_labels=view.labels[order],
        target=Answers(view.target.predicted[order], view.target.log_probs[order]),
        shadows=Answers(view.shadows.predicted[:, order], view.shadows.log_probs[:, order]),
        shadow_member=view.shadow_member[:, order],
    )


def random_population(n_models=12, n=300, n_classes=5, signal=1.5, seed=0):
    """Models that are surer of the label on records they were trained on, by ``signal``."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    member = rng.random((n_models, n)) < 0.5
    logits = rng.normal(size=(n_models, n, n_classes)) + rng.normal(size=(n, n_classes))
    logits[:, np.arange(n), labels] += 1.0 + signal * member
    return answers(logits), labels, member
