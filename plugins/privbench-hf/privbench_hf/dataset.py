"""The dataset ``hf``: which one it is, and where it comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from privbench import Data, DataError, Dataset, DatasetUnavailable
from privbench_hf.encode import encoded

if TYPE_CHECKING:
    import datasets

COMMIT = re.compile(r"[0-9a-f]{40}")


class HuggingFace(Dataset):
    """A dataset of the Hugging Face hub, or a folder in a format of its library ``datasets``."""

    name = "hf"
    paper = "Lhoest et al. 2021, arXiv 2109.02846"

    label: str = Field(min_length=1, description="name of the column with the classes")
    repo: str | None = Field(
        None, min_length=1, description="dataset on the hub, such as scikit-learn/iris"
    )
    revision: str | None = Field(
        None, description="commit of repo, 40 hexadecimal digits: names such as main would move"
    )
    folder: str | None = Field(
        None,
        min_length=1,
        description="instead of repo, a folder: of CSV, JSON, Parquet or images, or what"
        " save_to_disk has written",
        json_schema_extra={"path": True},
    )
    config: str | None = Field(None, min_length=1, description="configuration of the dataset")
    split: str = Field(
        "train", min_length=1, description="split, or several: train+test, train[:5000]"
    )
    categorical: tuple[str, ...] = Field(
        (), description="columns to treat as categories: numbers such as postcodes, or long texts"
    )
    drop: tuple[str, ...] = Field((), description="columns to leave out, such as texts")
    size: int | None = Field(
        None, ge=4, le=512, description="height and width to scale images to; as they are"
    )

    @model_validator(mode="after")
    def _check_source(self) -> HuggingFace:
        if (self.repo is None) == (self.folder is None):
            given = "neither" if self.repo is None else f"{self.repo!r} and {self.folder!r}"
            raise ValueError(f"repo and folder: {given} (allowed: exactly one of repo and folder)")
        if self.folder is not None and self.revision is not None:
            raise ValueError(
                f"revision: {self.revision!r} is of a repo (allowed: none with a folder)"
            )
        if self.repo is not None and not COMMIT.fullmatch(self.revision or ""):
            raise ValueError(
                f"revision: {self.revision!r} is no commit (allowed: its 40 hexadecimal digits, which"
                f" huggingface_hub.HfApi().dataset_info({self.repo!r}).sha returns)"
            )
        for key in ("drop", "categorical"):
            if self.label in getattr(self, key):
                raise ValueError(f"{key}: {self.label!r} is the label")
        if both := sorted(set(self.drop) & set(self.categorical)):
            raise ValueError(f"drop: {both[0]!r} is also in categorical")
        return self

    def code_used(self) -> tuple[str, ...]:
        """Return the library that reads the files."""
        return ("datasets",)

    def load(self) -> Data:
        """Return all records of the split, in its order."""
        table = self._table()
        return encoded(
            table,
            self.where,
            label=self.label,
            categorical=self.categorical,
            drop=self.drop,
            size=self.size,
        )

    def to_download(self) -> str:
        """Return what would be downloaded; empty for a folder, and for a commit that is on disk."""
        if self.folder is not None:
            return ""
        from huggingface_hub.constants import HF_HUB_CACHE

        assert self.repo is not None  # one of the two is given
        assert self.revision is not None
        place = Path(HF_HUB_CACHE) / f"datasets--{self.repo.replace('/', '--')}" / "snapshots"
        if (place / self.revision).is_dir():
            return ""
        return f"would download {self.repo} at {self.revision[:8]} from the Hugging Face hub"

    @property
    def where(self) -> str:
        """The source, as messages name it."""
        return f"{self.repo}@{(self.revision or '')[:8]}" if self.repo else str(self.folder)

    def _table(self) -> datasets.Dataset:
        import datasets

        folder = None if self.folder is None else Path(self.folder)
        if folder is not None and not folder.is_dir():
            raise DataError(f"{self.folder}: no such folder (looked for {folder.absolute()})")
        try:
            if folder is not None and _is_saved(folder):
                return _split_of(datasets.load_from_disk(str(folder)), self.split, str(folder))
            loaded = datasets.load_dataset(
                self.repo or str(folder), self.config, split=self.split, revision=self.revision
            )
        except DataError:
            raise
        except (ConnectionError, datasets.exceptions.DatasetNotFoundError) as error:
            raise DatasetUnavailable(f"{self.where}: {error!s:.300}") from error
        except (ValueError, FileNotFoundError, datasets.exceptions.DatasetsError) as error:
            # Of the configuration or the split; the library names those that there are.
            raise DataError(f"{self.where}: {error!s:.300}") from error
        return loaded


def _is_saved(folder: Path) -> bool:
    """Return whether ``save_to_disk`` has written a folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _split_of(loaded: Any, split: str, where: str) -> datasets.Dataset:
    """Return a split of what ``load_from_disk`` returned."""
    import datasets

    if not isinstance(loaded, datasets.DatasetDict):
        if split != "train":
            raise DataError(f"{where}: split: {split!r} is none of a dataset that was saved alone")
        return loaded
    if split not in loaded:
        raise DataError(f"{where}: split: {split!r} (allowed: {', '.join(map(str, loaded))})")
    return loaded[split]
