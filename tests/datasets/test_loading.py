"""Datasets are loaded once, fingerprinted by contents, and held to their contract."""

from dataclasses import replace

import numpy as np
import pytest

from privbench.components.outcome import NoResult
from privbench.data import Data, DataSpec
from privbench.datasets.loading import Datasets, problem_of
from privbench.errors import BadInput

SPEC = DataSpec("tabular", (2,), 2)
X, Y = np.zeros((4, 2), np.float32), np.array([0, 1, 0, 1])


@pytest.fixture
def bound(host):
    """A dataset of an .npz file, by path."""
    entry = host.registry("dataset").get("npz", "test")
    return lambda path: entry.build({"path": str(path)}, "test")


def test_a_dataset_is_loaded_once(bound, blobs):
    datasets = Datasets()
    data = datasets.load(bound(blobs))
    assert isinstance(data, Data)
    blobs.unlink()
    assert datasets.get(bound(blobs)) is data


def test_the_fingerprint_is_of_the_contents(bound, blobs, tmp_path):
    moved, changed = tmp_path / "moved.npz", tmp_path / "changed.npz"
    moved.write_bytes(blobs.read_bytes())
    with np.load(blobs) as arrays:
        x, y = arrays["x"].copy(), arrays["y"]
    x[3, 1] += 1
    np.savez(changed, x=x, y=y)
    prints = [Datasets().fingerprint(bound(path)) for path in (blobs, moved, changed)]
    assert prints[0] == prints[1] != prints[2]


def test_a_missing_dataset_has_a_reason(bound, tmp_path):
    datasets = Datasets()
    missing = datasets.load(bound(tmp_path / "nothing.npz"))
    assert isinstance(missing, NoResult)
    assert "nothing.npz" in missing.reason
    with pytest.raises(BadInput, match=r"nothing\.npz"):
        datasets.get(bound(tmp_path / "nothing.npz"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "load returned None, expected privbench.Data"),
        (Data(X.astype(float), Y, SPEC), "x must be float32 and y int64, got float64 and int64"),
        (Data(X[:, :1], Y, SPEC), "x has shape (4, 1), expected (4, 2)"),
        (Data(X + np.nan, Y, SPEC), "x has NaN or infinite values"),
        (Data(X, Y + 1, SPEC), "labels must lie in 0..1"),
        (Data(X + np.inf, Y, replace(SPEC, has_gaps=True)), "x has NaN or infinite values"),
        (
            Data(X + np.nan, Y, replace(SPEC, has_gaps=True, scaled_by="all")),
            "x has NaN or infinite values",
        ),
        (Data(X, Y, replace(SPEC, scaled_by="me")), "spec.scaled_by: 'me' is not allowed"),
    ],
)
def test_what_is_loaded_is_held_to_its_contract(data, problem):
    assert problem in problem_of(data)


def test_good_data_have_no_problem():
    assert problem_of(Data(X, Y, SPEC)) == ""
    assert problem_of(Data(X + np.nan, Y, replace(SPEC, has_gaps=True))) == ""
