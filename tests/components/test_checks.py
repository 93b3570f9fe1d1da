import numpy as np
import pytest
import torch

from privbench.components.checks import (
    check_equal_sizes,
    checked_array,
    checked_data,
    checked_method,
    checked_probabilities,
    checked_reason,
    checked_resolution,
)
from privbench.data import Data, DataSpec
from privbench.errors import PrivbenchError

GOOD = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])


def test_good_probabilities_are_returned_as_they_are():
    assert (checked_probabilities(GOOD, (2, 3), "x: apply returned") == GOOD).all()
    assert (checked_probabilities(GOOD.tolist(), (2, 3), "x: apply returned") == GOOD).all()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            GOOD - [[0, 0.5, -0.5], [0, 0, 0]],
            "negative probabilities in 1 of 2 rows (down to -0.25);"
            " clip at 0 and divide by the row sums",
        ),
        (
            GOOD * [[0.997], [1.002]],
            "2 of 2 rows that do not sum to 1 (the sums are 0.997..1.002); divide by the row sums",
        ),
        (GOOD * [[np.nan], [1]], "NaN or infinity in 3 of 6 values"),
        (GOOD[:1], "ndarray of shape (1, 3) and type float64, expected numbers of shape (2, 3)"),
        (None, "None, expected numbers of shape (2, 3)"),
    ],
)
def test_of_probabilities_the_condition_that_fails_is_named(found, message):
    with pytest.raises(PrivbenchError) as caught:
        checked_probabilities(found, (2, 3), "rounding: apply returned")
    assert str(caught.value) == f"rounding: apply returned {message}"


def test_rounding_to_three_digits_is_named():
    with pytest.raises(PrivbenchError, match=r"1 of 1 rows .* sums are 0\.99\.\.0\.99"):
        checked_probabilities(np.round(np.full((1, 30), 1 / 30), 3), (1, 30), "x")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([[1.0], [1.0, 2.0]], "list, expected numbers of shape (2, 2): "),
        (torch.ones(2, 2, requires_grad=True), "Tensor of shape (2, 2) and type torch.float32"),
        ("high", "str, expected"),
        (np.array([["a", "b"]] * 2), "ndarray of shape (2, 2) and type <U1"),
    ],
)
def test_what_is_no_array_of_numbers(found, words):
    with pytest.raises(PrivbenchError) as caught:
        checked_array(found, (2, 2), "x: apply returned")
    assert words in str(caught.value)


def test_a_word_in_the_shape_is_any_size():
    assert checked_array(np.zeros((2, 7)), (2, "latent_dim"), "x").shape == (2, 7)
    with pytest.raises(PrivbenchError, match=r"expected numbers of shape \(3, latent_dim\)"):
        checked_array(np.zeros((2, 7)), (3, "latent_dim"), "x")


SPEC = DataSpec("tabular", (2,), 3)
GIVEN = Data(np.zeros((4, 2), np.float32), np.array([0, 1, 2, 0]), SPEC)


def test_data_are_copied():
    result = checked_data(GIVEN, GIVEN, "x")
    assert (result.x == GIVEN.x).all()
    assert not np.shares_memory(result.x, GIVEN.x)
    assert not np.shares_memory(result.y, GIVEN.y)
    assert (result.x.dtype, result.y.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (GIVEN.x, "expected records: privbench.Data(x, y, data.spec)"),
        (Data(GIVEN.x[:2], GIVEN.y, SPEC), "records whose x is ndarray of shape (2, 2)"),
        (Data(GIVEN.x, GIVEN.y + 1, SPEC), "labels int64 from 1 to 3, expected integers in 0..2"),
        (Data(GIVEN.x, GIVEN.y + 0.5, SPEC), "labels float64 from 0.5 to 2.5, expected integers"),
    ],
)
def test_data_that_do_not_match_what_was_given(returned, words):
    with pytest.raises(PrivbenchError) as caught:
        checked_data(returned, GIVEN, "mine: apply returned")
    assert str(caught.value).startswith("mine: apply returned ")
    assert words in str(caught.value)


def test_if_no_record_was_given_any_number_is_returned():
    for n in (1, 3):
        assert len(checked_data(GIVEN.first(n), GIVEN.first(0), "x")) == n
    empty = GIVEN.first(0)
    uneven = Data(GIVEN.x, GIVEN.y[:2], SPEC)
    for returned, words in ((empty, "no records"), (uneven, "records whose y is")):
        with pytest.raises(PrivbenchError, match=words):
            checked_data(returned, empty, "x")


def test_models_have_as_many_records():
    check_equal_sizes([GIVEN, GIVEN], "mine")
    with pytest.raises(PrivbenchError, match="mine: apply returned from 2 to 4 records, expected"):
        check_equal_sizes([GIVEN, GIVEN.first(2), GIVEN.first(3)], "mine")


@pytest.mark.parametrize("returned", [None, "", "no images", r"caf\udce9"])
def test_reasons(returned):
    assert checked_reason(returned, "x") == (returned or "")


def test_reasons_that_are_none():
    assert checked_reason("caf\udce9", "x") == r"caf\udce9"
    for returned in (True, 3, ["no"]):
        with pytest.raises(PrivbenchError, match=r"x: skip returned .*expected the reason as text"):
            checked_reason(returned, "x")


@pytest.mark.parametrize("returned", [0, 0.0, 1e-3, np.float32(0.5)])
def test_resolutions(returned):
    assert checked_resolution(returned, "x") == float(returned)


@pytest.mark.parametrize("returned", [True, "0.1", None, -0.1, 1.0, np.nan, np.inf])
def test_resolutions_that_are_none(returned):
    with pytest.raises(PrivbenchError, match="x: resolution returned"):
        checked_resolution(returned, "x")


def test_methods():
    assert checked_method(len, "", "x: fit returned") is len
    assert checked_method("text", "upper", "x: fit returned") == "text"
    with pytest.raises(PrivbenchError, match=r"^x: fit returned str, expected a function$"):
        checked_method("text", "", "x: fit returned")
    with pytest.raises(PrivbenchError, match="expected an object with predict_proba"):
        checked_method("text", "predict_proba", "x: fit returned")
