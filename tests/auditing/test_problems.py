"""What is wrong with predictions: all of it in one message, each with what to do."""

import numpy as np
import pandas as pd
import pytest

import privbench
from privbench.auditing import Predictions, read_predictions
from privbench.auditing.layout import Layout
from privbench.errors import DataError


def table(n=40, **columns):
    rng = np.random.default_rng(0)
    p = rng.random(n)
    made = {
        "p_a": p,
        "p_b": 1 - p,
        "label": np.where(rng.random(n) < p, "a", "b"),
        "member": np.arange(n) % 2,
    }
    return pd.DataFrame(made | columns)


def percent(frame):
    shares = frame.rename(columns={"p_a": "a", "p_b": "b"})
    return shares.assign(a=(100 * shares["a"]).round(), b=100 - (100 * shares["a"]).round())


def message(source, **options):
    with pytest.raises(DataError) as error:
        read_predictions(source, **options)
    return str(error.value)


def test_all_problems_of_a_file_are_in_one_message(tmp_path):
    wrong = table()
    wrong["member"] = wrong["member"].map({0: "no", 1: "yes"})
    wrong.loc[[3, 5], "p_a"] = np.nan
    wrong.loc[7, "label"] = None
    wrong["who"] = ["twice", "twice", *map(str, range(38))]
    wrong.to_csv(tmp_path / "wrong.csv", index=False)
    lines = message(str(tmp_path / "wrong.csv"), layout=Layout(id="who")).splitlines()
    assert lines[0] == f"{tmp_path}/wrong.csv: 4 problems:"
    for line, start, advice in zip(
        lines[1:],
        [
            "  - columns p_a, p_b: 2 values are NaN or infinite (p_a: 2), in 2 of 40 records"
            " (lines 5, 7)",
            "  - column label: no label in 1 of 40 records (line 9)",
            "  - column member must be bool, or 0 and 1, got 'no', 'yes' in 40 of 40 records"
            " (lines 2, 3, 4, 5, 6 and 35 more)",
            "  - column who must be distinct, but 1 are repeated, such as 'twice', in 1 of 40"
            " records (line 3)",
        ],
        ["ask the models again", "give the labels", "save true or 1", "leave out records"],
        strict=True,
    ):
        assert line.startswith(start), line
        assert advice in line


def test_all_problems_of_arrays_are_in_one_message(arrays):
    made = arrays(n_models=1)
    made["logits"][0, 3, 1] = np.nan
    made["labels"] = made["labels"] - 7.5
    made |= {"member": made["member"] + 1, "record_ids": np.zeros(3), "reference_labels": 3}
    with pytest.raises(DataError) as error:
        Predictions.of(made, "mine", columns=["age"])
    for words in [
        "mine: 6 problems", "logits: 1 values are NaN", "(record 3)", "labels must be classes",
        "reference_labels has shape ()", "member must be bool, or 0 and 1, got 2",
        "record_ids must be integers or strings", "there is no array 'age' to slice by",
    ]:  # fmt: skip
        assert words in str(error.value)


@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, "yes", "2", ""])
def test_membership_is_0_and_1_and_nothing_else(value):
    wrong = table()
    wrong["member"] = wrong["member"].astype(object)
    wrong.loc[1, "member"] = value
    if isinstance(value, str):
        wrong["member"] = wrong["member"].astype(str)
    shown = "no value" if value != value or value == "" else repr(value)
    expected = f"column member must be bool, or 0 and 1, got {shown} in 1 of 40 records (record 1)"
    assert expected in message(wrong).replace("2.0", "2").replace("-1.0", "-1")


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda t: t.drop(columns="label"), {}, ["column label is missing", "--label", "p_a"]),
        (lambda t: t, {"label": "lable"}, ["column lable is missing; did you mean 'label'?"]),
        (lambda t: t, {"member": "was_in"}, ["column was_in is missing", "--member"]),
        (lambda t: t.drop(columns="member"), {}, ["column member is missing", "--member", "--holdout"]),
        (lambda t: t, {"id": "who"}, ["column who is missing", "--id"]),
        (lambda t: t, {"model": "net"}, ["column net is missing", "--model"]),
        (lambda t: t, {"columns": ("p_a", "p_c")}, ["no column 'p_c'; did you mean 'p_b'?"]),
        (lambda t: t, {"columns": ("p_a", "label")}, ["'label' must be a column of numbers"]),
        (lambda t: t.assign(p_a=2.0, p_b=-1.0), {}, ["columns p_a, p_b has negative values"]),
        (lambda t: t.assign(p_a=0.7, p_b=0.7), {}, ["must sum to one", "0.4", "logit_..."]),
        (lambda t: t[["p_a", "p_a", "p_b", "label", "member"]], {}, ["p_a occurs more than once"]),
        (lambda t: t.assign(q_a=0.5, q_b=0.5), {}, ["--columns p_a,p_b or q_a,q_b"]),
        (lambda t: t.rename(columns={"p_b": "p_c"}), {}, ["p_a seems to be about class a", "about b"]),
        (lambda t: t.assign(label=np.arange(40)), {}, ["which columns are the prob", "40 classes"]),
        (lambda t: t.drop(columns=["p_a", "p_b"]), {}, ["no column of numbers", "predict_proba"]),
        (lambda t: t.assign(label=np.arange(40)), {}, ["for regression, call the columns prediction"]),
        (lambda t: percent(t), {}, ["columns a, b: look like percentages: divide them by 100"]),
        (lambda t: percent(t)[["a", "label", "member"]], {}, ["column", "look like percentages"]),
        (lambda t: t.assign(member=True), {}, ["every record is a member", "--holdout FILE"]),
        (lambda t: t.assign(member=0), {}, ["every record is a non-member"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_named(change, options, words):
    found = message(change(table()), layout=Layout(**options))
    for word in words:
        assert word in found


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.eye(3, dtype=int)[[0, 1, 2, 0]]}, ["single 1", "argmax(axis=1)"]),
        ({"labels": ["a", "b", "a", "b"]}, ["2 classes (a, b), but", "3 columns", "`classes`"]),
        ({"labels": [0, 1, 7, 0], "classes": ["0", "1", "2"]}, ["7 is none of the classes"]),
        ({"classes": ["a", "b"]}, ["classes has 2 classes (a, b), expected 3 distinct ones"]),
        ({"labels": [{}, 1, 2, 3]}, ["labels must be numbers, strings or bool, got obj"]),
        ({"labels": ["a", None, "b", "c"]}, ["no label in 1 of 4 records (record 1)"]),
        ({"probs": [[1.0], [0.5, 0.5]]}, ["probs: its parts have different lengths"]),
        ({"probs": np.array([0.5, 1.5, 0.2, 0.1])}, ["2 classes", "values up to 1.5", "percent"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_arrays_is_named(arrays, words):
    made = {"probs": np.full((4, 3), 1 / 3), "labels": [0, 1, 2, 0], "member": [1, 0, 1, 0]}
    with pytest.raises(DataError) as error:
        Predictions.of(made | arrays)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("name", ["columns", "model"])
def test_options_of_tables_do_not_go_with_arrays(arrays, name):
    layout = Layout(columns=("a",)) if name == "columns" else Layout(model="m")
    assert f"--{name} is for tables" in message(arrays(), layout=layout)


def test_the_option_for_a_missing_column_of_groups_is_named():
    with pytest.raises(
        DataError, match=r"column who is missing.* name it with slices=... or groups="
    ):
        privbench.audit(table(), groups="who")


@pytest.mark.parametrize("prefix", ["", "logit_"])
def test_logits_are_not_taken_for_percentages(prefix):
    frame = table().rename(columns={"p_a": f"{prefix}a", "p_b": f"{prefix}b"})
    a, b = f"{prefix}a", f"{prefix}b"
    if prefix:  # sums of 100, but called logits
        frame[a], frame[b] = 100 * frame[a], 100 - 100 * frame[a]
    else:
        frame[a] *= 100
    assert read_predictions(frame).notes[0] == f"logits: {a}, {b}"
