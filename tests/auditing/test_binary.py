"""Models of two classes with a single column of outputs, and which class it is about."""

import numpy as np
import pandas as pd
import pytest
import torch

from privbench.auditing import read_predictions
from privbench.auditing.layout import Layout
from privbench.errors import DataError

RNG = np.random.default_rng(0)
P = RNG.random(80)
LABELS = (RNG.random(80) < P).astype(int)
MADE = {"probs": np.stack([1 - P, P], 1), "labels": LABELS, "member": np.arange(80) % 2}
WORDS = np.array(["no", "yes"])
FORMS = {
    "(records,)": {"probs": P},
    "(records, 1)": {"probs": P[:, None]},
    "(1, records)": {"probs": P[None]},
    "(1, records, 1)": {"probs": P[None, :, None]},
    "a tensor": {"probs": torch.tensor(P)},
    "bool labels": {"probs": P, "labels": LABELS.astype(bool)},
    "1 and 2": {"probs": P, "labels": LABELS + 1},
    "-1 and 1": {"probs": P, "labels": 2 * LABELS - 1},
    "text labels": {"probs": P, "labels": WORDS[LABELS]},
    "a named class": {"probs": P, "labels": WORDS[LABELS], "positive": "yes"},
    "the other class": {"probs": 1 - P, "labels": WORDS[LABELS], "positive": "no"},
    "the class 0": {"probs": 1 - P, "positive": 0},
    "two text columns": {"labels": WORDS[LABELS]},
    "bools and two columns": {"labels": LABELS.astype(bool)},
}


@pytest.mark.parametrize("name", FORMS)
def test_one_column_says_what_two_say(name):
    found, expected = read_predictions(MADE | FORMS[name]), read_predictions(MADE)
    np.testing.assert_allclose(found.log_probs, expected.log_probs, rtol=1e-6)
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_a_logit_is_that_of_the_second_class():
    logits = {n: a for n, a in MADE.items() if n != "probs"} | {"logits": np.log(P / (1 - P))}
    np.testing.assert_allclose(
        read_predictions(logits).log_probs, read_predictions(MADE).log_probs, rtol=1e-5
    )


def test_several_models():
    probs = RNG.random((3, 80))
    member = RNG.random((3, 80)) < 0.5
    found = read_predictions(MADE | {"probs": probs, "member": member})
    assert found.log_probs.shape == (3, 80, 2)
    np.testing.assert_allclose(np.exp(found.log_probs[..., 1]), probs, rtol=1e-5)
    assert any("3 models of two classes" in note for note in found.notes)


def test_reference_records_have_a_single_column_too():
    more = {"probs": P, "reference_probs": P[None, :9], "reference_labels": LABELS[:9]}
    found = read_predictions(MADE | more)
    np.testing.assert_array_equal(found.reference_log_probs, found.log_probs[:, :9])


TABLES = {
    "a name that says nothing": ("score", WORDS, None, P),
    "the class": ("p_yes", WORDS, None, P),
    "the other class": ("p_no", WORDS, None, 1 - P),
    "named": ("score", WORDS, "no", 1 - P),
    "numbers": ("proba", np.arange(2), None, P),
    "class 0": ("p_0", np.arange(2), None, 1 - P),
    "truth": ("p_true", np.array([False, True]), None, P),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_one_column(name):
    column, classes, positive, values = TABLES[name]
    table = pd.DataFrame({column: values, "label": classes[LABELS], "member": MADE["member"]})
    found = read_predictions(table, layout=Layout(positive=positive))
    np.testing.assert_allclose(found.log_probs, read_predictions(MADE).log_probs, rtol=1e-6)
    said = any("is taken to be about class 'yes'" in note for note in found.notes)
    assert said == (name == "a name that says nothing")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"labels": np.arange(80) % 3},
            "3 classes (0, 1, 2), but there must be at least 2 classes",
        ),
        ({"labels": np.full(80, 7)}, "only one class (7)"),
        ({"positive": "maybe"}, "positive: 'maybe' is no class (allowed: 0, 1)"),
    ],
)
def test_a_wrong_column_is_named(arrays, words):
    with pytest.raises(DataError) as error:
        read_predictions(MADE | {"probs": P} | arrays)
    assert words in str(error.value)


def test_membership_of_records_is_that_of_all_models():
    made = MADE | {"probs": RNG.random((3, 80))}
    found = read_predictions(made)
    np.testing.assert_array_equal(found.member, np.repeat([MADE["member"]], 3, axis=0))
    assert any("all 3 models have the same members" in note for note in found.notes)
