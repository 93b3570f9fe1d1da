"""Generators, models, datasets and executors that are planted to be wrong."""

from __future__ import annotations

import numpy as np
from pydantic import Field

import privbench
from privbench import Data, DataSpec
from privbench.executors.local import Local


class Fitted(privbench.FittedGenerator):
    """Draws from a normal distribution of each class, and reconstructs by its mean."""

    def __init__(self, data):
        self.spec = data.spec
        classes = range(data.spec.n_classes)
        self.means = np.stack([data.x[data.y == c].mean(0) for c in classes])
        self.noise = 0.0

    def encode(self, data):
        return self.means[data.y].reshape(len(data), -1)

    def decode(self, codes):
        return codes.reshape(-1, *self.spec.shape)

    def sample(self, n, rng):
        y = rng.integers(0, self.spec.n_classes, n)
        x = self.means[y] + rng.normal(size=(n, *self.spec.shape))
        return Data(x.astype(np.float32), y, self.spec)


class Sound(privbench.Generator):
    """Nothing is wrong with it."""

    name = "sound"

    def fit(self, data, rng):
        return Fitted(data)


class FittedCopy(Fitted):
    def __init__(self, data):
        super().__init__(data)
        self.data = data

    def sample(self, n, rng):
        return self.data.take(rng.permutation(len(self.data))[:n])


class Copies(Sound):
    """Returns its training set."""

    name = "copies"

    def fit(self, data, rng):
        return FittedCopy(data)


class Ignores(Sound):
    """Is fitted to nothing."""

    name = "ignores"

    def fit(self, data, rng):
        fitted = Fitted(data)
        fitted.means = np.zeros_like(fitted.means)
        return fitted


class FittedNoisy(Fitted):
    def encode(self, data):
        self.noise += 1.0
        return super().encode(data) + np.float32(self.noise)


class Noisy(Sound):
    """Encodes the same record differently each time."""

    name = "noisy"

    def fit(self, data, rng):
        return FittedNoisy(data)


class OtherPopulation(Sound):
    """Fits a population on all records together."""

    name = "other-population"

    def fit_population(self, sets, rngs, device, progress):
        x, y = np.concatenate([data.x for data in sets]), np.concatenate([data.y for data in sets])
        return [Fitted(Data(x, y, data.spec)) for data in sets]


class FittedStored(Fitted):
    def state(self):
        return {"means": self.means}


class FittedRemembered(FittedStored):
    def __init__(self, data):
        super().__init__(data)
        flat = data.x.reshape(len(data), -1)
        self.records = np.column_stack([data.y, flat])

    def state(self):
        return {"means": self.means, "table": self.records}


class Remembers(Sound):
    """Stores its training set, with the labels, beside what it draws from."""

    name = "remembers"

    def fit(self, data, rng):
        return FittedRemembered(data)


class OtherState(Sound):
    """Restores something else than it has stored."""

    name = "other-state"

    def fit(self, data, rng):
        return FittedStored(data)

    def restore(self, state, spec):
        fitted = FittedStored.__new__(FittedStored)
        fitted.spec, fitted.means, fitted.noise = spec, state["means"] + 1, 0.0
        return fitted


class NoLabels(Sound):
    """Draws labels that are no classes."""

    name = "no-labels"

    def fit(self, data, rng):
        fitted = Fitted(data)
        fitted.sample = lambda n, rng: Data(data.x[:n], data.y[:n] + 9, data.spec)
        return fitted


class Linear(privbench.TorchModel):
    """A linear model."""

    name = "linear"

    def build(self, shape, n_classes):
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), n_classes))


class Softmax(Linear):
    """Returns probabilities."""

    name = "softmax"

    def build(self, shape, n_classes):
        from torch import nn

        return nn.Sequential(super().build(shape, n_classes), nn.Softmax(-1))


class Frozen(Linear):
    """Has no gradient where it matters."""

    name = "frozen"

    def build(self, shape, n_classes):
        from torch import nn

        class Detached(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner, self.bias = inner, nn.Parameter(inner[1].bias.detach().clone())

            def forward(self, x):
                return self.inner(0 * x) + 0 * self.bias

        return Detached(super().build(shape, n_classes))


class OwnRecipe(Linear):
    """Has a recipe of its own, without weight decay."""

    name = "own-recipe"

    def recipe(self):
        from privbench.engine import Recipe

        return Recipe(self.optimizer, self.lr, 0.0, 0.0, self.epochs, self.batch_size)


class Votes:
    def __init__(self, x, y, k):
        self.means = np.stack([x[y == c].mean(0) for c in range(k)]).reshape(k, -1)

    def predict_proba(self, x):
        distance = ((x.reshape(len(x), 1, -1) - self.means) ** 2).sum(-1)
        powers = np.exp(distance.min(1, keepdims=True) - distance)
        return powers / powers.sum(1, keepdims=True)


class Means(privbench.EstimatorModel):
    """The nearest mean of a class, of which each needs a record."""

    name = "means"

    def fit(self, x, y, n_classes, rng):
        return Votes(x, y, n_classes)


class Batchwise(Votes):
    def predict_proba(self, x):
        probabilities = super().predict_proba(x)
        return (probabilities + probabilities.mean(0)) / 2


class OfTheQuery(privbench.EstimatorModel):
    """Standardises by the records of the query."""

    name = "of-the-query"

    def fit(self, x, y, n_classes, rng):
        return Batchwise(x, y, n_classes)


class Guesses(privbench.EstimatorModel):
    """Does not look at the records."""

    name = "guesses"

    def fit(self, x, y, n_classes, rng):
        class Even:
            def predict_proba(self, x):
                return np.full((len(x), n_classes), 1 / n_classes)

        return Even()


class Scales(Votes):
    def predict_proba(self, x):
        x /= 1000
        return super().predict_proba(x)


class ScalesInPlace(privbench.EstimatorModel):
    """Scales what it is asked in place."""

    name = "scales-in-place"

    def fit(self, x, y, n_classes, rng):
        return Scales(x, y, n_classes)


SPEC = DataSpec("tabular", (2,), 2)


class Random(privbench.Dataset):
    """Other records at each call."""

    name = "random"

    def load(self):
        rng = np.random.default_rng()
        x, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
        return Data(x.astype(np.float32), y, SPEC)


class Doubles(privbench.Dataset):
    """Records in float64."""

    name = "doubles"
    n: int = Field(40, ge=10, description="number of records")

    def load(self):
        return Data(np.ones((self.n, 2)), np.arange(self.n) % 2, SPEC)


class LeavesOut(privbench.Executor):
    """Computes all tasks but those of one attack."""

    name = "leaves-out"

    def execute(self, tasks):
        while tasks.unfinished:
            for task in tasks.ready(1):
                if "lira" in task.title:
                    tasks.fail(task, "no time")
                else:
                    tasks.run(task)


class Stops(privbench.Executor):
    """Returns before all is done."""

    name = "stops"

    def execute(self, tasks):
        for task in tasks.ready(1):
            tasks.run(task)


class Unread(Local):
    """Has a parameter that it does not read."""

    name = "unread"
    speed: int = Field(1, ge=1, description="how fast it is")


PLANTED = [
    (Copies, "draws_new_records", "100% of the records that sample draws are copies"),
    (
        Remembers,
        "state_is_not_the_training_set",
        "100% of the training records are rows of state()['table'], which attacks",
    ),
    (Ignores, "depends_on_its_training_set", "so it learns nothing"),
    (Noisy, "encodes_and_decodes_without_randomness", "a second call on the same records"),
    (OtherPopulation, "all_fits_are_as_one_after_another", "fit_population and fit disagree"),
    (OtherState, "is_restored_from_its_state", "the generator that is restored is another"),
    (NoLabels, "runs", "expected integers in 0..2"),
    (Softmax, "builds_a_network", "its module returns probabilities"),
    (Frozen, "learns", "it learns nothing: "),
    (OwnRecipe, "every_parameter_matters", "weight_decay is never read"),
    (Means, "answers_for_classes_it_has_not_seen", "without records of the last class: "),
    (OfTheQuery, "each_record_is_answered_by_itself", "depends on the others of a query"),
    (Guesses, "learns", "it learns nothing: "),
    (ScalesInPlace, "leaves_its_inputs_alone", "it changed ['x'] in place"),
    (Random, "is_repeatable", "a second call with the same seed gives other results"),
    (Doubles, "runs", "x must be float32 and y int64"),
    (Unread, "every_parameter_matters", "speed is never read. Remove such a parameter"),
    (LeavesOut, "computes_every_trial", "2 of 4 trials have no results: "),
    (
        Stops,
        "computes_every_trial",
        "4 of 4 trials have no results: executor 'stops' left this trial",
    ),
]
