"""Read plain, gzipped and archived files into memory; nothing is unpacked to disk or unpickled."""

from __future__ import annotations

import gzip
import posixpath
import struct
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from privbench.bounds import GZIP_ERRORS, MAX_MEMBERS, Unpacked, gunzipped
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
    with _read_errors(path):
        return Content(str(path), gunzipped(path))


def read_archive(path: Path, names: Collection[str]) -> dict[str, Content]:
    """Return the members of a .tar.gz archive with these file names, in any of its folders.

    Raises:
        DataError: the archive cannot be read, lacks a member, unpacks to more than is allowed, or has
            a member that no archive of a dataset needs: a link, a device, a path out of the archive,
            or a second file of one of the names.
    """
    contents: dict[str, Content] = {}
    instead = "fetch it again, or place its files unpacked into the data folder"
    # As a stream, since seeking back would decompress the archive again; and to the very end, since
    # gzip verifies its checksum only there (tarfile's mode "r|gz" stops before).
    with _read_errors(path), gzip.open(path, "rb") as packed:
        stream = Unpacked(packed, str(path), path.stat().st_size, instead)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
            for number, member in enumerate(archive, 1):
                where = f"{path}, member {member.name[:200]!r}"
                if number > MAX_MEMBERS:
                    raise DataError(f"{path}: more than {MAX_MEMBERS} members")
                if problem := _problem_of_member(member):
                    raise DataError(f"{where}: {problem} (allowed: files and folders)")
                name = posixpath.basename(member.name)
                file = archive.extractfile(member) if name in names and member.isfile() else None
                if file is not None:
                    if name in contents:
                        raise DataError(
                            f"{where}: a second file {name!r} (first: {contents[name].where})"
                        )
                    contents[name] = Content(f"{path}, member {member.name}", file.read())
            while stream.read(2**20):
                pass
    if absent := sorted(set(names) - set(contents)):
        raise DataError(f"{path}: the archive has no member {', '.join(absent)}")
    return contents


def _problem_of_member(member: tarfile.TarInfo) -> str:
    """Return why a member is refused, although nothing is unpacked to disk; empty if it is not."""
    if member.issym() or member.islnk():
        return f"is a link to {member.linkname[:200]!r}"
    if not (member.isfile() or member.isdir()):
        return "is a device, a pipe or something unknown"
    if member.name.startswith(("/", "\\")) or ".." in posixpath.normpath(member.name).split("/"):
        return "is outside of the archive"
    return ""


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Turn errors of reading and decompressing into DataError."""
    try:
        yield
    # tarfile raises ValueError and struct.error for headers that say nonsense
    except (*GZIP_ERRORS, tarfile.TarError, ValueError, struct.error) as error:
        raise DataError(
            f"{path}: cannot be read ({error!s:.200}); replace the file if it is damaged, or delete it"
        ) from error
