"""What ART's attacks need: a classifier of ART's kind, and the global random generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    Predict = Callable[[NDArray[Any]], NDArray[np.floating]]


def classifier(predict: Predict, shape: tuple[int, ...], n_classes: int) -> Any:
    """Return ART's classifier that answers with ``predict``, probabilities (n, n_classes).

    It computes the loss of answers, as an attack with ``input_type = "loss"`` asks.
    """
    from art.estimators.classification import BlackBoxClassifier

    class Answering(BlackBoxClassifier):  # type: ignore[misc]  # ART has no types
        def compute_loss_from_predictions(
            self, pred: NDArray[np.floating], y: NDArray[np.floating], **_: Any
        ) -> NDArray[np.floating]:
            """Return the cross entropy (n,) of answers with one-hot labels ``y``."""
            loss: NDArray[np.floating] = -np.log(np.maximum((pred * y).sum(1), 1e-12))
            return loss

    return Answering(predict, shape, n_classes)


def answering(outputs: NDArray[np.floating]) -> tuple[Any, NDArray[np.float32]]:
    """Return a classifier that gives the outputs (records, classes) of a model, and its records.

    The model was queried before: what stands for the features of a record is its number.
    """
    numbers = np.arange(len(outputs), dtype=np.float32)[:, None]

    def predict(x: NDArray[Any]) -> NDArray[np.floating]:
        return outputs[x[:, 0].astype(int)]

    return classifier(predict, (1,), outputs.shape[1]), numbers


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Seed NumPy's and torch's global generators, from which ART draws, and restore them afterwards.

    HopSkipJump draws its first records from a new ``RandomState`` without a seed. Meanwhile such a one
    is seeded, too.
    """
    import torch

    original = np.random.RandomState

    class Seeded(original):  # type: ignore[misc,valid-type]  # a class that is a variable here
        def __init__(self, seed: Any = None) -> None:
            super().__init__(int(rng.integers(2**32)) if seed is None else seed)

    state = np.random.get_state()
    np.random.RandomState = Seeded  # type: ignore[misc]  # ART offers no other way
    try:
        with torch.random.fork_rng(devices=[]):
            np.random.seed(int(rng.integers(2**32)))
            torch.manual_seed(int(rng.integers(2**63)))
            yield
    finally:
        np.random.RandomState = original  # type: ignore[misc]
        np.random.set_state(state)
