"""Random forests (scikit-learn) as target models of privbench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from privbench import EstimatorModel, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from sklearn.ensemble import RandomForestClassifier


class _Forest:
    """A fitted forest that also answers for the classes that it has not seen."""

    def __init__(self, forest: RandomForestClassifier, n_classes: int) -> None:
        self.forest = forest
        self.n_classes = n_classes

    def predict_proba(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities (n, n_classes)."""
        import numpy as np

        probabilities = np.zeros((len(x), self.n_classes))
        probabilities[:, self.forest.classes_] = self.forest.predict_proba(x.reshape(len(x), -1))
        return probabilities


class RandomForest(EstimatorModel):
    """A random forest (scikit-learn): the average vote of decision trees on bootstrap samples."""

    name = "random-forest"
    paper = "Breiman 2001, doi 10.1023/A:1010933404324"

    n_trees: int = Field(100, ge=1, description="trees in the forest")
    min_leaf: int = Field(
        1, ge=1, description="records in a leaf, at least; 1 grows trees to purity"
    )

    def fit(
        self, x: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, rng: np.random.Generator
    ) -> _Forest:
        """Fit one forest."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            n_estimators=self.n_trees,
            min_samples_leaf=self.min_leaf,
            random_state=int(rng.integers(2**31)),
        )
        return _Forest(forest.fit(x.reshape(len(x), -1), y), n_classes)


@hookimpl
def register_models(register: Callable[[type[RandomForest]], None]) -> None:
    """Register the forest."""
    register(RandomForest)
