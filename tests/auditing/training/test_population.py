"""Models that are trained are stored one by one; those that fail cost only themselves."""

import logging
import random
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from privbench.errors import BadInput, PrivbenchError
from privbench.seeds import digest

from .models import tree


@pytest.fixture
def counted(tmp_path):
    """Makes a training function that adds a line to a file; it fails for the calls in ``failing``."""
    log = tmp_path / "calls"

    def calls():
        return len(log.read_text().splitlines()) if log.exists() else 0

    def make(failing=(), shift=0):
        def train(x, y, seed):
            number = calls()
            with log.open("a") as file:
                file.write("x\n")
            if number in failing:
                raise RuntimeError("boom")
            return tree(x, y, seed + shift)

        return train

    return make, calls


def content(report):
    return digest([report.attacks["calibration"].scores.tolist(), report.member.tolist()])


def test_what_is_stored_is_not_trained_again(audit, noise, counted):
    make, calls = counted
    first = audit(make(), *noise)
    assert calls() == 4
    assert content(audit(make(), *noise)) == content(first)
    assert calls() == 4
    audit(make(), *noise, models=6)  # the first four are the same
    assert calls() == 6
    audit(make(), *noise, attacks=["loss"])
    assert calls() == 6
    again = audit(make(), *noise, fresh=True)
    assert calls() == 10
    assert content(again) == content(first)


@pytest.mark.parametrize("change", ["x", "y", "seed", "train", "reference", "order"])
def test_whatever_models_depend_on_is_trained_again(audit, noise, counted, change):
    x, y = noise
    make, calls = counted
    audit(make(), x, y)
    other = x.copy()
    other[0, 0] += 1e-9
    labels = np.append(y[:-1], 1 - y[-1])
    changed = {
        "x": lambda: audit(make(), other, y),
        "y": lambda: audit(make(), x, labels),
        "seed": lambda: audit(make(), x, y, seed=1),
        "train": lambda: audit(make(shift=1), x, y),
        "reference": lambda: audit(make(), x, y, reference_x=x[:50], reference_y=y[:50]),
        "order": lambda: audit(make(), x[::-1], y[::-1]),
    }
    changed[change]()
    assert calls() == 8


def test_an_audit_that_was_interrupted_goes_on(audit, noise, counted, tmp_path, caplog):
    make, calls = counted
    plain = make()

    def train(x, y, seed):
        if calls() == 2 and not (tmp_path / "continue").exists():
            raise KeyboardInterrupt
        return plain(x, y, seed)

    with pytest.raises(KeyboardInterrupt):
        audit(train, *noise)
    (tmp_path / "continue").touch()
    caplog.clear()  # another test may have made the log say more
    with caplog.at_level(logging.INFO, "privbench.auditing.training"):
        resumed = audit(train, *noise)
    assert calls() == 4
    first, *others = caplog.messages
    assert first.startswith("2 models to train, on 54 records each: ")
    assert first.endswith(" if they take as long as those stored")
    assert [text.split(" trained")[0] for text in others] == ["model 2: 3/4", "model 3: 4/4"]
    assert content(audit(train, *noise, fresh=True)) == content(resumed)


def test_a_model_that_fails_costs_only_itself(audit, noise, counted):
    make, calls = counted
    report = audit(make(failing=[2]), *noise)
    ((name, reason),) = report.training.failed.items()
    assert name.startswith("model 2 (seed ")
    assert reason.startswith("RuntimeError: boom (test_population.py:")
    assert report.member.shape == (3, 108)
    assert report.training.n_models == 3
    for text in (str(report), report.to_markdown(), report.to_html()):
        assert "failed model 2 (seed " in text
    assert calls() == 4
    assert audit(make(failing=[2]), *noise).training.failed == {}  # only the third was missing
    assert calls() == 5


def test_where_the_first_fails_no_other_is_tried(audit, noise, counted):
    make, calls = counted
    with pytest.raises(
        PrivbenchError, match=r"model 0 \(seed \d+\) failed: RuntimeError: boom \(test_pop"
    ):
        audit(make(failing=range(9)), *noise)
    assert calls() == 1
    with pytest.raises(PrivbenchError, match=r"(?s)model 1.*model 2.*model 3") as caught:
        audit(make(failing=[2, 3, 4]), *noise)
    assert "not tried" not in str(caught.value)
    assert calls() == 5


def test_global_generators_are_seeded_for_each_model_and_restored(audit, noise):
    seen = []

    def train(x, y, seed):
        seen.append((random.random(), np.random.random(), torch.rand(1).item()))
        return tree(x, y, seed)

    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = (random.random(), np.random.random(), torch.rand(1).item())
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    audit(train, *noise)
    assert (random.random(), np.random.random(), torch.rand(1).item()) == expected
    audit(train, *noise, fresh=True)
    assert seen[:4] == seen[4:]
    assert len(set(seen)) == 4


def test_what_training_prints_goes_to_stderr(audit, noise, capsys):
    def train(x, y, seed):
        print("epoch 1")
        return tree(x, y, seed)

    audit(train, *noise)
    out, err = capsys.readouterr()
    assert (out, err.count("epoch 1")) == ("", 4)


def test_what_models_do_to_records_is_their_own_affair(audit, noise):
    x, y = noise
    reference = x[:40].copy()

    def train(x, y, seed):
        model = tree(x, y, seed)
        x[:] = y[:] = 0

        def predict(x):
            answer = model.predict_proba(x)
            x[:] = 0
            return answer

        return predict

    options = {"reference_x": reference, "reference_y": y[:40], "attacks": ["rmia"]}
    spoiling = audit(train, x, y, **options).attacks["rmia"].scores
    assert reference.any()
    assert np.array_equal(spoiling, audit(tree, x, y, **options).attacks["rmia"].scores)


@pytest.mark.slow  # starts processes that import all libraries
def test_worker_processes_give_the_same_and_take_closures(audit, noise, tmp_path):
    depth = 3

    def train(x, y, seed):
        from sklearn.tree import DecisionTreeClassifier

        return DecisionTreeClassifier(max_depth=depth, random_state=seed).fit(x, y)

    alone = audit(train, *noise)
    together = audit(train, *noise, jobs=2, results=tmp_path / "other")
    assert content(together) == content(alone)
    assert together.training.failed == {}


def test_what_cannot_be_sent_to_workers(audit, noise):
    lock = threading.Lock()
    with pytest.raises(BadInput, match=r"train cannot be sent to other processes: .*; use jobs=1"):
        audit(lambda x, y, seed: lock, *noise, jobs=2)


def test_a_damaged_answer_is_trained_again(audit, noise, counted, tmp_path):
    make, calls = counted
    audit(make(), *noise)
    one, *_ = (tmp_path / "results" / "artifacts" / "training-audit").glob("*.safetensors")
    one.write_bytes(one.read_bytes()[:-1])
    audit(make(), *noise)
    assert calls() == 5


def test_torch_is_seeded_where_training_imports_it_first():
    """In a new process, as after an interruption, and in each worker."""
    code = (
        "from privbench.auditing.training.population import seeded\n"
        "draws = []\n"
        "for seed in (1, 2, 1):\n"
        "    with seeded(seed):\n"
        "        import torch\n"
        "        draws.append(torch.rand(1).item())\n"
        "assert draws[0] == draws[2] != draws[1], draws\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
