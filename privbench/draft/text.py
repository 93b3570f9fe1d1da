"""The text of a first benchmarks.toml, with a comment for each choice."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from privbench.datasets.checks import setting
from privbench.draft.table import Found
from privbench.escape import one_line

WIDTH = 100
MIN_FOR_CANARIES = 100
"""Records in the pool from which on a tenth of them are canaries."""
MAX_POOL = 10_000
"""Records in the pool, at most, so that a run takes minutes."""
EXAMPLE = """\
# Your benchmarks and defenses. They add to those that ship with privbench (`privbench list`).
# The format: docs/benchmarks.md. Parameters of anything that is named: `privbench show NAME`.

# A defense is a pipeline: at most one generator, then mechanisms.
[defenses.my-dp-sgd]
mechanisms = [{ name = "dp-sgd", epsilon = 4.0, delta = 1e-5 }]

# A benchmark: each dataset x model x defense x attack is a trial. To run it: privbench run mine
[benchmarks.mine]
# Handwritten digits that come with scikit-learn. For a table of yours: privbench init FILE.csv
datasets = ["digits"]
models = [{ name = "mlp", hidden = [64], epochs = 20, batch_size = 32, lr = 0.1 }]
defenses = [
    "none", # what all others are compared with
    "public-only", # training on reference records alone, which leaks nothing: a defense must beat it
    # What stands beside a defense are parameters of its parts; a list of values is a trial for each.
    { name = "my-dp-sgd", epsilon = [2.0, 8.0], batch_size = 256, lr = 0.3, epochs = 20 },
]
attacks = ["loss", "lira", "auto"]
knowledge = ["adaptive"] # the adversary's shadow models go through the defense, too
population = 8 # models, each the target once; 16 and more for narrow intervals
pool = 600 # records whose membership is attacked; each model is trained on half of them
public = 100 # of the other records, how many defenses may use
canaries = { share = 0.1, kinds = ["mislabel"] } # records that are as exposed as possible
"""


@dataclass(frozen=True)
class Size:
    """Numbers of a benchmark that fit a number of records."""

    pool: int
    train: int
    hidden: int
    epochs: int
    batch_size: int
    private_batch_size: int
    public: int

    @classmethod
    def of(cls, n_records: int) -> Size:
        """Return numbers that keep a run on two cores to a few minutes."""
        pool = min(round(0.6 * n_records), MAX_POOL)
        train = pool // 2
        large = train > 1000
        return cls(
            pool=pool,
            train=train,
            hidden=128 if large else 64,
            epochs=20 if large else 40,
            batch_size=64 if large else 16,
            private_batch_size=max(8, train // (10 if large else 4)),
            public=max(1, min((n_records - pool) // 2, max(20, train // 4))),
        )


def benchmark_of(found: Found, folder: Path, taken: Collection[str] = ()) -> tuple[str, str]:
    """Return the name of a benchmark for a table, and the text of its file.

    Args:
        found: what was found out about the table.
        folder: the folder of the file, which its paths start at.
        taken: names that the benchmark must not have.
    """
    size, name = Size.of(found.n_records), _name(found.path, taken)
    lines = [
        *_comment(
            f"A benchmark for {found.path.name}: {found.n_records} records of {found.n_features}"
            f" columns, {found.n_classes} classes. To run it: privbench run {name}"
        ),
        "# The format: docs/benchmarks.md. Parameters of anything that is named: `privbench show NAME`.",
        "# Defenses are those that ship with privbench (`privbench list defenses`); define your own as",
        "# [defenses.NAME].",
        "",
        f"[benchmarks.{name}]",
        *_comment(
            f"{size.train} records in each training set: a small network, trained long enough to"
            " remember them. For your own model, see docs/plugins.md."
        ),
        f'models = [{{ name = "mlp", hidden = [{size.hidden}], epochs = {size.epochs},'
        f" batch_size = {size.batch_size}, lr = 0.1 }}]",
        "defenses = [",
        '    "none", # what all others are compared with',
        '    "public-only", # training on reference records alone, which a defense must beat',
        "    # DP-SGD wants large batches, and a learning rate of its own. Choose it on public records.",
        f'    {{ name = "dp-sgd", epsilon = [8.0], batch_size = {size.private_batch_size}, lr = 0.3,'
        " momentum = 0.9, epochs = 30 },",
        '    "output-noise", # noise on answers: cheap, and weak against an adversary who asks often',
        "]",
        "# `auto` combines the others by what works on its own shadow models.",
        'attacks = ["loss", "lira", "rmia", "auto"]',
        '# The adversary\'s shadow models go through the defense, too. Add "naive" to see what an'
        " adversary",
        "# who ignores it would find.",
        'knowledge = ["adaptive"]',
        "# Models, each of which is the target once: 16 for a first look, 64 for narrow intervals.",
        "population = 16",
        *_pool(found.n_records, size),
        *_comment(
            f"Of the other {found.n_records - size.pool} records, defenses may use this many."
        ),
        f"public = {size.public}",
        *_canaries(size),
        "",
        *_dataset(name, found, folder),
    ]
    return name, "\n".join(lines) + "\n"


def _pool(n_records: int, size: Size) -> list[str]:
    limited = size.pool == MAX_POOL
    why = f"not more than {MAX_POOL}, to take minutes" if limited else f"60% of {n_records}"
    text = f"Records whose membership is attacked: {why}; each model is trained on half of them."
    return [*_comment(text), f"pool = {size.pool}"]


def _canaries(size: Size) -> list[str]:
    if size.pool < MIN_FOR_CANARIES:
        return [
            "# Too few records for canaries, which show what the most exposed records risk.",
            "canaries = 0",
        ]
    return [
        "# Records that are altered to be as exposed as possible: what the most exposed ones risk.",
        'canaries = { share = 0.1, kinds = ["mislabel", "permuted"] }',
    ]


def _dataset(name: str, found: Found, folder: Path) -> list[str]:
    """Return the table of the dataset, with what was found out above each parameter."""
    path = Path(os.path.relpath(found.path, folder)).as_posix()
    lines = [
        "# The table, as one item of `datasets`. `path` starts at the folder of this file.",
        f"[[benchmarks.{name}.datasets]]",
        'name = "csv"',
        _setting("path", path),
        *_comment(f"The column with the classes, {found.how}."),
        _setting("label", found.label),
    ]
    for key, value in found.params.items():
        for reason in found.reasons[key]:
            lines += _comment(reason)
        lines.append(_setting(key, value))
    return lines


def _setting(key: str, value: object) -> str:
    return setting(key, value).replace("\x7f", "\\u007F")  # which JSON leaves as it is


def _name(path: Path, taken: Collection[str]) -> str:
    stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "mine"
    return f"my-{name}" if name in taken else name


def _comment(text: str) -> list[str]:
    """Return lines of a comment; names from a file cannot end it."""
    lines = textwrap.wrap(one_line(text), WIDTH - 2, break_on_hyphens=False)
    return [f"# {line}" for line in lines]


def example() -> tuple[str, str]:
    """Return the name of a benchmark on data that ship with scikit-learn, and the text of its file."""
    return "mine", EXAMPLE
