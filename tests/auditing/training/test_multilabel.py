"""Training audits of several labels: what labels and models may be, and what comes of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.tree import DecisionTreeClassifier

from privbench.auditing.training.multilabel import Multilabel, has_several
from privbench.errors import DataError


@pytest.fixture
def several():
    """120 records whose four labels are coins: what a model knows of them, it remembers."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 3)), rng.integers(0, 2, (120, 4))


def nearest(x, y, seed):
    """Answers with the labels of the nearest training record, and is surer of the record itself."""
    x, y = np.asarray(x), np.asarray(y)

    def answer(others):
        distance = ((np.asarray(others)[:, None] - x) ** 2).sum(-1)
        sure = np.where(distance.min(1) == 0, 0.95, 0.7)[:, None]
        found = y[distance.argmin(1)]
        return np.where(found == 1, sure, 1 - sure)

    return answer


def deaf(x, y, seed):
    weights = np.random.default_rng(seed).normal(size=(3, 4))
    return lambda x: 1 / (1 + np.exp(-np.asarray(x) @ weights))


def test_a_model_that_remembers_is_found_out_and_one_that_ignores_its_records_is_not(
    audit, several
):
    memory = audit(nearest, *several, models=6, attacks=["loss", "lira", "quantile"])
    assert memory.target.task == "multi-label"
    assert memory.attacks["loss"].summary.auc > 0.95
    assert "classification" in memory.skipped["quantile"]
    null = audit(deaf, *several, models=6, attacks=["loss", "lira"])
    for attack in null.attacks.values():
        low, high = attack.summary.auc_ci
        assert low < 0.5 < high


def test_it_is_the_audit_of_the_same_predictions(audit, several):
    import privbench

    report = audit(nearest, *several, attacks=["lira"])
    target = report.target
    probs = np.exp(target.log_probs[..., 1])
    arrays = {"probs": probs, "labels": target.labels, "member": target.member}
    again = privbench.audit(arrays, attacks=["lira"])
    np.testing.assert_allclose(
        again.attacks["lira"].scores, report.attacks["lira"].scores, rtol=1e-4
    )


@pytest.mark.parametrize(
    "container",
    [
        np.asarray,
        lambda y: y.astype(bool),
        lambda y: pd.DataFrame(y, columns=list("abcd"), index=np.arange(len(y)) + 7),
        torch.tensor,
        np.ndarray.tolist,
    ],
)
def test_labels_in_any_container(audit, several, container):
    x, y = several
    given = container(y)
    assert has_several(given)
    assert not has_several(np.asarray(y)[:, 0])
    task = Multilabel.of(given)
    np.testing.assert_array_equal(task.codes, y)
    got = []

    def train(x, y, seed):
        got.append(y)
        return nearest(x, y, seed)

    audit(train, x, given, models=2, attacks=["loss"])
    assert all(type(one) is type(given) for one in got)
    changed = task.labels(1 - task.codes)
    assert type(changed) is type(given)
    np.testing.assert_array_equal(Multilabel.of(changed).codes, 1 - y)
    assert getattr(changed, "dtype", None) == getattr(given, "dtype", None)


def test_what_models_answer(several):
    x, y = several
    task = Multilabel.of(y)
    forest = RandomForestClassifier(5, random_state=0).fit(x, y)
    expected = np.stack([one[:, 1] for one in forest.predict_proba(x)], axis=1)
    np.testing.assert_allclose(task.ask(forest, x).values, expected, rtol=1e-6)
    one_each = OneVsRestClassifier(DecisionTreeClassifier(max_depth=2, random_state=0)).fit(x, y)
    np.testing.assert_allclose(task.ask(one_each, x).values, one_each.predict_proba(x), rtol=1e-6)
    module = torch.nn.Linear(3, 4)
    logits = task.ask(module, x)
    assert logits.kind == "logits"
    probs = task.ask(torch.nn.Sequential(module, torch.nn.Sigmoid()), x)
    assert probs.kind == "probs"
    both = task.arrays([logits, probs], [logits, probs])["probs"]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-5)


def test_labels_that_a_half_lacks_have_probability_0(several):
    x, y = several
    part = y.copy()
    part[:, 1], part[:, 2] = 0, 1
    forest = RandomForestClassifier(3, random_state=0).fit(x, part)
    values = Multilabel.of(y).ask(forest, x).values
    assert (values[:, 1] == 0).all()
    assert (values[:, 2] == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y * 2, r"y has several columns, whose values must all be 0 or 1"),
        (lambda y: np.eye(4)[y[:, 0]], r"y: label 2 is 0 for all records; leave it out"),
        (lambda y: np.eye(4)[np.arange(120) % 4], r"single 1 in each row.*y\.argmax\(axis=1\)"),
        (lambda y: np.where(np.arange(4) == 3, 1, y), r"y: label 3 is 1 for all records"),
        (lambda y: [[0, 1]] * 60 + [[0, 1, 1]] * 60, r"y has rows of different lengths"),
    ],
)
def test_labels_that_are_not_several(audit, several, change, message):
    x, y = several
    with pytest.raises(DataError, match=message):
        audit(nearest, x, change(y))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: np.zeros((len(x), 3)), r"returned the shape \(120, 3\) .* expected \(120, 4\)"),
        (
            lambda x: np.full((len(x), 4), 1.5),
            r"returned values from 1.5 to 1.5; it must return prob",
        ),
        (lambda x: np.full((len(x), 4), np.nan), r"480 values that are NaN"),
        (None, r"train returned None"),
        (3, r"the model is of type int"),
    ],
)
def test_answers_that_are_no_probabilities(several, model, message):
    x, y = several
    with pytest.raises(DataError, match=message):
        Multilabel.of(y).ask(model, x)


def test_canaries_and_reference_labels(audit, several):
    x, y = several
    report = audit(nearest, x, y, models=6, canaries=0.2, attacks=["loss"])
    canaries = report.canaries
    numbers = canaries.target.record_ids.astype(int)
    assert len(numbers) == round(0.2 * 108)
    assert (canaries.target.labels == 1 - y[numbers]).all()  # each label is wrong
    assert canaries.attacks["loss"].summary.auc > 0.95
    report = audit(nearest, x, y, reference_x=x[:7], reference_y=y[:7], attacks=["rmia"])
    assert report.training.n_reference == 7
    with pytest.raises(DataError, match="reference_y has 3 labels, but y has 4"):
        audit(nearest, x, y, reference_x=x[:7], reference_y=y[:7, :3])
