"""Run many cases of a target, within bounds of memory and time, and collect what is no message."""

from __future__ import annotations

import logging
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from privbench.errors import BadInput

SECONDS = 30
"""Seconds of computing that a case may take: far more than any honest file of its size needs."""


MESSAGE = 20_000
"""Characters that a message may have; terminals show some 100 lines of 200."""


BATCH = 500
"""Cases that Hypothesis draws at a time: it remembers all of them, which is no memory of a reader."""


class Hang(BaseException):
    """A case took too long."""


@dataclass(frozen=True)
class Target:
    """Something that reads what users give, and how its cases are drawn."""

    name: str
    what: str
    """What it reads, as docs/hostile-input.md says it."""
    cases: SearchStrategy[Any]
    read: Callable[[Any, Path], object]
    """Reads one case, in a folder of its own; raises BadInput if it is refused."""
    small: int = 100
    """Number of cases in the test suite."""
    prepare: Callable[[], object] = lambda: None
    """Imports what `read` needs, so that memory is counted from there."""


@dataclass
class Outcome:
    """What became of the cases of a target."""

    name: str
    what: str
    seed: int
    cases: int = 0
    accepted: int = 0
    refused: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    """Errors that are no messages, and how often each was met."""
    mib: int = 0
    """Memory that the process needed at most beyond what it had before the first case."""
    slowest: float = 0.0
    """Seconds of computing of the slowest case."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def run(
    target: Target,
    cases: int,
    number: int,
    on_finding: Callable[[BaseException, Any], None] = lambda *_: None,
    *,
    after: Outcome | None = None,
    on_batch: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """Read drawn cases, the same for a seed, and return what became of them.

    Args:
        target: what reads the cases.
        cases: how many there are in the end.
        number: the seed.
        on_finding: told of each finding, with the error and the case.
        after: what became of the first cases in an earlier process; they are not read again.
        on_batch: told what became of all cases so far, after each BATCH.
    """
    outcome = Outcome(target.name, target.what, number) if after is None else after
    found: Counter[str] = Counter(outcome.findings)
    mib = outcome.mib
    target.prepare()
    before = _peak_mib()
    logging.getLogger("privbench").setLevel(logging.CRITICAL)

    def cases_of(case: Any) -> None:
        outcome.cases += 1
        with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
            started = time.process_time()
            try:
                with _limited():
                    target.read(case, Path(folder))
                outcome.accepted += 1
            except BadInput as error:
                outcome.refused += 1
                if problem := _problem_of(str(error)):
                    found[problem] += 1
                    on_finding(error, case)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever is no message is a finding
                found[_place(error)] += 1
                on_finding(error, case)
            outcome.slowest = max(outcome.slowest, time.process_time() - started)

    for begin in range(outcome.cases, cases, BATCH):
        limited = settings(
            max_examples=min(BATCH, cases - begin),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        with warnings.catch_warnings(action="ignore"):
            seed(f"{number} {begin}")(limited(given(target.cases)(cases_of)))()
        outcome.findings = dict(found.most_common())
        outcome.mib = max(mib, _peak_mib() - before)
        on_batch(outcome)
    return outcome


def limit_memory(gib: float) -> None:
    """Let allocations beyond so much address space fail in this process."""
    size = int(gib * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _limited():
    """Return a context in which a case that computes too long is interrupted."""

    class Limit:
        def __enter__(self) -> None:
            signal.signal(signal.SIGPROF, _hang)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)

        def __exit__(self, *_: object) -> None:
            signal.setitimer(signal.ITIMER_PROF, 0)

    return Limit()


def _hang(*_: object) -> None:
    raise Hang(f"more than {SECONDS} seconds")


def _place(error: BaseException) -> str:
    """Return the kind of an error, and the innermost line of privbench that it came from."""
    lines = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_ROOT / "privbench")
    ]
    return f"{type(error).__name__} in {lines[-1] if lines else '?'}: {str(error)[:80]!a}"


def _problem_of(message: str) -> str:
    """Return what is wrong with a message; empty if nothing is."""
    if not message.strip():
        return "a message without a text"
    return f"a message of over {MESSAGE} characters" if len(message) > MESSAGE else ""


_ROOT = Path(__file__).parents[2]


def _fast_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _peak_mib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)
