"""Read plain, gzipped and archived files into memory; nothing is unpacked to disk or unpickled."""

from __future__ import annotations

import gzip
import posixpath
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from privbench.errors import DataError


@dataclass(frozen=True)
class Content:
    """The bytes of a file, and its path, which error messages name."""

    where: str
    """Path of the file; for a member of an archive, both names."""
    data: bytes

    def error(self, found: str, expected: str) -> DataError:
        """Return the error for contents that differ from what is expected."""
        return DataError(f"{self.where}: found {found}, expected {expected}")


def existing_file(path: str, dataset: str) -> Path:
    """Return the path of a user's file. Raises DataError if it does not exist."""
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(f"{path}: is a folder; `path` of dataset {dataset!r} must be a file")
    if not file.is_file():
        raise DataError(
            f"{path}: no such file (looked for {file.absolute()}); check `path` of dataset {dataset!r}"
        )
    return file


def existing_folder(path: str, dataset: str) -> Path:
    """Return the path of a user's folder. Raises DataError if it does not exist."""
    folder = Path(path).expanduser()
    if folder.is_file():
        raise DataError(f"{path}: is a file; `path` of dataset {dataset!r} must be a folder")
    if not folder.is_dir():
        raise DataError(
            f"{path}: no such folder (looked for {folder.absolute()}); check `path` of dataset"
            f" {dataset!r}"
        )
    return folder


def read_file(path: Path) -> Content:
    """Return the contents of a file, decompressed if its name ends in ``.gz``."""
    opener = gzip.open if path.suffix == ".gz" else open
    with _read_errors(path), opener(path, "rb") as file:
        return Content(str(path), file.read())


def read_archive(path: Path, names: Collection[str]) -> dict[str, Content]:
    """Return the members of a .tar.gz archive with these file names, in any of its folders."""
    contents = {}
    # As a stream, since seeking back would decompress the archive again; and to the very end, since
    # gzip verifies its checksum only there (tarfile's mode "r|gz" stops before).
    with (
        _read_errors(path),
        gzip.open(path, "rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            name = posixpath.basename(member.name)
            file = archive.extractfile(member) if name in names and member.isfile() else None
            if file is not None:
                contents[name] = Content(f"{path}, member {member.name}", file.read())
        while stream.read(2**20):
            pass
    if absent := sorted(set(names) - set(contents)):
        raise DataError(f"{path}: the archive has no member {', '.join(absent)}")
    return contents


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Turn errors of reading and decompressing into DataError."""
    try:
        yield
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); replace the file if it is damaged, or delete it"
        ) from error
