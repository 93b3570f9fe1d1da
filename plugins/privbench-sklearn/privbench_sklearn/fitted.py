"""Fit a classifier of scikit-learn's kind, and ask it for the probability of each class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from privbench import Incompatible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench import DataSpec


@contextmanager
def seeded(estimator: Any, rng: np.random.Generator) -> Iterator[None]:
    """Seed an estimator and all that are inside of it, where they have a ``random_state``.

    What has none, such as the folds of a search, draws from NumPy's global generator, which is seeded
    meanwhile and restored.
    """
    import numpy as np

    params = sorted(estimator.get_params(deep=True).items())
    unset = [
        name
        for name, value in params
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    estimator.set_params(**{name: int(rng.integers(2**31)) for name in unset})
    state = np.random.get_state()
    np.random.seed(int(rng.integers(2**32)))
    try:
        yield
    finally:
        np.random.set_state(state)


def with_codes(x: NDArray[np.float32], spec: DataSpec) -> tuple[NDArray[np.float32], list[int]]:
    """Return records (n, columns) with one code for each category, and which columns are codes.

    The columns of numbers come first, and then those of codes, which count a column's categories.
    """
    import numpy as np

    flat = x.reshape(len(x), -1)
    codes = [flat[:, first:end].argmax(1) for first, end in spec.categorical_blocks]
    numeric = [i for i in range(flat.shape[1]) if not _in_block(i, spec)]
    columns = np.column_stack([flat[:, numeric], *codes]).astype(np.float32)
    return columns, list(range(len(numeric), columns.shape[1]))


def _in_block(feature: int, spec: DataSpec) -> bool:
    return any(first <= feature < end for first, end in spec.categorical_blocks)


def without_probabilities(estimator: Any) -> str:
    """Return why an estimator, or a class of them, has no probabilities; empty if it has."""
    if hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function"):
        return ""
    cls = estimator if isinstance(estimator, type) else type(estimator)
    return (
        f"{cls.__name__} has neither predict_proba nor decision_function, so that there are no"
        " probabilities to attack; CalibratedClassifierCV around it adds them"
    )


class Fitted:
    """A fitted classifier, with a column for each class whether its training set had it or not."""

    def __init__(self, estimator: Any, spec: DataSpec, *, codes: bool) -> None:
        """Take an estimator that is not fitted.

        Args:
            estimator: The classifier, or a pipeline that ends in one.
            spec: What the features are.
            codes: Whether it gets categorical columns as codes, and not as features for each category.
        """
        self.estimator = estimator
        self.spec = spec
        self.codes = codes
        self.classes: NDArray[np.int64]

    def fit(
        self, x: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator, **more: Any
    ) -> Fitted:
        """Fit it on records (n, *shape). A training set of one class needs no fit.

        Args:
            x: Records.
            y: Labels (n,).
            rng: The source of all randomness.
            more: Further arguments of the estimator's ``fit``.

        Raises:
            Incompatible: If it cannot give probabilities.
        """
        import numpy as np

        # XGBoost wants the classes 0, 1, ..., and a training set need not have all of them.
        self.classes, labels = np.unique(y, return_inverse=True)
        if len(self.classes) > 1:
            with seeded(self.estimator, rng):
                self.estimator.fit(self._table(x), labels, **more)
            if reason := without_probabilities(self.estimator):
                raise Incompatible(reason)
        return self

    def predict_proba(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return class probabilities (n, n_classes)."""
        import numpy as np

        probabilities = np.zeros((len(x), self.spec.n_classes))
        if len(self.classes) == 1:
            probabilities[:, self.classes] = 1
        else:
            probabilities[:, self.classes] = self._of_seen_classes(self._table(x))
        return probabilities

    def _of_seen_classes(self, table: NDArray[np.float32]) -> NDArray[np.floating]:
        import numpy as np
        from scipy.special import softmax

        if hasattr(self.estimator, "predict_proba"):
            found = np.asarray(self.estimator.predict_proba(table), dtype=float)
            # Sums of float32, as of GaussianNB, may be off by percents.
            normalised: NDArray[np.floating] = found / found.sum(1, keepdims=True)
            return normalised
        decision = np.asarray(self.estimator.decision_function(table), dtype=float)
        if decision.ndim == 1:  # of two classes: its sign decides
            decision = np.column_stack([np.zeros_like(decision), decision])
        shares: NDArray[np.floating] = softmax(decision, axis=1)
        return shares

    def _table(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return with_codes(x, self.spec)[0] if self.codes else x.reshape(len(x), -1)
