"""Two neighbouring inputs that a guarantee is about, and samples of what is returned for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.data import Data, DataSpec
from privbench.privacy import Guarantee, GuaranteeContext
from privbench.testing.problems.base import Problem
from privbench.testing.problems.generators import OfGenerators
from privbench.testing.problems.mechanisms import (
    Codes,
    OfCodes,
    OfData,
    OfOutputs,
    Private,
    stated_by,
)
from privbench.testing.problems.sets import SPECS, make_data
from privbench.testing.problems.training import OfTraining
from privbench.testing.refuting import Claim, Sample

FAR = 10.0
"""How far numeric features and codes of the two records are from zero."""
N_DATA, N_TRAIN = 3, 16
"""Records of a training set for mechanisms on records, and on training or for generators."""
QUERIES = 20
"""Queries of an output mechanism, at most."""


@dataclass(frozen=True)
class Neighbours:
    """Two neighbouring inputs, what a guarantee claims about them, and what is returned for each."""

    claim: Claim
    what: str
    sample: Sample
    most: int = 3000


def neighbours_of(problem: Problem) -> Neighbours | None:
    """Return inputs that the component's guarantee covers; None if it states none about such."""
    match problem:
        case OfData():
            return _of_data(problem)
        case OfCodes():
            return _of_codes(problem)
        case OfOutputs():
            return _of_outputs(problem)
        case OfTraining():
            return _of_training(problem)
        case OfGenerators():
            return _of_generators(problem)
    return None


def _claim(stated: Guarantee | None) -> Claim | None:
    """Return what a guarantee says about replacing one record; None if that is nothing."""
    if stated is None or stated.kind == "metric-dp" or stated.is_broken():
        return None
    epsilon, delta = stated.replace_one()
    return Claim(epsilon, delta) if delta < 1 and epsilon > 0 else None


def _pair(spec: DataSpec, covers: str, n: int) -> tuple[Data, Data]:
    """Return two sets that differ in the first record, in what a guarantee covers of it."""
    data = make_data(spec, n, 77)
    extremes = []
    for sign, label in ((1.0, 0), (-1.0, 1)):
        x: NDArray[np.float64] = np.full(spec.n_features, float(sign > 0))
        x[list(spec.numeric_features)] = FAR * sign
        for first, end in spec.categorical_blocks:
            x[first:end] = np.eye(end - first)[label]
        extremes.append((x.reshape(spec.shape), label))
    sets = []
    for record, label in extremes:
        other = data.copy()
        other.x[0] = extremes[0][0] if covers == "labels" else record
        other.y[0] = 0 if covers == "features" else label
        sets.append(other)
    return sets[0], sets[1]


def _of_data(problem: OfData) -> Neighbours | None:
    component = problem.bound.component
    for spec in SPECS:
        if component.skip(spec, None) or not component.reads_private:
            continue
        context = replace(problem.context(spec), n_train=N_DATA)
        stated = stated_by(component, context)
        claim = _claim(stated)
        if claim is None or stated is None:
            continue
        pair, reference = _pair(spec, stated.covers, N_DATA), make_data(spec, 20, 78)

        def sample(side: int, seeds: range, pair: Any = pair, reference: Data = reference) -> Any:
            found = []
            for i in seeds:
                given = Private(pair[side].copy(), reference)
                found.append(_row(problem.run(problem.bound, given, 2 * i + side)))
            return np.stack(found)

        return Neighbours(claim, f"{stated.kind} of {stated.covers}", sample)
    return None


def _of_codes(problem: OfCodes) -> Neighbours | None:
    stated = problem.guarantee(problem.bound)
    if stated is None or stated.is_broken() or stated.covers == "labels":
        return None
    far, claim = FAR, _claim(stated)
    if stated.kind == "metric-dp":
        if not stated.epsilon or stated.delta >= 1:
            return None
        # Reference codes are white, so that distances of Mahalanobis are Euclidean ones.
        far, claim = 0.5 / stated.epsilon, Claim(1.0, stated.delta)
    if claim is None:
        return None
    white = _white(200, 4)
    codes = np.zeros((2, N_DATA, 4), np.float32)
    codes[0, 0, 0], codes[1, 0, 0] = far, -far

    def sample(side: int, seeds: range) -> Any:
        found = []
        for i in seeds:
            given = Codes(codes[side].copy(), white.copy())
            found.append(_row(problem.run(problem.bound, given, 2 * i + side)))
        return np.stack(found)

    return Neighbours(claim, f"{stated.kind}, codes {2 * far:.3g} apart", sample)


def _white(n: int, d: int) -> Any:
    """Return codes whose mean is zero and whose covariance is the identity."""
    x = np.random.default_rng(0).normal(size=(n, d))
    x -= x.mean(0)
    return (x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, bias=True))).T).astype(np.float32)


def _of_outputs(problem: OfOutputs) -> Neighbours | None:
    component = problem.bound.component
    stated = problem.guarantee(problem.bound)
    claim = _claim(stated)
    if claim is None or component.needs_fit or stated is None or stated.covers != "records":
        return None
    queries = min(component.queries_covered(), QUERIES)
    certain = np.eye(problem.spec.n_classes)[:2]

    def sample(side: int, seeds: range) -> Any:
        bare = np.tile(certain[side], (queries, 1))
        found = []
        for i in seeds:
            rng = np.random.default_rng([2 * i + side, 11])
            found.append(np.mean(component.apply(bare.copy(), rng), axis=0))
        return np.stack(found)

    return Neighbours(claim, f"{stated.kind}, {queries} queries", sample)


def _of_training(problem: OfTraining) -> Neighbours | None:
    from privbench.engine import TrainingSets
    from privbench.mechanisms.base import TrainingTask
    from privbench.models.logistic import Logistic

    bound, spec = problem.bound, problem.spec
    model = Logistic(epochs=4, batch_size=4, lr=0.5)
    stated = stated_by(bound.component, GuaranteeContext(spec, N_TRAIN, model, "none"))
    claim = _claim(stated)
    if (
        claim is None
        or stated is None
        or stated.covers == "labels"
        or bound.component.skip(spec, model)
    ):
        return None
    pair = _pair(spec, stated.covers, N_TRAIN)
    probes = np.stack([data.x[0] for data in pair])

    def sample(side: int, seeds: range) -> Any:
        index = np.tile(np.arange(N_TRAIN), (len(seeds), 1))
        task = TrainingTask(
            model=model,
            spec=spec,
            sets=TrainingSets.shared(pair[side].x.copy(), pair[side].y.copy(), index),
            reference=make_data(spec, 20, 78),
            seeds=[2 * i + side for i in seeds],
            device="cpu",
            progress=lambda done, total: None,
        )
        logits = bound.component.train_population(task).predict(probes)
        return logits.reshape(len(seeds), -1)

    return Neighbours(claim, f"{stated.kind} of {stated.covers}", sample, 450)


def _of_generators(problem: OfGenerators) -> Neighbours | None:
    bound, spec = problem.bound, problem.spec
    fitted_on = bound.component.fitted_on
    context = GuaranteeContext(spec, N_TRAIN, None, fitted_on)
    stated = stated_by(bound.component, context)
    claim = _claim(stated)
    if claim is None or stated is None or stated.covers == "labels" or fitted_on == "reference":
        return None
    pair = _pair(spec, stated.covers, N_TRAIN)

    def sample(side: int, seeds: range) -> Any:
        fitted = problem.fit_all(bound, [pair[side]] * len(seeds), [2 * i + side for i in seeds])
        found = []
        for i, one in zip(seeds, fitted, strict=True):
            drawn = one.sample(200, np.random.default_rng([2 * i + side, 12]))
            x = drawn.x.reshape(200, -1)
            share = np.bincount(drawn.y, minlength=spec.n_classes) / 200
            found.append(np.concatenate([x.mean(0), np.abs(x).max(0), share]))
        return np.stack(found)

    return Neighbours(claim, f"{stated.kind} of {stated.covers}", sample, 450)


def _row(results: dict[str, Any]) -> Any:
    """Return results as one row of numbers; labels count by themselves."""
    parts = []
    for name, array in results.items():
        of_labels = name == "y"
        parts.append(np.eye(8)[array].ravel() if of_labels else np.asarray(array).ravel())
    return np.concatenate(parts).astype(float)
