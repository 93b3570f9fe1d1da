"""Datasets that are read from canonical files, which are downloaded if they are not on disk.

class Iris(FileDataset):
    '''150 flowers.'''
    name = "iris"
    folder = "iris"

    def files(self):
        return (RemoteFile("iris.data", "https://example.org/iris.data", "md5:42615765..."),)

    def decode(self, contents):
        ...  # contents[0].data is the bytes of iris.data
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
from privbench.datasets.download import MAX_BYTES, download, root_cause
from privbench.datasets.reading import Content, read_archive, read_file
from privbench.errors import DatasetUnavailable


@dataclass(frozen=True)
class RemoteFile:
    """A file of a dataset, and its download."""

    name: str
    """Name of the file."""
    url: str
    """Address of the file, of the file compressed as ``.gz``, or of a tar archive that contains it."""
    checksum: str
    """Checksum of the download: ``md5:...`` or ``sha256:...``."""
    archived: bool = False
    """Whether ``url`` is a tar archive."""

    @property
    def download_name(self) -> str:
        """The file name of the download on disk."""
        return self.url.rpartition("/")[2]

    def find(self, folders: Iterable[Path]) -> Path | None:
        """Return the first path in ``folders`` of the file, its ``.gz`` form or the download."""
        forms = (self.name, f"{self.name}.gz", self.download_name)
        paths = (folder / form for folder in folders for form in forms)
        return next((path for path in paths if path.is_file()), None)


class FileDataset(Dataset):
    """A dataset that is read from files. A subclass lists the files and decodes their contents.

    Checksums are verified on download only. ``decode`` checks the contents of files that a user has put
    into the data folder, since mirrors recompress files.
    """

    folder: ClassVar[str]
    """The name of the dataset's folder in the data folder."""
    max_download: ClassVar[int] = MAX_BYTES
    """The most bytes that a file may have; what a server sends beyond is refused."""

    @abstractmethod
    def files(self) -> tuple[RemoteFile, ...]:
        """Return the files that the dataset needs."""

    @abstractmethod
    def decode(self, contents: Sequence[Content]) -> Data:
        """Return the records, given the contents of ``files()`` in the same order.

        Raises DataError if they are invalid.
        """

    def locations(self) -> tuple[Path, ...]:
        """Return the folders to search, in order; downloads go into the last one."""
        from platformdirs import user_cache_path

        cache = user_cache_path("privbench") / "data" / self.folder
        placed = os.environ.get("PRIVBENCH_DATA_DIR")
        return (Path(placed).expanduser() / self.folder, cache) if placed else (cache,)

    def to_download(self) -> str:
        """Return what ``load`` would download; empty if all files are on disk."""
        urls = dict.fromkeys(file.url for file, path in self._search().items() if path is None)
        return f"would download {', '.join(urls)}" if urls else ""

    def fetch(self) -> list[Path]:
        """Download missing files, and return the paths of all files.

        Raises DatasetUnavailable if a download fails.
        """
        return list(dict.fromkeys(self._available().values()))

    def load(self) -> Data:
        """Return all records, after downloading missing files."""
        return self.decode(_read(self._available()))

    def _search(self) -> dict[RemoteFile, Path | None]:
        folders = self.locations()
        return {file: file.find(folders) for file in self.files()}

    def _available(self) -> dict[RemoteFile, Path]:
        missing = [file for file, path in self._search().items() if path is None]
        for file in {file.url: file for file in missing}.values():
            try:
                folder = self.locations()[-1]
                download(file.url, file.checksum, folder, max_bytes=self.max_download)
            except (OSError, ValueError) as error:
                raise DatasetUnavailable(self._explain(missing, file.url, error)) from error
        return {file: path for file, path in self._search().items() if path is not None}

    def _explain(self, missing: Iterable[RemoteFile], url: str, error: Exception) -> str:
        searched = (str(p) if p.is_dir() else f"{p} (no such folder)" for p in self.locations())
        return (
            f"its files are missing, and the download of {url} failed: {root_cause(error)};\n"
            f"  missing: {', '.join(file.name for file in missing)};\n"
            f"  looked in: {', '.join(searched)}.\n"
            f"Set PRIVBENCH_DATA_DIR to a folder whose subfolder {self.folder!r} has these files,"
            " plain or as .gz, or try again with a network connection"
        )


def _read(located: Mapping[RemoteFile, Path]) -> list[Content]:
    """Read the files; each archive is read once."""
    contents = {}
    members: dict[Path, set[str]] = {}
    for file, path in located.items():
        if file.archived and path.name == file.download_name:
            members.setdefault(path, set()).add(file.name)
        else:
            contents[file.name] = read_file(path)
    for path, names in members.items():
        contents |= read_archive(path, names)
    return [contents[file.name] for file in located]
