"""A picture of what generators make of images: original, decoded without noise, decoded with noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.errors import BadInput
from privbench.plan import Plan, Trial
from privbench.report.plots import check_plot_file, panels
from privbench.stages import Context, PopulationStage, Stage
from privbench.stages.attacking import outputs_of
from privbench.storage.artifacts import Artifact, Store

if TYPE_CHECKING:
    from privbench.data import Data

Images = NDArray[np.float32]

ORIGINAL = "original"


def images_of(plan: Plan, trials: Sequence[Trial], store: Store, n: int) -> dict[str, Images]:
    """The first ``n`` training records (n, *shape) of the first model, and what becomes of them.

    First as they are; then, for each generator, decoded without the latent mechanisms; and for each
    defense with them. What a generator samples has nothing to do with the originals. A generator whose
    fit keeps no state is fitted again. Raises BadInput where no defense has a generator, for data that
    are no images, and for what has not been run.
    """
    populations = {}
    for trial in trials:
        if trial.utility is not None:
            population = outputs_of(trial.utility.observations).population
            if population.fit is not None:
                populations[trial.defense] = population
    if not populations:
        reasons = dict.fromkeys(one.rejected.reason for one in trials if one.rejected is not None)
        raise BadInput(
            "; ".join(["no selected trial has a generator, so there is nothing to see", *reasons])
        )
    first = next(iter(populations.values()))
    setting = first.setting.draw(plan.data.get)
    if setting.pool.spec.kind != "image":
        raise BadInput(
            f"{first.title}: pictures are of images, and this is {setting.pool.spec.kind} data"
        )
    found = {ORIGINAL: setting.train_set(0).x[:n]}
    plain: dict[str, str] = {}
    context = _context(plan, store)
    for defense, population in populations.items():
        assert population.fit is not None
        if not store.has(population.kind, population.key):
            raise BadInput(
                f"{population} is not stored; `privbench run {plan.benchmark.name}` makes it"
            )
        bare = _without_noise(population)
        if bare is population:
            plain[population.fit.key] = defense
        elif population.fit.key not in plain:
            plain[population.fit.key] = f"{population.fit.generator.name} of {defense}, no noise"
            found[plain[population.fit.key]] = _first(bare, context)[0].x[:n]
        found[defense] = _first(population, context)[0].x[:n]
    return found


def _without_noise(population: PopulationStage) -> PopulationStage:
    """The same without latent mechanisms; itself if it has none."""
    defense = population.defense
    if not defense.at("latent"):
        return population
    others = tuple(bound for bound in defense.mechanisms if bound.component.acts_on != "latent")
    return replace(population, defense=replace(defense, mechanisms=others))


def _first(population: PopulationStage, context: Context) -> Sequence[Data]:
    setting = context.get(population.setting).live
    return population.release(context, setting) or []


def _context(plan: Plan, store: Store) -> Context:
    """Artifacts from the store; what it does not keep is made again."""

    def get(stage: Stage) -> Artifact:
        stored = store.load(stage.kind, stage.key) if stage.stored else None
        return stage.compute(context) if stored is None else stored

    context = Context(get, plan.data.get, "cpu", lambda done, total: None)
    return context


def plot_samples(images: Mapping[str, Images], path: Path, title: str = "") -> None:
    """A line of images (n, channels, height, width) for each name."""
    check_plot_file(path)
    n = max(len(found) for found in images.values())
    figure, axes = panels(len(images), n, size=(0.8, 0.9))
    for line, (name, found) in enumerate(images.items()):
        for ax, image in zip(axes[line * n :], found, strict=False):
            ax.imshow(np.moveaxis(image.clip(0, 1), 0, -1), cmap="gray", vmin=0, vmax=1)
        axes[line * n].set_title(name, fontsize=6, loc="left")
    for ax in axes:
        ax.set_axis_off()
    figure.suptitle(title, fontsize="small")
    figure.savefig(path, dpi=150)
