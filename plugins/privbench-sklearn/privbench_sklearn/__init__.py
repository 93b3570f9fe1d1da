"""Classifiers of scikit-learn, XGBoost and LightGBM as target models of privbench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from privbench import hookimpl
from privbench_sklearn.boosting import LightGbm, XgBoost
from privbench_sklearn.model import Sklearn

if TYPE_CHECKING:
    from collections.abc import Callable

    from privbench import EstimatorModel

__all__ = ["LightGbm", "Sklearn", "XgBoost"]


@hookimpl
def register_models(register: Callable[[type[EstimatorModel]], None]) -> None:
    """Register the three target models."""
    for model in (Sklearn, XgBoost, LightGbm):
        register(model)
