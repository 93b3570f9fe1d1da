"""Choose recipes of defenses and models by validation accuracy on reference records.

    python recipes/search.py [--grid NAME ...]

Reads ``recipes/grids.toml``; writes ``recipes/outcomes/NAME.json`` and the tables of README.md. A grid
names a benchmark, a defense, lists of parameter values, and the parameters for each of whose values a
recipe is chosen. Every combination is trained several times, each on a random 80% of the reference
records, or on as many as a model of the benchmark has if that is less. The other reference records
validate it.

No other record of the dataset is used. The split is that of the benchmark's seed 0, so that private and
test records of its results play no part in the choice.

If there are fewer reference records to train on (n') than a model of the benchmark has private records
(n), DP-SGD is simulated as it would be on n: with the same sampling rate, the same number of steps, and
the same noise on the averaged gradient, that is with the noise multiplier of n times n' / n. The records
are public, so the search needs no guarantee.

A grid with a ``baseline`` chooses at equal exposure: each model is trained on a random half of the
records, LiRA attacks it with the others as shadows, and the most accurate combination is chosen whose
AUC exceeds that of the baseline by no more than 0.01. The guarantee cannot serve for this, because the
epsilon of metric privacy counts distances between codes, whose scale is the generator's. On fewer
records than a model of the benchmark has, a generator is fitted in as many steps, and a target model in
as many epochs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from privbench.attacks.lira import log_ratios
from privbench.attacks.outputs import Outputs
from privbench.components import Bound
from privbench.config import find_file, read_file, resolve
from privbench.config.benchmark import Benchmark, Defense
from privbench.config.file import File
from privbench.config.sweeps import value_text
from privbench.data import Data
from privbench.datasets.loading import Datasets
from privbench.engine import Diverged
from privbench.generators.vae import Vae
from privbench.mechanisms.dp_sgd import DpSgd
from privbench.membership import Setting
from privbench.metrics.roc import auc
from privbench.models.base import TorchModel
from privbench.plan import make_plan
from privbench.plugins.host import PluginHost
from privbench.privacy.sampled_gaussian import SampledGaussianSteps
from privbench.seeds import generator
from privbench.stages.base import Context, Stage
from privbench.stages.fit import FitStage
from privbench.stages.population import PopulationStage
from privbench.stages.release import ReleaseStage
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

FOLDER = Path(__file__).parent
TRAIN_SHARE = 0.8
EXPOSED_SHARE = 0.5
"""The same where exposure counts, since LiRA needs models with and without each record."""
AUC_TOLERANCE = 0.01
"""By how much the AUC of what is chosen may exceed the baseline's."""
VALIDATED = 4
"""The most reference records that are used, for each that a model of the benchmark is trained on."""


@dataclass(frozen=True)
class Grid:
    """The combinations to try, and the parameters for each of whose values one is chosen."""

    name: str
    benchmark: str
    dataset: str
    """One of the benchmark's datasets, whose reference records are used."""
    defense: str = "none"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the defense, as beside its name in benchmarks.toml; lists are swept."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the target model that differ from the benchmark's; lists are swept."""
    per: tuple[str, ...] = ()
    """Swept parameters of the defense, for each of whose values a recipe is chosen."""
    baseline: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the defense at whose exposure one is chosen; empty if exposure does not count."""
    public: int = 1
    """Reference records set aside for defenses that use some; no model is trained or validated on them
    otherwise."""
    splits: int = 6
    """Models per combination."""


@dataclass(frozen=True)
class Tried:
    """One combination of values, and how it did."""

    defense: dict[str, Any]
    model: dict[str, Any]
    accuracy: float | None
    """Mean validation accuracy; None if training diverged."""
    error: float | None
    """Standard error of the mean over splits. Splits overlap, so it is a little too small."""
    auc: float | None = None
    """AUC of LiRA, whose shadows are the other models; None for a grid without a baseline."""


class SimulatedDpSgd(DpSgd):
    """DP-SGD on few records as if on many: their sampling rate, steps and noise on the mean gradient."""

    n_private: int
    n_simulated: int

    def _sampled_steps(self, model: TorchModel, n: int) -> SampledGaussianSteps:
        return super()._sampled_steps(model, self.n_private)

    def _noise_multiplier(self, sampled: SampledGaussianSteps) -> float:
        return super()._noise_multiplier(sampled) * self.n_simulated / self.n_private


def read_grids(path: Path) -> list[Grid]:
    """Return the grids of a TOML file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Grid(name, **{**table, "per": tuple(table.get("per", ()))})
        for name, table in content["grids"].items()
    ]


def benchmark_of(grid: Grid, file: File, host: PluginHost) -> Benchmark:
    """Return the grid as a benchmark, whose defenses and models are the combinations."""
    table = file.benchmarks[grid.benchmark]
    models = [dict(m) if isinstance(m, dict) else {"name": m} for m in table.models]
    datasets = [
        d for d in table.datasets if (d if isinstance(d, str) else d["name"]) == grid.dataset
    ]
    if not datasets:
        raise SystemExit(f"grids.{grid.name}.dataset: {grid.dataset!r} is not in {grid.benchmark}")
    listed = [grid.baseline, grid.parameters] if grid.baseline else [grid.parameters]
    own = table.model_copy(
        update={
            "datasets": tuple(datasets),
            "models": tuple({**m, **grid.model} for m in models),
            "defenses": tuple({"name": grid.defense, **parameters} for parameters in listed),
            "seeds": (0,),
        }
    )
    changed = replace(file, own=replace(file.own, benchmarks={grid.name: own}))
    return resolve(changed, grid.name, host.registries)


def reference_setting(clean: Setting, grid: Grid, splits: int, n_private: int) -> Setting:
    """Return a setting of reference records alone: each model has its own split of them.

    Members are what a model is trained on, ``n_private`` at most. The others of the pool validate it.
    """
    order = generator("recipes", grid.benchmark, grid.dataset).permutation(len(clean.reference))
    public = clean.reference.take(order[: grid.public])
    limit = round(n_private / EXPOSED_SHARE) if grid.baseline else VALIDATED * n_private
    pool: Data = clean.reference.take(order[grid.public :][:limit])
    member = np.zeros((splits, len(pool)), dtype=bool)
    share = EXPOSED_SHARE if grid.baseline else TRAIN_SHARE
    n_trained = min(n_private, round(share * len(pool)))
    for split, row in enumerate(member):
        rng = generator("recipes", grid.benchmark, grid.dataset, split)
        row[rng.permutation(len(pool))[:n_trained]] = True
    kind, always = np.full(len(pool), ""), np.zeros(len(pool), dtype=bool)
    return replace(
        clean, pool=pool, reference=public, member=member, kind=kind, always=always, n_public=None
    )


def validated(
    defense: Defense,
    model: Bound,
    stage: SettingStage,
    setting: Setting,
    n_private: int,
    fits: dict[str, Artifact],
) -> tuple[list[float], Outputs]:
    """Train a model per split, and return their validation accuracies and outputs for the pool.

    ``fits`` has the fitted generators, which combinations that differ otherwise share.
    """
    stage = replace(stage, n_models=len(setting.member))  # those that are simulated
    artifacts: dict[int, Artifact] = {id(stage): Artifact(live=setting)}

    def get(wanted: Stage) -> Artifact:
        if id(wanted) not in artifacts:
            artifacts[id(wanted)] = wanted.compute(context)
        return artifacts[id(wanted)]

    def no_data(bound: Bound) -> Data:
        raise AssertionError(f"{bound.name}: the search reads reference records only")

    context = Context(get, no_data, "cpu", lambda done, total: None)
    data, fit, release = defense.at("data"), None, None
    if defense.generator is not None:
        generator = as_many_steps(defense.generator, n_private, int(setting.member[0].sum()))
        fit = FitStage("", 0, stage, generator, data)
        key = repr((generator.component, data))
        if key not in fits:
            fits[key] = fit.compute(context)
        artifacts[id(fit)] = fits[key]
    if defense.releases:
        release = ReleaseStage("", 0, stage, data, fit, defense.at("latent"))
    n_simulated = int(setting.member[0].sum())
    training = tuple(simulated(bound, n_private, n_simulated) for bound in defense.at("training"))
    population = PopulationStage("", 0, stage, model, training, release)
    log_probs = np.stack(
        [trained.log_probs(setting.pool.x) for trained in population.models(context)]
    )
    outputs = Outputs(log_probs.argmax(-1), log_probs)
    pairs = zip(outputs.predicted == setting.pool.y, setting.member, strict=True)
    return [float(right[~member].mean()) for right, member in pairs], outputs


def lira_auc(outputs: Outputs, setting: Setting) -> float:
    """Return the AUC of LiRA over all pairs, each model attacked with the others as shadows."""
    phi = outputs.scaled_confidence(setting.pool.y)
    return auc(log_ratios(phi, phi, setting.member, True, "shrunk"), setting.member)


def as_many_steps(generator: Bound, n_private: int, n_trained: int) -> Bound:
    """Return a generator with as many steps on ``n_trained`` records as it has on ``n_private``."""
    own = generator.component
    if own.fitted_on == "reference" or not isinstance(own, Vae):
        return generator
    steps = own.epochs * -(-n_private // own.batch_size)
    epochs = max(1, round(steps / -(-n_trained // own.batch_size)))
    return replace(generator, component=own.model_copy(update={"epochs": epochs}))


def simulated(bound: Bound, n_private: int, n_simulated: int) -> Bound:
    """Return DP-SGD as it would be on ``n_private`` records; any other mechanism as it is."""
    if not isinstance(bound.component, DpSgd):
        return bound
    return replace(
        bound,
        component=SimulatedDpSgd(
            **bound.component.model_dump(), n_private=n_private, n_simulated=n_simulated
        ),
    )


def search(grid: Grid, file: File, host: PluginHost, splits: int) -> Iterator[Tried]:
    """Yield how each combination did."""
    benchmark = benchmark_of(grid, file, host)
    plan = make_plan(benchmark, lambda name: True, Datasets())
    if not plan.stages:
        reasons = {trial.rejected.reason for trial in plan.trials if trial.rejected}
        raise SystemExit(f"grids.{grid.name}: {'; '.join(sorted(reasons))}")
    stage = next(stage for stage in plan.stages if isinstance(stage, SettingStage))
    stage = stage.clean or stage
    n_private = stage.n_pool // 2
    setting = reference_setting(stage.draw(plan.data.get), grid, splits, n_private)
    fits: dict[str, Artifact] = {}
    for defense in benchmark.defenses:
        for model in benchmark.models:
            try:
                accuracies, outputs = validated(
                    defense, model.bound, stage, setting, n_private, fits
                )
                exposure = lira_auc(outputs, setting) if grid.baseline else None
            except Diverged:
                accuracies, exposure = [], None
            yield Tried(
                values_of(defense, {**grid.baseline, **grid.parameters}),
                {key: model.bound.component.params()[key] for key in grid.model},
                float(np.mean(accuracies)) if accuracies else None,
                float(np.std(accuracies, ddof=1) / splits**0.5) if accuracies else None,
                exposure,
            )


def values_of(defense: Defense, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a grid's parameters in one combination."""
    bounds = [*defense.mechanisms, *([defense.generator] if defense.generator else [])]
    values = {}
    for key in parameters:
        component, _, name = key.rpartition(".")
        for bound in bounds:
            if name in bound.component.params() and component in ("", bound.name):
                values[key] = bound.component.params()[name]
    return values


def best(tried: list[Tried], per: tuple[str, ...]) -> list[Tried]:
    """Return the most accurate combination for each value of the parameters ``per``.

    Where exposure was measured, the baseline comes first, and bounds that of the others. Raises
    ValueError if it diverged.
    """
    groups: dict[tuple[Any, ...], Tried] = {}
    if tried[0].auc is None and any(one.auc is not None for one in tried):
        raise ValueError("the baseline diverged, so that its exposure does not bound the others'")
    limit = None if tried[0].auc is None else tried[0].auc + AUC_TOLERANCE
    for one in tried:
        if limit is not None and (one.auc is None or one.auc > limit):
            continue
        key = tuple(json.dumps(one.defense[name]) for name in per)
        if one.accuracy is not None and (
            key not in groups or one.accuracy > (groups[key].accuracy or 0.0)
        ):
            groups[key] = one
    return list(groups.values())


def table(outcome: Mapping[str, Any]) -> str:
    """Return a table in Markdown of the chosen recipes, below the baseline if there is one."""
    chosen = list(outcome["chosen"])
    has_auc = chosen[0].get("auc") is not None
    if has_auc:
        chosen.insert(0, outcome["tried"][0])  # the baseline
    header = [*chosen[0]["defense"], *chosen[0]["model"], "validation accuracy"]
    lines = [
        [
            *map(value_text, (one["defense"] | one["model"]).values()),
            f"{one['accuracy']:.3f} ± {one['error']:.3f}",
        ]
        for one in chosen
    ]
    if has_auc:
        header.append("AUC")
        lines = [[*line, f"{one['auc']:.3f}"] for line, one in zip(lines, chosen, strict=True)]
    cells = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write_readme(folder: Path) -> None:
    """Write the tables of all outcomes into README.md, behind its line ``## Outcomes``."""
    readme, parts = FOLDER / "README.md", []
    for path in sorted(folder.glob("*.json")):
        outcome = json.loads(path.read_text(encoding="utf-8"))
        tried = f"{len(outcome['tried'])} combinations, {outcome['splits']} splits each"
        parts.append(
            f"### {path.stem}\n\n{tried}: {outcome['seconds']:.0f} s.\n\n{table(outcome)}\n"
        )
    head = readme.read_text(encoding="utf-8").partition("## Outcomes")[0]
    readme.write_text(f"{head}## Outcomes\n\n" + "\n".join(parts), encoding="utf-8")


def main() -> None:
    """Search the grids that are named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--grid", action="append", help="name of a grid; default all of them")
    parser.add_argument("--grids", type=Path, default=FOLDER / "grids.toml")
    parser.add_argument("--splits", type=int, help="models per combination; default the grid's")
    parser.add_argument("--output", type=Path, default=FOLDER / "outcomes")
    args = parser.parse_args()
    grids = read_grids(args.grids)
    unknown = set(args.grid or ()) - {grid.name for grid in grids}
    if unknown:
        raise SystemExit(f"--grid: {unknown} (allowed: {', '.join(g.name for g in grids)})")
    file, host = read_file(find_file()), PluginHost()
    args.output.mkdir(parents=True, exist_ok=True)
    for grid in grids:
        if args.grid and grid.name not in args.grid:
            continue
        started, tried = time.perf_counter(), []
        splits = args.splits or grid.splits
        for one in search(grid, file, host, splits):
            tried.append(one)
            shown = "diverged" if one.accuracy is None else f"{one.accuracy:.3f} ± {one.error:.3f}"
            if one.auc is not None:
                shown += f", AUC {one.auc:.3f}"
            print(grid.name, one.defense, one.model, shown, file=sys.stderr, flush=True)
        outcome = {
            "grid": asdict(grid),
            "splits": splits,
            "seconds": round(time.perf_counter() - started, 1),
            "chosen": [asdict(one) for one in best(tried, grid.per)],
            "tried": [asdict(one) for one in tried],
        }
        path = args.output / f"{grid.name}.json"
        path.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
        print(f"{grid.name}: {outcome['seconds']} s")
        for one in best(tried, grid.per):
            exposure = "" if one.auc is None else f", AUC {one.auc:.3f}"
            print(f"  {one.accuracy:.3f} ± {one.error:.3f}{exposure}  {one.defense} {one.model}")
    if args.output == FOLDER / "outcomes":
        write_readme(args.output)


if __name__ == "__main__":
    main()
