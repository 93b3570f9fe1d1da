"""Population training: the numeric core. It knows torch and numpy, and nothing of the harness.

    sets = TrainingSets.shared(x, y, index)            # index (models, m): who trains on what
    recipe = Recipe("sgd", lr=0.1, momentum=0.9, weight_decay=0.0, epochs=20, batch_size=64)
    population = train_population(build, sets, recipe, seeds)
    logits = population.predict(x)                     # (models, n, classes)

Model ``i`` depends on ``seeds[i]`` and its own training set, and on nothing else: not on the strategy,
the chunk size, the number of models or their order (to float tolerance).
"""

from privbench.engine.augment import Augmentation
from privbench.engine.choice import Choice, choose
from privbench.engine.errors import Diverged
from privbench.engine.gradients import gradient_norms
from privbench.engine.loss import (
    Batch,
    Forward,
    Loss,
    Noise,
    Phase,
    Progress,
    beta,
    cross_entropy,
    normal,
)
from privbench.engine.population import Population
from privbench.engine.private import PrivateSteps, can_train_privately, train_privately
from privbench.engine.recipe import Recipe
from privbench.engine.sets import TrainingSets
from privbench.engine.stopping import Validation
from privbench.engine.train import train_each, train_population

__all__ = [
    "Augmentation",
    "Batch",
    "Choice",
    "Diverged",
    "Forward",
    "Loss",
    "Noise",
    "Phase",
    "Population",
    "PrivateSteps",
    "Progress",
    "Recipe",
    "TrainingSets",
    "Validation",
    "beta",
    "can_train_privately",
    "choose",
    "cross_entropy",
    "gradient_norms",
    "normal",
    "train_each",
    "train_population",
    "train_privately",
]
