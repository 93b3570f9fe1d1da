"""``privbench.audit_training``: who is trained on what, and what comes of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import privbench
from privbench.errors import BadInput, DataError, PrivbenchError

from .models import Nearest, deaf, nearest, tree


def recorded(train, path):
    """The same function, which writes the rows (first column) and the seed of each call to a file."""

    def train_and_record(x, y, seed):
        with path.open("a") as file:
            file.write(f"{seed} {','.join(str(int(v)) for v in np.asarray(x)[:, 0])}\n")
        return train(x, y, seed)

    return train_and_record


def calls(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(a), [int(v) for v in b.split(",")]) for a, b in map(str.split, lines)]


def nearest_by_name(x, y, seed):
    return KNeighborsClassifier(1).fit(x, y)


@pytest.fixture
def numbered(noise):
    """Records whose first column is their number."""
    x, y = noise
    return np.column_stack([np.arange(120.0), x]), y


def test_a_model_that_remembers_is_found_out_and_one_that_ignores_its_records_is_not(audit, noise):
    memory = audit(nearest, *noise, models=6, attacks=["loss", "calibration"])
    assert memory.attacks["loss"].summary.auc == 1
    assert memory.attacks["calibration"].summary.auc > 0.9
    assert memory.train_accuracy == 1
    null = audit(deaf, *noise, models=6, attacks=["calibration", "lira"])
    for attack in null.attacks.values():
        low, high = attack.summary.auc_ci
        assert low < 0.5 < high
        assert high - low < 0.3


def test_each_model_gets_a_half_of_its_own_and_its_own_seed(audit, numbered, tmp_path):
    x, y = numbered
    log = tmp_path / "log"
    report = audit(recorded(tree, log), x, y)
    seen = calls(log)
    held_out = set(range(120)) - {int(name) for name in report.target.record_ids}
    assert len(held_out) == 12
    assert len({seed for seed, _ in seen}) == 4
    for row, (_, rows) in zip(report.member, seen, strict=True):
        assert len(rows) == 54
        assert [int(v) for v in report.target.record_ids[row]] == rows
        assert not held_out & set(rows)
    assert len({tuple(rows) for _, rows in seen}) == 4
    assert report.training.n_members == 54
    assert (report.training.n_reference, report.training.held_out) == (12, True)


def test_an_existing_model_is_attacked_with_shadows_of_its_size(audit, numbered, tmp_path):
    x, y = numbered
    member = np.arange(120) < 80
    log = tmp_path / "log"
    model = Nearest(x[member], y[member])
    report = audit(recorded(nearest, log), x, y, model=model, member=member, attacks=["loss"])
    assert [len(rows) for _, rows in calls(log)] == [80] * 4
    assert report.shadows == "same records"
    assert len(report.target) == 1
    names = report.target.record_ids.astype(int)
    assert (report.member[0] == member[names]).all()
    assert report.training.n_reference == 4  # a tenth of the 40 that the model was not trained on
    assert report.attacks["loss"].summary.auc == 1


def test_reference_records_of_ones_own_are_never_trained_on(audit, numbered, tmp_path):
    x, y = numbered
    log = tmp_path / "log"
    report = audit(
        recorded(tree, log), x[:100], y[:100], reference_x=x[100:], reference_y=y[100:],
        attacks=["rmia", "attack-p"],
    )  # fmt: skip
    assert max(max(rows) for _, rows in calls(log)) < 100
    assert report.target.reference_labels.tolist() == y[100:].tolist()
    assert (report.training.n_reference, report.training.held_out) == (20, False)
    assert set(report.attacks) == {"rmia", "attack-p"}


@pytest.mark.parametrize(
    "convert",
    [
        lambda x, y: (x.tolist(), y.tolist()),
        lambda x, y: (pd.DataFrame(x), pd.Series(y)),
        lambda x, y: (torch.tensor(x), torch.tensor(y)),
        lambda x, y: (x, np.array(["no", "yes"])[y]),
        lambda x, y: (x, y.astype(bool)),
    ],
    ids=["lists", "frames", "tensors", "texts", "bools"],
)
def test_the_container_of_records_changes_nothing(audit, noise, convert):
    def scores(x, y):
        return audit(tree, x, y).attacks["calibration"].scores

    assert np.array_equal(scores(*convert(*noise)), scores(*noise))


def test_the_order_of_columns_changes_nothing_for_neighbours(audit, noise):
    x, y = noise
    one, two = (audit(nearest, of_x, y).to_json() for of_x in (x, x[:, ::-1]))
    assert one["attacks"] == two["attacks"]


def test_a_pipeline_gets_texts_and_holes_as_they_are(audit, noise):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    x, y = noise
    frame = pd.DataFrame({"age": x[:, 0], "town": np.where(x[:, 1] > 0, "a", "b")})
    frame.loc[::5, "age"] = np.nan
    frame.loc[::7, "town"] = None

    def train(x, y, seed):
        encode = make_column_transformer(
            (SimpleImputer(), ["age"]), (OneHotEncoder(handle_unknown="ignore"), ["town"])
        )
        return make_pipeline(encode, DecisionTreeClassifier(random_state=seed)).fit(x, y)

    report = audit(train, frame, y, slices=["town"])
    assert report.train_accuracy > 0.9
    assert {one.value for one in report.slices if one.column == "town"} == {"a", "b", "nan"}


def test_a_class_that_a_half_lacks_gets_probability_zero(audit, noise):
    x, y = noise
    y = y.copy()
    y[5] = 2  # one record: the halves without it know two classes
    report = audit(lambda x, y, seed: DecisionTreeClassifier().fit(x, y), x, y, models=6,
                   reference_x=x, reference_y=y)  # fmt: skip
    lacks = ~report.member[:, 5]
    assert lacks.any()
    assert not lacks.all()
    assert np.isneginf(report.target.log_probs[lacks][..., 2]).all()
    assert (report.target.log_probs[~lacks][:, 5].argmax(-1) == 2).all()


def test_canaries_are_a_block_of_their_own(audit, noise, tmp_path):
    x, _ = noise
    y = (x[:, 0] > 0).astype(int)  # simple, so that only wrong labels must be remembered
    report = audit(tree, x, y, models=6, canaries=0.2)
    numbers = report.canaries.target.record_ids.astype(int)
    assert len(numbers) == round(0.2 * 108)
    assert (report.canaries.target.labels == 1 - y[numbers]).all()
    assert (report.target.labels == y[report.target.record_ids.astype(int)]).all()
    found = report.canaries.attacks["calibration"].summary.auc
    assert found > report.attacks["calibration"].summary.auc
    assert "canaries (records with a wrong label" in str(report)
    assert report.to_json()["canaries"]["attacks"]["calibration"]["auc"] == found
    assert "The worst case" in report.to_html()
    assert "canaries (records" in report.to_markdown()


def test_the_same_model_each_time_is_said(audit, noise):
    once = tree(*noise, 0)
    report = audit(lambda x, y, seed: once, *noise)
    assert report.attacks["calibration"].summary.auc == pytest.approx(0.5, abs=0.1)
    for text in (str(report), report.to_markdown(), report.to_html(), report._repr_html_()):
        assert "all models answer the same" in text
    assert audit(tree, *noise).training.remarks == []


def test_slices_and_attacks_are_checked_before_training(audit, noise, tmp_path):
    log = tmp_path / "log"
    train = recorded(tree, log)
    with pytest.raises(BadInput, match="did you mean 'lira'"):
        audit(train, *noise, attacks=["lyra"])
    with pytest.raises(BadInput, match=r"lira.mod"):
        audit(train, *noise, attacks=["lira"], set={"lira.mod": "offline"})
    with pytest.raises(DataError, match="no column 'age'"):
        audit(train, *noise, slices=["age"])
    with pytest.raises(DataError, match="model: the model is of type int"):
        audit(train, *noise, model=7, member=np.arange(120) < 60)
    with pytest.raises(DataError, match="model: NotFittedError: This DecisionTreeClassifier"):
        audit(train, *noise, model=DecisionTreeClassifier(), member=np.arange(120) < 60)
    assert calls(log) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": 1}, "models must be an integer of at least 2, got 1"),
        ({"jobs": 0}, "jobs must be"),
        ({"canaries": 0.5}, "canaries must be a share"),
        ({"canaries": 0.001}, "makes 0 canaries"),
        ({"member": np.ones(120, bool)}, "model and member belong together"),
        ({"reference_x": np.ones((3, 3))}, "reference_x and reference_y belong together"),
        ({"reference_x": np.ones((3, 3)), "reference_y": [0, 1, 9]}, "reference_y: the label 9 "),
        ({"reference_x": np.ones((3, 3)), "reference_y": [0, 1]}, "reference_x has 3 records"),
        ({"model": deaf, "member": np.ones(120, bool)}, "was trained on every record"),
        ({"model": deaf, "member": np.arange(120)}, "member must be a mask"),
        ({"model": deaf, "member": [True]}, r"member has the shape \(1,\)"),
    ],
)
def test_bad_arguments(audit, noise, options, message):
    with pytest.raises(BadInput, match=message):
        audit(tree, *noise, **options)


def test_bad_functions_and_data(audit, noise):
    x, y = noise
    with pytest.raises(BadInput, match=r"train\(x, y, seed\)"):
        audit(lambda x, y: None, x, y)
    with pytest.raises(BadInput, match="train is a DecisionTreeClassifier"):
        audit(tree(x, y, 0), x, y)
    with pytest.raises(DataError, match="x has 120 records, but y has 119 labels"):
        audit(tree, x, y[1:])
    with pytest.raises(DataError, match="at least 20"):
        audit(tree, x[:10], y[:10])
    with pytest.raises(PrivbenchError, match="the other 3 were not tried") as caught:
        audit(lambda x, y, seed: 1 / 0, x, y)
    assert "audit(lambda x, y, seed: 1 / 0, x, y)" in caught.value.__notes__[0]


def test_the_name_is_public():
    assert "audit_training" in privbench.__all__


def test_records_and_classes_have_the_names_that_the_user_gave(audit, noise):
    x, y = noise
    wealth = np.where(y == y[0], "rich", "poor")
    report = audit(nearest_by_name, x, wealth, models=8, attacks=["base"])
    assert {one.value for one in report.slices if one.column == "class"} == {"rich", "poor"}
    page = report.to_html()
    assert "numbered from 0 in the order of <code>x</code>" in page
    assert "identifier" not in page
    for one in report.attacks["base"].record_risk["most_exposed"]:
        number = int(report.target.record_ids[one["record"]])
        assert f'<th scope="row" class="n">{number}</th><td class="n">{wealth[number]}</td>' in page


def test_what_was_stored_is_said_after_the_bar(audit, noise, caplog, monkeypatch):
    shown = []
    monkeypatch.setattr("tqdm.auto.tqdm.close", lambda bar: shown.append("closed"))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for _ in range(2):
        with caplog.at_level("INFO"):
            audit(deaf, *noise, models=2, attacks=["loss"])
    assert caplog.messages[-1] == "all 2 models were stored"
    assert len(shown) >= 2
