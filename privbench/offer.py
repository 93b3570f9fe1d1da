"""The benchmarks of a file, for those who do not say which one to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from privbench.config import Overrides, resolve
from privbench.errors import BadInput
from privbench.escape import one_line
from privbench.report.numbers import duration
from privbench.storage.history import History

if TYPE_CHECKING:
    from privbench.config import Benchmark
    from privbench.config.file import File
    from privbench.plugins.host import PluginHost


@dataclass(frozen=True)
class Offer:
    """A benchmark that could be run."""

    name: str
    n_trials: int | None
    """None if the benchmark cannot be resolved."""
    problem: str
    """Why it cannot; empty if it can."""
    seconds: float | None
    """Time that all stages behind its last complete run took; None if there is none."""

    @property
    def text(self) -> str:
        """The trials and the time, or the problem, in words."""
        if self.n_trials is None:
            return f"cannot be run: {self.problem}"
        trials = "1 trial" if self.n_trials == 1 else f"{self.n_trials:,} trials"
        return trials if self.seconds is None else f"{trials}; {duration(self.seconds)} last time"


def offers(file: File, host: PluginHost, results: str | Path) -> list[Offer]:
    """Return the benchmarks of a file, as they would run without overrides."""
    seconds = _last_seconds(results)
    return [_offer(file, name, host, seconds) for name in file.own.benchmarks]


def no_name(file: File, offered: Sequence[Offer]) -> str:
    """Return the message for a run without a name, which lists the benchmarks."""
    if not offered:
        return f"{file.path}: the file has no benchmarks"
    names = [one_line(offer.name) for offer in offered]
    width = max(map(len, names))
    lines = [
        f"  {name:{width}}  {one_line(offer.text)}"
        for name, offer in zip(names, offered, strict=True)
    ]
    return "\n".join([f"which benchmark? {file.path} has:", *lines])


def _offer(file: File, name: str, host: PluginHost, seconds: Mapping[str, float]) -> Offer:
    try:
        benchmark = resolve(file, name, host.registries, Overrides(), host.broken)
    except BadInput as error:
        return Offer(name, None, str(error), None)
    return Offer(name, _n_trials(benchmark), "", seconds.get(name))


def _n_trials(benchmark: Benchmark) -> int:
    parts = (
        benchmark.datasets, benchmark.seeds, benchmark.models, benchmark.defenses,
        benchmark.attacks, benchmark.knowledge,
    )  # fmt: skip
    return prod(map(len, parts))


def _last_seconds(results: str | Path) -> dict[str, float]:
    """Return the time of the last run of each benchmark that was complete and as the file has it."""
    return {
        entry.benchmark: entry.seconds
        for entry in reversed(History(results).entries())
        if entry.finished_at and entry.seconds is not None and not entry.remark
    }
