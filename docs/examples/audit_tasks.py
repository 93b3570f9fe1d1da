"""Audits of regression, of several labels and of persons, on data that scikit-learn ships.

python docs/examples/audit_tasks.py

Each population is 16 models, trained on random halves of the records. It takes half a minute.
"""

import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Ridge

import privbench

MODELS = 16


def halves(n, seed=0):
    """Draw which model is trained on which record, or person."""
    return np.random.default_rng(seed).random((MODELS, n)) < 0.5


def regression(make):
    """Predict the progression of diabetes; 92 of the 442 records are reference records."""
    x, y = load_diabetes(return_X_y=True)
    pool = slice(0, 350)
    member = halves(350)
    fitted = [make(i).fit(x[pool][row], y[pool][row]) for i, row in enumerate(member)]
    predictions = np.stack([model.predict(x) for model in fitted])
    return {
        "predictions": predictions[:, pool],
        "targets": y[pool],
        "member": member,
        "reference_predictions": predictions[:, 350:],
        "reference_targets": y[350:],
    }


def several_labels():
    """Say of a handwritten digit whether it is even, large, prime, has a loop; 5% is noise."""
    x, digit = load_digits(return_X_y=True)
    x, digit = x[:600], digit[:600]
    labels = np.stack(
        [digit % 2 == 0, digit >= 5, np.isin(digit, [2, 3, 5, 7]), np.isin(digit, [0, 6, 8, 9])], 1
    )
    labels ^= np.random.default_rng(1).random(labels.shape) < 0.05
    member = halves(len(x))
    probs = []
    for i, row in enumerate(member):
        forest = RandomForestClassifier(50, random_state=i).fit(x[row], labels[row])
        probs.append(np.stack([of_label[:, 1] for of_label in forest.predict_proba(x)], axis=1))
    return {"probs": np.stack(probs), "labels": labels, "member": member}


def persons():
    """Predict the progression of diabetes from records of 80 imaginary persons, 1 to 8 records each."""
    x, y = load_diabetes(return_X_y=True)
    person = np.random.default_rng(2).choice(80, len(x), p=np.arange(1, 81) / 3240)
    member = halves(80)[:, person]
    fitted = [
        RandomForestRegressor(100, min_samples_leaf=10, random_state=i).fit(x[row], y[row])
        for i, row in enumerate(member)
    ]
    predictions = np.stack([model.predict(x) for model in fitted])
    return {"predictions": predictions, "targets": y, "member": member, "person": person}


if __name__ == "__main__":
    print("== ridge", privbench.audit(regression(lambda i: Ridge(0.01))), sep="\n")
    forests = regression(lambda i: RandomForestRegressor(100, random_state=i))
    print("\n== forest", privbench.audit(forests), sep="\n")
    print("\n== several labels", privbench.audit(several_labels()), sep="\n")
    arrays = persons()
    alone = {name: array for name, array in arrays.items() if name != "person"}
    print("\n== records", privbench.audit(alone), sep="\n")
    print("\n== persons", privbench.audit(arrays, groups="person"), sep="\n")
