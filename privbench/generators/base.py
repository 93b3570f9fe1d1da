"""The contract of a generator: a private training set in, a synthetic one out.

The harness fits one generator for each model of a population, encodes that model's training records,
lets the latent mechanisms act on the codes, and decodes; or it draws new records. A generator that can
fit all of them at once overrides ``fit_population``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from privbench.components import Component
from privbench.data import Data, DataSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.privacy import Guarantee

Progress = Callable[[int, int], None]  # (done, total)


class FittedGenerator(ABC):
    """A generator that was fitted on one training set."""

    @abstractmethod
    def encode(self, data: Data) -> NDArray[np.float32]:
        """Codes (n, latent_dim) of records, without randomness."""

    @abstractmethod
    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Records (n, *shape) from codes (n, latent_dim), without randomness."""

    def decode_labelled(
        self, codes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """As ``decode``, for a generator that decodes each class in its own way; labels are (n,)."""
        return self.decode(codes)

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """``n`` new records with labels."""

    def state(self) -> Mapping[str, NDArray[np.generic]] | None:
        """Arrays from which ``Generator.restore`` rebuilds this; None if it cannot be stored.

        What cannot be stored is fitted again in each run that needs it.
        """
        return None


class Generator(Component, ABC):
    """Turns a private training set into a synthetic one."""

    kind: ClassVar[str] = "generator"

    fits_with_dp_sgd: ClassVar[bool] = False
    """Whether ``fitted_on = "dp-sgd"`` is allowed."""

    fitted_on: Literal["private", "reference", "dp-sgd"] = Field(
        "private",
        description="the records that it learns from: each model's training set, the reference"
        " records, which makes it independent of the private ones, or the training set by DP-SGD",
    )
    release: Literal["reconstruct", "sample"] = Field(
        "reconstruct",
        description="what models are trained on: the training records, encoded and decoded, or as many"
        " new ones",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.fitted_on == "dp-sgd" and not self.fits_with_dp_sgd:
            raise ValueError(
                f"fitted_on: {self.name} cannot be fitted with DP-SGD (allowed: private, reference)"
            )
        return self

    @abstractmethod
    def fit(self, data: Data, rng: np.random.Generator) -> FittedGenerator:
        """Fit on one private training set; all randomness comes from ``rng``."""

    def fit_population(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> Sequence[FittedGenerator]:
        """Fit one generator for each training set. Must give what ``fit`` gives, to float tolerance."""
        fitted = []
        for index, (data, rng) in enumerate(zip(sets, rngs, strict=True)):
            fitted.append(self.fit(data, rng))
            progress(index + 1, len(sets))
        return fitted

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedGenerator:
        """The inverse of ``FittedGenerator.state``; a generator that has states overrides both."""
        raise TypeError(f"generator {self.name!r} stores states but does not restore them")

    def skip(self, spec: DataSpec) -> str:
        """Why this generator cannot learn such data; empty if it can."""
        return ""

    def guarantee(self, n_train: int) -> Guarantee | None:
        """What fitting on ``n_train`` private records claims; None if it claims nothing."""
        return None
