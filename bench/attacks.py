"""Seconds and memory of attacks and metrics at full size, beside a slow reference.

    python bench/attacks.py [--repeat 3] [--share 1.0]

The reference computes the same numbers as the formulas say, record by record (the bootstrap: draw by
draw, each with its own sort). It is timed on a part of the work and scaled up. Medians of ``--repeat``
runs; memory is the peak of what is allocated beside the input, as a multiple of it. ``--share`` shrinks
the number of records.
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

from privbench.attacks.base import Outputs, Views
from privbench.attacks.lira import Lira
from privbench.attacks.rmia import Rmia
from privbench.metrics import epsilon_lower_bound, intervals

CLASSES = 10


@dataclass(frozen=True)
class Workload:
    name: str
    run: Callable[[], object]
    reference: Callable[[], float]
    """Seconds that the whole of it would take."""
    input_bytes: int
    target: float


def population(n_models: int, n: int, references: int = 0) -> Views:
    """Answers of models that are surer of records they were trained on, each the target in turn."""
    rng = np.random.default_rng(0)
    labels, known = rng.integers(0, CLASSES, n), rng.integers(0, CLASSES, references)
    member = rng.random((n_models, n)) < 0.5
    hardness = 2 * rng.normal(size=n)
    pool = np.empty((n_models, n, CLASSES), np.float32)
    outside = np.empty((n_models, references, CLASSES), np.float32)
    for model in range(n_models):
        logits = rng.normal(size=(n, CLASSES))
        logits[np.arange(n), labels] += hardness + 1 + 2 * member[model]
        pool[model] = log_softmax(logits)
        outside[model] = log_softmax(rng.normal(size=(references, CLASSES)))
    answers = Outputs(pool.argmax(-1), pool)
    reference = Outputs(outside.argmax(-1), outside)
    return Views(
        labels=labels,
        n_classes=CLASSES,
        targets=answers,
        shadows=answers,
        shadow_labels=labels,
        shadow_member=member,
        leave_one_out=True,
        reference_labels=known,
        target_reference=reference,
        shadow_reference=reference,
        rngs=[np.random.default_rng(i) for i in range(n_models)],
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def lira_workload(attack: Lira, views: Views) -> Workload:
    """The reference of ``shrunk`` is that of ``global``, which it needs and adds to."""
    phi = views.shadows.scaled_confidence(views.labels)

    def reference(targets: int = 2, records: int = 200) -> float:
        started = time.perf_counter()
        for target in range(targets):
            slow_lira(attack, phi[:, :records], views.shadow_member, target)
        return (time.perf_counter() - started) * phi.size / (targets * records)

    name = f"LiRA {attack.mode} {attack.variance}"
    return Workload(name, lambda: attack.score_all(views), reference, input_bytes(views), 5.0)


def slow_lira(attack: Lira, phi: np.ndarray, member: np.ndarray, target: int) -> list[float]:
    """Scores of one target, by the formulas."""
    others = [i for i in range(len(phi)) if i != target]
    scores = [0.0] * phi.shape[1]
    for inside in (True, False) if attack.mode == "online" else (False,):
        fits = []
        for record in range(phi.shape[1]):
            values = [phi[i, record] for i in others if member[i, record] == inside]
            centre = np.median(values) if attack.variance == "per-record" else np.mean(values)
            fits.append((centre, np.var(values), len(values)))
        pooled = sum(var * n for _, var, n in fits) / sum(n for *_, n in fits)
        for record, (centre, own, _) in enumerate(fits):
            variance = own if attack.variance == "per-record" else pooled
            away = phi[target, record] - centre
            if attack.mode == "offline":
                scores[record] = float(log_ndtr(away / variance**0.5))
            else:
                density = -0.5 * (away**2 / variance + np.log(variance))
                scores[record] += density if inside else -density
    return scores


def rmia_workload(attack: Rmia, views: Views) -> Workload:
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
            used = rest if attack.mode == "online" else out
            own = probs[0, record] / marginal(probs[used, record])
            _ = sum(own / ratio >= attack.gamma for ratio in ratios) / len(ratios)
        each = (time.perf_counter() - started) / records
        return prepared * len(probs) + each * probs.size

    name = f"RMIA {attack.mode}"
    return Workload(name, lambda: attack.score_all(views), reference, input_bytes(views), 15.0)


def bootstrap_workload(n_models: int, n: int) -> Workload:
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

    return Workload("bootstrap, 1,000 draws", run, reference, scores.nbytes + member.nbytes, 10.0)


def epsilon_workload(n_models: int, n: int) -> Workload:
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
        """Target by target, each with a sort of all others of its own."""
        started = time.perf_counter()
        for target in range(targets):
            others = np.delete(np.arange(n_models), target)
            bound(False, others, np.array([target]))
        return (time.perf_counter() - started) * n_models / targets

    everyone = np.arange(n_models)
    size = scores.nbytes + member.nbytes
    return Workload(
        "epsilon lower bound", lambda: bound(True, everyone, everyone), reference, size, 10.0
    )


def input_bytes(views: Views) -> int:
    answers = (views.targets, views.target_reference)
    held = sum(a.predicted.nbytes + a.log_probs.nbytes for a in answers if a.log_probs is not None)
    return held + views.shadow_member.nbytes


def workloads(share: float) -> Iterator[Workload]:
    views = population(256, int(20_000 * share))
    for mode in ("online", "offline"):
        for variance in ("global", "per-record", "shrunk"):
            yield lira_workload(Lira(mode=mode, variance=variance), views)
    views = population(64, int(10_000 * share), 2_000)
    yield rmia_workload(Rmia(mode="online"), views)
    yield rmia_workload(Rmia(mode="offline"), views)
    yield bootstrap_workload(64, int(10_000 * share))
    yield epsilon_workload(64, int(10_000 * share))


def measure(workload: Workload, repeat: int) -> None:
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        workload.run()
        times.append(time.perf_counter() - started)
    tracemalloc.start()
    workload.run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    seconds, slow = median(times), workload.reference()
    print(
        f"{workload.name:26} {seconds:7.2f} s (target {workload.target:g})"
        f" {slow / seconds:9.0f}x the reference"
        f"  memory {peak / workload.input_bytes:4.1f}x the input of {workload.input_bytes / 1e6:.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="time attacks and metrics at full size")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the records")
    arguments = parser.parse_args()
    print(f"numpy {np.__version__}, load {os.getloadavg()[0]:.1f}")
    for workload in workloads(arguments.share):
        measure(workload, arguments.repeat)


if __name__ == "__main__":
    main()
