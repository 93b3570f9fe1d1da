"""Reading files of predictions, and saying what is wrong with one."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from privbench.auditing import Predictions, read_predictions
from privbench.errors import DataError


def softmax(logits):
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def test_npz_and_safetensors_say_the_same(arrays, tmp_path):
    made = arrays()
    np.savez(tmp_path / "a.npz", **made)
    save_file(made, tmp_path / "a.safetensors")
    one, other = (read_predictions(tmp_path / f"a{end}") for end in (".npz", ".safetensors"))
    for field in vars(one):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert one.log_probs.shape == (6, 200, 4)
    assert one.reference_log_probs.shape == (6, 80, 4)


def test_logits_become_log_probabilities(arrays):
    made = arrays()
    found = Predictions.of(made).log_probs
    np.testing.assert_allclose(np.exp(found), softmax(made["logits"]), rtol=1e-4, atol=1e-7)


def test_large_logits_stay_finite(arrays):
    made = arrays(n_models=1)
    made["logits"] = np.sign(made["logits"]) * 60
    assert np.isfinite(Predictions.of(made).log_probs).all()


def test_probs_say_what_logits_say(arrays):
    made = arrays()
    from_logits = Predictions.of(made)
    made["probs"] = softmax(made.pop("logits").astype(float))
    np.testing.assert_allclose(Predictions.of(made).log_probs, from_logits.log_probs, atol=1e-5)


def test_one_model_needs_no_axis_of_models(arrays):
    made = arrays(n_models=1)
    flat = {k: v[0] if v.ndim > 1 else v for k, v in made.items()}
    for field, value in vars(Predictions.of(made)).items():
        np.testing.assert_array_equal(getattr(Predictions.of(flat), field), value)


def test_reference_records_are_optional(arrays):
    made = arrays()
    del made["reference_logits"], made["reference_labels"]
    found = Predictions.of(made)
    assert found.reference_log_probs.shape == (6, 0, 4)
    assert len(found.reference_labels) == 0


def without(name):
    return lambda a: a.pop(name)


def put(name, value):
    return lambda a: a.update({name: value(a) if callable(value) else value})


def edit(name, index, value):
    def change(a):
        a[name] = a[name].copy()
        a[name][index] = value

    return change


WRONG = {
    "no outputs": (without("logits"), ["logits", "probs", "labels, member"]),
    "no labels": (without("labels"), ["labels is missing"]),
    "no member": (without("member"), ["member is missing"]),
    "both": (put("probs", lambda a: softmax(a["logits"])), ["logits and probs"]),
    "NaN": (edit("logits", (0, 1, 2), np.nan), ["logits", "1 values are NaN"]),
    "infinite": (edit("logits", (0, 1, 2), np.inf), ["logits", "infinite"]),
    "axes": (
        put("logits", np.zeros((5, 1, 1, 1))),
        ["logits", "(5, 1, 1, 1)", "(models, records, classes)"],
    ),
    "words": (put("logits", np.array([["a"]])), ["logits", "numbers"]),
    "one class": (put("logits", np.zeros((6, 200, 1))), ["at least 2 classes"]),
    "labels out of range": (edit("labels", 0, 4), ["labels", "0..3", "0..4"]),
    "negative label": (edit("labels", 0, -1), ["labels", "0..3", "-1..3"]),
    "float labels": (put("labels", np.full(200, 0.5)), ["labels", "integers", "float64"]),
    "labels' shape": (put("labels", np.zeros(7, int)), ["labels", "(7,)", "(200,)"]),
    "member's type": (put("member", np.full((6, 200), 2)), ["member", "bool", "0 and 1", "got 2"]),
    "member's shape": (put("member", np.zeros((2, 9), bool)), ["member", "(2, 9)", "(6, 200)"]),
    "all members": (put("member", np.ones((6, 200), bool)), ["every record is a member"]),
    "no members": (put("member", np.zeros((6, 200), bool)), ["every record is a non-member"]),
    "reference models": (
        put("reference_logits", np.zeros((2, 80, 4))),
        ["reference", "(2, 80, 4)", "6 models"],
    ),
    "reference labels": (without("reference_labels"), ["reference_labels is missing"]),
    "ids' shape": (put("record_ids", np.arange(3)), ["record_ids", "(3,)", "(200,)"]),
    "float ids": (put("record_ids", np.arange(200.0)), ["record_ids", "integers or strings"]),
    "ids twice": (put("record_ids", np.zeros(200, int)), ["record_ids", "distinct", "199"]),
    "reference outputs": (
        without("reference_logits"),
        ["there are reference_labels but no reference_logits"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(arrays, case):
    change, words = WRONG[case]
    made = arrays()
    change(made)
    with pytest.raises(DataError) as error:
        Predictions.of(made, "mine.npz")
    for word in ["mine.npz", *words]:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("probs", "words"), [(np.full((6, 200, 4), 0.4), ["sum to one", "0.6"]), (-1, ["negative"])]
)
def test_probs_must_be_probabilities(arrays, probs, words):
    made = arrays()
    made["probs"] = softmax(made.pop("logits"))
    made["probs"] = probs if np.ndim(probs) else made["probs"] * np.array([-1, 1, 1, 1])
    with pytest.raises(DataError) as error:
        Predictions.of(made)
    for word in words:
        assert word in str(error.value)


def test_an_array_that_nobody_reads_is_reported(arrays, caplog):
    Predictions.of(arrays() | {"referense_logits": np.zeros(3)}, "mine.npz")
    assert "referense_logits" in caplog.text
    assert "did you mean 'reference_logits'" in caplog.text


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", logits=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match=r"logits holds Python objects, which are never unp"):
        read_predictions(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"this is no archive at all"])
def test_a_broken_file(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=": not a readable"):
        read_predictions(tmp_path / name)


def test_a_missing_file_and_an_unknown_format(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_predictions(tmp_path / "a.npz")
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(DataError, match=r"unknown format '.xlsx' \(allowed: .csv, .*.npz"):
        read_predictions(tmp_path / "a.xlsx")
    (tmp_path / "a.pkl").touch()
    with pytest.raises(DataError, match=r"a pickle can run any code, and is never read \(allowed"):
        read_predictions(tmp_path / "a.pkl")
    with pytest.raises(DataError, match=r"is a folder; give a file in it"):
        read_predictions(tmp_path)


def test_a_single_array_is_no_archive(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(DataError, match=r"not a readable .npz file; write it with np.savez"):
        read_predictions(tmp_path / "a.npz")
