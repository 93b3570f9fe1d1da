"""Models that are asked about noisy copies of the records, for the attack label-only."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from privbench.attacks.copies import noisy_copies
from privbench.attacks.label_only import LabelOnly
from privbench.auditing.queried import Queried, digests_of
from privbench.auditing.training.classification import Classification
from privbench.auditing.training.queries import Queries, Scale, why_not
from privbench.errors import PrivbenchError

from .models import deaf, nearest

NAMED = {"attacks": ["label-only"], "set": {"label-only.copies": 6}}


@pytest.fixture
def counted(tmp_path):
    """``nearest``, which notes each training."""
    log = tmp_path / "log"
    log.touch()

    def train(x, y, seed):
        with log.open("a") as file:
            file.write(f"{seed}\n")
        return nearest(x, y, seed)

    return train, lambda: len(log.read_text().splitlines())


def test_a_model_that_remembers_is_found_out_by_its_labels_and_a_deaf_one_is_not(audit, noise):
    memory = audit(nearest, *noise, models=8, **NAMED)
    assert memory.attacks["label-only"].summary.auc > 0.7
    null = audit(deaf, *noise, models=8, **NAMED).attacks["label-only"].summary
    assert null.auc_ci[0] < 0.5 < null.auc_ci[1]


def test_scores_are_those_of_models_that_are_there(audit, noise):
    """Against a loop over models that are trained once more, and asked in units of the records."""
    x, y = noise
    x = x * [1.0, 50.0, 0.01] + [0.0, 7.0, 0.0]
    report = audit(nearest, x, y, **NAMED)
    target = report.target
    rows = target.record_ids.astype(int)
    centre, width = x[rows].mean(0), x[rows].std(0)
    attack = LabelOnly(copies=6)
    numbers = ((x[rows] - centre) / width).astype(np.float32)
    phi = []
    for member in target.member:
        model = nearest(x[rows][member], y[rows][member], 0)
        right = (model.predict_proba(x[rows]).argmax(1) == y[rows]).astype(float)
        for copy in noisy_copies(numbers, 6, attack.noise, attack.flips):
            right += model.predict_proba(copy * width + centre).argmax(1) == y[rows]
        phi.append(np.log(right + 0.5) - np.log(7.5 - right))
    phi = np.array(phi)

    class Views:
        shadow_member, leave_one_out = target.member, True

    expected = attack.compare(Views, phi, phi)
    np.testing.assert_allclose(report.attacks["label-only"].scores, expected, atol=1e-9)


def test_queries_are_stored_and_asked_once(audit, noise, counted, caplog):
    train, n_trained = counted
    caplog.set_level("INFO")
    first = audit(train, *noise, **NAMED)
    assert n_trained() == 4
    again = audit(train, *noise, models=5, **NAMED)  # one more, as if the run had been killed
    assert n_trained() == 5
    audit(train, *noise, attacks=["loss"])
    assert n_trained() == 5
    shown = audit(train, *noise, **NAMED).attacks["label-only"]
    np.testing.assert_array_equal(shown.scores, first.attacks["label-only"].scores)
    assert again.attacks["label-only"].scores.shape[0] == 5
    audit(train, *noise, **NAMED | {"set": {"label-only.copies": 7}})  # other queries
    assert n_trained() == 9
    assert (
        "4 models to train, on 54 records each (4 of them again, since they were not" in caplog.text
    )
    assert "1 model to train, on 54 records each: " in caplog.text


def test_what_is_not_named_costs_no_query(audit, noise, counted):
    train, n_trained = counted
    audit(train, *noise, models=2, attacks=["loss"])
    report = audit(train, *noise, models=2, attacks=())
    assert n_trained() == 2
    assert 'name it (attacks=["label-only"])' in report.skipped["label-only"]
    assert "asks each model 32 more times" in report.skipped["label-only"]


def test_an_existing_model_and_canaries(audit, noise):
    x, y = noise
    member = np.arange(120) < 50
    model = nearest(x[member], y[member], 0)
    report = audit(nearest, x, y, model=model, member=member, **NAMED)
    assert len(report.attacks["label-only"].scores) == 1
    assert report.attacks["label-only"].summary.auc > 0.6
    report = audit(nearest, x, y, canaries=0.2, models=6, **NAMED)
    assert report.canaries.attacks["label-only"].scores.shape == (6, 22)


def test_several_labels_and_records_that_take_no_noise(audit, noise):
    x, y = noise
    several = np.stack([y, 1 - y, np.roll(y, 1)], axis=1)

    def half(x, y, seed):
        return lambda x: np.full((len(x), 3), 0.5)

    report = audit(half, x, several, attacks=["label-only", "loss"])
    assert "classification" in report.skipped["label-only"]
    words = pd.DataFrame({"a": x[:, 0], "b": np.where(y, "u", "v")})
    report = audit(lambda x, y, seed: lambda x: np.full(len(x), 0.5), words, y, **NAMED)
    assert "column 'b' of x has no numbers" in report.skipped["label-only"]


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.ones((3, 2)), ""),
        (torch.ones(3, 2), ""),
        (pd.DataFrame({"a": [1.5, 2], "b": [True, False]}), ""),
        (torch.ones(3, 2, dtype=torch.int64), "tensor of torch.int64"),
        (np.array([[1.0, np.nan]]), "missing or infinite"),
        (np.ones(3), r"shape (3,)"),
        (np.array([["a"]]), "no numbers"),
        ([[1, 2]], "of type list"),
        (sparse.csr_matrix(np.ones((2, 2))), "of type csr_matrix"),
    ],
)
def test_what_takes_noise(x, reason):
    assert (reason in why_not(x)) if reason else (why_not(x) == "")


def test_records_come_back_as_they_were():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 60, 40),
            "rich": rng.random(40) < 0.5,
            "coin": rng.integers(0, 2, 40),
            "size": rng.normal(5, 3, 40).astype(np.float32),
        }
    )
    scale = Scale.of(table)
    numbers = scale.numbers(table)
    assert numbers[:, [0, 3]].std(axis=0) == pytest.approx([1, 1], rel=1e-5)
    assert set(np.unique(numbers[:, 1:3])) == {0, 1}
    again = scale.back(numbers)
    assert (
        again.dtypes[["rich", "coin", "size"]].tolist()
        == table.dtypes[["rich", "coin", "size"]].tolist()
    )
    pd.testing.assert_frame_equal(again, table, check_dtype=False, rtol=1e-5)
    images = torch.rand(4, 1, 3, 3) * 255
    scale = Scale.of(images)
    assert (scale.numbers(images).min(), scale.numbers(images).max()) == (0, 1)
    assert torch.allclose(scale.back(scale.numbers(images)), images, atol=1e-3)
    coins = rng.integers(0, 2, (20, 5))
    flipped = Scale.of(coins).back(1 - Scale.of(coins).numbers(coins))
    assert flipped.dtype == coins.dtype
    np.testing.assert_array_equal(flipped, 1 - coins)


def test_a_stored_model_answers_nothing_else(noise):
    x, y = noise
    rows = np.arange(120)
    queries = Queries.of(LabelOnly(copies=2), x, rows, rows[:50])
    queries = pickle.loads(pickle.dumps(queries))  # as they are sent to workers
    task, model = Classification.of(y), nearest(x, y, 0)
    queried = queries.queried([queries.ask(lambda x: task.ask(model, x))])
    (stored,) = queried.models()
    first = next(noisy_copies(queried.records, 2, 0.3, 0.05))
    assert stored.classify(first).shape == (50,)
    with pytest.raises(ValueError, match="were not asked about these records"):
        stored.classify(first + 1)
    for call in (lambda: stored.query(first), stored.module):
        with pytest.raises(TypeError, match="stored"):
            call()
    assert isinstance(queried, Queried)
    assert len(set(digests_of([first, first + 1]))) == 2


def test_a_model_whose_copies_fail_is_named(audit, noise):
    x, y = noise

    def train(given, y, seed):
        def answer(others):
            if not np.isin(np.asarray(others)[:, 0], x[:, 0]).all():
                raise ValueError("no such record")
            return np.full(len(others), 0.5)

        return answer

    with pytest.raises(PrivbenchError, match="no such record"):
        audit(train, x, y, **NAMED)
