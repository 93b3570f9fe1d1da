"""The model ``sklearn``: how it is written, what is fitted on what, and all classifiers there are."""

import importlib.metadata
import warnings

import numpy as np
import pytest
from privbench_sklearn import Sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.svm import LinearSVC
from sklearn.utils import all_estimators

import privbench

INNER = "LogisticRegression"
NEEDED = {  # what has no default
    "ClassifierChain": {"estimator": {"name": INNER}},
    "FixedThresholdClassifier": {"estimator": {"name": INNER}},
    "GridSearchCV": {"estimator": {"name": INNER}, "param_grid": {"C": [0.1, 1.0]}},
    "HalvingGridSearchCV": {"estimator": {"name": INNER}, "param_grid": {"C": [0.1, 1.0]}},
    "HalvingRandomSearchCV": {"estimator": {"name": INNER}, "param_distributions": {"C": [0.1]}},
    "MultiOutputClassifier": {"estimator": {"name": INNER}},
    "OneVsOneClassifier": {"estimator": {"name": INNER}},
    "OneVsRestClassifier": {"estimator": {"name": INNER}},
    "OutputCodeClassifier": {"estimator": {"name": INNER}},
    "RandomizedSearchCV": {"estimator": {"name": INNER}, "param_distributions": {"C": [0.1]}},
    "SelfTrainingClassifier": {"estimator": {"name": INNER}},
    "StackingClassifier": {"estimators": [["a", {"name": INNER}], ["b", {"name": "GaussianNB"}]]},
    "TunedThresholdClassifierCV": {"estimator": {"name": INNER}},
    "VotingClassifier": {
        "estimators": [["a", {"name": INNER}], ["b", {"name": "GaussianNB"}]], "voting": "soft"
    },
}  # fmt: skip
OTHER_TASKS = {"ClassifierChain", "MultiOutputClassifier"}  # several labels for each record
TWO_CLASSES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
COUNTS = {"CategoricalNB"}  # its features are codes
LABELS_ONLY = {"OutputCodeClassifier"}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    CLASSIFIERS = [name for name, _ in all_estimators(type_filter="classifier")]


def make_records(n=120, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    x = np.abs(rng.normal(size=(n, 4)) + 2 * y[:, None])  # counts, for naive Bayes
    return x.astype(np.float32), y


def read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


@pytest.mark.filterwarnings("ignore")  # of convergence on so few records, and of what is deprecated
@pytest.mark.parametrize("name", sorted(set(CLASSIFIERS) - OTHER_TASKS))
def test_every_classifier_learns_and_gives_probabilities(name):
    model = Sklearn(estimator={"name": name, **NEEDED.get(name, {})})
    spec = privbench.DataSpec("tabular", (4,), 4)
    if name in LABELS_ONLY:
        assert "neither predict_proba nor decision_function" in model.skip(spec)
        return
    assert model.skip(spec) == ""
    x, y = make_records(n_classes=2 if name in TWO_CLASSES else 3)
    x = x.round() if name in COUNTS else x
    fitted = model.fit(x.copy(), y.copy(), 4, np.random.default_rng(0))
    probabilities = fitted.predict_proba(read_only(x))
    assert probabilities.shape == (len(x), 4)
    assert (probabilities >= 0).all()
    assert np.allclose(probabilities.sum(1), 1, atol=1e-3)
    assert (probabilities[:, y.max() + 1 :] == 0).all()  # classes that were not seen
    # Its own predictions: of the highest column, also where that is a decision value.
    if name not in TWO_CLASSES | {"NearestCentroid", "OneVsOneClassifier"}:
        own = fitted.estimator.predict(x)
        assert (probabilities.argmax(1) == own).mean() > 0.95


def test_the_classifier_is_that_of_scikit_learn_with_these_parameters():
    x, y = make_records()
    model = Sklearn(estimator={"name": "RandomForestClassifier", "max_depth": 2, "n_estimators": 7})
    seed = int(np.random.default_rng(3).integers(2**31))
    expected = RandomForestClassifier(7, max_depth=2, random_state=seed).fit(x, y).predict_proba(x)
    fitted = model.fit(x, y, 3, np.random.default_rng(3))
    np.testing.assert_allclose(fitted.predict_proba(x), expected, atol=1e-12)


def test_a_scaler_is_fitted_on_the_training_records_alone():
    x, y = make_records(60)
    x[:, 0] *= 1000
    model = Sklearn(estimator={"name": "LogisticRegression", "C": 0.1}, numeric=("StandardScaler",))
    fitted = model.fit(x, y, 3, np.random.default_rng(0))
    others = make_records(500, seed=1)[0] + 100
    scaler = StandardScaler().fit(x)
    expected = LogisticRegression(C=0.1).fit(scaler.transform(x), y)
    np.testing.assert_allclose(
        fitted.predict_proba(others), expected.predict_proba(scaler.transform(others)), atol=1e-6
    )


def test_decision_values_become_probabilities_that_keep_them():
    x, y = make_records(n_classes=2)
    fitted = Sklearn(estimator="LinearSVC").fit(x, y, 2, np.random.default_rng(0))
    seed = int(np.random.default_rng(0).integers(2**31))
    decision = LinearSVC(random_state=seed).fit(x, y).decision_function(x)
    p = fitted.predict_proba(x)
    np.testing.assert_allclose(np.log(p[:, 1]) - np.log(p[:, 0]), decision, atol=1e-9)


def test_the_same_seed_gives_the_same_model_and_seeds_reach_inner_estimators():
    x, y = make_records()
    inner = {"name": "DecisionTreeClassifier", "max_features": 1}
    model = Sklearn(estimator={"name": "BaggingClassifier", "n_estimators": 3, "estimator": inner})

    def answers(seed):
        np.random.seed(seed)
        return model.fit(x, y, 3, np.random.default_rng(5)).predict_proba(x)

    assert (answers(0) == answers(1)).all()
    other = model.fit(x, y, 3, np.random.default_rng(6)).predict_proba(x)
    assert not (other == answers(0)).all()


def test_the_global_generator_is_left_as_it_was():
    x, y = make_records()
    np.random.seed(7)
    expected = np.random.random(3)
    np.random.seed(7)
    Sklearn(estimator="RandomForestClassifier").fit(x, y, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(np.random.random(3), expected)


def test_a_vote_of_labels_has_no_probabilities():
    x, y = make_records()
    votes = {"name": "VotingClassifier", "estimators": [["a", {"name": INNER}]]}
    with pytest.raises(privbench.Incompatible, match="VotingClassifier has neither"):
        Sklearn(estimator=votes).fit(x, y, 3, np.random.default_rng(0))


def test_a_training_set_of_one_class():
    x, _ = make_records()
    fitted = Sklearn(estimator=INNER).fit(x, np.full(len(x), 2), 4, np.random.default_rng(0))
    assert (fitted.predict_proba(x) == np.eye(4)[2]).all()


def table(n=200):
    rng = np.random.default_rng(0)
    town, y = rng.integers(0, 3, n), rng.integers(0, 2, n)
    age = rng.normal(size=n) + y
    columns = (
        privbench.Column("town", "categorical", (0, 3), ("a", "b", "c")),
        privbench.Column("age", "numeric", (3, 4)),
    )
    x = np.column_stack([np.eye(3)[town], age]).astype(np.float32)
    return privbench.Data(x, y, privbench.DataSpec("tabular", (4,), 2, columns)), town, age


def test_encoders_get_one_code_for_each_categorical_column():
    data, town, age = table()
    encoder = {"name": "TargetEncoder", "smooth": 5.0}
    model = Sklearn(estimator="GaussianNB", categorical=(encoder,))
    fitted = model.fit_data(data, np.random.default_rng(0))
    seed = int(np.random.default_rng(0).integers(2**32))
    encoded = TargetEncoder(smooth=5.0)
    np.random.seed(seed)
    means = encoded.fit_transform(town[:, None].astype(np.float32), data.y)
    expected = GaussianNB().fit(np.column_stack([age.astype(np.float32), means]), data.y)
    at_query = encoded.transform(town[:, None].astype(np.float32))
    np.testing.assert_allclose(
        fitted.predict_proba(data.x),
        expected.predict_proba(np.column_stack([age.astype(np.float32), at_query])),
        atol=1e-5,
    )


def test_numeric_transformers_leave_categories_alone():
    data, _, _ = table()
    model = Sklearn(estimator="GaussianNB", numeric=("StandardScaler",))
    fitted = model.fit_data(data, np.random.default_rng(0))
    handed = fitted.estimator[:-1].transform(data.x)
    np.testing.assert_array_equal(np.sort(handed[:, 1:]), np.sort(data.x[:, :3]))
    np.testing.assert_allclose(handed[:, 0].std(), 1, rtol=1e-5)


def test_categorical_transformers_need_categorical_columns():
    model = Sklearn(estimator=INNER, categorical=("TargetEncoder",))
    assert "no categorical columns" in model.skip(privbench.DataSpec("binary", (5,), 2))
    assert model.skip(table()[0].spec) == ""


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("RandomForestClasifier", "did you mean 'RandomForestClassifier'"),
        ({"name": "GaussianNB", "smoothing": 1.0}, "no parameter 'smoothing'.*var_smoothing"),
        (
            {"name": "GaussianNB", "var_smoothing": "much"},
            "'var_smoothing' parameter of GaussianNB",
        ),
        ({"name": "SVC", "random_state": 0}, "drawn from the seed of the trial"),
        ("LinearRegression", "LinearRegression is no classifier"),
        ("sklearn.svm.Svc", "sklearn.svm has no class 'Svc'"),
        ("nowhere.Model", "cannot import nowhere"),
        ({"C": 1.0}, "names no class"),
        ("StackingClassifier", "missing 1 required positional argument: 'estimators'"),
        ({"name": "xgboost.XGBClassifier", "max_dept": 3}, "did you mean 'max_depth'"),
        ({"name": "BaggingClassifier", "estimator": {"name": "SVCC"}}, "did you mean 'SVC'"),
    ],
)
def test_wrong_descriptions(estimator, message):
    with pytest.raises(ValueError, match=message):
        Sklearn(estimator=estimator)


def test_what_is_no_transformer():
    with pytest.raises(ValueError, match="GaussianNB is no transformer"):
        Sklearn(estimator=INNER, numeric=("GaussianNB",))


def test_values_that_toml_does_not_have():
    model = {"name": "MLPClassifier", "hidden_layer_sizes": [4, 3]}
    scaler = {"name": "MinMaxScaler", "feature_range": [-1, 1]}  # a tuple, or it raises
    Sklearn(estimator=model, numeric=(scaler,))
    Sklearn(estimator={"name": "RandomForestClassifier", "max_features": "None"})
    x, y = make_records(n_classes=2)
    weighted = {"name": INNER, "class_weight": {"0": 1.0, "1": 50.0}}
    plain, towards = (
        Sklearn(estimator=e).fit(x, y, 2, np.random.default_rng(0)).predict_proba(x)[:, 1].mean()
        for e in (INNER, weighted)
    )
    assert towards > plain + 0.05


def test_results_depend_on_the_packages_that_are_named():
    assert Sklearn(estimator=INNER).code_used() == ("sklearn",)
    inner = {"name": "BaggingClassifier", "estimator": {"name": "xgboost.XGBClassifier"}}
    assert Sklearn(estimator=inner).code_used() == ("sklearn", "xgboost")
    # A text below is a value, such as one that ends in a dot.
    text = {"name": "MLPClassifier", "solver": "adam", "activation": "relu"}
    assert Sklearn(estimator=text).code_used() == ("sklearn",)


def test_the_entry_point_makes_it_a_model_of_privbench(tmp_path):
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="sklearn")]
    config = tmp_path / "benchmarks.toml"
    config.write_text(
        """
        [benchmarks.trees]
        datasets = ["digits"]
        models = [
          { name = "sklearn", estimator = [
            { name = "RandomForestClassifier", n_estimators = 10 }, { name = "GaussianNB" } ] },
          { name = "lightgbm", n_estimators = 3 },
        ]
        defenses = ["none"]
        attacks = ["loss"]
        knowledge = ["adaptive"]
        population = 3
        pool = 300
        canaries = 0
        """
    )
    rows = privbench.run("trees", config=config, results=tmp_path).to_dict("records")
    assert {row["status"] for row in rows} == {"ok"}, [row["reason"] for row in rows]
    accuracy = {row["model"]: row["test_accuracy"] for row in rows}
    assert set(accuracy) == {
        "sklearn[estimator=RandomForestClassifier[n_estimators=10]]",
        "sklearn[estimator=GaussianNB]",
        "lightgbm",
    }
    assert min(accuracy.values()) > 0.5
    auc = {row["model"]: row["auc"] for row in rows}
    assert auc["sklearn[estimator=RandomForestClassifier[n_estimators=10]]"] > 0.75  # pure leaves
