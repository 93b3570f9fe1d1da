"""The same predictions, from whatever people have them in, are the same; wrong ones are named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

import privbench
from privbench.auditing import read_predictions
from privbench.auditing.layout import Layout
from privbench.errors import DataError

CASES = Path(__file__).parent.parent / "cases"
NAMES = np.array(["ant", "bee", "cat"])


@pytest.fixture(scope="module")
def made():
    """Probabilities of one model for 60 records of three classes, of which it was trained on some."""
    rng = np.random.default_rng(0)
    labels, member = rng.integers(0, 3, 60), rng.random(60) < 0.5
    logits = rng.normal(size=(60, 3))
    logits[np.arange(60), labels] += 1 + 2 * member
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return {"probs": probs, "labels": labels, "member": member}


def table_of(made, names=NAMES, prefix="p_", order=(0, 1, 2)):
    """Return a table of predictions; the columns are in an order of their own."""
    columns = {f"{prefix}{names[k]}": made["probs"][:, k] for k in order}
    labels = names[made["labels"]]
    return pd.DataFrame({**columns, "label": labels, "member": made["member"]})


def tensors_of(made):
    return {name: torch.tensor(array) for name, array in made.items()}


def a_file(write, name):
    def source(made, folder):
        write(made, folder / name)
        return folder / name

    return source


def write_csv(made, path, **options):
    table_of(made).to_csv(path, index=False, **options)


SOURCES = {
    "arrays": lambda made, _: made,
    "tensors": lambda made, _: tensors_of(made),
    "lists": lambda made, _: {name: array.tolist() for name, array in made.items()},
    "series": lambda made, _: made | {n: pd.Series(made[n]) for n in ("labels", "member")},
    "a frame in an array": lambda made, _: made | {"probs": pd.DataFrame(made["probs"])},
    "a model's axis": lambda made, _: made | {"probs": made["probs"][None]},
    "columns of labels": lambda made, _: {n: a.reshape(60, -1) for n, a in made.items()},
    "float labels": lambda made, _: made | {"labels": made["labels"].astype(float)},
    "one-based labels": lambda made, _: made | {"labels": made["labels"] + 1},
    "gappy labels": lambda made, _: made | {"labels": np.array([-5, 7, 40])[made["labels"]]},
    "text labels": lambda made, _: made | {"labels": NAMES[made["labels"]]},
    "objects": lambda made, _: made | {"labels": NAMES.astype(object)[made["labels"]]},
    "named classes": lambda made, _: {
        "probs": made["probs"][:, [2, 0, 1]],
        "labels": NAMES[made["labels"]],
        "member": made["member"],
        "classes": NAMES[[2, 0, 1]],
    },
    "integers for member": lambda made, _: made | {"member": made["member"].astype(np.int8)},
    "floats for member": lambda made, _: made | {"member": made["member"].astype(float)},
    "texts for member": lambda made, _: made | {"member": made["member"].astype(str)},
    "digits for member": lambda made, _: made | {"member": made["member"].astype(int).astype(str)},
    ".npz": a_file(lambda made, path: np.savez(path, **made), "a.npz"),
    ".safetensors": a_file(save_file, "a.safetensors"),
    ".pt": a_file(lambda made, path: torch.save(tensors_of(made), path), "a.pt"),
    ".pth": a_file(lambda made, path: torch.save(tensors_of(made), path), "a.pth"),
    "frame": lambda made, _: table_of(made),
    "frame of categories": lambda made, _: table_of(made).astype({"label": "category"}),
    "frame with an index": lambda made, _: table_of(made).set_index(np.arange(60) * 3 + 1),
    "columns in another order": lambda made, _: table_of(made, order=(2, 0, 1)),
    "other prefix": lambda made, _: table_of(made, prefix="Proba "),
    "no prefix": lambda made, _: table_of(made, prefix=""),
    "suffix": lambda made, _: table_of(made).rename(columns=lambda c: "_".join(c.split("_")[::-1])),
    "columns of integers": lambda made, _: table_of(made, np.arange(3)),
    "other columns": lambda made, _: table_of(made).assign(note="x", age=np.arange(60.0)),
    ".csv": a_file(write_csv, "a.csv"),
    ".csv.gz": a_file(write_csv, "a.csv.gz"),
    ".tsv": a_file(lambda made, path: write_csv(made, path, sep="\t"), "a.tsv"),
    "semicolons": a_file(lambda made, path: write_csv(made, path, sep=";", decimal=","), "a.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_predictions_are_the_same_in_every_form(made, tmp_path, name):
    expected = read_predictions(made)
    found = read_predictions(SOURCES[name](made, tmp_path))
    if name == "columns in another order" or name == "named classes":
        order = [NAMES.tolist().index(one) for one in found.classes]
        np.testing.assert_array_equal(found.log_probs, expected.log_probs[:, :, order])
        np.testing.assert_array_equal(np.array(order)[found.labels], expected.labels)
    else:
        np.testing.assert_array_equal(found.log_probs, expected.log_probs)
        np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.member, expected.member)


def test_a_parquet_file_is_a_table(made, tmp_path):
    pytest.importorskip("pyarrow")
    table_of(made).to_parquet(tmp_path / "a.parquet")
    found = read_predictions(tmp_path / "a.parquet")
    np.testing.assert_array_equal(found.log_probs, read_predictions(made).log_probs)
    assert found.classes == tuple(NAMES)


def test_the_report_is_the_same_bit_by_bit(made, tmp_path):
    forms = ("arrays", ".csv", ".pt", "one-based labels")
    reports = []
    for name in forms:
        source = SOURCES[name](made, tmp_path)
        report = privbench.audit(source, attacks=["loss", "gap"]).to_json()
        del report["inputs"], report["slices"]  # they have names of files and of classes
        reports.append(report)
    assert reports == [reports[0]] * len(forms)
    assert reports[0]["attacks"]["loss"]["auc"] > 0.6


def test_columns_are_given_as_on_the_command_line(made):
    table = table_of(made).assign(q_ant=1.0, q_bee=0.0, q_cat=0.0)
    reports = [
        privbench.audit(table, attacks=["loss"], columns=columns).attacks["loss"].summary.auc
        for columns in ("p_ant,p_bee,p_cat", ["p_ant", "p_bee", "p_cat"])
    ]
    assert reports[0] == reports[1] > 0.5


def test_names_of_columns_and_arrays_are_given(made):
    table = table_of(made).rename(columns={"label": "y", "member": "was in", "p_ant": "x 1"})
    layout = Layout(label="y", member="was in", columns=("x 1", "p_bee", "p_cat"))
    np.testing.assert_array_equal(
        read_predictions(table, layout=layout).log_probs, read_predictions(made).log_probs
    )
    arrays = {"probs": made["probs"], "y": made["labels"], "was in": made["member"]}
    renamed = read_predictions(arrays, layout=Layout(label="y", member="was in"))
    np.testing.assert_array_equal(renamed.labels, made["labels"])


@pytest.mark.parametrize("kind", ["logits", "scores"])
def test_columns_of_logits_are_known_by_their_names_or_values(made, kind):
    logits = np.log(made["probs"]) + 3
    names = [f"logit_{name}" if kind == "logits" else f"{name}_output" for name in NAMES]
    table = pd.DataFrame(logits, columns=names).assign(
        label=NAMES[made["labels"]], member=made["member"]
    )
    found, expected = read_predictions(table), read_predictions(made)
    np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=1e-6)
    assert any(note.startswith("logits: ") for note in found.notes)


def test_lines_of_several_models(made):
    rng = np.random.default_rng(1)
    member = rng.random((3, 60)) < 0.5
    probs = rng.dirichlet(np.ones(3), size=(3, 60))
    tables = [
        table_of({"probs": probs[i], "labels": made["labels"], "member": member[i]}).assign(
            model=f"m{9 - i}", id=[f"r{j}" for j in range(60)]
        )
        for i in range(3)
    ]
    long = pd.concat(tables)
    by_order = read_predictions(long, layout=Layout(model="model"))
    np.testing.assert_allclose(np.exp(by_order.log_probs), probs, atol=1e-6)
    np.testing.assert_array_equal(by_order.member, member)
    assert any("matched by their order" in note for note in by_order.notes)
    # The first model's order is that of the records, whatever the order of the others.
    shuffled = pd.concat([tables[0], tables[1].sample(frac=1, random_state=0), tables[2]])
    by_id = read_predictions(shuffled, layout=Layout(model="model", id="id"))
    np.testing.assert_array_equal(by_id.log_probs, by_order.log_probs)
    assert by_id.record_ids[3] == "r3"
    with pytest.raises(DataError, match=r"column label must be the same for a record in the lines"):
        read_predictions(shuffled, layout=Layout(model="model"))
    with pytest.raises(DataError, match=r"different numbers of lines \(m9: 60, m8: 60, m7: 59\)"):
        read_predictions(long.iloc[:-1], layout=Layout(model="model"))
    with pytest.raises(DataError, match=r"'r59' is only in the lines of one of m9 and m7"):
        read_predictions(long.iloc[:-1], layout=Layout(model="model", id="id"))
    with pytest.raises(
        DataError, match=r"column id must be distinct, but 120 are repeated.*--model"
    ):
        read_predictions(long, layout=Layout(id="id"))


@pytest.mark.parametrize("form", ["arrays", "frame", ".csv"])
def test_a_holdout_without_members(made, tmp_path, form):
    inside = {n: a[made["member"]] for n, a in made.items() if n != "member"}
    outside = {n: a[~made["member"]] for n, a in made.items() if n != "member"}
    if form == "arrays":
        sources = inside, outside
    else:
        tables = [
            table_of(part | {"member": True}).drop(columns="member") for part in (inside, outside)
        ]
        sources = tables
        if form == ".csv":
            sources = tmp_path / "in.csv", tmp_path / "out.csv"
            for path, table in zip(sources, tables, strict=True):
                table.to_csv(path, index=False)
    found = read_predictions(sources[0], holdout=sources[1])
    order = np.argsort(~made["member"], kind="stable")
    np.testing.assert_array_equal(found.log_probs, read_predictions(made).log_probs[:, order])
    np.testing.assert_array_equal(found.member[0], made["member"][order])
    assert found.n_holdout == (~made["member"]).sum()


def test_a_holdout_of_several_models(arrays):
    made = arrays(n_models=3, references=0)
    made = {name: made[name] for name in ("logits", "labels", "member")}
    more = {"logits": made["logits"][:, :50], "labels": made["labels"][:50]}
    found = read_predictions(made, holdout=more)
    assert found.member.shape == (3, 250)
    np.testing.assert_array_equal(found.member[:, :200], made["member"])
    assert not found.member[:, 200:].any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda o: o | {"member": np.ones(9)}, "holdout: member: some records are members"),
        (lambda o: o | {"record_ids": np.arange(9)}, "record_ids must be in both files, or in none"),
        (lambda o: o | {"probs": o["probs"][:, :2]}, r"probs has shape \(9, 2\), which does not go"),
        (lambda o: {"predictions": o["labels"], "targets": o["labels"]}, "holdout: labels is missing"),
        (lambda o: o | {"member": np.full(9, 1j)}, "holdout: must be numbers, strings or bool"),
        (lambda o: {"probs": o["probs"]}, r"holdout: labels is missing \(there are: probs\)"),
        (lambda o: pd.DataFrame(o["labels"]), "the holdout of a table is a table"),
    ],
)  # fmt: skip
def test_a_wrong_holdout(made, change, words):
    others = {"probs": made["probs"][:9], "labels": made["labels"][:9]}
    with pytest.raises(DataError, match=words):
        read_predictions(made, holdout=change(others))


def test_bfloat16_of_a_safetensors_file(made, tmp_path):
    logits = torch.tensor(np.log(made["probs"])).to(torch.bfloat16)
    save_tensors(tensors_of(made) | {"logits": logits}, tmp_path / "both.safetensors")
    with pytest.raises(DataError, match="logits and probs are both given"):
        read_predictions(tmp_path / "both.safetensors")
    tensors = {n: t for n, t in tensors_of(made).items() if n != "probs"}
    save_tensors(tensors | {"logits": logits}, tmp_path / "a.safetensors")
    found = read_predictions(tmp_path / "a.safetensors")
    np.testing.assert_allclose(found.log_probs, read_predictions(made).log_probs, atol=0.05)
    assert str(found.rounding) == "all outputs are numbers of bfloat16, of 8 significant bits"


def test_a_torch_file_is_never_unpickled(tmp_path):
    torch.save({"logits": torch.zeros(3), "model": torch.nn.Linear(1, 1)}, tmp_path / "a.pt")
    with pytest.raises(DataError, match=r"more than tensors.*nothing is unpickled; write it with"):
        read_predictions(tmp_path / "a.pt")
    torch.save(torch.zeros(3), tmp_path / "a.pt")
    with pytest.raises(DataError, match="holds Tensor, expected tensors by name"):
        read_predictions(tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes(b"no such thing")
    with pytest.raises(DataError, match="not a readable file of tensors"):
        read_predictions(tmp_path / "a.pt")


def test_something_else_is_named():
    with pytest.raises(DataError, match=r"int holds no predictions \(allowed: a path, a DataFrame"):
        read_predictions(3)


def test_regression_in_a_table_and_with_a_holdout():
    rng = np.random.default_rng(0)
    predictions, targets, member = rng.normal(size=50), rng.normal(size=50), rng.random(50) < 0.5
    arrays = {"predictions": predictions, "targets": targets, "member": member}
    expected = read_predictions(arrays)
    table = pd.DataFrame(arrays).rename(columns={"predictions": "prediction", "targets": "y"})
    found = read_predictions(table, layout=Layout(label="y"))
    assert found.task == "regression"
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.labels, expected.labels)
    parts = [{n: arrays[n][side] for n in ("predictions", "targets")} for side in (member, ~member)]
    joined = read_predictions(parts[0], holdout=parts[1])
    order = np.argsort(~member, kind="stable")
    np.testing.assert_array_equal(joined.values, expected.values[:, order])
    np.testing.assert_array_equal(joined.member, member[order][None])
