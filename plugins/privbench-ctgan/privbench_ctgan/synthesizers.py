"""CTGAN and TVAE of the package ``ctgan``.

Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, "Modeling Tabular Data using Conditional GAN",
arXiv 1907.00503.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from privbench import Data, DataSpec, FittedSampler, SamplingGenerator
from privbench_ctgan.columns import Columns, why_no_table

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"
PAC = 10
"""Records that CTGAN's discriminator judges together."""


class FittedSynthesizer(FittedSampler):
    """A synthesizer of the package ``ctgan`` after its fit.

    It has no state: CTGAN keeps its training set, from which it draws conditions.
    """

    def __init__(self, synthesizer: Any, spec: DataSpec) -> None:
        self.synthesizer, self.spec = synthesizer, spec

    def sample(self, n: int, rng: np.random.Generator) -> Data:
        """Draw records."""
        self.synthesizer.set_random_state(int(rng.integers(2**31)))
        return to_data(self.synthesizer.sample(n), self.spec)


class Synthesizer(SamplingGenerator):
    """A generator of the package ``ctgan``."""

    epochs: int = Field(300, ge=1, description="passes over the training set")
    batch_size: int = Field(500, ge=PAC, multiple_of=PAC, description="records in a batch")
    dim: int = Field(128, ge=1, description="dimension of the noise, or of codes")
    hidden: tuple[int, ...] = Field(
        (256, 256), min_length=1, description="widths of the hidden layers of both networks"
    )

    @abstractmethod
    def build(self) -> Any:
        """Return the synthesizer of the package."""

    def code_used(self) -> tuple[str, ...]:
        """Return the packages that do the work."""
        return ("ctgan", "rdt")

    def fit(self, data: Data, rng: np.random.Generator) -> FittedSynthesizer:
        """Fit on one training set."""
        import joblib

        synthesizer = self.build()
        synthesizer.set_random_state(int(rng.integers(2**31)))
        frame = to_frame(data)
        discrete = [name for name in frame.columns if not name.startswith("number")]
        # The package transforms columns in processes, whose random draws no seed would reach.
        with joblib.parallel_config(backend="sequential"):
            synthesizer.fit(frame, discrete)
        return FittedSynthesizer(synthesizer, data.spec)

    def skip(self, spec: DataSpec) -> str:
        """Return why records are no table; empty if they are."""
        return why_no_table(spec, self.name)


class Ctgan(Synthesizer):
    """CTGAN: a conditional GAN for tables."""

    name: ClassVar[str] = "ctgan"
    paper: ClassVar[str] = "Xu et al. 2019, arXiv 1907.00503"

    lr: float = Field(2e-4, gt=0, description="learning rate of both networks")

    def build(self) -> Any:
        """Return a CTGAN."""
        from ctgan import CTGAN

        return CTGAN(
            embedding_dim=self.dim,
            generator_dim=self.hidden,
            discriminator_dim=self.hidden,
            generator_lr=self.lr,
            discriminator_lr=self.lr,
            batch_size=self.batch_size,
            epochs=self.epochs,
            pac=PAC,
            enable_gpu=False,
        )


class Tvae(Synthesizer):
    """TVAE: a variational autoencoder for tables."""

    name: ClassVar[str] = "tvae"
    paper: ClassVar[str] = "Xu et al. 2019, arXiv 1907.00503"

    def build(self) -> Any:
        """Return a TVAE."""
        from ctgan import TVAE

        return TVAE(
            embedding_dim=self.dim,
            compress_dims=self.hidden,
            decompress_dims=self.hidden,
            batch_size=self.batch_size,
            epochs=self.epochs,
            enable_gpu=False,
        )


def to_frame(data: Data) -> pd.DataFrame:
    """Return records as the data frame that the package takes, with the label as a category."""
    import pandas as pd

    columns, x = Columns.of(data.spec), data.x.reshape(len(data), -1)
    categories = columns.categories(x)
    frame: dict[str, Any] = {
        f"category{k}": categories[:, k].astype(str) for k in range(len(columns.blocks))
    }
    frame |= {f"number{i}": x[:, i].astype(float) for i in columns.numeric}
    return pd.DataFrame(frame | {LABEL: data.y.astype(str)})


def to_data(frame: pd.DataFrame, spec: DataSpec) -> Data:
    """Return the records of such a data frame."""
    columns, n = Columns.of(spec), len(frame)
    names = [f"category{k}" for k in range(len(columns.blocks))]
    categories = frame[names].to_numpy(dtype=np.int64).reshape(n, -1)
    numbers = frame[[f"number{i}" for i in columns.numeric]].to_numpy(dtype=float).reshape(n, -1)
    x = columns.records(numbers, categories).reshape(n, *spec.shape)
    return Data(x, frame[LABEL].to_numpy(dtype=np.int64), spec)
