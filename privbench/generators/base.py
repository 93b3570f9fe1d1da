"""The contract of a generator, which turns a private training set into a synthetic one.

The harness fits one generator per model of a population. Its ``release`` parameter decides what follows:

- ``reconstruct``: the model's training records are encoded, the latent mechanisms act on the codes, and
  the codes are decoded;
- ``sample``: as many new records are drawn.
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

    from privbench.privacy import Guarantee, GuaranteeContext

Progress = Callable[[int, int], None]  # (done, total)


class FittedSampler(ABC):
    """A generator after its fit on one training set, which draws new records."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Draw ``n`` new records with labels."""

    def state(self) -> Mapping[str, NDArray[np.generic]] | None:
        """Return the arrays from which ``Generator.restore`` rebuilds this object.

        They are what an attack with ``observes = "generator"`` sees, so they must hold what sampling
        needs and nothing else. None, the default, means that it cannot be stored: it is fitted again
        in each run, and such attacks are skipped.
        """
        return None


class FittedGenerator(FittedSampler):
    """A fitted generator that encodes and decodes records as well."""

    @abstractmethod
    def encode(self, data: Data) -> NDArray[np.float32]:
        """Return the codes (n, latent_dim) of records, without randomness."""

    @abstractmethod
    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return records (n, *shape) for codes (n, latent_dim), without randomness."""

    def decode_labelled(
        self, codes: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return records (n, *shape) for codes and their labels (n,).

        The harness calls this method. Override it if the generator decodes each class differently; by
        default the labels are ignored.
        """
        return self.decode(codes)


class Generator(Component, ABC):
    """Turns a private training set into a synthetic one.

    ``fit`` returns a `FittedGenerator`. One that draws new records only is a `SamplingGenerator`.
    """

    kind: ClassVar[str] = "generator"

    fits_with_dp_sgd: ClassVar[bool] = False
    """Whether ``fitted_on = "dp-sgd"`` is allowed."""

    fitted_on: Literal["private", "reference", "dp-sgd"] = Field(
        "private",
        description="records that it is fitted on: each model's training set, the reference records"
        " (then it is independent of the private ones), or the training set by DP-SGD",
    )
    release: Literal["reconstruct", "sample"] = Field(
        "reconstruct",
        description="training set of the models: the private records after encoding and decoding, or"
        " as many new records",
    )

    @model_validator(mode="after")
    def _check_fitted_on(self) -> Self:
        if self.fitted_on == "dp-sgd" and not self.fits_with_dp_sgd:
            raise ValueError(
                f"fitted_on: {self.name} cannot be fitted with DP-SGD (allowed: private, reference)"
            )
        return self

    @abstractmethod
    def fit(self, data: Data, rng: np.random.Generator) -> FittedSampler:
        """Fit on one training set. All randomness must come from ``rng``."""

    def fit_population(
        self,
        sets: Sequence[Data],
        rngs: Sequence[np.random.Generator],
        device: str,
        progress: Progress,
    ) -> Sequence[FittedSampler]:
        """Fit one generator per training set; by default one after another by ``fit``.

        Override it to fit all of them at once. Results must equal those of ``fit`` up to floating point,
        whichever models of a population are handed over together.

        Args:
            sets: The training sets.
            rngs: One source of randomness per training set.
            device: Torch device, such as ``cpu`` or ``cuda``.
            progress: Call it as ``progress(done, total)``.
        """
        fitted = []
        for index, (data, rng) in enumerate(zip(sets, rngs, strict=True)):
            fitted.append(self.fit(data, rng))
            progress(index + 1, len(sets))
        return fitted

    def restore(self, state: Mapping[str, NDArray[np.generic]], spec: DataSpec) -> FittedSampler:
        """Rebuild a fitted generator from the arrays of its state.

        Override it where fitted generators have a state. Populations are then fitted in parts, which are
        stored and may be computed side by side: of one model each, or, if ``fit_population`` is
        overridden, of about as many as are trained at once.
        """
        raise TypeError(f"generator {self.name!r} has a state but no method to restore it")

    def skip(self, spec: DataSpec) -> str:
        """Return why this generator cannot be fitted on such data; empty if it can."""
        return ""

    def guarantee(self, context: GuaranteeContext) -> Guarantee | None:
        """Return what the fit states about its training set, or None if it states nothing."""
        return None


class SamplingGenerator(Generator):
    """A generator that draws new records only: ``fit`` returns a `FittedSampler`."""

    release: Literal["sample"] = Field(
        "sample", description="training set of the models: as many new records as private ones"
    )
