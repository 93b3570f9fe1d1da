"""The rows and digests of records in any container."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from privbench.auditing.records import count, digest_of, take
from privbench.errors import DataError

X = np.arange(12.0).reshape(4, 3)
ROWS = np.array([2, 0])
CONTAINERS = {
    "array": X,
    "frame": pd.DataFrame(X, columns=list("abc"), index=[9, 8, 7, 6]),
    "tensor": torch.tensor(X),
    "list": X.tolist(),
    "sparse": scipy.sparse.csr_matrix(X),
    "objects": np.array([["a", None, 1.5]] * 4, dtype=object),
    "texts": ["a", "b", "c", "d"],
}


@pytest.mark.parametrize("x", CONTAINERS.values(), ids=CONTAINERS)
def test_rows_are_taken_in_their_container(x):
    taken = take(x, ROWS)
    assert count(x, "x") == 4
    assert count(taken, "x") == 2
    assert type(taken) is type(x)
    assert digest_of(take(taken, np.array([1]))) == digest_of(take(x, np.array([0])))


@pytest.mark.parametrize("name", ["array", "frame", "tensor", "objects"])
def test_what_is_taken_is_a_copy(name):
    x = CONTAINERS[name]
    before = digest_of(x)
    taken = take(x, np.arange(4))
    if name == "frame":
        taken.iloc[0, 0] = -1
    else:
        taken[0, 0] = -1
    assert digest_of(x) == before


@pytest.mark.parametrize("x", CONTAINERS.values(), ids=CONTAINERS)
def test_a_digest_depends_on_values_and_order(x):
    same = take(x, np.arange(4))
    assert digest_of(same) == digest_of(take(x, np.arange(4)))
    assert digest_of(take(x, np.array([0, 1, 2]))) != digest_of(same)
    if not isinstance(x, np.ndarray) or x.dtype != object:
        assert digest_of(take(x, np.array([1, 0, 2, 3]))) != digest_of(same)


def test_a_digest_depends_on_names_types_and_shapes():
    frame = CONTAINERS["frame"]
    variants = [
        X, X.astype(np.float32), X.reshape(3, 4), X.tolist(), torch.tensor(X),
        torch.tensor(X).bfloat16(), frame, frame.rename(columns={"a": "z"}), frame.astype(int),
        ["a", "b"], ["ab"], [1, 2], ["1", "2"], [True, 2], None,
    ]  # fmt: skip
    assert len({digest_of(one) for one in variants}) == len(variants)


def test_objects_that_cannot_be_pickled_are_never_the_same():
    x = [lambda: 1]
    assert digest_of(x) != digest_of(x)


@pytest.mark.parametrize("x", [{"a": [1]}, "text", 3, np.array(3.0)])
def test_what_has_no_rows(x):
    with pytest.raises(DataError, match="x is"):
        count(x, "x")


def test_the_order_of_categories_is_seen():
    """LightGBM and others take a category by its place."""
    one, two = (
        pd.DataFrame({"a": pd.Categorical(["x", "y"], categories=order)})
        for order in (["x", "y"], ["y", "x"])
    )
    assert digest_of(one) != digest_of(two)


def test_lists_in_the_cells_of_a_frame_are_seen():
    one, two = (pd.DataFrame({"a": [[1], [last]]}) for last in (2, 3))
    assert digest_of(one) == digest_of(one.copy()) != digest_of(two)
