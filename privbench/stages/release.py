"""The stage ``release``: the training sets that leave the pipeline, whatever is trained on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from privbench.components import Bound
from privbench.components.checks import checked_array, checked_data
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.stages.base import Context, Stage
from privbench.stages.fit import FitStage, apply_data_mechanisms
from privbench.stages.setting import SettingStage
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from privbench.data import Data
    from privbench.generators.base import FittedGenerator, FittedSampler
    from privbench.membership import Setting


@dataclass(frozen=True, eq=False)
class ReleaseStage(Stage):
    """The released training set of each model; made again in each run rather than stored.

    Without a generator (``fit`` is None) it is what the data mechanisms leave of the private records;
    with one, the fit has applied them already.
    """

    kind = "release"

    title: str
    seed: int
    setting: SettingStage
    data_mechanisms: tuple[Bound, ...] = ()
    fit: FitStage | None = None
    latent_mechanisms: tuple[Bound, ...] = ()

    @property
    def stored(self) -> bool:
        return False

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return (self.setting,) if self.fit is None else (self.setting, self.fit)

    @property
    def components(self) -> tuple[Bound, ...]:
        return self.data_mechanisms if self.fit is None else self.latent_mechanisms

    def compute(self, context: Context) -> Artifact:
        setting: Setting = context.get(self.setting).live
        if self.fit is None:
            altered = apply_data_mechanisms(self, setting, self.data_mechanisms)
            return Artifact(live=[data.read_only() for data in altered])
        private = [data.read_only() for data in self.fit.private_sets(setting)]
        fitted = self.fit.fitted(context.get(self.fit), setting)
        generator = self.fit.generator
        released = []
        for model, (data, fitted_generator) in enumerate(zip(private, fitted, strict=True)):
            if generator.component.release == "sample":
                released.append(self._sample(generator, model, data, fitted_generator))
            else:
                encoder = cast("FittedGenerator", fitted_generator)  # see `check_fitted`
                released.append(self._reconstruct(generator, model, data, encoder, setting))
        return Artifact(live=[data.read_only() for data in released])

    def without_latent_mechanisms(self) -> ReleaseStage:
        """Return the release of the same pipeline without noise on codes."""
        return replace(self, latent_mechanisms=()) if self.latent_mechanisms else self

    def _sample(self, generator: Bound, model: int, data: Data, fitted: FittedSampler) -> Data:
        """Draw as many new records as ``data`` has, with labels of their own."""
        with calling(generator):
            sampled = fitted.sample(len(data), self.rng("sample", model))
        return checked_data(sampled, data, f"{generator.name}: sample returned")

    def _reconstruct(
        self, generator: Bound, model: int, data: Data, fitted: FittedGenerator, setting: Setting
    ) -> Data:
        """Encode the records, let the latent mechanisms alter the codes, and decode them."""
        from privbench.data import Data

        codes = _encode(generator, fitted, data)
        reference = codes
        if self.latent_mechanisms:
            reference = _encode(generator, fitted, setting.public)
        for position, bound in enumerate(self.latent_mechanisms):
            rng = self.rng("latent", position, model)
            with calling(bound):
                altered = bound.component.apply_with_reference(codes, reference, rng)
            what = f"{bound.name}: apply returned"
            codes = checked_array(altered, codes.shape, what).astype("float32")
        with calling(generator):
            decoded = fitted.decode_labelled(codes, own_arrays(data.y))
        what = f"{generator.name}: decode returned"
        x = checked_array(decoded, data.x.shape, what).astype("float32")
        return Data(x, data.y, data.spec)


def _encode(generator: Bound, fitted: FittedGenerator, data: Data) -> NDArray[np.float32]:
    with calling(generator):
        codes = fitted.encode(own_arrays(data) if generator.entry.third_party else data)
    shape, what = (len(data), "latent_dim"), f"{generator.name}: encode returned"
    return checked_array(codes, shape, what).astype("float32")
