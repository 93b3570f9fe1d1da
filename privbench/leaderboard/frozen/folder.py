"""The public folder of frozen outputs, as anybody may have it.

    manifest.json            what is in the folder, and the sha256 of each other file
    POPULATION/targets.npz   outputs of the targets: an audit file (docs/audit.md) without `member`
    POPULATION/shadows.npz   outputs and membership of the shadows: an audit file
    POPULATION/pool.npz      canary_kind (n_pool,), always (n_pool,), and x and reference_x if published
    baselines/ATTACK.npz     scores of built-in attacks, by population: (targets, n_pool)

The digest of a folder is the sha256 of its manifest, and thus of everything in it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from privbench.attacks.base import Views
from privbench.components import Bound
from privbench.components.copies import own_arrays
from privbench.data import read_only
from privbench.errors import BadInput, DataError
from privbench.leaderboard.frozen.arrays import arrays_of, expected, npz_of
from privbench.leaderboard.submissions.reading import parse_strict
from privbench.seeds import generator
from privbench.stages.scores import observe

FORMAT = 1
MANIFEST = "manifest.json"
WHAT = f"a folder that `privbench leaderboard freeze` wrote, of format {FORMAT}"
MAX_COUNT = 10**9
_FILE = re.compile(r"[a-z0-9-]+/[a-z0-9-]+\.npz")

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class FrozenPopulation:
    """One population of the folder: half of its models are shadows, the others targets."""

    name: str
    """Name of its folder, and of its array in a file of scores."""
    dataset: str
    model: str
    defense: str
    subset: str
    canary_kinds: Sequence[str]
    """The kinds of canaries that are attacked; empty for ordinary records."""
    n_targets: int
    n_shadows: int
    n_pool: int
    n_classes: int
    test_accuracy: float
    """Accuracy of the clean population on test records."""
    configuration: Mapping[str, Any]
    """Model and defense with all parameters."""

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of its scores: (targets, n_pool)."""
        return self.n_targets, self.n_pool


@dataclass(frozen=True)
class FrozenOutputs:
    """A public folder, of which the manifest is read. Other files are checked when they are read."""

    root: Path
    benchmark: str
    commitment: str
    """The sha256 of the file of the targets' membership, which cannot be exchanged afterwards."""
    populations: tuple[FrozenPopulation, ...]
    baselines: tuple[str, ...]
    """The attacks whose scores are in the folder."""
    files: Mapping[str, str]
    """The sha256 of each file."""
    digest: str

    @classmethod
    def read(cls, root: str | Path) -> FrozenOutputs:
        """Read the manifest of a folder. Raises DataError if there is none, or it is damaged."""
        path = Path(root) / MANIFEST
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror} (allowed: {WHAT})") from None
        try:
            facts = _parsed(content, path)
            if facts["format"] != FORMAT:
                raise DataError(f"{path}: format {facts['format']!r} (allowed: {WHAT})")
            if bad := [name for name in facts["files"] if not _FILE.fullmatch(name)]:
                raise DataError(f"{path}: files: {bad[0]!r} is no file of such a folder")
            return cls(
                root=Path(root),
                benchmark=str(facts["benchmark"]),
                commitment=str(facts["commitment"]),
                populations=tuple(map(_population, facts["populations"])),
                baselines=tuple(map(str, facts["baselines"])),
                files=dict(facts["files"]),
                digest=hashlib.sha256(content).hexdigest(),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path}: {error!r} (allowed: {WHAT})") from None

    def check(self) -> None:
        """Compare all files with their checksums. Raises DataError at the first that differs."""
        for name in self.files:
            self._content(name)

    def arrays(self, name: str) -> Arrays:
        """Read a file such as ``POPULATION/targets.npz`` and return its arrays, which are read-only."""
        arrays = arrays_of(self._content(name), str(self.root / name))
        return {key: read_only(array) for key, array in arrays.items()}

    def baseline(self, attack: str) -> Arrays:
        """Return the scores of a built-in attack by population."""
        name = f"baselines/{attack}.npz"
        arrays, where = self.arrays(name), str(self.root / name)
        return {p.name: expected(arrays, p.name, p.shape, "f", where) for p in self.populations}

    def outputs(self, population: FrozenPopulation, role: Literal["targets", "shadows"]) -> Arrays:
        """Return the arrays of ``targets.npz`` or ``shadows.npz`` of a population.

        Raises DataError if one has another shape or type than the manifest says.
        """
        name = f"{population.name}/{role}.npz"
        arrays, where = self.arrays(name), str(self.root / name)
        n_models = population.n_targets if role == "targets" else population.n_shadows
        n_pool, n_classes = population.n_pool, population.n_classes
        n_references = arrays["reference_labels"].size if "reference_labels" in arrays else 0
        shapes: dict[str, tuple[tuple[int, ...], str]] = {
            "logits": ((n_models, n_pool, n_classes), "f"),
            "labels": ((n_pool,), "iu"),
            "reference_logits": ((n_models, n_references, n_classes), "f"),
            "reference_labels": ((n_references,), "iu"),
        }
        if role == "shadows":
            shapes["member"] = (n_models, n_pool), "b"
        return {key: expected(arrays, key, *rule, where) for key, rule in shapes.items()}

    def pool(self, population: FrozenPopulation) -> Arrays:
        """Return the arrays of ``pool.npz`` of a population, as `outputs`."""
        name = f"{population.name}/pool.npz"
        arrays, shape = self.arrays(name), (population.n_pool,)
        for key, kinds in (("canary_kind", "U"), ("always", "b")):
            expected(arrays, key, shape, kinds, str(self.root / name))
        return arrays

    def views(self, population: FrozenPopulation, attack: Bound) -> Views:
        """Return what an attack sees of the targets of a population.

        The draws of attacks are seeded by the outputs, which everybody has.
        """
        targets, shadows = self.outputs(population, "targets"), self.outputs(population, "shadows")
        pool, seed = self.pool(population), self.files[f"{population.name}/targets.npz"]
        observes = attack.component.observes
        views = Views(
            labels=targets["labels"],
            n_classes=population.n_classes,
            targets=observe(targets["logits"], observes),
            shadows=observe(shadows["logits"], observes),
            shadow_labels=targets["labels"],
            shadow_member=shadows["member"],
            leave_one_out=False,
            reference_labels=targets["reference_labels"],
            target_reference=observe(targets["reference_logits"], observes),
            shadow_reference=observe(shadows["reference_logits"], observes),
            rngs=[generator(seed, attack.name, i) for i in range(population.n_targets)],
            records=pool.get("x"),
            reference_records=pool.get("reference_x"),
        )
        return own_arrays(views) if attack.entry.third_party else views

    def _content(self, name: str) -> bytes:
        path = self.root / name
        if name not in self.files:
            raise DataError(f"{path}: the manifest does not name this file (allowed: {WHAT})")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}, and the manifest names it") from None
        if (found := hashlib.sha256(content).hexdigest()) != self.files[name]:
            raise DataError(
                f"{path}: its sha256 is {found}, and the manifest says {self.files[name]!r}: the file"
                " was changed or is damaged; fetch the folder again"
            )
        return content


class FolderWriter:
    """Writes the files of a folder, the manifest last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, str] = {}

    def add(self, name: str, arrays: Arrays) -> None:
        """Write one file, such as ``POPULATION/targets.npz``."""
        content = npz_of(arrays)
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files[name] = hashlib.sha256(content).hexdigest()

    def finish(
        self,
        facts: Mapping[str, Any],
        populations: Sequence[FrozenPopulation],
        baselines: Sequence[str] = (),
    ) -> FrozenOutputs:
        """Write the manifest with some facts more, and return the folder."""
        manifest = {
            "format": FORMAT,
            **facts,
            "populations": [asdict(population) for population in populations],
            "baselines": list(baselines),
            "files": dict(sorted(self.files.items())),
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        (self.root / MANIFEST).write_text(text, encoding="utf-8")
        return FrozenOutputs.read(self.root)


def _parsed(content: bytes, path: Path) -> Any:
    try:
        return parse_strict(content, path)
    except BadInput as error:
        raise DataError(f"{error} (allowed: {WHAT})") from None


def _population(values: Mapping[str, Any]) -> FrozenPopulation:
    for name in ("n_targets", "n_shadows", "n_pool", "n_classes"):
        if not isinstance(values[name], int) or not 1 <= values[name] <= MAX_COUNT:
            raise ValueError(f"populations: {name} is {values[name]!r}, not a number above 0")
    for name in ("name", "dataset", "model", "defense", "subset"):
        if not isinstance(values[name], str):
            raise ValueError(f"populations: {name} is {values[name]!r}, not a text")
    return FrozenPopulation(
        **{field.name: values[field.name] for field in fields(FrozenPopulation)}
    )


def slug(text: str) -> str:
    """Return a text as a name of files: lower-case ASCII letters, digits and hyphens.

    >>> slug("dp-sgd[epsilon=0.5]")
    'dp-sgd-epsilon-0-5'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"
