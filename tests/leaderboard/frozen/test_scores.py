"""Files of scores that anybody may have written."""

import io
import zipfile

import numpy as np
import pytest

from privbench.errors import DataError
from privbench.leaderboard.frozen.scores import read_scores

NAME = "npz-soft-mlp-records"


def test_numbers_of_any_type_are_taken(frozen, tmp_path):
    member = frozen.membership[NAME]
    for change in (member, member.astype(np.float16), member.astype(int)):
        scores = read_scores(frozen.scores(tmp_path / "s.npz", **{NAME: change}), frozen.outputs)
        np.testing.assert_array_equal(scores.arrays[NAME], member.astype(float))


def with_nan(shape):
    scores = np.zeros(shape)
    scores[2, 5] = np.nan
    scores[3, 1] = np.inf
    return scores


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {NAME: np.zeros((3, 96))},
            rf"{NAME} has shape \(3, 96\) and .* \(allowed: shape \(4, 96\)",
        ),
        (
            {NAME: with_nan((4, 96))},
            rf"{NAME} has 2 values .*such as nan for target 2 and record 5",
        ),
        ({NAME: np.full((4, 96), "a")}, f"{NAME} has shape .* and type <U1"),
        ({NAME: np.zeros((4, 96), complex)}, f"{NAME} has shape .* and type complex128"),
        ({NAME: np.full((4, 96), None)}, "holds Python objects, which are never unpickled"),
        ({NAME: np.zeros((40, 960))}, rf"{NAME} has \d+ bytes \(allowed: at most"),
        ({NAME: None}, f"1 of 4 populations are missing, such as {NAME}"),
        ({"npz-sift-mlp-records": np.zeros(1)}, f"unknown population.*did you mean '{NAME}'"),
    ],
)
def test_the_population_the_value_and_what_is_allowed_are_named(frozen, tmp_path, changes, words):
    path = frozen.scores(tmp_path / "s.npz", **changes)
    with pytest.raises(DataError, match=words):
        read_scores(path, frozen.outputs)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a file of arrays"])
def test_no_file_of_arrays(frozen, tmp_path, content):
    path = tmp_path / "s.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"s\.npz: not a readable \.npz file"):
        read_scores(path, frozen.outputs)
    with pytest.raises(DataError, match="No such file"):
        read_scores(tmp_path / "t.npz", frozen.outputs)


def test_a_header_that_is_no_header(frozen, tmp_path):
    path = frozen.scores(tmp_path / "s.npz", **{NAME: None})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{NAME}.npy", io.BytesIO(b"x" * 500).getvalue())
    with pytest.raises(DataError, match=f"{NAME} cannot be read"):
        read_scores(path, frozen.outputs)
