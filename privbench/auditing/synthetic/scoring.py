"""The records of an audit, what attacks see of them, and their scores."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.synthetic import SyntheticViews
from privbench.auditing.synthetic.features import Encoder
from privbench.auditing.synthetic.rows import AttackedRows
from privbench.auditing.synthetic.stacked import NAME as STACKED
from privbench.auditing.synthetic.stacked import stacked
from privbench.components import Bound
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.components.messages import error_text
from privbench.data import Data
from privbench.metrics.pairs import Bools
from privbench.seeds import generator as rng_of
from privbench.stages.scores import score_views

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

NEEDS_SHADOWS = "needs shadow tables: --generator FILE or --shadow DIR"


class AuditedTable:
    """The records of an audit, and what attacks see of them."""

    def __init__(
        self,
        tables: Mapping[str, pd.DataFrame],
        rows: AttackedRows,
        shadows: list[pd.DataFrame],
        member: Bools,
        seed: int,
    ) -> None:
        train, holdout = tables["train"].iloc[rows.train], tables["holdout"].iloc[rows.holdout]
        reference = tables.get("reference", tables["holdout"]).iloc[rows.reference]
        synthetic = tables["synthetic"].iloc[rows.synthetic]
        encode = Encoder.fit(reference, [train, holdout, reference, synthetic, *shadows])
        records = [encode(train), encode(holdout)]
        self.records = Data(
            np.concatenate([part.x for part in records]),
            np.zeros(len(rows.member), np.int64),
            encode.spec,
        ).read_only()
        self.reference = encode(reference).read_only()
        self.target = encode(synthetic).read_only()
        self.shadows = [encode(table).read_only() for table in shadows]
        self.member, self.seed = member, seed

    def views(self, attack: Bound, targets: list[Data], role: str) -> SyntheticViews:
        """Return what an attack sees of the target, or of the shadows with the others as theirs."""
        views = SyntheticViews(
            records=self.records.x,
            labels=self.records.y,
            targets=targets,
            shadows=self.shadows,
            shadow_member=self.member,
            reference=self.reference,
            rngs=[rng_of(self.seed, attack.name, role, i) for i in range(len(targets))],
            leave_one_out=targets is self.shadows,
        )
        return own_arrays(views) if attack.entry.third_party else views

    def scores(
        self, chosen: Mapping[str, Bound | None]
    ) -> tuple[dict[str, NDArray[np.float64]], dict[str, str], dict[str, str]]:
        """Return the scores (records,) of each attack, and which were skipped or failed, and why."""
        target: dict[str, NDArray[np.float64]] = {}
        of_shadows: dict[str, NDArray[np.float64]] = {}
        skipped: dict[str, str] = {}
        failed: dict[str, str] = {}
        is_stacked = STACKED in chosen and bool(self.shadows)
        for name, attack in chosen.items():
            if attack is None:
                continue
            try:
                with calling(attack):
                    needs_shadows = attack.component.shadows_needed() != "no"
                if needs_shadows and not self.shadows:
                    skipped[name] = NEEDS_SHADOWS
                    continue
                log.info("attack %s", name)
                target[name] = self._score(attack, [self.target], "target")[0]
                if is_stacked:
                    of_shadows[name] = self._score(attack, self.shadows, "shadow")
            except KeyboardInterrupt:
                raise
            except (
                BaseException
            ) as error:  # third-party code must not cost the results of the others
                failed[name] = error_text(error).removeprefix(f"{name}: ")
        if STACKED in chosen:
            if not self.shadows:
                skipped[STACKED] = NEEDS_SHADOWS
            elif of_shadows:
                used = {name: target[name] for name in of_shadows}
                target[STACKED] = stacked(used, of_shadows, self.member)
            else:
                skipped[STACKED] = "no other attack returned scores"
        return target, skipped, failed

    def _score(self, attack: Bound, targets: list[Data], role: str) -> NDArray[np.float64]:
        return score_views(
            attack, self.views(attack, targets, role), lambda: self.views(attack, targets, role)
        )
