"""Write the log of a run: what is logged while it goes on, and what becomes of stages and trials."""

from __future__ import annotations

import logging
import os
import platform
import shlex
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.components.faults import trace_of
from privbench.components.messages import error_text
from privbench.components.outcome import NoResult
from privbench.hookspecs import hookimpl
from privbench.logs.file import LogFile
from privbench.logs.records import to_json
from privbench.logs.secrets import Redactor
from privbench.logs.tee import Tee
from privbench.plugins.host import PluginHost

if TYPE_CHECKING:
    from privbench.plan import Plan
    from privbench.stages import Stage
    from privbench.storage.results import Row

EARLY = 1000
"""Records that are kept until the run has a number, and thereby a file."""
RECENT = 20
"""Last records of a stage that are kept in memory until it is finished, or, if it fails, for good."""
VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "PRIVBENCH_DATA_DIR",
)  # fmt: skip
"""Variables of the environment that change what a run does; others are nobody's business."""

log = logging.getLogger(__name__)


def log_path(results: str | Path, run: int) -> Path:
    """Return the file of the log of a run."""
    return Path(results) / "logs" / f"{run}.jsonl"


@contextmanager
def early_records() -> Iterator[list[dict[str, Any]]]:
    """Give the list of what is logged within the block, for `RunLog.add_early`."""
    records: deque[dict[str, Any]] = deque(maxlen=EARLY)
    kept: list[dict[str, Any]] = []
    tee = Tee(lambda record: records.append(to_json(record)))
    tee.attach()
    try:
        yield kept
    finally:
        tee.detach()
        kept.extend(records)


def delete_log(results: str | Path, run: int) -> None:
    """Delete the log of a run if there is one."""
    with suppress(OSError):
        log_path(results, run).unlink()


class RunLog:
    """The log of a run, for as long as the context lasts; an observer of the run."""

    def __init__(
        self, results: Path, host: PluginHost, failures: Mapping[str, NoResult], command: str = ""
    ) -> None:
        """Prepare a log.

        Args:
            results: the results folder.
            host: the plugins, whose hooks tell of the run.
            failures: why stages have no artifact, by key; the run adds to it.
            command: the command line that was typed; empty for a run from Python.
        """
        self.results = results
        self.host = host
        self.failures = failures
        self.command = command
        self.run: int | None = None
        """The number of the run; None until it has begun."""
        self.recent: dict[str, deque[dict[str, Any]]] = {}
        """The last records of code in stages that are open or have failed, by the name of the stage."""
        self.last: deque[dict[str, Any]] = deque(maxlen=RECENT)
        """The last records of all."""
        self._file: LogFile | None = None
        self._early: deque[dict[str, Any]] = deque(maxlen=EARLY)
        self._open: list[str] = []
        self._logged_reasons: set[str] = set()
        self._redactor = Redactor()
        self._tee = Tee(self._take)

    def add_early(self, records: Iterable[dict[str, Any]]) -> None:
        """Add records of before the run, such as those of reading its datasets."""
        self._early.extend(map(self._redactor.clean, records))

    def __enter__(self) -> RunLog:
        self._tee.attach()
        self.host.observe(self)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            text = f"the run ended: {error_text(error)}"
            self._event(logging.ERROR, text, traceback=trace_of(error))
        self.host.manager.unregister(self)
        self._tee.detach()
        if self._file is not None:
            self._file.close()

    def begin(self, run: int, environment: Mapping[str, Any], benchmark: str) -> None:
        """Open the file, which begins with versions; then come the records of before.

        Args:
            run: the number of the run.
            environment: versions, the commit of the code and hardware.
            benchmark: the benchmark's name.
        """
        self.run = run
        self._file = LogFile(log_path(self.results, run))
        values = to_json(_record(logging.INFO, f"run {run} of {benchmark} begins"))
        values["versions"] = {
            **environment,
            "platform": platform.platform(),
            "executable": sys.executable,
            "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        }
        values["command"] = self.command or shlex.join(sys.argv)
        values["folder"] = os.path.abspath(self.results)
        values["process"] = os.getpid()
        self._file.write(self._redactor.clean(values))
        while self._early:
            self._file.write(self._early.popleft())
        for failure in self.host.failures:  # before the run
            self._event(
                logging.WARNING, f"{failure.place}: {failure.message}",
                plugin=failure.plugin, traceback=failure.traceback,
            )  # fmt: skip

    @hookimpl
    def run_started(self, plan: Plan, needed: list[Stage]) -> None:
        """Log how much there is to do."""
        self._event(
            logging.INFO,
            f"{len(plan.trials)} trials, {len(plan.stages)} stages, {len(needed)} of them to compute",
        )

    @hookimpl
    def stage_started(self, stage: Stage) -> None:
        """Log that a stage begins, and remember it as what other records may be about."""
        name = str(stage)
        self._open.append(name)
        self.recent[name] = deque(maxlen=RECENT)
        self._event(logging.DEBUG, f"begins (key {stage.key[:12]})", stage=name)

    @hookimpl
    def stage_finished(self, stage: Stage, status: str, seconds: float) -> None:
        """Log what became of a stage."""
        name = str(stage)
        failure = self.failures.get(stage.key)
        if failure is None:
            self._event(logging.DEBUG, status, stage=name, seconds=seconds)
        if failure is None or not self._failed(failure, stage=name, seconds=seconds):
            self.recent.pop(name, None)
        if name in self._open:
            self._open.remove(name)

    @hookimpl
    def trial_finished(self, rows: list[Row]) -> None:
        """Log what became of a trial."""
        first = rows[0]
        parts = [str(first[k]) for k in ("dataset", "defense", "model", "attack", "knowledge")]
        name = "/".join([*parts, f"seed={first['seed']}"])
        failed = next((row for row in rows if row["status"] not in ("ok", "skipped")), None)
        if failed is not None:
            self._failed(NoResult(failed["status"], failed["reason"]), trial=name)
            return
        outcomes = dict.fromkeys(
            f"{row['status']}: {row['reason']}" if row["status"] == "skipped" else row["status"]
            for row in rows
        )
        self._event(logging.DEBUG, "; ".join(outcomes), trial=name)

    @hookimpl
    def run_finished(self, rows: list[Row]) -> None:
        """Log that the run is complete."""
        statuses = [row["status"] for row in rows]
        counts = ", ".join(f"{statuses.count(one)} {one}" for one in dict.fromkeys(statuses))
        self._event(logging.INFO, f"the run is complete; rows: {counts or 'none'}")

    def _failed(self, failure: NoResult, **extra: Any) -> bool:
        """Log a failure: the first time as an error with its traceback; return whether it is new."""
        is_new = failure.status != "skipped" and failure.reason not in self._logged_reasons
        self._logged_reasons.add(failure.reason)
        self._event(
            logging.ERROR if is_new else logging.DEBUG,
            f"{failure.status}: {failure.reason}",
            traceback=failure.traceback if is_new else "",
            **extra,
        )
        return is_new

    def _event(self, level: int, message: str, **extra: Any) -> None:
        """Write a record of the run itself, which the terminal shows with ``-v`` only."""
        self._tee.handle(_record(level, message, is_event=True, **extra))

    def _take(self, record: logging.LogRecord) -> None:
        """Write a record, and keep it with its stage."""
        names = {"stage": self._open[0]} if len(self._open) == 1 else {}
        values = self._redactor.clean(to_json(record, **names))
        if record.process != os.getpid():
            values["process"] = record.process
        self.last.append(values)
        recent = self.recent.get(values.get("stage", ""))
        if recent is not None and not hasattr(record, "is_event"):
            recent.append(values)
        if self._file is None:
            self._early.append(values)
        else:
            self._file.write(values)


def _record(level: int, message: str, **extra: Any) -> logging.LogRecord:
    return log.makeRecord(log.name, level, "", 0, message, (), None, extra=extra)
