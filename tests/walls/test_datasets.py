"""Datasets that return what is no data."""

import numpy as np
import pandas as pd
import pytest

from privbench.components import Bound, Distribution, Entry
from privbench.components.outcome import NoResult
from privbench.data import Data, DataSpec
from privbench.datasets.base import Dataset
from privbench.datasets.loading import Datasets

X = np.random.default_rng(0).random((60, 4)).astype(np.float32)
Y = np.arange(60) % 3
TABLE = DataSpec("tabular", (4,), 3)
IMAGE = DataSpec("image", (1, 2, 2), 3)
BITS = DataSpec("binary", (4,), 3)


def loaded(value):
    """What becomes of the value that a dataset returns, or raises."""

    class Mine(Dataset):
        name = "mine"

        def load(self):
            if isinstance(value, BaseException):
                raise value
            return value

    return Datasets().load(Bound(Entry(Mine, Distribution("test")), Mine()))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((X, Y), "load returned tuple, expected privbench.Data"),
        (Data(pd.DataFrame(X), Y, TABLE), "x is DataFrame of shape (60, 4)"),
        (Data(X.tolist(), Y, TABLE), "x is list, expected an array: np.asarray(x, dtype=np.float32)"),
        (Data(X, Y.tolist(), TABLE), "y is list, expected an array: np.asarray(y, dtype=np.int64)"),
        (Data(X, Y, None), "its spec is None, expected privbench.DataSpec"),
        (
            Data(X, Y, DataSpec("text", (4,), 3)),
            "spec.kind: 'text' is not allowed (allowed: 'image', 'tabular', 'binary')",
        ),
        (Data(X, Y, DataSpec("tabular", [4], 3)), "spec.shape: [4] is no tuple of integers"),
        (Data(X, Y, DataSpec("image", (4,), 3)), "spec.shape: (4,) is not (channels, height, width)"),
        (Data(X, Y, DataSpec("tabular", (4,), "3")), "there must be at least 2 classes, got '3'"),
        (
            Data(X, Y, DataSpec("tabular", (4,), 5)),
            "spec.n_classes is 5, and no record has the label 3, 4; number the classes that there are"
            " from 0",
        ),
        (
            Data(255 * X.reshape(60, 1, 2, 2), Y, IMAGE),
            f"images must lie in [0, 1], got {255 * X.min():g}..{255 * X.max():g}; divide by 255?",
        ),
        (Data(X, Y, BITS), f"binary features must be 0 or 1, got values in {X.min():g}..{X.max():g}"),
        (SystemExit(3), "SystemExit: 3"),
        (BaseException("stop"), "BaseException: stop"),
        (ValueError("caf\udce9"), "ValueError: caf\\udce9"),
    ],
)  # fmt: skip
def test_it_is_refused_with_the_reason(value, message):
    result = loaded(value)
    assert isinstance(result, NoResult)
    assert result.status == "failed"
    assert result.reason.startswith(f"dataset 'mine': {message}")


@pytest.mark.parametrize(
    "data",
    [
        Data(X, Y, TABLE),
        Data(X.reshape(60, 1, 2, 2), Y, IMAGE),
        Data(X.round(), Y, BITS),
    ],
    ids=lambda data: data.spec.kind,
)
def test_what_is_right_is_taken_and_made_read_only(data):
    result = loaded(Data(data.x.copy(), data.y.copy(), data.spec))
    assert (result.x == data.x).all()
    for array in (result.x, result.y):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            array.flags.writeable = True


def test_what_it_keeps_cannot_be_changed_behind_our_back():
    kept = X.copy()
    result = loaded(Data(kept, Y.copy(), TABLE))
    with pytest.raises(ValueError, match="read-only"):
        kept[:] = 0
    assert (result.x == X).all()


def test_the_same_in_a_run(run, tmp_path):
    (tmp_path / "mine.py").write_text("""
import numpy as np
import privbench

class Mine(privbench.Dataset):
    name = "mine"
    def load(self):
        raise BaseException("stop")  # here

@privbench.hookimpl
def register_datasets(register): register(Mine)
""")
    blobs = f'{{ name = "npz", path = "{tmp_path / "blobs.npz"}" }}'
    alone = run('attacks=["loss"]')
    rows = run('attacks=["loss"]', f'datasets=["mine", {blobs}]', plugin=tmp_path / "mine.py")
    assert rows[0]["reason"] == "dataset 'mine': BaseException: stop (mine.py:8)"
    assert rows[1]["auc"] == alone[0]["auc"]
