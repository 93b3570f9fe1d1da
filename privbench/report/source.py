"""Where results come from: the newest run of a benchmark in a results folder, or the file of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from privbench.errors import BadInput
from privbench.report.curves import curves_stored_in
from privbench.report.differences import Differences, first_known, stored_in
from privbench.report.document import SUFFIXES, Document, read_document
from privbench.storage.artifacts import Store
from privbench.storage.history import History
from privbench.storage.results import Results, Row, Run


@dataclass(frozen=True)
class Source:
    """Rows of results, what titles of their tables say, and how well their differences are known."""

    runs: list[Run]
    """The runs that the rows are of."""
    rows: list[Row]
    remarks: dict[str, str]
    """What a title says beside the name of a benchmark, by benchmark."""
    differences: Differences


def open_run(name: str | None, results: str | Path, run: str | None = None) -> Document:
    """Return a run.

    Args:
        name: the name of a benchmark, or the path of a file of a run, which ends in ``.json`` or
            ``.json.gz``.
        results: the results folder, in which benchmarks are looked up.
        run: what ``--run`` gives instead of the name: the number of a run.

    Raises:
        BadInput: the benchmark has no results, there is no such file or run, or not exactly one of
            ``name`` and ``run`` is given.
    """
    if run is not None:
        if name is not None:
            raise BadInput(f"--run {run}: a run has a benchmark, so leave out {name!r}")
        return _stored(History(results).entry(run).id, results)
    if name is None:
        raise BadInput("give the NAME of a benchmark or a file, or --run ID for a run of the list")
    return read_document(name) if name.endswith(SUFFIXES) else _stored(name, results)


def _stored(run: str | int, results: str | Path) -> Document:
    store = Store(Path(results))
    differences = Differences(stored_in(store))
    return Document(Results(Path(results)).run(run), differences, curves_stored_in(store))


def open_source(names: Sequence[str], results: str | Path, run: str | None = None) -> Source:
    """Return the rows of runs, one after the other.

    Args:
        names: as in `open_run`; none for all benchmarks of the results folder.
        results: the results folder.
        run: as in `open_run`; instead of names.

    Raises:
        BadInput: there are no results, or two runs are of the same benchmark.
    """
    root = Path(results)
    if run is not None:
        document = open_run(names[0] if names else None, root, run)
        return _source({run: document})
    if not names:
        names = Results(root).benchmarks()
    if not names:
        path = Results(root).path
        raise BadInput(f"there are no results in {path}; run `privbench run quickstart` first")
    return _source({name: open_run(name, root) for name in names})


def _source(opened: dict[str, Document]) -> Source:
    benchmarks = [document.run.benchmark for document in opened.values()]
    if len(set(benchmarks)) < len(benchmarks):
        raise BadInput(
            f"{', '.join(opened)}: two of them are results of the same benchmark (allowed: one; "
            "`privbench export FILE FILE -o ALL.json` joins files with different seeds)"
        )
    runs = [document.run for document in opened.values()]
    return Source(
        runs,
        [row for run in runs for row in run.rows],
        {run.benchmark: run.title_remark for run in runs},
        Differences(first_known([document.differences.errors for document in opened.values()])),
    )
