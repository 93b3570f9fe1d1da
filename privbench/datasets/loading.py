"""Load each dataset of a plan once, hold it to its contract, and fingerprint its contents."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import numpy as np

from privbench.components import Bound
from privbench.components.checks import shown
from privbench.components.contained import contained
from privbench.components.faults import origin, trace_of
from privbench.components.messages import error_text, printable
from privbench.components.outcome import NoResult
from privbench.data import Data, DataKind, DataSpec
from privbench.errors import BadInput, DatasetUnavailable
from privbench.wording import shortened

if TYPE_CHECKING:
    from privbench.executors.loading import Loader


@dataclass
class Datasets:
    """The datasets of a plan, and for those that could not be loaded the reason.

    With ``fetch=False`` a dataset that would have to be downloaded counts as unavailable.
    """

    fetch: bool = True
    elsewhere: Loader | None = None
    """Loads third-party datasets in worker processes; None to load them in this process."""
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
            if data.spec.scaled_by != "reference":
                content.update(data.spec.scaled_by.encode())
            content.update(data.x.data if data.x.flags.c_contiguous else data.x.tobytes())
            content.update(data.y.tobytes())
            if data.groups is not None:
                content.update(b"groups" + data.groups.tobytes())
            self._fingerprints[name] = content.hexdigest()
        return self._fingerprints[name]

    def _load(self, bound: Bound) -> Data | NoResult:
        """Load one dataset, into read-only arrays, since all trials share it."""
        name = f"dataset {bound.name!r}"
        try:
            data = self._records(bound)
            problem = "" if isinstance(data, NoResult) else problem_of(data)
        except DatasetUnavailable as error:
            return NoResult("unavailable", f"{name}: {error_text(error)}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # third-party code; the other datasets go on
            _, line = origin(error, bound)
            return NoResult("failed", f"{name}: {error_text(error, line)}", trace_of(error))
        if problem:
            return NoResult("failed", f"{name}: {problem}")
        return data if isinstance(data, NoResult) else data.read_only()

    def _records(self, bound: Bound) -> Data | NoResult:
        """Return what a dataset returns, whatever that is."""
        if self.elsewhere is not None and bound.entry.third_party:
            return self.elsewhere(bound, self.fetch)
        with contained() if bound.entry.third_party else nullcontext():
            if not self.fetch and (missing := bound.component.to_download()):
                name = f"dataset {bound.name!r}"
                return NoResult("unavailable", f"{name}: {printable(str(missing))}")
            data: Data = bound.component.load()
            return data


def problem_of(data: Data) -> str:
    """Return what is wrong with what ``Dataset.load`` returned; empty if nothing is."""
    if not isinstance(data, Data):
        return f"load returned {shown(data)}, expected privbench.Data"
    if problem := _problem_of_spec(data.spec):
        return problem
    for name, array, dtype in (("x", data.x, "float32"), ("y", data.y, "int64")):
        if not isinstance(array, np.ndarray):
            return (
                f"{name} is {shown(array)}, expected an array: np.asarray({name}, dtype=np.{dtype})"
            )
    if data.x.dtype != np.float32 or data.y.dtype != np.int64:
        return f"x must be float32 and y int64, got {data.x.dtype} and {data.y.dtype}"
    if data.x.shape != (len(data.y), *data.spec.shape):
        return f"x has shape {data.x.shape}, expected {(len(data.y), *data.spec.shape)}"
    numbers = (
        np.nan_to_num(data.x, posinf=np.inf, neginf=-np.inf)
        if _may_have_gaps(data.spec)
        else data.x
    )
    if not np.isfinite(numbers).all():
        return "x has NaN or infinite values"
    if len(data.y) == 0 or data.y.min() < 0 or data.y.max() >= data.spec.n_classes:
        return f"labels must lie in 0..{data.spec.n_classes - 1}"
    return _problem_of_classes(data) or _problem_of_values(data) or _problem_of_groups(data)


def _problem_of_spec(spec: DataSpec) -> str:
    if not isinstance(spec, DataSpec):
        return f"its spec is {shown(spec)}, expected privbench.DataSpec"
    if spec.kind not in get_args(DataKind):
        allowed = ", ".join(map(repr, get_args(DataKind)))
        return f"spec.kind: {spec.kind!r} is not allowed (allowed: {allowed})"
    if not isinstance(spec.shape, tuple) or not all(isinstance(n, int) for n in spec.shape):
        return f"spec.shape: {spec.shape!r} is no tuple of integers"
    if spec.kind == "image" and len(spec.shape) != 3:
        return f"spec.shape: {spec.shape} is not (channels, height, width)"
    if spec.scaled_by not in ("reference", "all"):
        return f"spec.scaled_by: {spec.scaled_by!r} is not allowed (allowed: 'reference', 'all')"
    if not isinstance(spec.n_classes, int) or spec.n_classes < 2:
        return f"there must be at least 2 classes, got {spec.n_classes!r}"
    return ""


def _may_have_gaps(spec: DataSpec) -> bool:
    return spec.has_gaps and spec.kind == "tabular" and spec.scaled_by == "reference"


def _problem_of_classes(data: Data) -> str:
    absent = np.flatnonzero(np.bincount(data.y, minlength=data.spec.n_classes) == 0)
    if not len(absent):
        return ""
    return (
        f"spec.n_classes is {data.spec.n_classes}, and no record has the label"
        f" {shortened(list(map(str, absent)), 5)}; number the classes that there are from 0"
    )


def _problem_of_groups(data: Data) -> str:
    groups = data.groups
    if groups is None:
        return ""
    if not isinstance(groups, np.ndarray) or groups.dtype != np.int64:
        return f"groups is {shown(groups)}, expected an array of int64 or None"
    if groups.shape != data.y.shape:
        return f"groups has shape {groups.shape}, expected {data.y.shape}: one for each record"
    return ""


def _problem_of_values(data: Data) -> str:
    low, high = data.x.min(), data.x.max()
    if data.spec.kind == "image" and (low < 0 or high > 1):
        return f"images must lie in [0, 1], got {low:g}..{high:g}; divide by 255?"
    if data.spec.kind == "binary" and not ((data.x == 0) | (data.x == 1)).all():
        return f"binary features must be 0 or 1, got values in {low:g}..{high:g}"
    return ""
