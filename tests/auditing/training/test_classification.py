"""Labels as classes, and what models answer as probabilities."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC
from torch import nn

from privbench.auditing import Predictions
from privbench.auditing.training.classification import Classification
from privbench.auditing.training.modules import BATCH
from privbench.errors import DataError

Y = np.array(["no", "yes", "no", "maybe"])
X = np.arange(8.0).reshape(4, 2)


@pytest.fixture
def three():
    return Classification.of(Y)


@pytest.fixture
def two():
    return Classification.of([0, 1, 1, 0])


class Columns:
    """An estimator with two of the three classes, in another order."""

    classes_ = np.array(["yes", "maybe"])

    def predict_proba(self, x):
        return np.tile([0.9, 0.1], (len(x), 1))


def test_classes_are_sorted_and_columns_ordered_by_them(three):
    assert three.classes.tolist() == ["maybe", "no", "yes"]
    assert three.codes.tolist() == [1, 2, 1, 0]
    answer = three.ask(Columns(), X)
    assert answer.values == pytest.approx(np.tile([0.1, 0, 0.9], (4, 1)))


@pytest.mark.parametrize(
    "y",
    [
        [3, 1, 3, 7],
        np.array([3.0, 1, 3, 7]),
        pd.Series(["c", "a", "c", "x"], index=[5, 9, 2, 1]),
        pd.Series(["c", "a", "c", "x"], dtype="category"),
        torch.tensor([3, 1, 3, 7]),
        np.array(["c", "a", "c", "x"], dtype=object),
    ],
)
def test_labels_come_back_in_their_container_with_other_classes(y):
    task = Classification.of(y)
    assert task.codes.tolist() == [1, 0, 1, 2]
    same = task.labels(task.codes)
    other = task.labels(np.array([2, 0, 1, 0]))
    assert type(same) is type(other) is type(y)
    assert list(same) == list(y)
    assert Classification.of(other).codes_of(y, "y").tolist() == [1, 0, 1, 2]
    given = list(y)
    assert list(other) == [given[3], given[1], given[2], given[1]]
    if isinstance(y, pd.Series):
        assert other.index.tolist() == y.index.tolist()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", None, "b"], "1 labels are missing"),
        ([0.0, np.nan], "1 labels are missing"),
        (pd.Series(["a", pd.NA], dtype="string"), "1 labels are missing"),
        ([1, 1], "all labels are the same"),
        (np.linspace(0, 1, 50), "50 distinct values, as a regression has"),
        (np.eye(3), r"shape \(3, 3\), expected \(records,\)"),
        (np.ones((3, 1)), r"y.ravel\(\)"),
        (np.array(["a", 1], dtype=object), "mixes labels of the types int, str"),
    ],
)
def test_labels_that_are_no_classes(y, message):
    with pytest.raises(DataError, match=message):
        Classification.of(y)


def test_logits_and_probabilities_of_a_module_give_the_same_predictions(two):
    torch.manual_seed(0)
    logits = nn.Linear(2, 2)
    answers = [two.ask(one, X) for one in (logits, nn.Sequential(logits, nn.Softmax(-1)))]
    assert [answer.kind for answer in answers] == ["logits", "probs"]
    found = [
        Predictions.of(two.arrays([answer], [answer]) | {
            "labels": two.codes, "member": np.array([True, False, True, False]),
            "reference_labels": two.codes,
        })
        for answer in answers
    ]  # fmt: skip
    assert found[0].log_probs == pytest.approx(found[1].log_probs, abs=1e-5)
    mixed = two.arrays(answers, answers)
    assert set(mixed) == {"probs", "reference_probs"}
    assert mixed["probs"][0] == pytest.approx(mixed["probs"][1], abs=1e-6)


def test_one_column_is_the_second_class(two):
    linear = nn.Linear(2, 1)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, -2.0]]))
    answer = two.ask(linear, X)
    assert answer.kind == "logits"
    score = linear(torch.tensor(X, dtype=torch.float32))[:, 0]
    expected = torch.sigmoid(score).detach().numpy()
    probabilities = torch.softmax(torch.tensor(answer.values), -1)[:, 1].numpy()
    assert probabilities == pytest.approx(expected, abs=1e-6)
    as_function = two.ask(lambda x: expected, X)
    assert as_function.values[:, 1] == pytest.approx(expected)
    assert as_function.values.sum(1) == pytest.approx(1)


def test_a_module_is_asked_in_eval_mode_and_batches_and_left_as_it_was(two):
    seen = []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop, self.linear = nn.Dropout(0.9), nn.Linear(2, 2, dtype=torch.float64)

        def forward(self, x):
            seen.append((len(x), self.training, x.dtype, torch.is_grad_enabled()))
            return self.linear(self.drop(x))

    module = Watched().train()
    x = np.ones((BATCH + 3, 2), np.float32)
    values = two.ask(module, x).values
    assert seen == [(BATCH, False, torch.float64, False), (3, False, torch.float64, False)]
    assert module.training
    assert (values == values[0]).all()


def test_lists_of_tensors_and_frames_of_numbers_go_to_a_module(two):
    linear = nn.Linear(2, 2)
    expected = two.ask(linear, X).values
    for x in (torch.tensor(X), [torch.tensor(row) for row in X], pd.DataFrame(X), X.tolist()):
        assert two.ask(linear, x).values == pytest.approx(expected)
    with pytest.raises(DataError, match="lambda x"):
        two.ask(linear, pd.DataFrame({"a": ["b"] * 4}))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda x: np.ones((len(x), 3)) / 3, r"shape \(4, 3\) for 4 records of 2 classes"),
        (lambda x: [[0.5, np.nan]] * 4, "4 values that are NaN"),
        (lambda x: [[0.5, 0.6]] * 4, "off a sum of one by up to 0.1; it must return prob"),
        (lambda x: [[-3.0, 4.0]] * 4, "values from -3 to 4; it must return probabilities"),
        (lambda x: [3.0] * 4, "values from 3 to 3"),
        (lambda x: ["a"] * 4, "values that are no numbers"),
        (lambda x: [np.ones((4, 2))] * 2, "2 arrays, as several outputs have"),
        (7, "the model is of type int"),
        (None, "train returned None"),
        (Ridge(), "type Ridge, which has no predict_proba.*--task regression"),
        (LinearSVC(), "LinearSVC, which has no predict_proba"),
        (nn.Linear(2, 3), r"the module returned the shape \(4, 3\)"),
        (Columns(), "class 'yes', which is not in y .*classes: 0, 1"),
    ],
)
def test_answers_that_are_no_probabilities(two, model, message):
    with pytest.raises(DataError, match=message):
        two.ask(model, X)


def test_classes_are_compared_by_value(two):
    fitted = LogisticRegression().fit(X, [0.0, 1.0, 1.0, 0.0])
    assert two.ask(fitted, X).values == pytest.approx(fitted.predict_proba(X))
    booleans = LogisticRegression().fit(X, [False, True, True, False])
    assert two.ask(booleans, X).values == pytest.approx(fitted.predict_proba(X))
