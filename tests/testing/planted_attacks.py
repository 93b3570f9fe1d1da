"""Attacks that are planted to be wrong. ``PLANTED`` says which checks each must fail, and why."""

import os
import random
import sys

import numpy as np
import torch
from pydantic import Field, field_validator

import privbench
from privbench.components import sealed


def loss(view):
    return view.target.log_prob_of(view.labels)


class Inverted(privbench.Attack):
    """Scores members lower."""

    name = "inverted"

    def score(self, view):
        return -loss(view)


class Useless(privbench.Attack):
    """Scores by coins."""

    name = "useless"

    def score(self, view):
        return view.rng.random(len(view.labels))


class NotFinite(privbench.Attack):
    """Returns NaN for one record."""

    name = "not-finite"

    def score(self, view):
        return np.where(np.arange(len(view.labels)) == 3, np.nan, loss(view))


class WrongShape(privbench.Attack):
    """Returns a column."""

    name = "wrong-shape"

    def score(self, view):
        return loss(view)[:, None]


class Texts(privbench.Attack):
    """Returns texts."""

    name = "texts"

    def score(self, view):
        return loss(view).astype(str)


class GlobalNumpy(privbench.Attack):
    """Draws from np.random."""

    name = "global-numpy"

    def score(self, view):
        return loss(view) + np.random.random(len(view.labels))


class GlobalPython(privbench.Attack):
    """Draws from random."""

    name = "global-python"

    def score(self, view):
        return loss(view) + random.random() * np.cos(np.arange(len(view.labels)))


class GlobalTorch(privbench.Attack):
    """Draws from torch's default generator."""

    name = "global-torch"

    def score(self, view):
        return loss(view) + torch.rand(len(view.labels)).numpy()


class SeedsNumpy(privbench.Attack):
    """Seeds np.random, and so everybody's draws."""

    name = "seeds-numpy"

    def score(self, view):
        np.random.seed(0)
        return loss(view)


class Unseeded(privbench.Attack):
    """Draws from a generator without a seed."""

    name = "unseeded"

    def score(self, view):
        return loss(view) + np.random.default_rng().random(len(view.labels))


class ClimbsFrames(privbench.Attack):
    """Looks for the membership of its target in the frames of its callers."""

    name = "climbs-frames"

    def score(self, view):
        frame = sys._getframe(1)
        while frame is not None:
            views = frame.f_locals.get("views")
            if isinstance(views, privbench.Views):
                (own,) = [
                    row
                    for row in views.shadow_member
                    if not any(np.array_equal(row, other) for other in view.shadow_member)
                ]
                return loss(view) + 100 * own
            frame = frame.f_back
        return loss(view)


class OpensSeals(privbench.Attack):
    """Looks behind the function by which it may query its target."""

    name = "opens-seals"
    queries = True

    def score(self, view):
        model = sealed._FUNCTIONS[view.target_model.query].__self__
        return loss(view) + 100 * model.member[model.index]


SEEN = []


class KeepsRows(privbench.Attack):
    """Keeps the membership of shadows, which will be its targets."""

    name = "keeps-rows"

    def score(self, view):
        SEEN.extend(zip(view.shadows.log_probs, view.shadow_member, strict=True))
        for log_probs, row in reversed(SEEN):
            if np.array_equal(log_probs, view.target.log_probs):
                return loss(view) + 100 * row
        return loss(view)


class OwnRow(privbench.BatchedAttack):
    """Uses the membership of all shadows, of which one is the target."""

    name = "own-row"

    def score_all(self, views):
        losses = views.targets.log_prob_of(views.labels)
        out = np.where(views.shadow_member, 0, losses).sum(0)
        return losses - out / np.maximum((~views.shadow_member).sum(0), 1)


class InPlace(privbench.Attack):
    """Sorts its view in place."""

    name = "in-place"

    def score(self, view):
        scores = loss(view)
        view.target.log_probs[:, 0] = 0
        return scores


class BehindNumpy(privbench.Attack):
    """Writes through a tensor that shares the memory of its view."""

    name = "behind-numpy"

    def score(self, view):
        scores = loss(view)
        torch.from_numpy(view.target.log_probs).zero_()
        return scores


class OtherBatch(privbench.BatchedAttack):
    """Standardises over all targets, which a single view does not have."""

    name = "other-batch"

    def score_all(self, views):
        losses = views.targets.log_prob_of(views.labels)
        return losses - losses.mean(0)


class ByPlace(privbench.Attack):
    """Scores by the place of a record in the pool."""

    name = "by-place"

    def score(self, view):
        return loss(view) - 0.01 * np.arange(len(view.labels))


class Infinite(privbench.Attack):
    """Takes the logarithm of zero."""

    name = "infinite"

    def score(self, view):
        with np.errstate(divide="ignore"):
            return np.log(np.exp(view.target.log_probs).astype(float))[
                np.arange(len(view.labels)), view.labels
            ]


class NeverRead(privbench.Attack):
    """Has a parameter that it does not read."""

    name = "never-read"
    power: float = Field(1.0, gt=0, description="the exponent of the loss")

    def score(self, view):
        return loss(view)


class WithoutEffect(privbench.Attack):
    """Reads a parameter, to no effect."""

    name = "without-effect"
    power: int = Field(1, ge=1, description="the exponent of the loss")

    def score(self, view):
        return loss(view) + 0 * self.power


class SwitchesType(privbench.Attack):
    """Changes torch's default type, and where it runs."""

    name = "switches-type"

    def score(self, view):
        torch.set_default_dtype(torch.float64)
        os.chdir("/")
        return loss(view)


class Undescribed(privbench.Attack):
    name = "Not_Conventional"
    power: float = 1.0

    def score(self, view):
        return loss(view) * self.power


class RaisesOthers(privbench.Attack):
    """Raises what is no ValueError for a wrong parameter."""

    name = "raises-others"
    power: float = Field(1.0, description="the factor of the loss")

    @field_validator("power", mode="before")
    @classmethod
    def _check(cls, value):
        if isinstance(value, str):
            raise KeyError(value)
        return value

    def score(self, view):
        return loss(view) * self.power


class Lenient(privbench.Attack):
    """Accepts what is beyond its bounds."""

    name = "lenient"
    power: float = Field(1.0, gt=0, description="the exponent of the loss")

    @field_validator("power", mode="wrap")
    @classmethod
    def _check(cls, value, handler):
        return value if value == 0 else handler(value)

    def score(self, view):
        return loss(view) * (1 + self.power)


class Addressed(privbench.Attack):
    """Has a repr of its own with an address, which no two instances share."""

    name = "addressed"

    def __repr__(self):
        return object.__repr__(self)

    def score(self, view):
        return loss(view)


class NotPickled(privbench.Attack):
    """Cannot be sent to a worker."""

    name = "not-pickled"

    def __reduce__(self):
        raise TypeError("not me")

    def score(self, view):
        return loss(view)


class Raises(privbench.Attack):
    """Misspells what it uses."""

    name = "raises"

    def score(self, view):
        return view.target.logprob


RUNS = "runs"
GLOBAL = "draws_from_no_global_generator"
SEES = "does_not_see_membership"
PLANTED = [
    (Inverted, "larger_means_member", "scores are inverted: the AUC is 0.2"),
    (Useless, "larger_means_member", "it finds nothing: the AUC is 0."),
    (NotFinite, RUNS, "score returned NaN or infinity in 1 of 120 values"),
    (WrongShape, RUNS, "(120, 1) and type float64, expected numbers of shape (120,)"),
    (Texts, RUNS, "expected numbers of shape (120,)"),
    (GlobalNumpy, GLOBAL, "changed the state of global random numbers of NumPy"),
    (GlobalPython, GLOBAL, "changed the state of global random numbers of Python"),
    (GlobalTorch, GLOBAL, "changed the state of global random numbers of torch"),
    (SeedsNumpy, GLOBAL, "changed the state of global random numbers of NumPy"),
    (Unseeded, "is_repeatable", "a second call with the same seed gives other results"),
    (ClimbsFrames, SEES, "it uses the membership of its target: the AUC is 1.00"),
    (OpensSeals, SEES, "it uses the membership of its target: the AUC is 1.00"),
    (KeepsRows, SEES, "or keeps between calls"),
    (OwnRow, "does_not_use_its_own_row", "score_all uses the membership of the target"),
    (InPlace, "leaves_its_inputs_alone", "it changed targets.log_probs in place; change a copy"),
    (BehindNumpy, "leaves_its_inputs_alone", "it changed targets.log_probs in place"),
    (
        OtherBatch,
        "all_targets_are_as_one_after_another",
        "score_all and score of each view disagree",
    ),
    (ByPlace, "order_of_records_does_not_matter", "another order of the records changes"),
    (Infinite, "scores_are_finite_at_extremes", "with probabilities of exactly zero and one: "),
    (NeverRead, "every_parameter_matters", "power is never read (tried 2.0, 0.5"),
    (WithoutEffect, "every_parameter_matters", "power is read, but changes nothing (tried 2"),
    (SwitchesType, "leaves_the_process_alone", "the working directory, the default type of torch"),
    (Undescribed, "has_a_conventional_name", "names are words of lower-case letters"),
    (Undescribed, "describes_itself", "Undescribed has no docstring"),
    (RaisesOthers, "refuses_wrong_parameters", "power = 'x' raises KeyError: 'x'"),
    (Lenient, "refuses_wrong_parameters", "power = 0 is accepted, which is outside of its bounds"),
    (Addressed, "parameters_survive_storage", "its repr is not that of an equal component"),
    (NotPickled, "parameters_survive_storage", "it cannot be pickled: TypeError: not me"),
    (Raises, RUNS, "raises: AttributeError: 'Outputs' object has no attribute 'logprob'"),
]
