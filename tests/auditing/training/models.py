"""Training functions of tests."""

import numpy as np


class Nearest:
    """Answers with the label of the nearest training record, and is sure if it is the record itself."""

    def __init__(self, x, y, n_classes=2):
        self.x, self.y, self.n_classes = np.asarray(x), np.asarray(y), n_classes

    def predict_proba(self, x):
        distance = ((np.asarray(x)[:, None] - self.x) ** 2).sum(-1)
        sure = np.where(distance.min(1) == 0, 0.98, 0.5)[:, None]
        return (1 - sure) / self.n_classes + sure * np.eye(self.n_classes)[
            self.y[distance.argmin(1)]
        ]


def nearest(x, y, seed):
    return Nearest(x, y)


def tree(x, y, seed):
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=4, random_state=seed).fit(x, y)


def deaf(x, y, seed):
    """Ignores its records: answers are random, and the same for every record's neighbourhood."""
    weights = np.random.default_rng(seed).normal(size=3)
    return lambda x: 1 / (1 + np.exp(-np.asarray(x) @ weights))
