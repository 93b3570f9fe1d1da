"""Which trials of a run are finished: known at once, however many trials there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from privbench.stages import Stage
from privbench.trial import Trial


class UnfinishedTrials:
    """The trials of a plan that have no rows yet, by the stages that they wait for."""

    def __init__(self, trials: tuple[Trial, ...], is_done: Callable[[Stage], bool]) -> None:
        """Begin with all trials.

        Args:
            trials: the trials of the plan.
            is_done: whether a stage is stored, or known to have failed. What is done stays so.
        """
        self._waiting = dict(enumerate(trials))
        """Trials by their place in the plan."""
        self._is_done = is_done
        self._done: set[str] = set()
        """Keys of stages that are done, which are not asked for again."""
        self._of_stage: dict[str, list[int]] = defaultdict(list)
        """The places of the trials whose rows need a stage, by its key."""
        for place, trial in self._waiting.items():
            for stage in trial.results:
                self._of_stage[stage.key].append(place)

    @property
    def waiting(self) -> Iterable[Trial]:
        """The trials that were not taken out."""
        return self._waiting.values()

    def finished(self) -> Iterator[tuple[int, Trial]]:
        """Take out, and yield with their places, all trials whose stages are done."""
        yield from self._taken(list(self._waiting))

    def finished_by(self, stage: Stage) -> Iterator[tuple[int, Trial]]:
        """Do the same with the trials that need a stage, which has just been computed or has failed."""
        yield from self._taken(self._of_stage.get(stage.key, []))

    def rest(self) -> Iterator[tuple[int, Trial]]:
        """Take out and yield all others."""
        while self._waiting:
            place = next(iter(self._waiting))
            yield place, self._waiting.pop(place)

    def _taken(self, places: list[int]) -> Iterator[tuple[int, Trial]]:
        for place in places:
            trial = self._waiting.get(place)
            if trial is not None and all(map(self._is_known_done, trial.results)):
                del self._waiting[place]
                yield place, trial

    def _is_known_done(self, stage: Stage) -> bool:
        if stage.key not in self._done and self._is_done(stage):
            self._done.add(stage.key)
        return stage.key in self._done
