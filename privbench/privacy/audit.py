"""Audit one attack on one population: lower bounds on epsilon, the test of a claim, and its power.

The bound that a verdict rests on needs no independence of records, nor of scores of different models.
It counts guesses about fair coins (`privbench.metrics.coins`) of models that are nobody's shadows.
Others are shown beside it; they assume more:

- ``one-run``: guesses about coins, for any mechanism (Steinke et al. 2023).
- ``f-dp``: the same guesses, if the mechanism has a Gaussian trade-off curve (Mahloujifar et al. 2024).
  That of sampled Gaussian steps is only nearly so, on the safe side (docs/auditing-epsilon.md).
- ``clopper-pearson``: errors at a threshold, if all (model, record) pairs are independent trials.
- ``gdp``: these errors, if in addition the mechanism has a Gaussian trade-off curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from privbench.privacy.guarantees import Guarantee
from privbench.privacy.profile import COMMON_DELTA

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.metrics.coins import Flips, Share
    from privbench.metrics.one_run import Coins
    from privbench.metrics.tradeoff import TradeOff

CONFIDENCE = 0.95
"""Confidence of each bound."""
OF_GUESSES = (
    "method", "ceiling", "p_value", "least_p_value", "detectable", "coins_of", "side",
    "coins", "guesses", "correct", "targets",
)  # fmt: skip
"""What ``audit`` says about guesses about coins; all null where there are none."""


@dataclass(frozen=True)
class AuditedScores:
    """What an audit of one attack needs of a population.

    Attributes:
        scores: float64 (models, records), each by means of all other models.
        shadow_scores: float64 (models, records), the scores that thresholds are chosen on.
        split: float64 (models, records), of targets by means of models that are not; the scores of these
            depend on no target. NaN where there are none; None if no guesses are made about coins.
        is_target: bool (models,), whose coins are guessed.
        member: bool (models, records).
        labels: int64 (records,); None for groups whose records have different labels.
        own_coins: whether each record is a member by a coin of its own, as canaries are.
        two_per_guess: whether the guarantee covers what the scores of two records of a model are
            computed from. That of noise on one output covers one.
    """

    scores: NDArray[np.float64]
    shadow_scores: NDArray[np.float64]
    split: NDArray[np.float64] | None
    is_target: NDArray[np.bool_]
    member: NDArray[np.bool_]
    labels: NDArray[np.int64] | None
    own_coins: bool
    two_per_guess: bool = True

    def flips(self, guarantee: Guarantee | None, rng: np.random.Generator) -> Flips:
        """Return the coins that decide whether a record is replaced as a guarantee allows.

        1. If the guarantee covers features only, one of two records with the same label is a member.
        2. Otherwise a record with a coin of its own is a member or not.
        3. Otherwise one of two records is a member.

        Of two records the difference of their scores is compared, or the score of the first alone
        unless ``two_per_guess``.
        """
        from privbench.metrics.coins import of_pairs, of_records

        of_features = guarantee is not None and guarantee.covers == "features"
        if self.own_coins and not of_features:
            return of_records(self.member)
        flips = of_pairs(self.member, rng, self.labels if of_features else None)
        return flips if self.two_per_guess else flips.by_first()


@dataclass(frozen=True)
class Claim:
    """What a guarantee says about replacing one record of a training set of fixed size.

    Attributes:
        epsilon: at ``delta``.
        delta: `COMMON_DELTA`, or that of the guarantee if it is larger.
        curve: all that is claimed, which is tested: every pair (epsilon, delta) of the guarantee.
    """

    epsilon: float
    delta: float
    curve: TradeOff

    @classmethod
    def of(cls, guarantee: Guarantee | None) -> Claim | None:
        """Return what a guarantee claims; None if it claims nothing about replacing a record."""
        from privbench.metrics.tradeoff import TradeOff

        stated = None if guarantee is None else guarantee.of_replacing()
        if guarantee is None or stated is None or stated[1] >= 1:  # group privacy may leave nothing
            return None
        epsilon, delta = guarantee.replace_one(COMMON_DELTA)
        return cls(epsilon, delta, TradeOff.of_profile((stated, *guarantee.profile)))


def audit(
    audited: AuditedScores,
    guarantee: Guarantee | None,
    *,
    pairing: np.random.Generator,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return the bounds on epsilon for replacing one record, and the test of a guarantee.

    Args:
        audited: the scores and the membership.
        guarantee: what the attack is compared with.
        pairing: draws pairs of records.
        rng: breaks ties.

    Returns:
        ``audited_epsilon`` and ``audit``, as a row of results stores them. Without guesses, there are
        only the bounds that take pairs to be independent, and nothing for a verdict.
    """
    from privbench.metrics import epsilon_lower_bound
    from privbench.metrics.one_run import epsilon_bound, gaussian_bound, p_value

    claim = Claim.of(guarantee)
    delta = COMMON_DELTA if claim is None else claim.delta
    gaussian = guarantee is not None and claim is not None and guarantee.gaussian
    flips = audited.flips(guarantee, pairing)
    counted = None
    if guarantee is not None and guarantee.covers == "features":
        counted = flips.records_of_tossed(audited.member.shape[1])

    def of_errors(gaussian: bool) -> float:
        return epsilon_lower_bound(
            audited.scores, audited.member, audited.shadow_scores, audited.member,
            leave_one_out=True, delta=delta, confidence=CONFIDENCE, counted=counted,
            gaussian=gaussian,
        )  # fmt: skip

    bounds = {
        "one-run": None,
        "f-dp": None,
        "clopper-pearson": of_errors(gaussian=False),
        "gdp": of_errors(gaussian=True) if gaussian else None,
    }
    stated = {
        "method": None,
        "delta": delta,
        "bounds": bounds,
        "claim": None if claim is None else {"epsilon": claim.epsilon, "delta": claim.delta},
    } | dict.fromkeys(OF_GUESSES)
    if audited.split is None:
        return {"audited_epsilon": None, "audit": stated}

    coins, share, targets = _guesses(audited, flips, delta, rng)
    layout = tuple(coins.records.tolist()), tuple(coins.guesses.tolist())
    p = power = None
    least = None if claim is None else _least_p_value(*layout, claim.curve)
    if claim is not None and least is not None and least <= 1 - CONFIDENCE:
        p = p_value(coins, claim.curve)
        power = _detectable(*layout, claim.curve, delta, share.side != "both")
    bounds["one-run"] = epsilon_bound(coins, delta, CONFIDENCE)
    bounds["f-dp"] = gaussian_bound(coins, delta, CONFIDENCE) if gaussian else None
    method = "f-dp" if gaussian else "one-run"
    of_guesses = (
        method, _ceiling(*layout, delta, gaussian), p, least, power,
        "pairs" if flips.second is not None else "records", share.side,
        *map(sum, layout), int(coins.correct.sum()), targets,
    )  # fmt: skip
    return {
        "audited_epsilon": bounds[method],
        "audit": stated | dict(zip(OF_GUESSES, of_guesses, strict=True)),
    }


def _guesses(
    audited: AuditedScores, flips: Flips, delta: float, rng: np.random.Generator
) -> tuple[Coins, Share, int]:
    """Return the counts of guesses about coins, which coins were guessed, and the number of targets.

    Which coins are guessed is chosen by those of the models that are not targets.
    """
    import numpy as np

    from privbench.metrics.coins import choose_share, guess

    assert audited.split is not None
    known = np.asarray(~np.isnan(audited.split).any(axis=1))
    is_target, is_shadow = known & audited.is_target, known & ~audited.is_target
    share = choose_share(flips.of(is_shadow), audited.split[is_shadow], delta)
    coins = guess(flips.of(is_target), audited.split[is_target], rng, share)
    return coins, share, int(is_target.sum())


Layout: TypeAlias = tuple[int, ...]
"""The number of coins, or of guesses, of each run."""


# Many rows of a run have as many coins, and the same claim.


@lru_cache(maxsize=256)
def _ceiling(records: Layout, guesses: Layout, delta: float, gaussian: bool) -> float:
    import numpy as np

    from privbench.metrics.power import ceiling

    return ceiling(
        np.array(records), np.array(guesses),
        delta=delta, confidence=CONFIDENCE, gaussian=gaussian,
    )  # fmt: skip


@lru_cache(maxsize=256)
def _least_p_value(records: Layout, guesses: Layout, claim: TradeOff) -> float:
    """Return the p-value of a claim that guesses without an error would have."""
    import numpy as np

    from privbench.metrics.one_run import Coins, p_value

    counts = np.array(guesses)
    return p_value(Coins(np.array(records), counts, counts), claim)


@lru_cache(maxsize=256)
def _detectable(
    records: Layout, guesses: Layout, claim: TradeOff, delta: float, one_sided: bool
) -> float | None:
    import numpy as np

    from privbench.metrics.power import detectable

    return detectable(
        np.array(records), np.array(guesses), claim,
        delta=delta, level=1 - CONFIDENCE, one_sided=one_sided,
    )  # fmt: skip
