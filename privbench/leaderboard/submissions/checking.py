"""Verify a submission by computing it again, as ``verify --rerun`` and ``merge`` do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privbench.leaderboard.submissions.comparing import (
    Compared,
    compare_artifacts,
    compare_commit,
    compare_same_curves,
    compare_same_differences,
    compare_same_seed,
    compare_secret_seeds,
    is_same_code,
    is_same_machine,
)
from privbench.leaderboard.submissions.rerun import Rerun, rerun

if TYPE_CHECKING:
    from privbench.plugins.host import PluginHost


@dataclass(frozen=True)
class Options:
    """How a submission is computed again."""

    share: float = 0.2
    """The share of its trials."""
    seeds: int = 3
    """How many secret seeds. With one, it is not known how much seeds differ."""
    device: str = "auto"
    other_machine: bool = False
    """Whether numbers of the same seed may differ by rounding although versions are the same."""
    results: str | None = None
    """A new folder to compute in; None for a temporary one."""


@dataclass(frozen=True)
class Outcome:
    """What was compared."""

    rerun: Rerun
    exact: bool
    """Whether numbers of the same seed had to be equal up to rounding."""
    compared: list[Compared]

    @property
    def refused(self) -> list[Compared]:
        """What differs by more than is allowed."""
        return [line for line in self.compared if not line.ok]


def check_again(content: Mapping[str, Any], host: PluginHost, options: Options) -> Outcome:
    """Compute a consistent submission again, in part or as a whole, and compare."""
    done = rerun(
        content, host, share=options.share, seeds=options.seeds, device=options.device,
        results=options.results,
    )  # fmt: skip
    return compare(content, done, other_machine=options.other_machine)


def compare(content: Mapping[str, Any], done: Rerun, *, other_machine: bool = False) -> Outcome:
    """Compare a submission with what was computed again."""
    same_code = is_same_code(content, done)
    exact = same_code and not other_machine and is_same_machine(content, done.environment)
    return Outcome(
        done,
        exact,
        [
            *compare_commit(content, done),
            *compare_same_seed(content, done, same_code=same_code, exact=exact),
            *compare_same_differences(content, done, exact=exact),
            *(compare_same_curves(content, done) if exact else ()),
            *(compare_artifacts(content, done) if exact else ()),
            *compare_secret_seeds(content, done),
        ],
    )
