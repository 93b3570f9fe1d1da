"""The stage ``setting``: the split of a dataset, its canaries, and the membership of a population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.components import Bound
from privbench.stages.base import Context, Stage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.canaries import CanaryKind
    from privbench.data import Data
    from privbench.membership import Setting, Subset


@dataclass(frozen=True, eq=False)
class SettingStage(Stage):
    """Split, canaries and membership of one population; drawn again in each run, since it is cheap.

    The key depends on the records and not on where they came from: a file that is moved keeps its
    results.
    """

    kind = "setting"

    title: str
    seed: int
    dataset: Bound
    fingerprint: str
    n_pool: int
    n_models: int
    n_reference: int
    """Reference records; it follows from the number of records and ``n_pool``."""
    n_public: int
    """Reference records that defenses may use."""
    subset: Subset = "records"
    canaries: float = 0.0
    """Share of the pool."""
    kinds: tuple[CanaryKind, ...] = ("mislabel",)
    clean: SettingStage | None = None
    """For the canary population: the setting whose pool it alters."""

    @property
    def stored(self) -> bool:
        return False

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return () if self.clean is None else (self.clean,)

    def details(self) -> dict[str, Any]:
        # Without the kinds where there is one, as in earlier versions, so that draws stay the same.
        kinds = {} if self.kinds == ("mislabel",) else {"kinds": list(self.kinds)}
        return kinds | {
            "records": self.fingerprint,
            "n_pool": self.n_pool,
            "subset": self.subset,
            "canaries": self.canaries,
        }

    def versions(self) -> dict[str, Any]:
        return {"n_models": self.n_models, "n_public": self.n_public}

    def compute(self, context: Context) -> Artifact:
        return Artifact(live=self.draw(context.data))

    def draw(self, data: Callable[[Bound], Data]) -> Setting:
        """Draw the setting from the dataset that ``data`` returns."""
        from privbench.membership import canary_setting, clean_setting

        if self.clean is not None:
            return canary_setting(self.clean.draw(data), self.canaries, self.names, self.kinds)
        return clean_setting(
            data(self.dataset), self.n_models, self.n_pool, self.names, self.n_public
        )
