"""What trained models answered, stored model by model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from privbench.auditing.queried import Classes
from privbench.auditing.training.classification import Answer
from privbench.auditing.training.queries import Queries
from privbench.seeds import digest
from privbench.storage.artifacts import Artifact, Store
from privbench.storage.locks import alone

KIND = "training-audit"
"""The folder of what models answered, among the artifacts of a results folder."""
QUERIES = "training-audit-queries"
"""The folder of what they answered to queries of an attack."""


@dataclass(frozen=True)
class Job:
    """One model that is to be trained."""

    name: str
    """Such as ``model 3``."""
    key: str
    """What it depends on, as a sha256."""
    seed: int
    rows: NDArray[np.int64]
    """The rows of the records that it is trained on."""


@dataclass(frozen=True)
class Trained:
    """What a model answered."""

    on_records: Answer
    on_reference: Answer
    seconds: float
    """Of the training."""
    asking: float = 0.0
    """Seconds of the answers."""
    classes: Classes | None = None
    """What it answered to queries (copies, records)."""


@dataclass(frozen=True)
class Failure:
    """Why a model has no answers."""

    text: str
    trace: str = field(default="", compare=False)


def load(store: Store, job: Job, queries: Queries | None) -> Trained | None:
    """Return what a model answered, if all of it is stored."""
    with alone(store.root):
        artifact = store.load(KIND, job.key)
        if artifact is None or queries is None:
            return None if artifact is None else _of_artifact(artifact)
        of_queries = store.load(QUERIES, _key_of_queries(job, queries))
    if of_queries is None:
        return None
    return replace(_of_artifact(artifact), classes=of_queries.arrays["classes"])


def save(store: Store, job: Job, queries: Queries | None, trained: Trained) -> None:
    """Store what a model answered.

    Two audits at once may train the same model, to other answers if its training is not repeatable. The
    files of one would not go with those of the other.
    """
    provenance = {"seed": job.seed, "n_members": len(job.rows)}
    artifact, seconds = _artifact(trained), trained.seconds
    with alone(store.root):
        store.save(KIND, job.key, artifact, seconds=seconds, provenance=provenance)
        if queries is not None:
            assert trained.classes is not None  # `ask` asked for them
            key, classes = _key_of_queries(job, queries), Artifact({"classes": trained.classes})
            store.save(QUERIES, key, classes, seconds=trained.asking, provenance=provenance)


def _key_of_queries(job: Job, queries: Queries) -> str:
    return digest([job.key, *queries.parts_of_key])


def _artifact(trained: Trained) -> Artifact:
    return Artifact(
        {"records": trained.on_records.values, "reference": trained.on_reference.values},
        {
            "kind": trained.on_records.kind,
            "reference_kind": trained.on_reference.kind,
            "seconds": trained.seconds,
            "asking": trained.asking,
        },
    )


def _of_artifact(artifact: Artifact) -> Trained:
    info = artifact.info
    return Trained(
        Answer(info["kind"], artifact.arrays["records"]),
        Answer(info["reference_kind"], artifact.arrays["reference"]),
        info["seconds"],
        info["asking"],
    )
