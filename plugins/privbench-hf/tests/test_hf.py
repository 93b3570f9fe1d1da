"""Folders in each format, without a connection: types of columns, what is refused, and revisions."""

import importlib.metadata

import datasets
import numpy as np
import pytest
from PIL import Image
from privbench_hf import HuggingFace

import privbench

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def people(n=60):
    rng = np.random.default_rng(0)
    features = datasets.Features(
        {
            "age": datasets.Value("int32"),
            "town": datasets.Value("string"),
            "member": datasets.Value("bool"),
            "grade": datasets.ClassLabel(names=["low", "high"]),
            "income": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    rows = {
        "age": [None, *map(int, rng.integers(18, 90, n - 1))],
        "town": [None, *(str(t) for t in rng.choice(["Ulm", "Bonn"], n - 1))],
        "member": [bool(b) for b in rng.integers(0, 2, n)],
        "grade": [int(g) for g in rng.integers(0, 2, n)],
        "income": [int(i) for i in rng.integers(0, 2, n)],
    }
    return datasets.Dataset.from_dict(rows, features=features), rows


def saved(tmp_path, table):
    folder = tmp_path / "saved"
    datasets.DatasetDict(
        {"train": table, "test": table.select(range(min(10, len(table))))}
    ).save_to_disk(folder)
    return str(folder)


def test_numbers_categories_and_gaps(tmp_path):
    table, rows = people()
    data = HuggingFace(folder=saved(tmp_path, table), label="income").load()
    assert [(c.name, c.type, c.categories) for c in data.spec.columns] == [
        ("age", "numeric", ()),
        ("town", "categorical", ("Bonn", "Ulm", "missing")),
        ("member", "categorical", ("False", "True")),
        ("grade", "categorical", ("high", "low")),
    ]
    assert data.spec.has_gaps
    assert np.isnan(data.x[0, 0])
    assert data.x[1:, 0].tolist() == rows["age"][1:]
    assert data.x[0, 1:4].tolist() == [0, 0, 1]  # the missing town
    assert data.x[:, 5].tolist() == rows["member"]
    assert data.x[:, 6].tolist() == rows["grade"]  # 1 is "high", the first in order
    assert data.y.tolist() == rows["income"]
    assert data.spec.n_classes == 2
    assert data.x.dtype == np.float32


def test_splits_columns_and_categories_by_name(tmp_path):
    folder = saved(tmp_path, people()[0])
    test = HuggingFace(
        folder=folder, label="income", split="test", drop=("town",), categorical=("age",)
    ).load()
    assert len(test) == 10
    assert [c.name for c in test.spec.columns] == ["age", "member", "grade"]
    assert test.spec.columns[0].type == "categorical"
    assert not test.spec.has_gaps


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_files_of_several_formats(tmp_path, ending):
    table = datasets.Dataset.from_dict({"a": [0.5, 1.5, 2.5], "y": ["n", "y", "n"]})
    folder = tmp_path / "files"
    folder.mkdir()
    getattr(table, f"to_{ending}")(folder / f"train.{ending}")
    data = HuggingFace(folder=str(folder), label="y").load()
    assert data.x[:, 0].tolist() == [0.5, 1.5, 2.5]
    assert data.y.tolist() == [0, 1, 0]
    sliced = HuggingFace(folder=str(folder), label="y", split="train[:2]").load()
    assert len(sliced) == 2


def images(tmp_path, sizes):
    folder = tmp_path / "pictures"
    for i, size in enumerate(sizes):
        place = folder / ("cat" if i % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (255, 0, 51 * i)).save(place / f"{i}.png")
    return str(folder)


def test_images(tmp_path):
    data = HuggingFace(folder=images(tmp_path, [(8, 8)] * 4), label="label").load()
    assert data.spec.kind == "image"
    assert data.spec.shape == (3, 8, 8)
    assert data.x[:, 0].min() == 1  # red
    assert sorted({round(float(b), 1) for b in data.x[:, 2].ravel()}) == [0, 0.2, 0.4, 0.6]
    blue = data.x[:, 2, 0, 0]
    assert [round(float(b), 1) for b in blue[data.y == 0]] == [0.2, 0.6]  # cats are 0


def test_images_of_several_sizes_need_a_size(tmp_path):
    folder = images(tmp_path, [(8, 8), (8, 8), (10, 8), (8, 8)])
    with pytest.raises(
        privbench.DataError, match="'image' has images of 2 sizes, such as 8x8 and 8x10"
    ):
        HuggingFace(folder=folder, label="label").load()
    assert HuggingFace(folder=folder, label="label", size=4).load().spec.shape == (3, 4, 4)


def test_free_text_and_lists_are_refused_with_their_names(tmp_path):
    n = 150
    table = datasets.Dataset.from_dict(
        {
            "review": [f"review {i}" for i in range(n)],
            "tokens": [[1, 2]] * n,
            "stars": [float(i) for i in range(n)],
            "y": [i % 2 for i in range(n)],
        }
    )
    folder = saved(tmp_path, table)
    with pytest.raises(privbench.DataError) as caught:
        HuggingFace(folder=folder, label="y").load()
    assert "'review' has 150 different texts, which is free text" in str(caught.value)
    assert "'tokens' is of type" in str(caught.value)
    assert "drop = ['review', 'tokens']" in str(caught.value)
    kept = HuggingFace(folder=folder, label="y", drop=("tokens",), categorical=("review",)).load()
    assert kept.spec.shape == (151,)
    with pytest.raises(privbench.DataError, match="label 'stars' is of type"):
        HuggingFace(folder=folder, label="stars", drop=("review", "tokens")).load()
    with pytest.raises(privbench.DataError, match="no columns are left"):
        HuggingFace(folder=folder, label="y", drop=("review", "tokens", "stars")).load()


def test_images_stand_alone(tmp_path):
    table = datasets.Dataset.from_dict(
        {"p": [Image.new("L", (4, 4), i) for i in (0, 255)], "a": [1, 2], "y": [0, 1]}
    )
    folder = saved(tmp_path, table.cast_column("p", datasets.Image()))
    with pytest.raises(privbench.DataError, match=r"drop them: drop = \['a'\]"):
        HuggingFace(folder=folder, label="y").load()
    data = HuggingFace(folder=folder, label="y", drop=("a",)).load()
    assert data.spec.shape == (1, 4, 4)
    assert data.x.mean((1, 2, 3)).tolist() == [0, 1]


def test_labels_that_are_hidden_missing_or_alone(tmp_path):
    features = datasets.Features(
        {"a": datasets.Value("float32"), "y": datasets.ClassLabel(names=["n", "p"])}
    )
    rows = {"a": [1.0, 2.0], "y": [-1, 1]}
    hidden = saved(tmp_path / "1", datasets.Dataset.from_dict(rows, features=features))
    with pytest.raises(privbench.DataError, match=r"hidden \(-1\) in 1 records"):
        HuggingFace(folder=hidden, label="y").load()
    gaps = saved(tmp_path / "2", datasets.Dataset.from_dict({"a": [1.0, 2.0], "y": ["n", None]}))
    with pytest.raises(privbench.DataError, match="'y' is missing in 1 records"):
        HuggingFace(folder=gaps, label="y").load()
    alone = saved(tmp_path / "3", datasets.Dataset.from_dict({"a": [1.0, 2.0], "y": ["n", "n"]}))
    with pytest.raises(privbench.DataError, match="single class"):
        HuggingFace(folder=alone, label="y").load()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"label": "incom"}, "label: no column 'incom', did you mean 'income'"),
        ({"label": "income", "drop": ("x",)}, "drop: no column 'x'"),
        ({"label": "income", "split": "dev"}, r"split: 'dev' \(allowed: train, test\)"),
    ],
)
def test_wrong_names(tmp_path, params, message):
    with pytest.raises(privbench.DataError, match=message):
        HuggingFace(folder=saved(tmp_path, people()[0]), **params).load()


def test_a_split_that_files_do_not_have(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    datasets.Dataset.from_dict({"a": [1, 2], "y": [0, 1]}).to_csv(folder / "train.csv")
    with pytest.raises(privbench.DataError, match="dev"):
        HuggingFace(folder=str(folder), label="y", split="dev").load()
    with pytest.raises(privbench.DataError, match="no such folder"):
        HuggingFace(folder=str(tmp_path / "none"), label="y").load()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, r"neither \(allowed: exactly one of repo and folder\)"),
        ({"repo": "a/b", "folder": "c", "revision": COMMIT}, "repo and folder: 'a/b' and 'c'"),
        ({"folder": "c", "revision": COMMIT}, "revision: '[0-9a-f]+' is of a repo"),
        ({"repo": "a/b"}, "None is no commit"),
        ({"repo": "a/b", "revision": "main"}, "'main' is no commit"),
        ({"folder": "c", "drop": ("y",)}, "drop: 'y' is the label"),
        ({"folder": "c", "drop": ("a",), "categorical": ("a",)}, "also in categorical"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        HuggingFace(label="y", **params)


def test_without_a_connection_a_repo_is_unavailable(tmp_path, monkeypatch):
    import huggingface_hub

    dataset = HuggingFace(repo="someone/something", revision=COMMIT, label="y")
    assert dataset.to_download().startswith("would download someone/something at 01234567")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(privbench.DatasetUnavailable, match="someone/something@01234567"):
        dataset.load()


def test_a_commit_that_is_on_disk_needs_no_download(tmp_path, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    dataset = HuggingFace(repo="someone/something", revision=COMMIT, label="y")
    assert dataset.to_download()
    (tmp_path / "datasets--someone--something" / "snapshots" / COMMIT).mkdir(parents=True)
    assert dataset.to_download() == ""
    assert HuggingFace(folder="x", label="y").to_download() == ""


def test_a_run(tmp_path):
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="hf")]
    folder = tmp_path / "files"
    folder.mkdir()
    datasets.Dataset.from_dict(people(200)[1]).to_parquet(folder / "train.parquet")
    config = tmp_path / "benchmarks.toml"
    config.write_text(
        """
        [benchmarks.people]
        datasets = [{ name = "hf", folder = "files", label = "income" }]
        models = [{ name = "logistic", epochs = 1 }]
        defenses = ["none"]
        attacks = ["loss"]
        knowledge = ["adaptive"]
        population = 3
        canaries = 0
        """
    )
    (row,) = privbench.run("people", config=config, results=tmp_path).to_dict("records")
    assert row["status"] == "ok", row["reason"]
    assert row["n_members"] > 0
