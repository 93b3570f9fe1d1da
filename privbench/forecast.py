"""Say how long stages will take, from how long similar ones took in the same results folder.

Which times count, of the same kind of stage on the same kind of device:

1. the same components with the same parameters, epochs aside, on the same dataset;
2. the same components, with other parameters, on the same dataset;
3. the same components, with others before or after them, on the same dataset.

Of other datasets nothing is concluded: their records may have ten times the features.

Stages about one kind of canaries look at these records only, and are apart from all others. Of the
times that count, those of the nearest sizes are scaled: in proportion to epochs, and to powers of the
numbers of records and of models. If there is none, nothing is said.

The range is from the first to the third quartile, and wider the further sizes are from what was seen,
since the powers are known to about ``SPREAD`` only (docs/benchmarks.md has a check).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from privbench.seeds import digest
from privbench.stages.setting import SettingStage
from privbench.storage.times import Sizes, Time, Times

if TYPE_CHECKING:
    from privbench.components import Bound
    from privbench.stages import Stage

POWERS = {
    "population": 0.5,
    **dict.fromkeys(("utility", "metrics", "records", "comparison", "warnings"), 0.0),
    **dict.fromkeys(("scores", "split-scores", "left-out", "audit"), 1.2),
}
"""The power of the number of models to which time grows, by kind; 1 for others.

They are rounded from those of the benchmark quickstart from 4 to 16 models: models are trained side by
side, intervals are resampled as often for few models as for many, and in a leave-one-out each model is
scored by all others.
"""
RECORDS = 0.7
"""The power of the number of records to which time grows.

From 300 to 1,200 records of quickstart it is .4 for training, .66 for fitting a generator, and about .6
for attacks; with many records it is 1.
"""
SPREAD = 0.3
NEAR = 1.5
"""Times count if their sizes are at most so many times as far from the stage's as the nearest."""

MANY, LONG = 200, 5.0
"""Times are written when so many are noted, or after a stage that took so many seconds."""


@dataclass(frozen=True)
class Forecast:
    """How long stages will take, and how much they will store."""

    low: float
    seconds: float
    high: float
    bytes: float

    def __add__(self, other: Forecast) -> Forecast:
        """Return the sum, whose range is wide enough for errors that go together."""
        return Forecast(
            self.low + other.low,
            self.seconds + other.seconds,
            self.high + other.high,
            self.bytes + other.bytes,
        )


NOTHING = Forecast(0.0, 0.0, 0.0, 0.0)


Part = tuple[str, str]
"""The name of a component, and a digest of its parameters without epochs."""


class Sizer:
    """Says what the time of a stage depends on; it remembers what stages have in common."""

    def __init__(self) -> None:
        self._parts: dict[str, frozenset[Part]] = {}
        self._digests: dict[int, tuple[Bound, Part]] = {}

    def sizes(self, stage: Stage) -> Sizes:
        """Return what of a stage its time depends on."""
        parts = sorted(self._parts_of(stage))
        setting = setting_of(stage)
        n_models, n_records = (setting.n_models, setting.n_pool) if setting else (1, 1)
        components = [bound.name for bound in stage.components]
        if setting and _canary_kind(stage):
            n_records = max(round(n_records * setting.canaries / len(setting.kinds)), 1)
            components.append("canaries")
        return Sizes(
            stage.kind,
            " ".join(components),
            setting.fingerprint if setting else "",
            " ".join(dict.fromkeys(name for name, _ in parts)),
            digest(parts)[:16],
            n_models,
            n_records,
            _epochs(stage.components),
        )

    def _parts_of(self, stage: Stage) -> frozenset[Part]:
        """Return the dataset and the components of a stage and of all that it depends on."""
        if stage.key not in self._parts:
            bounds = [*stage.components]
            if isinstance(stage, SettingStage):
                bounds.append(stage.dataset)
            of_inputs = [self._parts_of(one) for one in stage.inputs]
            self._parts[stage.key] = frozenset(map(self._part, bounds)).union(*of_inputs)
        return self._parts[stage.key]

    def _part(self, bound: Bound) -> Part:
        if id(bound) not in self._digests:
            params = bound.component.params()
            params.pop("epochs", None)
            # The bound is kept, so that no other one gets its id.
            self._digests[id(bound)] = bound, (bound.name, digest(params))
        return self._digests[id(bound)][1]


class TimeKeeper:
    """Notes how long the stages of a run took; they are written a few times in a run, not one by one."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self._sizer = Sizer()
        self._noted: list[Time] = []

    def note(self, stage: Stage, device: str, seconds: float, size: int) -> None:
        """Note a stage that was computed and stored, and write what was noted if it is much."""
        sizes = asdict(self._sizer.sizes(stage))
        self._noted.append(Time(**sizes, device=device, seconds=seconds, bytes=size))
        if len(self._noted) >= MANY or seconds >= LONG:
            self.write()

    def write(self) -> None:
        """Write what was noted."""
        if self._noted:
            self.times.add(self._noted)
            self._noted.clear()


class Forecasts:
    """Forecasts of stages from a history of times."""

    def __init__(self, times: Iterable[Time], device: str = "auto") -> None:
        """Sort a history by stages that are alike.

        Args:
            times: the history, the oldest first.
            device: the device that will compute; ``auto`` for that of the last time.
        """
        self._sizer = Sizer()
        known = list(times)
        kind_of_device = device.partition(":")[0]
        if kind_of_device == "auto":
            kind_of_device = known[-1].device.partition(":")[0] if known else "cpu"
        self._alike: dict[tuple[str, ...], list[Time]] = defaultdict(list)
        for time in known:
            if time.device.partition(":")[0] == kind_of_device:
                for key in _keys(time):
                    self._alike[key].append(time)

    def of(self, stage: Stage) -> Forecast | None:
        """Return how long a stage will take, or None without a history of similar stages."""
        if not self._alike:
            return None
        sizes = self._sizer.sizes(stage)
        for key in _keys(sizes):
            if key in self._alike:
                return _from_times(sizes, self._alike[key])
        return None


def weights(stages: Iterable[Stage], forecasts: Forecasts) -> dict[str, float]:
    """Return by key how much stages take beside each other, in seconds if there is any history.

    Those without a history weigh as much beside the others as their kinds do.
    """
    by_key = {stage.key: stage for stage in stages}
    known = {key: forecasts.of(stage) for key, stage in by_key.items()}
    seconds = {key: forecast.seconds for key, forecast in known.items() if forecast}
    rough = sum(by_key[key].weight for key in seconds)
    scale = sum(seconds.values()) / rough if seconds else 1.0
    return {key: seconds.get(key, stage.weight * scale) for key, stage in by_key.items()}


def _keys(sizes: Sizes) -> tuple[tuple[str, ...], ...]:
    """Return what stages that are alike have in common, the most alike first."""
    same = (sizes.kind, sizes.components, sizes.dataset)
    return ((*same, sizes.context, sizes.variant), (*same, sizes.context), same)


def _from_times(sizes: Sizes, times: Sequence[Time]) -> Forecast:
    distances = [abs(math.log(_factor(sizes, time))) for time in times]
    reach = min(distances) + math.log(NEAR)
    near = [(t, d) for t, d in zip(times, distances, strict=True) if d <= reach]
    power = POWERS.get(sizes.kind, 1.0)
    seconds = sorted(time.seconds * _factor(sizes, time, power, RECORDS) for time, _ in near)
    stored = sorted(time.bytes * _factor(sizes, time) for time, _ in near)
    low, middle, high = (_quantile(seconds, share) for share in (0.25, 0.5, 0.75))
    spread = math.exp(SPREAD * _quantile(sorted(distance for _, distance in near), 0.5))
    return Forecast(low / spread, middle, high * spread, _quantile(stored, 0.5))


def _factor(sizes: Sizes, other: Sizes, models: float = 1.0, records: float = 1.0) -> float:
    """Return how many times as much work sizes are as others, with powers of models and records."""
    of_models = math.pow(sizes.models / other.models, models)
    return (
        of_models * math.pow(sizes.records / other.records, records) * sizes.epochs / other.epochs
    )


def _quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, linear between them.

    >>> _quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def setting_of(stage: Stage) -> SettingStage | None:
    """Return the setting that is nearest among the inputs: that of the population it is about."""
    level: Sequence[Stage] = [stage]
    while level:
        for one in level:
            if isinstance(one, SettingStage):
                return one
        level = [input for one in level for input in one.inputs]
    return None


def _canary_kind(stage: Stage) -> str | None:
    """Return the kind of canaries that a stage is about, if it is not about all records."""
    metrics = getattr(stage, "metrics", stage)
    kind: str | None = getattr(metrics, "canary_kind", None)
    return kind


def _epochs(bounds: Iterable[Bound]) -> float:
    """Return the epochs of what a stage trains, or 1; those of a mechanism come before a model's."""
    for bound in bounds:
        epochs = bound.component.params().get("epochs")
        if isinstance(epochs, int | float) and epochs > 0:
            return float(epochs)
    return 1.0
