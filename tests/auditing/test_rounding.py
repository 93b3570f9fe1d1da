"""How coarsely outputs were saved is found out, and allowed for in sums of probabilities."""

import numpy as np
import pytest
import torch

from privbench.auditing import Predictions
from privbench.auditing.rounding import found_rounding
from privbench.errors import DataError

RNG = np.random.default_rng(0)
PROBS = RNG.dirichlet(np.ones(4), 500)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("digits", range(7))
def test_digits_are_counted(dtype, digits):
    found = found_rounding(PROBS.round(digits).astype(dtype), np.dtype(dtype).name)
    assert found is not None
    assert found.digits == digits


@pytest.mark.parametrize(
    "values", [PROBS, PROBS.astype(np.float32), np.log(PROBS), 50 * RNG.normal(size=999), PROBS[:3]]
)
def test_what_is_not_rounded_is_not_called_so(values):
    assert found_rounding(values, values.dtype.name) is None


@pytest.mark.parametrize("kept", [np.float16, np.float32, np.float64])
def test_half_precision_is_found_in_any_format(kept):
    found = found_rounding(PROBS.astype(np.float16).astype(kept), np.dtype(kept).name)
    assert str(found) == "all outputs are numbers of float16, of 11 significant bits"


def test_bfloat16_is_found_behind_float32():
    values = torch.tensor(PROBS).to(torch.bfloat16).float().numpy()
    assert (
        str(found_rounding(values, "float32"))
        == "all outputs are numbers of bfloat16, of 8 significant bits"
    )


ROUNDED = {
    "2 digits": lambda p: p.round(2),
    "1 digit": lambda p: p.round(1),
    "float16": lambda p: p.astype(np.float16),
    "bfloat16": lambda p: torch.tensor(p).to(torch.bfloat16),
    "bfloat16, as float32": lambda p: torch.tensor(p).to(torch.bfloat16).float(),
}


@pytest.mark.parametrize("classes", [2, 4, 100])
@pytest.mark.parametrize("kind", ROUNDED)
def test_rounded_probabilities_need_not_sum_to_one_exactly(kind, classes):
    probs = RNG.dirichlet(np.ones(classes), 300)
    rounded = ROUNDED[kind](probs)
    member = np.arange(300) % 2
    made = {"probs": rounded, "labels": np.arange(300) % classes, "member": member}
    if kind == "1 digit" and classes == 100:  # nothing is left of these
        return
    found = Predictions.of(made)
    assert found.rounding is not None
    np.testing.assert_allclose(np.exp(found.log_probs).sum(-1), 1, atol=1e-5)
    rounded = np.asarray(rounded.float() if isinstance(rounded, torch.Tensor) else rounded, float)
    np.testing.assert_allclose(
        np.exp(found.log_probs[0]), rounded / rounded.sum(1, keepdims=True), atol=1e-6
    )
    wrong = made | {"probs": np.asarray(rounded) * (2.5 if classes == 100 else 1.5)}
    with pytest.raises(DataError, match="must sum to one"):
        Predictions.of(wrong)


def test_a_record_without_any_probability_is_refused():
    probs = np.full((50, 100), 0.01)
    probs[3] = 0
    made = {"probs": probs, "labels": np.zeros(50, int), "member": np.arange(50) % 2}
    with pytest.raises(DataError, match=r"must sum to one.*1 of 50 records \(record 3\)"):
        Predictions.of(made)
