"""Which stored artifacts may be freed, and what a later run would have to compute again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from privbench.computation import missing_stages
from privbench.errors import BadInput
from privbench.storage.artifacts import Store
from privbench.storage.database import read_database
from privbench.storage.history import History
from privbench.storage.inventory import LEFTOVER, PARTS, Stored, inventory, reached_by
from privbench.storage.results import Results

if TYPE_CHECKING:
    from privbench.plan import Plan
    from privbench.stages import Stage

Use = Literal["result", "intermediate", "unreachable", "leftover"]
RESULTS = frozenset(
    (
        "utility",
        "fidelity",
        "metrics",
        "records",
        "audit",
        "output-traits",
        "warnings",
        "comparison",
    )
)
"""The kinds whose artifacts are rows and tables; those of all others are read to compute these."""


@dataclass(frozen=True)
class Wanted:
    """Which artifacts a user wants to free: those that all of this is true of. Leftovers always go."""

    older_than: float = 0.0
    """Seconds."""
    larger_than: float = 0.0
    """Bytes."""
    kinds: Collection[str] = ()
    """None for all kinds."""
    uses: Collection[Use] = ()
    """``unreachable`` or ``intermediate``, or both; none for any use."""
    keep_scores: bool = False

    @property
    def is_given(self) -> bool:
        """Whether anything beside leftovers is wanted."""
        return bool(self.older_than or self.larger_than or self.kinds or self.uses)

    def chooses(self, one: Stored, use: Use) -> bool:
        """Return whether an artifact goes."""
        if use == "leftover":
            return not self.kinds or LEFTOVER in self.kinds
        if not self.is_given or (self.keep_scores and one.kind.endswith("scores")):
            return False
        return (
            one.age >= self.older_than
            and one.bytes >= self.larger_than
            and (not self.kinds or one.kind in self.kinds)
            and (not self.uses or use in self.uses)
        )


@dataclass
class Garbage:
    """The artifacts of a results folder, and which of them are of use.

    - ``result``: rows of a run that is in the list of runs are made of it, or those of a plan.
    - ``intermediate``: results of such a setting were computed from it, and no plan reads it again:
      all results of the plans that depend on it are stored.
    - ``unreachable``: neither a row nor a plan has anything to do with it.
    - ``leftover``: files of writing that was interrupted, damaged artifacts that were set aside, and
      parts of artifacts that are complete.

    What a plan would read to compute results that are missing counts as a result, too.
    """

    root: Path
    plans: Sequence[Plan]
    stored: list[Stored] = field(init=False)
    uses: list[Use] = field(init=False)

    def __post_init__(self) -> None:
        """Look at the store. Raises BadInput if a run goes on, which may read and write it."""
        refuse_while_running(self.root)
        self.stored = inventory(self.root)
        store = Store(self.root)
        planned = {stage.key for plan in self.plans for stage in plan.stages}
        missing = [stage for plan in self.plans for stage in missing_stages(plan, store)]
        read = {stage.key for one in missing for stage in one.inputs}
        reached = planned | reached_by([*_keys_of_rows(self.root), *planned], self.stored)
        self.uses = [_use(one, reached, read) for one in self.stored]

    def chosen(self, wanted: Wanted) -> list[Stored]:
        """Return what a user wants to free."""
        pairs = zip(self.stored, self.uses, strict=True)
        return [one for one, use in pairs if wanted.chooses(one, use)]

    def computed_again(self, freed: Sequence[Stored]) -> list[Stage]:
        """Return the stages that the plans would have to compute only because of what is freed."""
        store = _Without(self.root, {one.key for one in freed})
        again: dict[str, Stage] = {}
        for plan in self.plans:
            before = {stage.key for stage in missing_stages(plan, Store(self.root))}
            for stage in missing_stages(plan, store):
                if stage.stored and stage.key not in before:
                    again[stage.key] = stage
        return list(again.values())


class _Without(Store):
    """A store as it would be without some artifacts."""

    def __init__(self, root: Path, freed: set[str]) -> None:
        super().__init__(root)
        self._freed = freed

    def has(self, kind: str, key: str) -> bool:
        return key not in self._freed and super().has(kind, key)


def refuse_while_running(root: Path) -> None:
    """Raise BadInput if a run goes on in a results folder, or may go on, on another host."""
    for entry in History(root).entries():
        if entry.status == "running" and entry.process:
            raise BadInput(
                f"run {entry.id} goes on (process {entry.process['pid']}): wait for it, or end it;"
                " nothing was freed"
            )
        if entry.elsewhere:
            raise BadInput(
                f"run {entry.id} may go on, on {entry.elsewhere}: nothing was freed; if it was"
                f" interrupted, `privbench runs delete {entry.id}` first"
            )


def _use(one: Stored, reached: set[str], read: set[str]) -> Use:
    if one.kind == LEFTOVER:
        return "leftover"
    key = one.key.rpartition("-")[0] if one.kind.endswith(PARTS) else one.key
    if key not in reached and one.key not in reached:
        return "unreachable"
    # Parts are of an artifact that a run goes on with.
    return "result" if one.kind in RESULTS or key in read or key != one.key else "intermediate"


def _keys_of_rows(root: Path) -> list[str]:
    """Return the keys of artifacts that the rows of all runs name."""
    path = Results(root).path
    if not path.exists():
        return []
    with read_database(path) as database:
        pairs = database.execute("SELECT utility_key, metrics_key FROM rows").fetchall()
    return sorted({key for pair in pairs for key in pair if key})
