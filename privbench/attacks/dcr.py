"""Distance to the closest record: a baseline known to be weak (Yao et al. 2025, arXiv 2505.01524)."""

from __future__ import annotations

from typing import ClassVar

from privbench.attacks.synthetic import Floats, SyntheticAttack, SyntheticView, nearest


class Dcr(SyntheticAttack):
    """Minus the distance to the closest synthetic record."""

    name: ClassVar[str] = "dcr"
    paper: ClassVar[str] = "Yao et al. 2025, arXiv 2505.01524"

    def score(self, view: SyntheticView) -> Floats:
        """Scores (n_pool,)."""
        scores: Floats = -nearest(view.records, view.synthetic.x)[:, 0]
        return scores
