"""Train the populations of a benchmark with a secret seed, and write their outputs for everybody.

Membership follows from a seed, and the seeds of benchmarks are public. So frozen outputs are those of
other models than a benchmark's. Each (dataset, model, defense) has its own seed, which follows from the
secret one: with a common seed all defenses would have the same membership, and the undefended outputs
would give away that of the defended ones.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.outputs import LOG_FLOOR
from privbench.components import Bound
from privbench.components.messages import closest
from privbench.components.outcome import NoResult
from privbench.config import Benchmark, Defense, Unavailable, Variant
from privbench.config.selection import selector
from privbench.datasets.loading import Datasets
from privbench.errors import BadInput, PrivbenchError
from privbench.leaderboard.frozen.attack import attack_outputs, build_attack
from privbench.leaderboard.frozen.folder import FolderWriter, FrozenOutputs, FrozenPopulation, slug
from privbench.leaderboard.frozen.secret import membership_file, secret_seed, write_membership
from privbench.membership import Setting, Subset
from privbench.plan import Plan, make_plan
from privbench.plugins.host import PluginHost
from privbench.seeds import seed_of
from privbench.stages import MetricsStage, ScoresStage
from privbench.storage.artifacts import Store
from privbench.storage.results import Row
from privbench.trial import Trial

MIN_MODELS = 4
"""Two shadows and two targets."""
RUN_WITH = "calibration"
"""The attack by which populations are planned and run: it is cheap, and needs no bootstrap."""

log = logging.getLogger(__name__)


@dataclass
class Frozen:
    """What was trained so far."""

    populations: list[FrozenPopulation] = field(default_factory=list)
    membership: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """The membership (targets, n_pool) of each population."""


def freeze(
    benchmark: Benchmark,
    defenses: Sequence[str],
    *,
    output: Path,
    secret: Path,
    host: PluginHost,
    run: Callable[[Plan, Path], list[Row]],
    facts: Mapping[str, Any],
    baselines: Sequence[str] = ("auto", "lira", "rmia"),
    with_records: bool = False,
) -> FrozenOutputs:
    """Train the populations of a benchmark, write both folders, and return the public one.

    If a run was interrupted, the same call goes on from what the secret folder has.

    Args:
        benchmark: its datasets, models, defenses, population, pool and canaries count.
        defenses: names of defenses, with or without the values of a sweep; empty for all.
        output: the public folder, which must not exist.
        secret: the secret folder.
        host: the plugins.
        run: runs a plan with a folder for results, and returns its rows.
        facts: what the manifest is to say besides, such as versions.
        baselines: built-in attacks whose scores are written, for comparison.
        with_records: whether the features of the records are published, too.

    Raises:
        BadInput: a name or folder is wrong, or there are too few models or canaries.
        PrivbenchError: a population could not be trained.
    """
    _check_folders(output, secret)
    if benchmark.population < MIN_MODELS:
        raise BadInput(
            f"population: {benchmark.population} models are too few: half of them are shadows"
            f" (allowed: at least {MIN_MODELS})"
        )
    parts = list(_parts(benchmark, defenses))
    attacks = [_baseline(name, host) for name in dict.fromkeys(baselines)]
    planned = Variant(RUN_WITH, build_attack(RUN_WITH, host))
    seed, frozen, datasets = secret_seed(secret), Frozen(), Datasets()
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as folder:
        writer = FolderWriter(Path(folder) / output.name)
        writer.root.mkdir()
        for part in parts:
            names = [variant.label for variant in (*part.datasets, *part.models, *part.defenses)]
            part = replace(part, attacks=(planned,), seeds=(seed_of(seed, *names),))
            (trial,) = (plan := make_plan(part, selector(None), datasets)).trials
            if _is_skipped(trial):
                continue
            settings = {
                stage.setting.subset: stage.setting.draw(datasets.get) for stage in _stages(trial)
            }
            _check_subsets(trial, settings)
            rows = run(plan, secret)
            _check_rows(rows)
            _write(writer, frozen, trial, settings, rows, Store(secret), with_records=with_records)
        if not frozen.populations:
            raise BadInput("there is nothing to freeze: all combinations are skipped")
        content, commitment = membership_file(seed, frozen.membership)
        facts = {**facts, "benchmark": benchmark.name, "commitment": commitment}
        public = writer.finish(facts, frozen.populations)
        for attack in attacks:
            writer.add(f"baselines/{attack.name}.npz", attack_outputs(public, attack))
        writer.finish(facts, frozen.populations, [attack.name for attack in attacks])
        write_membership(secret, content)
        os.replace(writer.root, output)
    return FrozenOutputs.read(output)


def _baseline(name: str, host: PluginHost) -> Bound:
    attack = build_attack(name, host, option="--baseline")
    if attack.entry.third_party:
        raise BadInput(f"--baseline {name}: is not built in (allowed: attacks of privbench)")
    return attack


def _check_folders(output: Path, secret: Path) -> None:
    public, hidden = output.resolve(), secret.resolve()
    if public == hidden or public in hidden.parents or hidden in public.parents:
        raise BadInput(
            f"--secret {secret}: must be outside the public folder {output}, and not contain it"
        )
    if output.exists():
        raise BadInput(f"-o {output}: exists already; give another folder, or remove it")
    if not public.parent.is_dir():
        raise BadInput(f"-o {output}: there is no folder {public.parent}")


def _parts(benchmark: Benchmark, names: Sequence[str]) -> Iterator[Benchmark]:
    """Yield a benchmark for each (dataset, model, defense), with the defenses that are named."""
    labels = [defense.label for defense in benchmark.defenses]
    known = {*labels, *(label.partition("[")[0] for label in labels)}
    for name in names:
        if name not in known:
            raise BadInput(
                f"DEFENSE {name!r}: benchmark {benchmark.name!r} has none of this name"
                f"{closest(name, known)}"
            )
    chosen = [
        defense
        for defense in benchmark.defenses
        if not names or defense.label in names or defense.label.partition("[")[0] in names
    ]
    for dataset, model, defense in product(benchmark.datasets, benchmark.models, chosen):
        for part in (dataset, model, defense):
            if isinstance(part, Unavailable):
                raise PrivbenchError(f"{part.label} is unavailable: {part.reason}")
        yield replace(
            benchmark, datasets=(dataset,), models=(model,), defenses=(defense,),
            knowledge=("adaptive",),
        )  # fmt: skip


def _is_skipped(trial: Trial) -> bool:
    rejected = trial.rejected
    if rejected is not None and rejected.status != "skipped":
        raise PrivbenchError(f"{_name(trial)}: {rejected.reason}")
    if rejected is not None:
        log.warning("%s is left out: %s", _name(trial), rejected.reason)
    return rejected is not None


def _stages(trial: Trial) -> list[MetricsStage]:
    return [stage for stage in trial.metrics if not isinstance(stage, NoResult)]


def _check_subsets(trial: Trial, settings: Mapping[Subset, Setting]) -> None:
    """Raise BadInput if a subset has no member, or no non-member, among the targets."""
    if any(setting.groups is not None for setting in settings.values()):
        raise BadInput(
            f"{_name(trial)}: its records are in groups that are members together; frozen outputs are"
            ' of single records; duplicates = "drop" leaves one of each'
        )
    for stage in _stages(trial):
        setting, kind = settings[stage.setting.subset], stage.canary_kind
        in_subset = setting.attacked(stage.setting.subset, kind)
        member = setting.member[_n_shadows(setting) :, in_subset]
        if member.all() or not member.any():
            raise BadInput(
                f"{_name(trial)}: canaries: {in_subset.sum()} of kind {kind!r} and {len(member)} targets"
                " are too few: all pairs are alike; raise `canaries` or `population`"
            )


def _check_rows(rows: Sequence[Row]) -> None:
    for row in rows:
        if row["status"] not in ("ok", "skipped"):
            raise PrivbenchError(
                f"{row['dataset']}/{row['defense']}/{row['model']}: {row['reason']}"
            )


def _write(
    writer: FolderWriter,
    frozen: Frozen,
    trial: Trial,
    settings: Mapping[Subset, Setting],
    rows: Sequence[Row],
    store: Store,
    *,
    with_records: bool,
) -> None:
    """Write the outputs of the clean population, and of that with canaries, of one trial."""
    for subset, setting in settings.items():
        stages = [stage for stage in _stages(trial) if stage.setting.subset == subset]
        scores = stages[0].scores
        assert isinstance(scores, ScoresStage)  # the attack is on models
        outputs = store.load(scores.target.kind, scores.target.key)
        if outputs is None:
            raise PrivbenchError(f"{_name(trial)}: the outputs are gone from {store.root}")
        middle, n_models = _n_shadows(setting), len(setting.member)
        name = _unique(slug(f"{_name(trial)}-{subset}"), frozen.membership)
        for role, models in (("shadows", slice(middle)), ("targets", slice(middle, n_models))):
            arrays: dict[str, NDArray[Any]] = {
                "logits": np.maximum(outputs.arrays["pool"][models], LOG_FLOOR),
                "labels": setting.pool.y,
                "reference_logits": np.maximum(outputs.arrays["reference"][models], LOG_FLOOR),
                "reference_labels": setting.reference.y,
            }
            if role == "shadows":
                arrays["member"] = setting.member[models]
            writer.add(f"{name}/{role}.npz", arrays)
        pool: dict[str, NDArray[Any]] = {"canary_kind": setting.kind, "always": setting.always}
        if with_records:
            pool |= {"x": setting.pool.x, "reference_x": setting.reference.x}
        writer.add(f"{name}/pool.npz", pool)
        frozen.membership[name] = setting.member[middle:]
        frozen.populations.append(
            FrozenPopulation(
                name=name,
                dataset=trial.dataset,
                model=trial.model,
                defense=trial.defense,
                subset=subset,
                canary_kinds=[stage.canary_kind for stage in stages if stage.canary_kind],
                n_targets=n_models - middle,
                n_shadows=middle,
                n_pool=len(setting.pool),
                n_classes=setting.pool.spec.n_classes,
                test_accuracy=round(rows[0]["test_accuracy"], 4),
                configuration=_configuration(stages[0]),
            )
        )


def _configuration(stage: MetricsStage) -> dict[str, Any]:
    defense: Defense = stage.utility.defense
    model = stage.utility.model
    return {
        "model": {"name": model.name, "params": model.component.params()},
        "defense": defense.to_json(),
    }


def _n_shadows(setting: Setting) -> int:
    """Return how many models are shadows: the first half, as in the stage ``split-scores``."""
    return len(setting.member) // 2


def _unique(name: str, taken: Mapping[str, Any]) -> str:
    return next(
        candidate
        for candidate in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3)))
        if candidate not in taken
    )


def _name(trial: Trial) -> str:
    return f"{trial.dataset}/{trial.defense}/{trial.model}"
