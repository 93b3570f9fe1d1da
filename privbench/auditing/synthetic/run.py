"""Audit a synthetic table: run every attack on released data that applies, and report its metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privbench.arguments import names_arguments
from privbench.attacks.synthetic import SyntheticAttack
from privbench.auditing.inputs import TableInput
from privbench.auditing.synthetic.anonymeter import risks_of
from privbench.auditing.synthetic.blind import blind_auc
from privbench.auditing.synthetic.measuring import measure_all
from privbench.auditing.synthetic.mia_ept import MiaEpt
from privbench.auditing.synthetic.report import DataAudit
from privbench.auditing.synthetic.rows import AttackedRows, attacked_rows, hashes
from privbench.auditing.synthetic.scoring import NEEDS_SHADOWS, AuditedTable
from privbench.auditing.synthetic.shadows import (
    MIN_SHADOWS,
    Generate,
    GeneratorFailed,
    check_membership,
    drawn_members,
    folder_of,
    load_generator,
    read_folder,
    shadow_roles,
    trained,
)
from privbench.auditing.synthetic.stacked import NAME as STACKED
from privbench.auditing.synthetic.tables import alike, identifying, is_words, read_tables
from privbench.components import Bound, Entry, Registry
from privbench.components.messages import closest
from privbench.config import Overrides
from privbench.errors import BadInput
from privbench.metrics.pairs import Bools
from privbench.plugins.host import PluginHost
from privbench.seeds import generator as rng_of
from privbench.storage.environment import environment

if TYPE_CHECKING:
    import pandas as pd


NOT_MADE = "needs shadow tables, which the generator did not make"


@dataclass(frozen=True)
class Options:
    """How to audit; the arguments of `audit_data`."""

    reference: Any = None
    shadow: str | Path | None = None
    generator: str | Path | Generate | None = None
    shadows: int = 16
    cache: str | Path | None = None
    attacks: tuple[str, ...] = ()
    categorical: Collection[str] = ()
    drop: Collection[str] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise BadInput for options that do not go together."""
        if self.shadow is not None and self.generator is not None:
            raise BadInput("--shadow and --generator: give one of them")
        if self.generator is not None and self.shadows < MIN_SHADOWS:
            raise BadInput(f"--shadows {self.shadows} (allowed: at least {MIN_SHADOWS})")


@names_arguments
def audit_data(
    train: Any,
    holdout: Any,
    synthetic: Any,
    *,
    reference: Any = None,
    shadow: str | Path | None = None,
    generator: str | Path | Generate | None = None,
    shadows: int = 16,
    cache: str | Path | None = None,
    attacks: Iterable[str] = (),
    set: Mapping[str, Any] | None = None,
    plugins: Iterable[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    seed: int = 0,
) -> DataAudit:
    """Attack a synthetic table, and report how well the rows that it was made from are told apart.

    A table is a file (CSV or Parquet), a DataFrame, an array (rows, columns), or columns by name.
    Columns may be numbers or words, with holes.

    Args:
        train: the rows that the generator was trained on.
        holdout: rows of the same source that it was not trained on, better as many.
        synthetic: what the generator released.
        reference: further rows of the same source, which serve as the adversary's knowledge of it; by
            default a random half of the holdout, which is then not attacked.
        shadow: a folder of shadow tables (docs/audit-data.md describes it).
        generator: ``generate(table, seed, n)``, which fits a generator to a table and returns n
            synthetic rows; or a Python file with such a function. It is run ``shadows`` times.
        shadows: number of shadow tables that are made with ``generator``.
        cache: a folder that keeps them, so that an interrupted audit goes on where it stopped.
        attacks: names of attacks; default all that apply.
        set: parameters of attacks, such as ``{"gen-lra.neighbours": 5}``.
        plugins: modules or single files to load as plugins.
        categorical: columns of numbers to treat as words, such as postcodes.
        drop: columns to leave out, such as record numbers.
        seed: seed of all random draws.

    Returns:
        The report. ``print`` shows it, a notebook shows it as HTML; ``to_json()`` gives its numbers,
        ``to_html()`` a page, and ``exceeded({"tpr@0.01": 0.05})`` what is above a limit.

    Raises:
        BadInput: a table or a parameter is wrong; the message names all that is wrong, and what is
            allowed.
    """
    options = Options(
        reference, shadow, generator, shadows, cache, tuple(attacks), categorical, drop, seed
    )
    host, overrides = PluginHost(plugins), Overrides(dict(set or {}))
    return run_audit_data(train, holdout, synthetic, options, host, overrides).for_python()


def run_audit_data(
    train: Any,
    holdout: Any,
    synthetic: Any,
    options: Options,
    host: PluginHost,
    overrides: Overrides,
) -> DataAudit:
    """Run an audit like `audit_data`, given plugins and overrides that are loaded."""
    chosen = _chosen(options.attacks, host, overrides)
    generate = options.generator
    if isinstance(generate, str | Path):
        generate = load_generator(generate)
    sources = {"train": train, "holdout": holdout, "synthetic": synthetic}
    if options.reference is not None:
        sources["reference"] = options.reference
    raw = read_tables(sources)
    given = {} if options.shadow is None else read_folder(options.shadow)
    for name, pair in given.items():
        raw |= dict(zip(shadow_roles(name), pair, strict=True))
    tables = alike(raw, options.categorical, options.drop)
    hashed = {role: hashes(table) for role, table in tables.items()}
    rows = attacked_rows(
        hashed["train"],
        hashed["holdout"],
        hashed["synthetic"],
        hashed.get("reference"),
        options.seed,
    )
    member = np.zeros((0, len(rows.member)), dtype=bool)
    attacked_hashes = np.concatenate([hashed["train"][rows.train], hashed["holdout"][rows.holdout]])
    shadows: list[pd.DataFrame] = []
    not_made: dict[str, str] = {}
    if given:
        shadows = [tables[f"shadow {name}"] for name in given]
        member = np.stack(
            [np.isin(attacked_hashes, hashed[f"members of shadow {name}"]) for name in given]
        )
        check_membership(member, rows.member, options.shadow)
    elif generate is not None:
        member = drawn_members(len(rows.member), options.shadows, options.seed, rows.counts.train)
        try:
            shadows = _train_shadows(generate, raw, tables, rows, member, hashed, options)
        except GeneratorFailed as error:  # what needs no shadow tables is attacked all the same
            not_made, member = {"generator": str(error)}, member[:0]
    audited = AuditedTable(tables, rows, shadows, member, options.seed)
    scores, skipped, failed = audited.scores(chosen)
    failed = not_made | failed
    if not_made:
        skipped = {name: NOT_MADE if why == NEEDS_SHADOWS else why for name, why in skipped.items()}
    blind = None
    if rows.counts.members and rows.counts.nonmembers:
        rng = rng_of(options.seed, "blind")
        blind = blind_auc(audited.records, rows.member, rows.value, rng)
    holdout_attacked = tables["holdout"].iloc[rows.holdout]
    risks, note = risks_of(
        tables["train"].iloc[rows.train], holdout_attacked, tables["synthetic"], options.seed
    )
    return DataAudit(
        attacks=measure_all(scores, rows, options.seed),
        skipped=skipped,
        failed=failed,
        rows=rows,
        blind=blind,
        identifying=identifying([tables["train"], tables["holdout"]]),
        n_shadows=len(shadows),
        risks=risks,
        risks_note=note,
        seed=options.seed,
        environment=environment(host.third_party, "cpu", host.switched_off),
        inputs=[TableInput.of(role, source, len(raw[role])) for role, source in sources.items()],
    )


def _train_shadows(
    generate: Generate,
    raw: Mapping[str, pd.DataFrame],
    tables: Mapping[str, pd.DataFrame],
    rows: AttackedRows,
    member: Bools,
    hashed: Mapping[str, NDArray[np.uint64]],
    options: Options,
) -> list[pd.DataFrame]:
    """Return the shadow tables, like the others, that the generator makes of attacked rows."""
    import pandas as pd

    columns = [name for name in raw["train"].columns if name not in set(options.drop)]
    outside = raw["holdout"] if options.reference is None else raw["reference"]
    attacked = pd.concat(
        [raw["train"].iloc[rows.train], raw["holdout"].iloc[rows.holdout]], ignore_index=True
    )[columns]
    folder = None
    if options.cache is not None:
        parts = {
            role: str(hashed[role].sum())
            for role in ("train", "holdout", "reference")
            if role in hashed
        }
        parts |= {"seed": str(options.seed), "rows": str(rows.counts), "columns": str(columns)}
        folder = folder_of(options.cache, generate, parts)
    sizes = rows.counts.train, rows.counts.synthetic
    fill = outside.iloc[rows.reference][columns]
    texts = [name for name in columns if is_words(tables["train"][name])]
    run = trained(generate, attacked, fill, member, sizes, folder, texts, options.seed)
    made = {f"shadow {i}": table for i, table in enumerate(run)}
    found = alike(
        {"train": raw["train"], "synthetic": raw["synthetic"], **made},
        options.categorical,
        options.drop,
    )
    return [found[name] for name in made]


def _registry(host: PluginHost) -> Registry:
    """Return all attacks on released data, and those that only a table allows."""
    found = Registry("attack")
    for entry in host.registry("attack"):
        if issubclass(entry.cls, SyntheticAttack) and entry.cls.observes == "synthetic":
            found.add(entry)
    if MiaEpt.name not in found.entries:
        own = found.entries["dcr"].distribution
        found.add(Entry(MiaEpt, own))
    return found


def _chosen(
    names: Collection[str], host: PluginHost, overrides: Overrides
) -> dict[str, Bound | None]:
    """Return the attacks to run, by name; None stands for the stacked one.

    Raises:
        BadInput: there is no such attack on released data, or a parameter is wrong.
    """
    registry = _registry(host)
    allowed = [*registry.entries, STACKED]
    bound: dict[str, Bound | None] = {}
    for name in dict.fromkeys(names or sorted(allowed)):
        if name not in allowed:
            hint = closest(name, allowed)
            raise BadInput(f"--attack: unknown attack on released data {name!r}{hint}")
        if name == STACKED:
            bound[name] = None
            continue
        entry = registry.get(name, "--attack")
        bound[name] = entry.build(overrides.of(name, entry.cls.model_fields), f"--set {name}")
    overrides.check()
    return bound
