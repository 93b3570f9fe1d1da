"""Fit a classifier of scikit-learn's kind, and ask it for the probability of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench import DataSpec


def seed(estimator: Any, rng: np.random.Generator) -> None:
    """Seed an estimator and all that are inside of it, where they have a ``random_state``."""
    names = [
        name
        for name in sorted(estimator.get_params(deep=True))
        if name.rpartition("__")[2] == "random_state"
    ]
    estimator.set_params(**{name: int(rng.integers(2**31)) for name in names})


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
        self, x: NDArray[np.float32], y: NDArray[np.int64], **more: Any
    ) -> Fitted:
        """Fit it on records (n, *shape). A training set of one class needs no fit."""
        import numpy as np

        # XGBoost wants the classes 0, 1, ..., and a training set need not have all of them.
        self.classes, labels = np.unique(y, return_inverse=True)
        if len(self.classes) > 1:
            self.estimator.fit(self._table(x), labels, **more)
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
            return np.asarray(self.estimator.predict_proba(table))
        decision = np.asarray(self.estimator.decision_function(table), dtype=float)
        if decision.ndim == 1:  # of two classes: its sign decides
            decision = np.column_stack([np.zeros_like(decision), decision])
        shares: NDArray[np.floating] = softmax(decision, axis=1)
        return shares

    def _table(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return with_codes(x, self.spec)[0] if self.codes else x.reshape(len(x), -1)
