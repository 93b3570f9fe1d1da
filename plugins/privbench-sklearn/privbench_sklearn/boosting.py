"""Gradient-boosted trees of XGBoost and LightGBM, with the parameters that people set most.

All others can be set with the model ``sklearn``: its estimator ``xgboost.XGBClassifier`` is the same
classifier.
"""

from __future__ import annotations

from abc import abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from privbench import Data, DataSpec, EstimatorModel
from privbench_sklearn.fitted import Fitted, with_codes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class _Boosting(EstimatorModel):
    """What both have in common."""

    package: ClassVar[str]
    extra: ClassVar[str]

    n_estimators: int = Field(100, ge=1, description="rounds of boosting")
    native_categories: bool = Field(
        False,
        description="whether trees split categorical columns by sets of categories; else each category"
        " is a feature",
    )

    def code_used(self) -> tuple[str, ...]:
        """Return the package, whose version decides what a tree is."""
        return (self.package,) if find_spec(self.package) else ()

    def skip(self, spec: DataSpec) -> str:
        """Return how to install what is missing; empty if nothing is."""
        if find_spec(self.package) is None:
            return f"{self.package} is not installed: pip install 'privbench-sklearn[{self.extra}]'"
        if self.native_categories and not spec.categorical_blocks:
            return "native_categories is set, and the dataset has no categorical columns"
        return ""

    def fit(
        self, x: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, rng: np.random.Generator
    ) -> Fitted:
        """Fit trees on records without categorical columns."""
        return self.fit_data(Data(x, y, DataSpec("tabular", x.shape[1:], n_classes)), rng)

    def fit_data(self, data: Data, rng: np.random.Generator) -> Fitted:
        """Fit trees on the training records, in one thread: the same seed gives the same trees."""
        columns, codes = with_codes(data.x[:1], data.spec)
        at = codes if self.native_categories else []
        classifier, more = self._classifier(columns.shape[1], at)
        return Fitted(classifier, data.spec, codes=bool(at)).fit(data.x, data.y, rng, **more)

    @abstractmethod
    def _classifier(self, n_columns: int, categorical: list[int]) -> tuple[Any, dict[str, Any]]:
        """Return the classifier, and further arguments of its ``fit``."""


class XgBoost(_Boosting):
    """Gradient-boosted trees (XGBoost)."""

    name = "xgboost"
    paper = "Chen, Guestrin 2016, doi 10.1145/2939672.2939785"
    package = "xgboost"
    extra = "xgboost"  # or xgboost-cpu

    max_depth: int = Field(6, ge=0, description="depth of a tree; 0 for no limit")
    learning_rate: float = Field(0.3, gt=0, description="weight of each round")
    min_child_weight: float = Field(
        1.0, ge=0, description="least sum of second derivatives in a leaf"
    )
    subsample: float = Field(1.0, gt=0, le=1, description="share of records drawn for each round")
    colsample_bytree: float = Field(
        1.0, gt=0, le=1, description="share of features drawn for each tree"
    )
    reg_lambda: float = Field(1.0, ge=0, description="L2 penalty of the weights of leaves")

    def _classifier(self, n_columns: int, categorical: list[int]) -> tuple[Any, dict[str, Any]]:
        from xgboost import XGBClassifier

        types = ["c" if i in categorical else "q" for i in range(n_columns)]
        params = self.params()
        del params["native_categories"]
        if categorical:
            params |= {"feature_types": types, "enable_categorical": True}
        return XGBClassifier(**params, n_jobs=1, verbosity=0, tree_method="hist"), {}


class LightGbm(_Boosting):
    """Gradient-boosted trees that grow leaf by leaf (LightGBM)."""

    name = "lightgbm"
    paper = "Ke et al. 2017, NeurIPS"
    package = "lightgbm"
    extra = "lightgbm"

    num_leaves: int = Field(31, ge=2, description="leaves of a tree, at most")
    max_depth: int = Field(-1, ge=-1, description="depth of a tree; -1 for no limit")
    learning_rate: float = Field(0.1, gt=0, description="weight of each round")
    min_child_samples: int = Field(20, ge=1, description="records in a leaf, at least")
    subsample: float = Field(1.0, gt=0, le=1, description="share of records drawn for each round")
    colsample_bytree: float = Field(
        1.0, gt=0, le=1, description="share of features drawn for each tree"
    )
    reg_lambda: float = Field(0.0, ge=0, description="L2 penalty of the weights of leaves")

    def _classifier(self, n_columns: int, categorical: list[int]) -> tuple[Any, dict[str, Any]]:
        from lightgbm import LGBMClassifier

        params = self.params()
        del params["native_categories"]
        classifier = LGBMClassifier(
            **params,
            subsample_freq=1,
            n_jobs=1,
            verbosity=-1,
            deterministic=True,
            force_row_wise=True,
        )  # without a frequency of 1, ``subsample`` is not read
        return classifier, {"categorical_feature": categorical} if categorical else {}
