"""Views with known membership, and the AUC of scores, for the tests of attacks."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.stats import rankdata

from privbench.attacks.base import View, Views
from privbench.attacks.outputs import LOG_FLOOR, Outputs


def auc(scores, member):
    """Compute the area under the ROC curve (Mann-Whitney), ties counted half."""
    scores, member = np.ravel(scores), np.ravel(member)
    n_in, n_out = member.sum(), (~member).sum()
    return (rankdata(scores)[member].sum() - n_in * (n_in + 1) / 2) / (n_in * n_out)


def null_band(n_in, n_out, deviations=4.0):
    """Return half the width of the band about 0.5 that the AUC of scores without signal stays in."""
    return deviations * np.sqrt((n_in + n_out + 1) / (12 * n_in * n_out))


def tpr_at(scores, member, fpr):
    """Return the largest true-positive rate whose false-positive rate is at most ``fpr``."""
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


def outputs_of_logits(logits):
    log_probs = log_softmax(logits).astype(np.float32)
    return Outputs(log_probs.argmax(axis=-1), log_probs)


def outputs_of_phi(phi):
    """Return two-class outputs whose scaled confidence in class 0 is ``phi``."""
    return outputs_of_logits(np.stack([phi, np.zeros_like(phi)], axis=-1))


def view_of(models, labels, member, target=0, seed=0, n_classes=None):
    """Return the view of one target among ``models`` (outputs with a leading axis).

    All other models are shadows.
    """
    others = np.arange(len(member)) != target
    none = Outputs(models.predicted[:, :0], models.log_probs[:, :0])
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
    return Outputs(models.predicted[which], models.log_probs[which])


def views_of(models, labels, member, *, references=0, shadows=None, leave_one_out=True, seed=0):
    """Return the views of all ``models``, whose last records are the reference records.

    ``member`` is the membership of the shadows, which are the targets themselves unless given. Record i
    is twice the i-th unit vector, and the networks are linear, so that their outputs for it are those
    in ``models``.
    """
    n = len(labels) - references
    pool_labels = labels[:n]
    records = 2 * np.eye(len(labels), dtype=np.float32)
    pool, reference = _parts(models, n)
    networks = networks_of(models)
    shadow_pool, shadow_reference, shadow_networks = pool, reference, networks
    if shadows is not None:
        shadow_pool, shadow_reference = _parts(shadows, n)
        shadow_networks = networks_of(shadows)
    return Views(
        labels=pool_labels,
        n_classes=models.log_probs.shape[-1],
        targets=pool,
        shadows=shadow_pool,
        shadow_labels=pool_labels,
        shadow_member=member[:, :n],
        leave_one_out=leave_one_out,
        reference_labels=labels[n:],
        target_reference=reference,
        shadow_reference=shadow_reference,
        rngs=[np.random.default_rng([seed, target]) for target in range(len(models))],
        records=records[:n],
        reference_records=records[n:],
        target_models=networks,
        shadow_models=shadow_networks,
    )


def _parts(models, n):
    """Return the outputs for the pool's ``n`` records, and for the reference records."""
    return select(models, np.s_[:, :n]), select(models, np.s_[:, n:])


class Network:
    """A linear network without bias, of weight (features, classes)."""

    def __init__(self, weight):
        self.weight = weight.astype(np.float32)

    def query(self, x):
        return outputs_of_logits(x @ self.weight)

    def classify(self, x):
        return self.query(x).predicted

    def module(self):
        linear = torch.nn.Linear(*self.weight.shape, bias=False)
        linear.weight.data = torch.from_numpy(self.weight.T.copy())
        return linear


def networks_of(models):
    return [Network(np.maximum(log_probs, LOG_FLOOR) / 2) for log_probs in models.log_probs]


class Reordered:
    """A generator whose rows are in another order, so that noise follows the records."""

    def __init__(self, rng, order):
        self.rng, self.order = rng, order

    def random(self, size):
        return self.rng.random(size)[self.order]

    def standard_normal(self, size, dtype):
        return self.rng.standard_normal(size, dtype)[self.order]

    def integers(self, high):
        return self.rng.integers(high)


def permuted(view, order, reference_order):
    """Return the view with the pool's and the reference records in another order."""
    labels = view.labels[order]
    return dataclasses.replace(
        view,
        labels=labels,
        shadow_labels=labels,
        target=select(view.target, order),
        shadows=select(view.shadows, np.s_[:, order]),
        shadow_member=view.shadow_member[:, order],
        records=view.records[order],
        reference_labels=view.reference_labels[reference_order],
        target_reference=select(view.target_reference, reference_order),
        shadow_reference=select(view.shadow_reference, np.s_[:, reference_order]),
        reference_records=view.reference_records[reference_order],
        rng=Reordered(view.rng, order),
    )


def label_log_probs(outputs, labels):
    """Return each record's log-probability of its label, as stored."""
    return [float(row[y]) for row, y in zip(outputs.log_probs, labels, strict=True)]


def out_values(view):
    """Return, for each record, the label's log-probability under each of its OUT shadows."""
    shadows = [label_log_probs(shadow, view.labels) for shadow in view.shadows]
    return [
        [s[i] for s, is_in in zip(shadows, view.shadow_member[:, i], strict=True) if not is_in]
        for i in range(len(view.labels))
    ]


def rank(value, others):
    """Return the fraction of ``others`` that are at most ``value``, equal ones counted half."""
    return np.mean([(other < value) + (other == value) / 2 for other in others])


def rounded_population(n_models):
    """Return a population of 90 + 30 records, with outputs so coarse that many are equal."""
    models, labels, member = random_population(n_models=n_models, n=90, n_classes=2, references=30)
    return outputs_of_logits(np.round(2 * models.log_probs)), labels, member


def hard_and_easy_population():
    """Return a population whose records differ far more in difficulty than membership matters."""
    rng = np.random.default_rng(0)
    member = rng.random((12, 400)) < 0.5
    logits = np.zeros((12, 400, 2))
    difficulty = np.abs(30 * rng.normal(size=400))
    logits[..., 0] = 2 * member + 0.5 * rng.normal(size=member.shape) - difficulty
    return outputs_of_logits(logits), np.zeros(400, int), member


def slow_log_odds(rows, member, target_rows, penalty):
    """Fit an L2-penalised logistic regression on standardised features by BFGS; return log-odds."""
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    x, sign = (rows - centre) / spread, np.where(member, 1.0, -1.0)

    def objective(theta):
        margins = sign * (x @ theta[:-1] + theta[-1])
        slope = -sign / (1 + np.exp(margins))
        value = np.logaddexp(0, -margins).sum() + penalty * (theta[:-1] ** 2).sum() / 2
        return value, np.append(x.T @ slope + penalty * theta[:-1], slope.sum())

    theta = minimize(objective, np.zeros(x.shape[1] + 1), jac=True, method="BFGS").x
    return (target_rows - centre) / spread @ theta[:-1] + theta[-1]


def random_population(n_models=12, n=300, n_classes=5, signal=1.5, seed=0, references=0):
    """Return outputs, labels and membership; the label's logit is higher by ``signal`` IN.

    The last ``references`` records are in no training set.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n + references)
    member = rng.random((n_models, n + references)) < 0.5
    member[:, n:] = False
    logits = rng.normal(size=(*member.shape, n_classes)) + rng.normal(size=(len(labels), n_classes))
    logits[:, np.arange(len(labels)), labels] += 1.0 + signal * member
    return outputs_of_logits(logits), labels, member
