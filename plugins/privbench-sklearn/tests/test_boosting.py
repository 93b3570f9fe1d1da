"""XGBoost and LightGBM: every parameter, native categories, and missing packages."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from privbench_sklearn import LightGbm, XgBoost, boosting
from xgboost import XGBClassifier

import privbench

CHANGED = {
    XgBoost: {
        "n_estimators": 4, "max_depth": 1, "learning_rate": 0.05, "min_child_weight": 20.0,
        "subsample": 0.5, "colsample_bytree": 0.3, "reg_lambda": 50.0,
    },
    LightGbm: {
        "n_estimators": 4, "num_leaves": 2, "max_depth": 1, "learning_rate": 0.5,
        "min_child_samples": 60, "subsample": 0.5, "colsample_bytree": 0.3, "reg_lambda": 50.0,
    },
}  # fmt: skip
SPEC = privbench.DataSpec("tabular", (4,), 3)


def make_records(n=300, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return (rng.normal(size=(n, 4)) + y[:, None]).astype(np.float32), y


def answers(model, seed=0):
    x, y = make_records()
    return model.fit(x, y, 4, np.random.default_rng(seed)).predict_proba(make_records(seed=1)[0])


@pytest.mark.parametrize("cls", [XgBoost, LightGbm])
def test_it_learns_and_every_parameter_matters(cls):
    plain = answers(cls(n_estimators=8))
    assert plain.shape == (300, 4)
    assert (plain[:, 3] == 0).all()
    np.testing.assert_allclose(plain.sum(1), 1, atol=1e-5)
    assert (plain.argmax(1) == make_records(seed=1)[1]).mean() > 0.6
    assert (answers(cls(n_estimators=8)) == plain).all()
    names = {name for name in cls.model_fields if name != "native_categories"}
    assert names == set(CHANGED[cls])
    for name, value in CHANGED[cls].items():
        assert not (answers(cls(**{"n_estimators": 8, name: value})) == plain).all(), name


@pytest.mark.parametrize("cls", [XgBoost, LightGbm])
def test_draws_come_from_the_seed(cls):
    model = cls(n_estimators=8, subsample=0.5)
    assert (answers(model, 1) == answers(model, 1)).all()
    assert not (answers(model, 1) == answers(model, 2)).all()


@pytest.mark.parametrize(("cls", "theirs"), [(XgBoost, XGBClassifier), (LightGbm, LGBMClassifier)])
def test_defaults_are_those_of_the_package(cls, theirs):
    x, y = make_records()
    quiet = {"verbosity": 0} if theirs is XGBClassifier else {"verbosity": -1}
    expected = theirs(**quiet, n_jobs=1).fit(x, y).predict_proba(make_records(seed=1)[0])
    np.testing.assert_allclose(answers(cls())[:, :3], expected, atol=1e-5)


@pytest.mark.parametrize("cls", [XgBoost, LightGbm])
def test_native_categories_can_tell_sets_of_categories_apart(cls):
    """A split by a set of categories finds in one cut what single categories need many for."""
    rng = np.random.default_rng(0)
    town = rng.integers(0, 40, 4000)
    y = (town % 2).astype(np.int64)
    names = tuple(f"{i:02}" for i in range(40))
    columns = (privbench.Column("town", "categorical", (0, 40), names),)
    data = privbench.Data(
        np.eye(40, dtype=np.float32)[town], y, privbench.DataSpec("tabular", (40,), 2, columns)
    )
    stump = {"n_estimators": 1, "max_depth": 1}
    right = {}
    for native in (False, True):
        model = cls(**stump, native_categories=native)
        assert model.skip(data.spec) == ""
        fitted = model.fit_data(data, np.random.default_rng(0))
        right[native] = (fitted.predict_proba(data.x).argmax(1) == y).mean()
    assert right[False] < 0.6
    assert right[True] > 0.75
    assert "no categorical columns" in cls(native_categories=True).skip(SPEC)


@pytest.mark.parametrize("cls", [XgBoost, LightGbm])
def test_without_the_package_trials_are_skipped_with_what_to_install(cls, monkeypatch):
    assert cls().skip(SPEC) == ""
    assert cls().code_used() == (cls.name,)
    monkeypatch.setattr(boosting, "find_spec", lambda name: None)
    assert cls().skip(SPEC).endswith(f"pip install 'privbench-sklearn[{cls.extra}]'")
    assert cls().code_used() == ()


@pytest.mark.parametrize("cls", [XgBoost, LightGbm])
def test_bounds(cls):
    for name in ("n_estimators", "learning_rate", "subsample"):
        with pytest.raises(ValueError, match=name):
            cls(**{name: 0})
