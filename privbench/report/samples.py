"""Plot images before and after a generator: originals, decoded without noise, decoded with noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.errors import BadInput
from privbench.escape import plot_text
from privbench.plan import Plan
from privbench.report.plots import check_plot_file, panels, save, settings
from privbench.stages import Context, ReleaseStage, Stage
from privbench.storage.artifacts import Artifact, Store
from privbench.trial import Trial

if TYPE_CHECKING:
    from privbench.data import Data

Images = NDArray[np.float32]

ORIGINAL = "original"


def images_of(plan: Plan, trials: Sequence[Trial], store: Store, n: int) -> dict[str, Images]:
    """Return training images of the first model, and what each generator makes of them.

    A generator that samples makes images that do not correspond to the originals. A generator whose fit
    keeps no state is fitted again.

    Returns:
        Images (n, *shape) by name: the originals; those that each generator decodes without latent
        mechanisms; and those that each defense releases.

    Raises:
        BadInput: no defense has a generator, the data are not images, or the trials have not run.
    """
    utilities = {
        trial.defense: trial.utility
        for trial in trials
        if trial.utility is not None and trial.utility.defense.generator is not None
    }
    if not utilities:
        reasons = dict.fromkeys(t.rejected.reason for t in trials if t.rejected is not None)
        raise BadInput(
            "; ".join(["no selected trial has a generator, so there is nothing to draw", *reasons])
        )
    first = next(iter(utilities.values()))
    setting = first.setting.draw(plan.data.get)
    if setting.pool.spec.kind != "image":
        raise BadInput(
            f"{first.title}: only images can be drawn, and this is {setting.pool.spec.kind} data"
        )
    images = {ORIGINAL: setting.train_set(0).x[:n]}
    context = _context(plan, store)
    drawn_without_noise = set()
    for defense, utility in utilities.items():
        assert utility.fidelity is not None  # whatever has a generator releases data
        if not store.has(utility.kind, utility.key):
            raise BadInput(
                f"{utility} is not stored; run `privbench run {plan.benchmark.name}` first"
            )
        release = utility.fidelity.release
        bare = release.without_latent_mechanisms()
        if bare is not release and release.fit not in drawn_without_noise:
            assert release.fit is not None
            name = f"{release.fit.generator.name} of {defense}, no noise"
            images[name] = _first(bare, context)[:n]
        drawn_without_noise.add(release.fit)
        images[defense] = _first(release, context)[:n]
    return images


def _first(release: ReleaseStage, context: Context) -> Images:
    data: Data = context.get(release).live[0]
    return data.x


def _context(plan: Plan, store: Store) -> Context:
    """Return a context that reads artifacts from the store, and recomputes those it does not keep."""

    def get(stage: Stage) -> Artifact:
        stored = store.load(stage.kind, stage.key) if stage.stored else None
        return stage.compute(context) if stored is None else stored

    context = Context(get, plan.data.get, "cpu", lambda done, total: None)
    return context


def plot_samples(images: Mapping[str, Images], path: Path, title: str = "") -> None:
    """Plot a line of images (n, channels, height, width) for each name."""
    check_plot_file(path)
    n = max(map(len, images.values()))
    with settings():
        figure, axes = panels(len(images), n, size=(0.8, 0.9))
        for line, (name, of_name) in enumerate(images.items()):
            for ax, image in zip(axes[line * n :], of_name, strict=False):
                ax.imshow(np.moveaxis(image.clip(0, 1), 0, -1), cmap="gray", vmin=0, vmax=1)
            axes[line * n].set_title(plot_text(name), fontsize=6, loc="left")
        for ax in axes:
            ax.set_axis_off()
        figure.suptitle(plot_text(title), fontsize="small")
        save(figure, path)
