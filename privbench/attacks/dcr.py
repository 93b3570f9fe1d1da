"""Distance to the closest record: a common privacy metric for synthetic data, and a weak attack.

Yao et al. 2025, arXiv 2505.01524, show how much it misses.
"""

from __future__ import annotations

from typing import ClassVar

from privbench.attacks.base import NeedsShadows
from privbench.attacks.synthetic import Floats, SyntheticAttack, SyntheticView, nearest


class Dcr(SyntheticAttack):
    """Minus the distance to the closest synthetic record."""

    name: ClassVar[str] = "dcr"
    paper: ClassVar[str] = "Yao et al. 2025, arXiv 2505.01524"
    needs_shadows: ClassVar[NeedsShadows] = "no"

    def score(self, view: SyntheticView) -> Floats:
        """Return scores (n_pool,), at most zero."""
        scores: Floats = -nearest(view.records, view.synthetic.x)[:, 0]
        return scores
