"""Load each dataset of a plan once, hold it to its contract, and fingerprint its contents."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from privbench.components import Bound
from privbench.components.checks import shown
from privbench.components.faults import error_text, origin, trace_of
from privbench.components.outcome import NoResult
from privbench.data import Data
from privbench.errors import BadInput, DatasetUnavailable


@dataclass
class Datasets:
    """The datasets of a plan, and for those that could not be loaded the reason.

    With ``fetch=False`` a dataset that would have to be downloaded counts as unavailable.
    """

    fetch: bool = True
    _loaded: dict[str, Data | NoResult] = field(default_factory=dict)
    _fingerprints: dict[str, str] = field(default_factory=dict)

    def get(self, bound: Bound) -> Data:
        """Return a dataset that is known to load. Raises BadInput if it does not."""
        data = self.load(bound)
        if isinstance(data, NoResult):
            raise BadInput(data.reason)
        return data

    def load(self, bound: Bound) -> Data | NoResult:
        """Return the records, or why there are none."""
        name = repr(bound.seed_part())
        if name not in self._loaded:
            self._loaded[name] = self._load(bound)
        return self._loaded[name]

    def fingerprint(self, bound: Bound) -> str:
        """Return the sha256 of the contents, so that a changed file never meets an old result."""
        name = repr(bound.seed_part())
        if name not in self._fingerprints:
            data = self.get(bound)
            content = hashlib.sha256(repr(data.spec).encode())
            content.update(data.x.data if data.x.flags.c_contiguous else data.x.tobytes())
            content.update(data.y.tobytes())
            self._fingerprints[name] = content.hexdigest()
        return self._fingerprints[name]

    def _load(self, bound: Bound) -> Data | NoResult:
        try:
            if not self.fetch and (missing := bound.component.missing()):
                return NoResult("unavailable", f"dataset {bound.name!r}: {missing}")
            data: Data = bound.component.load()
            problem = problem_of(data)
        except DatasetUnavailable as error:
            return NoResult("unavailable", f"dataset {bound.name!r}: {error}")
        except Exception as error:  # third-party code; the other datasets go on
            _, line = origin(error, bound)
            reason = f"dataset {bound.name!r}: {error_text(error, line)}"
            return NoResult("failed", reason, trace_of(error))
        return NoResult("failed", f"dataset {bound.name!r}: {problem}") if problem else data


def problem_of(data: Data) -> str:
    """Return what is wrong with what ``Dataset.load`` returned; empty if nothing is."""
    if not isinstance(data, Data):
        return f"load returned {shown(data)}, expected privbench.Data"
    if data.x.dtype != np.float32 or data.y.dtype != np.int64:
        return f"x must be float32 and y int64, got {data.x.dtype} and {data.y.dtype}"
    if data.x.shape != (len(data.y), *data.spec.shape):
        return f"x has shape {data.x.shape}, expected {(len(data.y), *data.spec.shape)}"
    if not np.isfinite(data.x).all():
        return "x has NaN or infinite values"
    if data.spec.n_classes < 2:
        return f"there must be at least 2 classes, got {data.spec.n_classes}"
    if len(data.y) == 0 or data.y.min() < 0 or data.y.max() >= data.spec.n_classes:
        return f"labels must lie in 0..{data.spec.n_classes - 1}"
    return ""
