"""Copies of records, and records that belong together, in all formats of user files."""

import logging

import numpy as np
import pytest
from pydantic import ValidationError

from privbench.data import Data, DataSpec
from privbench.datasets.copies import joined, without_copies
from privbench.datasets.csv import Csv
from privbench.datasets.image_folder import ImageFolder
from privbench.datasets.loading import Datasets, problem_of
from privbench.datasets.npz import Npz
from privbench.errors import DataError

SPEC = DataSpec("tabular", (1,), 2)
TABLE = "who,age,y\nann,1,a\nbob,2,b\nann,3,a\neve,2,b\nbob,4,a\n"


def data(x, groups=None):
    x = np.array(x, dtype=np.float32)[:, None]
    groups = None if groups is None else np.array(groups)
    return Data(x, np.zeros(len(x), np.int64), SPEC, groups)


def table(tmp_path, text=TABLE, **params):
    (tmp_path / "my.csv").write_text(text)
    return Csv(path=str(tmp_path / "my.csv"), label="y", **params).load()


def arrays(tmp_path, **given):
    names = ("x", "y", "who")
    np.savez(tmp_path / "my.npz", **{name: given[name] for name in names if name in given})
    params = {name: value for name, value in given.items() if name not in names}
    return Npz(path=str(tmp_path / "my.npz"), **params).load()


def test_copies_are_one_group_and_all_else_is_alone():
    found, text = without_copies(data([5, 7, 5, 8, 7, 5]), "group")
    assert found.groups.tolist() == [0, 1, 0, 2, 1, 0]
    assert len(found) == 6
    assert "5 of 6 records stand there more than once; copies are members together, in 3" in text


def test_groups_are_joined_with_copies_against_a_search():
    rng = np.random.default_rng(0)
    for _ in range(30):
        first, second = rng.integers(0, 6, (2, 12))
        found = joined(first, second)
        for start in range(12):
            reached = {start}
            while more := {
                i
                for i in range(12)
                for j in reached
                if i not in reached and (first[i] == first[j] or second[i] == second[j])
            }:
                reached |= more
            assert set(np.flatnonzero(found == found[start])) == reached


def test_without_copies_there_are_no_groups():
    """So that the option changes no result where it has nothing to do."""
    given = data([1, 2, 3])
    found, text = without_copies(given, "group")
    assert found is given
    assert text == ""


def test_copies_in_one_group_raise_no_warning():
    given = data([1, 1, 2, 2], groups=[3, 3, 9, 9])
    assert without_copies(given, "keep") == (given, "")
    assert 'duplicates = "group"' in without_copies(data([1, 1, 2, 2], [3, 4, 9, 9]), "keep")[1]
    dropped, _ = without_copies(given, "drop")
    assert dropped.groups.tolist() == [3, 9]


def test_the_column_of_groups_is_no_feature(tmp_path):
    found = table(tmp_path, groups="who")
    assert found.spec.shape == (1,)
    assert found.groups.tolist() == [0, 1, 0, 2, 1]
    assert table(tmp_path, groups="who", duplicates="group").groups.tolist() == [0, 1, 0, 1, 1]


def test_rows_without_a_group(tmp_path):
    text = TABLE + ",5,b\n"
    with pytest.raises(DataError, match=r"my\.csv: groups: column 'who': 1 of 6 records have no"):
        table(tmp_path, text, groups="who")
    assert len(table(tmp_path, text, groups="who", missing="drop")) == 5


def test_groups_that_are_no_column(tmp_path):
    with pytest.raises(DataError, match=r"groups: no column 'wo'.*'who'"):
        table(tmp_path, groups="wo")
    with pytest.raises(ValidationError, match="groups: 'y' is the label"):
        Csv(path="a", label="y", groups="y")
    with pytest.raises(ValidationError, match="drop: 'who' is also in groups"):
        Csv(path="a", label="y", groups="who", drop=("who",))


def test_arrays_of_groups(tmp_path):
    x, y = np.arange(4.0)[:, None] + 0.5, np.array([0, 0, 1, 1])
    assert arrays(tmp_path, x=x, y=y, who=np.array(["b", "a", "b", "a"]), groups="who").groups[
        [0, 1, 2, 3]
    ].tolist() == [0, 1, 0, 1]
    with pytest.raises(DataError, match=r"no array 'who' \(arrays: x, y\)"):
        arrays(tmp_path, x=x, y=y, groups="who")
    with pytest.raises(DataError, match=r"groups: 'who' has shape \(3,\), expected \(4,\)"):
        arrays(tmp_path, x=x, y=y, who=np.arange(3), groups="who")
    gap = np.array([0.5, 1.5, np.nan, 0.5])[:, None]
    found = arrays(tmp_path, x=gap, y=np.array([0, 1, 1, 0]), duplicates="group", missing="drop")
    assert found.groups.tolist() == [0, 1, 0]


def test_images(tmp_path, caplog):
    from PIL import Image

    for i, name in enumerate(["a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png"]):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 50 * (i % 2), np.uint8)).save(path)
    with caplog.at_level(logging.INFO):
        found = ImageFolder(path=str(tmp_path / "images"), duplicates="group").load()
    assert found.groups.tolist() == [0, 1, 0, 2, 3]
    assert "copies are members together, in 4 groups" in caplog.text


def test_groups_are_part_of_the_fingerprint(host, tmp_path):
    entry = host.registry("dataset").get("csv", "test")
    texts = {
        "my": TABLE,
        "other": TABLE.replace("eve", "ann"),
        "renamed": TABLE.replace("ann", "al"),
    }

    def fingerprint(name, **params):
        (tmp_path / f"{name}.csv").write_text(texts[name])
        given = {"path": str(tmp_path / f"{name}.csv"), "label": "y", **params}
        return Datasets().fingerprint(entry.build(given, "test"))

    prints = [fingerprint(name, groups="who") for name in texts]
    assert prints[0] == prints[2] != prints[1]
    assert fingerprint("my", drop=["who"]) not in prints
    assert fingerprint("my", drop=["who"]) == fingerprint("other", drop=["who"])


def test_groups_are_checked():
    good = data([1, 2, 3], groups=[0, 0, 1])
    good = Data(good.x, np.array([0, 1, 1]), SPEC, good.groups)
    assert problem_of(good) == ""
    wrong = Data(good.x, good.y, SPEC, good.groups[:2])
    assert "groups has shape (2,), expected (3,)" in problem_of(wrong)
    texts = Data(good.x, good.y, SPEC, np.array(["a", "a", "b"]))
    assert "groups is" in problem_of(texts)


def test_records_keep_their_groups():
    given = data([1, 2, 3], groups=[0, 0, 1])
    assert given.take(np.array([2, 0])).groups.tolist() == [1, 0]
    assert given.first(2).groups.tolist() == [0, 0]
    assert given.copy().groups is not given.groups
    assert not given.read_only().groups.flags.writeable
