"""Any classifier of scikit-learn, or of a package that follows its conventions, as a target model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from privbench import Data, DataSpec, EstimatorModel
from privbench_sklearn.fitted import Fitted, with_codes, without_probabilities
from privbench_sklearn.objects import Description, make, packages_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Sklearn(EstimatorModel):
    """Any classifier of scikit-learn, or of a package that follows its conventions."""

    name = "sklearn"
    paper = "Pedregosa et al. 2011, JMLR 12"

    estimator: Description = Field(
        description="the classifier: its name, or a table of its name and parameters; those of other"
        " packages with their module, such as xgboost.XGBClassifier"
    )
    numeric: tuple[Description, ...] = Field(
        (),
        description="transformers of all features that are no categories, such as StandardScaler, in"
        " this order; fitted on the training records",
    )
    categorical: tuple[Description, ...] = Field(
        (),
        description="transformers of categorical columns, such as TargetEncoder, which get a code for"
        " each; fitted on the training records. By default each category is a feature",
    )

    @field_validator("estimator")
    @classmethod
    def _check_estimator(cls, value: Description) -> Description:
        from sklearn.base import is_classifier

        made = make(value)
        if not (hasattr(made, "fit") and is_classifier(made)):
            raise ValueError(
                f"{type(made).__name__} is no classifier (allowed: such as LogisticRegression)"
            )
        return value

    @field_validator("numeric", "categorical")
    @classmethod
    def _check_transformers(cls, value: tuple[Description, ...]) -> tuple[Description, ...]:
        for description in value:
            made = make(description)
            if not (hasattr(made, "fit") and hasattr(made, "transform")):
                raise ValueError(
                    f"{type(made).__name__} is no transformer (allowed: such as StandardScaler)"
                )
        return value

    def code_used(self) -> tuple[str, ...]:
        """Return scikit-learn and the packages of other classes that are named."""
        return packages_of(self.estimator, *self.numeric, *self.categorical)

    def skip(self, spec: DataSpec) -> str:
        """Return why there are no probabilities, or no columns for a transformer; empty if there are."""
        # Some know only when they are fitted, such as VotingClassifier: see ``Fitted.fit``.
        if reason := without_probabilities(type(make(self.estimator))):
            return reason
        if self.categorical and not spec.categorical_blocks:
            return "categorical has transformers, and the dataset has no categorical columns"
        return ""

    def fit(
        self, x: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, rng: np.random.Generator
    ) -> Fitted:
        """Fit a pipeline on records without categorical columns."""
        spec = DataSpec("tabular", x.shape[1:], n_classes)
        return self.fit_data(Data(x, y, spec), rng)

    def fit_data(self, data: Data, rng: np.random.Generator) -> Fitted:
        """Fit transformers and classifier on the training records alone."""
        fitted = Fitted(self._pipeline(data), data.spec, codes=bool(self.categorical))
        return fitted.fit(data.x, data.y, rng)

    def _pipeline(self, data: Data) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.pipeline import make_pipeline

        classifier = make(self.estimator)
        if not (self.numeric or self.categorical):
            return classifier
        if self.categorical:
            table, codes = with_codes(data.x[:1], data.spec)
            width = table.shape[1]
        else:
            width = data.spec.n_features
            codes = [i for first, end in data.spec.categorical_blocks for i in range(first, end)]
        numbers = [i for i in range(width) if i not in set(codes)]
        parts = [
            (name, make_pipeline(*map(make, steps)) if steps else "passthrough", columns)
            for name, steps, columns in (
                ("numeric", self.numeric, numbers),
                ("categorical", self.categorical, codes),
            )
            if columns
        ]
        return make_pipeline(ColumnTransformer(parts, sparse_threshold=0), classifier)
