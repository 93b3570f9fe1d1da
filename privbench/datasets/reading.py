"""Reads plain, gzipped and archived files into memory. Nothing is unpacked to disk or unpickled."""

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
    """The bytes of a file, and where they came from, for the messages about them."""

    where: str
    data: bytes

    def error(self, found: str, expected: str) -> DataError:
        """What to raise if the contents are not what they should be."""
        return DataError(f"{self.where}: found {found}, expected {expected}")


def own_file(path: str, dataset: str) -> Path:
    """A file that a user named. Raises DataError if there is none."""
    found = Path(path)
    if found.is_dir():
        raise DataError(f"{path}: is a folder; `path` of dataset {dataset!r} must be a file")
    if not found.is_file():
        raise DataError(
            f"{path}: no such file (looked for {found.absolute()}); check `path` of dataset {dataset!r}"
        )
    return found


def read_file(path: Path) -> Content:
    """A whole file, decompressed if its name ends in ``.gz``."""
    opener = gzip.open if path.suffix == ".gz" else open
    with _damage_reported(path), opener(path, "rb") as file:
        return Content(str(path), file.read())


def read_archive(path: Path, names: Collection[str]) -> dict[str, Content]:
    """The members of a .tar.gz archive called ``names``, whatever folder they are in there."""
    found = {}
    # One pass, as a stream: seeking back in a compressed archive would decompress it again. And to
    # the very end, since only there gzip's checksum is compared (tarfile's own "r|gz" does not).
    with (
        _damage_reported(path),
        gzip.open(path, "rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        for member in archive:
            name = posixpath.basename(member.name)
            file = archive.extractfile(member) if name in names and member.isfile() else None
            if file is not None:
                found[name] = Content(f"{path}, member {member.name}", file.read())
        while stream.read(2**20):
            pass
    if absent := sorted(set(names) - set(found)):
        raise DataError(f"{path}: the archive has no member {', '.join(absent)}")
    return found


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); if it is damaged, replace it, or delete it"
        ) from error
