"""Everything that reads what users give, as targets of `running.run`."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from tests.fuzz import arrays, images, readers, scripts, tables, texts
from tests.fuzz.mutate import maybe_gzipped, rarely
from tests.fuzz.running import Target

_csv_params = st.fixed_dictionaries(
    {},
    optional={
        "missing": st.sampled_from(("median", "category", "drop")),
        "separator": st.sampled_from((",", ";", "\0", "x", '"', "\n")),
        "decimal": st.sampled_from((".", ",")),
        "categorical": st.just(("age",)),
        "dates": st.just(("day",)),
        "drop": st.sampled_from((("colour",), ("day", "age", "colour"))),
        "scale": st.sampled_from(("all", "reference")),
        "duplicates": st.just("drop"),
    },
)


def _import_torch() -> None:
    import torch

    torch.set_num_threads(1)


def _import_pandas() -> None:
    import pandas as pd

    import privbench.auditing.reading
    import privbench.datasets.csv  # noqa: F401

    pd.DataFrame({"a": [1]}).to_csv()


_npz = arrays.npzs(arrays.valid_arrays)
_npz_or_bomb = rarely(_npz, st.just(2).map(cache(arrays.bomb)), one_in=400)
_layouts = st.fixed_dictionaries(
    {},
    optional={key: st.one_of(st.sampled_from(("labels", "member", "probs", "group")), texts.texts)
              for key in ("label", "member", "positive", "id")},
)  # fmt: skip
_tables = maybe_gzipped(tables.csv_texts())

TARGETS = {
    target.name: target
    for target in (
        Target("toml", "benchmarks.toml", texts.toml_files(), readers.read_toml, 40, readers.host),
        Target(
            "set",
            "`--set KEY=VALUE`",
            texts.settings_texts,
            readers.read_settings,
            40,
            readers.host,
        ),
        Target("select", "`-k EXPR`", texts.expressions, readers.read_expression, 200),
        Target(
            "audit-npz",
            "predictions: .npz, .npy in it",
            _npz_or_bomb,
            readers.audit_file(".npz"),
            40,
        ),
        Target(
            "audit-csv",
            "predictions: .csv, .csv.gz",
            tables.csv_files(1),
            readers.read_audit_csv,
            25,
            _import_pandas,
        ),
        Target(
            "audit-parquet",
            "predictions: .parquet",
            tables.parquet_files(),
            readers.audit_file(".parquet"),
            15,
            _import_pandas,
        ),
        Target(
            "audit-pt",
            "predictions: .pt",
            arrays.torch_files(),
            readers.audit_file(".pt"),
            20,
            _import_torch,
        ),
        Target(
            "audit-safetensors",
            "predictions: .safetensors",
            arrays.safetensors_files(),
            readers.audit_file(".safetensors"),
            60,
            _import_torch,
        ),
        Target(
            "audit-slice",
            "`--slice`, `--label`, `--member`, `--positive`, `--id`",
            st.tuples(st.integers(0, 63), st.one_of(st.just("group"), texts.texts), _layouts),
            readers.read_sliced,
            50,
        ),
        Target(
            "submission",
            "submissions to the leaderboard, reported numbers",
            st.one_of(
                texts.json_files(readers.submission, readers.signed),
                texts.json_files(lambda: readers.REPORTED),
            ),
            readers.read_submitted,
            20,
            readers.host,
        ),
        Target(
            "frozen",
            "manifests and scores of frozen outputs",
            st.tuples(
                rarely(
                    st.just(readers.MANIFEST.encode()),
                    texts.json_files(lambda: readers.MANIFEST),
                    30,
                ),
                arrays.npzs(lambda rng: {"p": rng.normal(size=(2, 6))}),
            ),
            readers.read_frozen,
            100,
        ),
        Target(
            "run",
            "files of runs: .json, .json.gz",
            maybe_gzipped(texts.json_files(readers.committed)),
            readers.read_run,
            20,
            _import_pandas,
        ),
        Target(
            "csv",
            "dataset `csv`: CSV, plain or .gz",
            st.tuples(tables.csv_files(0), _csv_params),
            readers.read_csv_dataset,
            25,
            _import_pandas,
        ),
        Target(
            "parquet",
            "dataset `csv`: Parquet",
            st.tuples(tables.parquet_files(), _csv_params),
            readers.read_parquet_dataset,
            15,
            _import_pandas,
        ),
        Target(
            "npz",
            "dataset `npz`",
            arrays.npzs(readers.dataset_arrays),
            readers.read_npz_dataset,
            40,
            _import_pandas,
        ),
        Target("idx", "IDX files, as of MNIST", images.idx_files(), readers.read_idx, 100),
        Target(
            "cifar", "CIFAR-10, binary version", images.cifar_files(), readers.read_batches, 100
        ),
        Target("tar", "CIFAR-10 in its .tar.gz", images.tar_files(), readers.read_tar, 100),
        Target("images", "dataset `images`", images.image_folders(), readers.read_images, 60),
        Target(
            "audit-data",
            "tables of `audit-data`",
            st.tuples(st.integers(0, 2), _tables),
            readers.read_tables,
            20,
            _import_pandas,
        ),
        Target(
            "audit-training",
            "files of `audit-training`",
            scripts.script_files(),
            readers.read_training,
            30,
        ),
    )
}
