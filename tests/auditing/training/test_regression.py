"""Training audits of regression: targets, what models may be, and what comes of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.neighbors import KNeighborsRegressor

from privbench.auditing.training.regression import Regression, are_targets
from privbench.errors import BadInput, DataError


@pytest.fixture
def numbers():
    """120 records whose targets are noise: what a model knows of them, it remembers."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 3)), rng.normal(size=120)


def nearest(x, y, seed):
    return KNeighborsRegressor(1).fit(x, y)


def deaf(x, y, seed):
    weights = np.random.default_rng(seed).normal(size=3)
    return lambda x: np.asarray(x) @ weights


def test_a_model_that_remembers_is_found_out_and_one_that_ignores_its_records_is_not(
    audit, numbers
):
    memory = audit(nearest, *numbers, models=6, attacks=["loss", "lira", "gap"])
    assert memory.target.task == "regression"
    assert memory.attacks["loss"].summary.auc == 1
    assert "classification" in memory.skipped["gap"]
    null = audit(deaf, *numbers, models=6, attacks=["loss", "lira"])
    for attack in null.attacks.values():
        low, high = attack.summary.auc_ci
        assert low < 0.5 < high


def test_what_is_stored_is_used_again_with_other_attacks(audit, numbers, tmp_path):
    log = tmp_path / "log"

    def train(x, y, seed):
        with log.open("a") as file:
            file.write(f"{seed}\n")
        return nearest(x, y, seed)

    first = audit(train, *numbers)
    again = audit(train, *numbers, attacks=["calibration", "loss"])
    assert len(log.read_text().splitlines()) == 4
    assert first.attacks["calibration"].summary == again.attacks["calibration"].summary


def test_an_existing_model_is_the_target(audit, numbers):
    x, y = numbers
    member = np.arange(120) < 50
    report = audit(
        nearest, x, y, model=nearest(x[member], y[member], 0), member=member, attacks=["loss"]
    )
    assert report.target.values.shape[0] == 1
    assert report.attacks["loss"].summary.auc == 1


@pytest.mark.parametrize("wrap", [list, pd.Series, torch.tensor, np.asarray])
def test_targets_stay_in_their_container(wrap):
    task = Regression.of(wrap([0.5, 1.5, 2.0]))
    assert type(task.labels(task.codes)) is type(wrap([0.5]))


def test_which_labels_are_targets():
    rng = np.random.default_rng(0)
    assert are_targets(rng.normal(size=50))
    assert are_targets(np.arange(2000))
    assert not are_targets(np.arange(50) % 10)
    assert not are_targets(rng.choice([0.5, 1.5], 50))  # two values are classes
    assert not are_targets(np.array(["a", "b"]))


def test_modules_and_columns_are_asked(numbers):
    task = Regression.of(numbers[1])
    x = torch.zeros(5, 3)
    assert task.ask(torch.nn.Linear(3, 1), x).values.shape == (5,)
    assert task.ask(lambda x: np.ones((len(x), 1)), x).values.tolist() == [1] * 5


def test_bad_input(audit, numbers):
    x, y = numbers
    with pytest.raises(BadInput, match=r"canaries=0.1: .* regression"):
        audit(nearest, x, y, canaries=0.1)
    with pytest.raises(
        BadInput, match=r"task 'ranking' .allowed: auto, classification, regression"
    ):
        audit(nearest, x, y, task="ranking")
    with pytest.raises(DataError, match="targets are numbers"):
        audit(nearest, x, ["a", "b"] * 60, task="regression")
    with pytest.raises(DataError, match="1 targets are missing"):
        Regression.of([1.0, np.nan, 2.5])
    task = Regression.of(y)
    with pytest.raises(DataError, match=r"returned the shape \(5, 2\) for 5 records"):
        task.ask(lambda x: np.ones((len(x), 2)), x[:5])
    with pytest.raises(DataError, match="2 values that are NaN"):
        task.ask(lambda x: np.full(2, np.nan), x[:2])
    with pytest.raises(DataError, match=r"type int .allowed: a torch module"):
        task.ask(3, x)


def test_a_train_that_returns_nothing_is_told():
    with pytest.raises(DataError, match="train returned None; is a `return` missing"):
        Regression.of([0.5, 1.5]).ask(None, np.zeros((2, 1)))
