"""Datasets that consist of canonical files: found on disk, or else downloaded.

class Iris(FileDataset):
    '''150 flowers.'''
    name = "iris"
    folder = "iris"

    def files(self):
        return (RemoteFile("iris.data", "https://example.org/iris.data", "md5:42615765..."),)

    def decode(self, contents):
        ...  # contents[0].data are the bytes of iris.data
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from privbench.data import Data
from privbench.datasets.base import Dataset
from privbench.datasets.download import download, short_reason
from privbench.datasets.reading import Content, read_archive, read_file
from privbench.errors import DatasetUnavailable


@dataclass(frozen=True)
class RemoteFile:
    """A file of a dataset and where it can be had: ``url`` is the file, its ``.gz`` form, or, if
    ``archived``, a tar archive with such a member. ``checksum`` is of the download: ``md5:...``.
    """

    name: str
    url: str
    checksum: str
    archived: bool = False

    @property
    def download_name(self) -> str:
        """What the download is called on disk."""
        return self.url.rpartition("/")[2]

    def find(self, folders: Iterable[Path]) -> Path | None:
        """The first of its forms that is in one of ``folders``."""
        forms = (self.name, f"{self.name}.gz", self.download_name)
        paths = (folder / form for folder in folders for form in forms)
        return next((path for path in paths if path.is_file()), None)


class FileDataset(Dataset):
    """A dataset that is read from files; a subclass says which, and what their bytes mean.

    The checksum is verified on download only. What a user has placed is checked by content, in
    ``decode``, since mirrors recompress files.
    """

    folder: ClassVar[str]

    @abstractmethod
    def files(self) -> tuple[RemoteFile, ...]:
        """The files that it needs, with its parameters."""

    @abstractmethod
    def decode(self, contents: Sequence[Content]) -> Data:
        """The records, from the contents of ``files()``, in that order. Raises DataError."""

    def locations(self) -> tuple[Path, ...]:
        """The folders that are searched, in this order; the last one is where downloads go."""
        from platformdirs import user_cache_path

        cache = user_cache_path("privbench") / "data" / self.folder
        placed = os.environ.get("PRIVBENCH_DATA_DIR")
        return (Path(placed).expanduser() / self.folder, cache) if placed else (cache,)

    def missing(self) -> str:
        """Which downloads ``load`` would start with; empty if all files are there."""
        urls = dict.fromkeys(file.url for file, path in self._search().items() if path is None)
        return f"would download {', '.join(urls)}" if urls else ""

    def fetch(self) -> list[Path]:
        """Download what is missing; where all its files are. Raises DatasetUnavailable."""
        return list(dict.fromkeys(self._available().values()))

    def load(self) -> Data:
        """All records, read from the files; what is missing is downloaded first."""
        return self.decode(_read(self._available()))

    def _search(self) -> dict[RemoteFile, Path | None]:
        folders = self.locations()
        return {file: file.find(folders) for file in self.files()}

    def _available(self) -> dict[RemoteFile, Path]:
        missing = [file for file, path in self._search().items() if path is None]
        for file in {file.url: file for file in missing}.values():
            try:
                download(file.url, file.checksum, self.locations()[-1])
            except (OSError, ValueError) as error:
                raise DatasetUnavailable(self._explain(missing, file.url, error)) from error
        return {file: path for file, path in self._search().items() if path is not None}

    def _explain(self, missing: Iterable[RemoteFile], url: str, error: Exception) -> str:
        looked = (str(at) if at.is_dir() else f"{at} (no such folder)" for at in self.locations())
        return (
            f"its files are not here, and the download of {url} failed: {short_reason(error)};\n"
            f"  missing: {', '.join(file.name for file in missing)};\n"
            f"  looked in: {', '.join(looked)}.\n"
            f"Set PRIVBENCH_DATA_DIR to a folder whose subfolder {self.folder!r} has these files,"
            " plain or as .gz, or try again with a network connection"
        )


def _read(located: Mapping[RemoteFile, Path]) -> list[Content]:
    archives: dict[Path, set[str]] = {}
    found = {}
    for file, path in located.items():
        if file.archived and path.name == file.download_name:
            archives.setdefault(path, set()).add(file.name)
        else:
            found[file.name] = read_file(path)
    for path, names in archives.items():
        found |= read_archive(path, names)
    return [found[file.name] for file in located]
