"""What reads what users give, a function for each kind of input: a case and a folder of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz import arrays, images, tables, texts


@cache
def host():
    from privbench.plugins.host import PluginHost

    return PluginHost(installed=False)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


# benchmarks.toml, --set and -k


def _resolve(path: Path, settings: list[str] = ()) -> None:
    from privbench.config import Overrides, read_file, resolve

    file = read_file(path)
    for name in file.own.benchmarks:
        overrides = Overrides.parse(settings)
        resolve(file, name, host().registries, overrides)
        overrides.check()


def read_toml(data: bytes, folder: Path) -> None:
    (folder / "benchmarks.toml").write_bytes(data)
    _resolve(folder / "benchmarks.toml")


def read_settings(given: list[str], folder: Path) -> None:
    (folder / "benchmarks.toml").write_text(texts.BASE)
    _resolve(folder / "benchmarks.toml", given)


def read_expression(expression: str, folder: Path) -> None:
    from privbench.config.selection import selector, unmatched

    names = ["digits/none/mlp/lira/adaptive/seed=0", "digits/noisy/mlp/loss/naive/seed=1"]
    chosen = selector(expression)
    if not any(map(chosen, names)):
        unmatched(expression, names)


# audits of predictions


def _audit(path: Path, columns: tuple[str, ...] = (), **layout: Any) -> None:
    from privbench.auditing.layout import Layout
    from privbench.auditing.reading import read_predictions
    from privbench.auditing.slices import columns_of

    found = read_predictions(path, columns, layout=Layout(**layout))
    list(columns_of(found))


def audit_file(ending: str):
    def read(data: bytes, folder: Path) -> None:
        path = folder / f"outputs{ending}"
        path.write_bytes(data)
        _audit(path)

    return read


def read_audit_csv(case: tuple[str, bytes], folder: Path) -> None:
    audit_file(f".csv{case[0]}")(case[1], folder)


def read_sliced(case: tuple[int, str, dict[str, str | None]], folder: Path) -> None:
    kind, name, layout = case
    given = arrays.valid_arrays(np.random.default_rng(0)) | {"group": arrays.values(kind)}
    (folder / "outputs.npz").write_bytes(
        arrays.zipped({f"{key}.npy": arrays.npy(array) for key, array in given.items()})
    )
    _audit(folder / "outputs.npz", (name,), **layout)


# results and submissions


@cache
def committed() -> str:
    """Return a small file of a run: some rows of committed results, with what belongs to them."""
    from privbench.report.document import document_text, read_document

    document = read_document(Path(__file__).parents[2] / "results" / "quickstart.json")
    chosen = [row for row in document.run.rows if row["attack"] in ("lira", "loss")]
    keep = [row for row in chosen if row["knowledge"] == "adaptive" and row["subset"] == "records"][
        :6
    ]
    run = replace(document.run, rows=keep, configuration=None)
    return document_text(run, document.differences.errors, document.curves)


def read_run(case: tuple[str, bytes], folder: Path) -> None:
    from privbench.report.formats import render
    from privbench.report.source import open_source
    from privbench.report.views import VIEWS

    path = folder / f"run.json{case[0]}"
    path.write_bytes(case[1])
    source = open_source([str(path)], folder)
    for view in VIEWS:
        render(
            source.rows, "markdown", view, remarks=source.remarks, differences=source.differences
        )


@cache
def submission() -> str:
    """Return a submission of which the form is right, made of committed results."""
    from privbench.leaderboard.submissions.submission import content_digest

    content = json.loads(committed())
    content["submission"] = {
        "defenses": [content["rows"][-1]["defense"]],
        "about": {"name": "x", "authors": "", "paper": "", "code_url": "", "contact": ""},
        "plugins": [],
        "stages": [],
        "digest": "",
    }
    content["submission"]["digest"] = content_digest(content)
    return json.dumps(content)


def signed(content: Any) -> Any:
    from privbench.leaderboard.submissions.submission import content_digest

    try:
        content["submission"]["digest"] = content_digest(content)
    except (AttributeError, KeyError, TypeError, ValueError):
        return content
    return content


def read_submitted(data: bytes, folder: Path) -> None:
    from privbench.leaderboard.submissions.consistency import read_submission
    from privbench.leaderboard.submissions.reported import read_reported

    path = folder / "a.json"
    path.write_bytes(data)
    (read_reported if b"privbench-reported-1" in data[:200] else read_submission)(path)


REPORTED = json.dumps(
    {
        "format": "privbench-reported-1", "name": "x", "paper": "https://arxiv.org/abs/1",
        "citation": "A",
        "numbers": [{
            "defense": "d", "dataset": "digits", "model": "mlp", "accuracy": 0.5, "attack": "lira",
            "metric": "auc", "value": 0.6, "table": "Table 1",
        }],
    }
)  # fmt: skip


MANIFEST = json.dumps(
    {
        "format": 1, "benchmark": "b", "commitment": "0" * 64, "baselines": [], "files": {},
        "populations": [{
            "name": "p", "dataset": "digits", "model": "mlp", "defense": "none", "n_targets": 2,
            "n_shadows": 2, "n_pool": 6, "n_classes": 3, "configuration": {}, "subset": "records",
            "canary_kinds": [], "test_accuracy": 0.5,
        }],
    }
)  # fmt: skip


def read_frozen(case: tuple[bytes, bytes], folder: Path) -> None:
    from privbench.leaderboard.frozen.folder import FrozenOutputs
    from privbench.leaderboard.frozen.scores import read_scores

    manifest, scores = case
    _write(folder, {"manifest.json": manifest, "scores.npz": scores})
    frozen = FrozenOutputs.read(folder)
    frozen.check()
    read_scores(folder / "scores.npz", frozen)


# datasets


def read_csv_dataset(case: tuple[tuple[str, bytes], dict[str, Any]], folder: Path) -> None:
    (ending, data), params = case
    path = folder / f"t.csv{ending}"
    path.write_bytes(data)
    given = {"path": str(path), "label": "label"} | params
    host().registry("dataset").get("csv", "datasets").build(given, "datasets").component.load()


def read_parquet_dataset(case: tuple[bytes, dict[str, Any]], folder: Path) -> None:
    read_csv_dataset((("", case[0]), case[1]), folder)


def dataset_arrays(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"x": rng.normal(size=(12, 3)), "y": rng.integers(0, 2, 12)}


def read_npz_dataset(data: bytes, folder: Path) -> None:
    from privbench.datasets.npz import Npz

    (folder / "d.npz").write_bytes(data)
    for params in ({}, {"missing": "median", "scale": "all"}):
        Npz(path=str(folder / "d.npz"), **params).load()


@contextmanager
def _data_folder(folder: Path):
    """Let datasets look for their files in a folder, and nowhere else."""
    import os

    kept = os.environ.get("PRIVBENCH_DATA_DIR")
    os.environ["PRIVBENCH_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("PRIVBENCH_DATA_DIR")
        if kept is not None:
            os.environ["PRIVBENCH_DATA_DIR"] = kept


@cache
def _small_mnist():
    from privbench.datasets.idx import IdxDataset

    class SmallMnist(IdxDataset):
        """MNIST of thirty records."""

        name = "small-mnist"
        folder = "mnist"
        base_url = "http://127.0.0.1:9"
        checksums = ("0",) * 4
        records = (images.N, 10)
        class_counts = (3,) * 10

    return SmallMnist


@cache
def _small_cifar():
    from privbench.datasets.cifar10 import Cifar10

    class SmallCifar(Cifar10):
        """CIFAR-10 of twenty records."""

        name = "small-cifar"
        records_per_file = images.CIFAR_RECORDS
        url = "http://127.0.0.1:9/cifar-10-binary.tar.gz"

    return SmallCifar


def read_idx(parts: list[tuple[str, bytes]], folder: Path) -> None:
    from privbench.datasets.idx import FILES

    files = {f"mnist/{name}{part[0]}": part[1] for name, part in zip(FILES, parts, strict=True)}
    _write(folder, files)
    with _data_folder(folder):
        _small_mnist()().load()


def read_batches(files: dict[str, bytes], folder: Path) -> None:
    _write(folder / "cifar-10-batches-bin", files)
    with _data_folder(folder):
        _small_cifar()(train_files=1).load()


def read_tar(data: bytes, folder: Path) -> None:
    read_batches({"cifar-10-binary.tar.gz": data}, folder)
    assert [p.name for p in folder.iterdir()] == ["cifar-10-batches-bin"], "something was unpacked"


def read_images(files: dict[str, bytes], folder: Path) -> None:
    from privbench.datasets.image_folder import ImageFolder

    _write(folder, files)
    ImageFolder(path=str(folder), size=8).load()


# audits of synthetic tables and of training


@cache
def _usual_tables():
    """Return three tables, of which one is exchanged: files that are as they should be, read once."""
    import pandas as pd

    head, *lines = tables.valid(0, 63)
    types = {"age": int, "label": int}
    return {
        role: pd.DataFrame(
            [[str(int(age) + 100 * number), *rest] for age, *rest in lines], columns=head
        ).astype(types)
        for number, role in enumerate(("train", "holdout", "synthetic"), 1)
    }


def read_tables(case: tuple[int, tuple[str, bytes]], folder: Path) -> None:
    from privbench.auditing.synthetic.rows import attacked_rows, hashes
    from privbench.auditing.synthetic.tables import alike, identifying, read_table

    which, (ending, data) = case
    sources: dict[str, Any] = dict(_usual_tables())
    path = folder / f"odd.csv{ending}"
    path.write_bytes(data)
    sources[list(sources)[which % 3]] = path
    made = alike({role: read_table(source, role) for role, source in sources.items()})
    hashed = {role: hashes(table) for role, table in made.items()}
    attacked_rows(hashed["train"], hashed["holdout"], hashed["synthetic"], None, 0)
    identifying([made["train"], made["holdout"]])


def read_training(case: bytes, folder: Path) -> None:
    from privbench.auditing.training.procedure import Procedure
    from privbench.auditing.training.request import Request
    from privbench.auditing.training.script import read_script

    path = folder / "fit.py"
    path.write_bytes(case)
    request = Request(**read_script(path, {}), results=folder / "results")
    request.check()
    Procedure(request)
