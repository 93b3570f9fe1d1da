"""Time and memory of attacks and metrics at full size, compared with a slow reference.

    python bench/attacks.py [--repeat 3] [--share 1.0]

The reference computes the same numbers from the formulas, record by record (for the bootstrap: draw by
draw, each with a sort). It is timed on a part of the work and extrapolated. Times are medians of
``--repeat`` runs. Memory is the peak allocation beyond the input, as a multiple of the input.
``--share`` scales the number of records.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.special import log_ndtr

from privbench.attacks.base import Views
from privbench.attacks.lira import Lira
from privbench.attacks.outputs import Outputs
from privbench.attacks.rmia import Rmia
from privbench.metrics import epsilon_lower_bound, intervals

CLASSES = 10


@dataclass(frozen=True)
class Case:
    """A computation to time.

    Attributes:
        name: what is computed.
        run: computes it.
        reference: returns the seconds that the reference would take, extrapolated.
        input_bytes: size of the input.
        target: seconds that it may take.
    """

    name: str
    run: Callable[[], object]
    reference: Callable[[], float]
    input_bytes: int
    target: float


def population(n_models: int, n: int, references: int = 0) -> Views:
    """Return views of models with higher confidence in members; each is the target in turn."""
    rng = np.random.default_rng(0)
    labels, reference_labels = rng.integers(0, CLASSES, n), rng.integers(0, CLASSES, references)
    member = rng.random((n_models, n)) < 0.5
    easiness = 2 * rng.normal(size=n)
    pool = np.empty((n_models, n, CLASSES), np.float32)
    outside = np.empty((n_models, references, CLASSES), np.float32)
    for model in range(n_models):
        logits = rng.normal(size=(n, CLASSES))
        logits[np.arange(n), labels] += easiness + 1 + 2 * member[model]
        pool[model] = log_softmax(logits)
        outside[model] = log_softmax(rng.normal(size=(references, CLASSES)))
    outputs = Outputs(pool.argmax(-1), pool)
    reference = Outputs(outside.argmax(-1), outside)
    return Views(
        labels=labels,
        n_classes=CLASSES,
        targets=outputs,
        shadows=outputs,
        shadow_labels=labels,
        shadow_member=member,
        leave_one_out=True,
        reference_labels=reference_labels,
        target_reference=reference,
        shadow_reference=reference,
        rngs=[np.random.default_rng(i) for i in range(n_models)],
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def lira_case(attack: Lira, views: Views) -> Case:
    """Return the case of LiRA; ``shrunk`` has the reference of ``global``, which is less work."""
    phi = views.shadows.scaled_confidence(views.labels)

    def reference(targets: int = 2, records: int = 200) -> float:
        started = time.perf_counter()
        for target in range(targets):
            slow_lira(attack, phi[:, :records], views.shadow_member, target)
        return (time.perf_counter() - started) * phi.size / (targets * records)

    name = f"LiRA {attack.mode} {attack.variance}"
    return Case(name, lambda: attack.score_all(views), reference, input_bytes(views), 5.0)


def slow_lira(attack: Lira, phi: np.ndarray, member: np.ndarray, target: int) -> list[float]:
    """Compute the scores of one target by the formulas, record by record."""
    others = [i for i in range(len(phi)) if i != target]
    scores = [0.0] * phi.shape[1]
    for inside in (True, False) if attack.mode == "online" else (False,):
        fits = []
        for record in range(phi.shape[1]):
            values = [phi[i, record] for i in others if member[i, record] == inside]
            centre = np.median(values) if attack.variance == "per-record" else np.mean(values)
            fits.append((centre, np.var(values), len(values)))
        pooled = sum(var * n for _, var, n in fits) / sum(n for *_, n in fits)
        for record, (centre, record_variance, _) in enumerate(fits):
            variance = record_variance if attack.variance == "per-record" else pooled
            difference = phi[target, record] - centre
            if attack.mode == "offline":
                scores[record] = float(log_ndtr(difference / variance**0.5))
            else:
                density = -0.5 * (difference**2 / variance + np.log(variance))
                scores[record] += density if inside else -density
    return scores


def rmia_case(attack: Rmia, views: Views) -> Case:
    """Return the case of RMIA."""
    probs = np.exp(views.targets.log_prob_of(views.labels))
    others = np.exp(views.target_reference.log_prob_of(views.reference_labels))
    rest = np.arange(1, len(probs))

    def marginal(values: np.ndarray) -> float:
        if attack.mode == "online":
            return float(values.mean())
        return float((1 + attack.a) * values.mean() + 1 - attack.a) / 2

    def reference(records: int = 20) -> float:
        started = time.perf_counter()
        ratios = [others[0, z] / marginal(others[rest, z]) for z in range(others.shape[1])]
        prepared = time.perf_counter() - started  # once for a target
        started = time.perf_counter()
        for record in range(records):
            out = rest[~views.shadow_member[rest, record]]
            shadows = rest if attack.mode == "online" else out
            record_ratio = probs[0, record] / marginal(probs[shadows, record])
            _ = sum(record_ratio / ratio >= attack.gamma for ratio in ratios) / len(ratios)
        each = (time.perf_counter() - started) / records
        return prepared * len(probs) + each * probs.size

    name = f"RMIA {attack.mode}"
    return Case(name, lambda: attack.score_all(views), reference, input_bytes(views), 15.0)


def bootstrap_case(n_models: int, n: int) -> Case:
    """Return the case of 1,000 bootstrap draws."""
    rng = np.random.default_rng(0)
    member = rng.random((n_models, n)) < 0.5
    scores = rng.normal(size=member.shape) + member

    def reference(draws: int = 3) -> float:
        started = time.perf_counter()
        for _ in range(draws):
            rows = rng.integers(0, n_models, n_models)
            drawn, truth = scores[rows].ravel(), member[rows].ravel()
            order = np.argsort(-drawn, kind="stable")
            true = np.cumsum(truth[order]) / truth.sum()
            false = np.cumsum(~truth[order]) / (~truth).sum()
            area = np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)
            _ = area, true[false <= 0.01].max(initial=0)
        return (time.perf_counter() - started) * 1000 / draws

    def run() -> object:
        return intervals(scores, member, draws=1000, rng=np.random.default_rng(0))

    return Case("bootstrap, 1,000 draws", run, reference, scores.nbytes + member.nbytes, 10.0)


def epsilon_case(n_models: int, n: int) -> Case:
    """Return the case of the lower bound on epsilon, leave-one-out."""
    rng = np.random.default_rng(0)
    member = rng.random((n_models, n)) < 0.5
    scores = rng.normal(size=member.shape) + member

    def bound(leave_one_out: bool, others: np.ndarray, targets: np.ndarray) -> float:
        return epsilon_lower_bound(
            scores[targets],
            member[targets],
            scores[others],
            member[others],
            leave_one_out=leave_one_out,
        )

    def reference(targets: int = 2) -> float:
        """Sort all other models for each target."""
        started = time.perf_counter()
        for target in range(targets):
            others = np.delete(np.arange(n_models), target)
            bound(False, others, np.array([target]))
        return (time.perf_counter() - started) * n_models / targets

    everyone = np.arange(n_models)
    size = scores.nbytes + member.nbytes
    return Case(
        "epsilon lower bound", lambda: bound(True, everyone, everyone), reference, size, 10.0
    )


def input_bytes(views: Views) -> int:
    """Return the size of the outputs and of the membership."""
    outputs = (views.targets, views.target_reference)
    size = sum(o.predicted.nbytes + o.log_probs.nbytes for o in outputs if o.log_probs is not None)
    return size + views.shadow_member.nbytes


def cases(share: float) -> Iterator[Case]:
    """Yield all cases, with ``share`` of the records."""
    views = population(256, int(20_000 * share))
    for mode in ("online", "offline"):
        for variance in ("global", "per-record", "shrunk"):
            yield lira_case(Lira(mode=mode, variance=variance), views)
    views = population(64, int(10_000 * share), 2_000)
    yield rmia_case(Rmia(mode="online"), views)
    yield rmia_case(Rmia(mode="offline"), views)
    yield bootstrap_case(64, int(10_000 * share))
    yield epsilon_case(64, int(10_000 * share))


def measure(case: Case, repeat: int) -> None:
    """Time a case, and print one line about it."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        case.run()
        times.append(time.perf_counter() - started)
    tracemalloc.start()
    case.run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    seconds, slow = median(times), case.reference()
    print(
        f"{case.name:26} {seconds:7.2f} s (target {case.target:g}) {slow / seconds:9.0f}x the reference"
        f"  memory {peak / case.input_bytes:4.1f}x the input of {case.input_bytes / 1e6:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="time attacks and metrics at full size")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each case")
    parser.add_argument("--share", type=float, default=1.0, help="share of the records to use")
    arguments = parser.parse_args()
    print(f"numpy {np.__version__}, load {os.getloadavg()[0]:.1f}")
    for case in cases(arguments.share):
        measure(case, arguments.repeat)


if __name__ == "__main__":
    main()
