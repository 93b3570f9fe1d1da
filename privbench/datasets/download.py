"""Downloads with a checksum, retries and a progress bar."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

RETRIES = 2
TIMEOUT = (10, 60)
"""Seconds to connect, and seconds without data."""


def download(url: str, checksum: str, folder: Path) -> Path:
    """Download ``url`` into ``folder``, verify the checksum, and return the path of the file.

    A failed download leaves neither a file nor a new folder.

    Args:
        url: Address of the file.
        checksum: ``md5:...`` or ``sha256:...``.
        folder: Created if it does not exist.

    Raises:
        OSError: If the network or the disk fails.
        ValueError: If the checksum is wrong.
    """
    import pooch

    name = url.rpartition("/")[2]
    registry = pooch.create(
        path=folder,
        base_url="",
        registry={name: checksum},
        urls={name: url},
        retry_if_failed=RETRIES,
    )
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),  # no progress bar in log files
        chunk_size=2**16,
        timeout=TIMEOUT,
    )
    new_folders = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        return Path(registry.fetch(name, downloader=downloader))
    except BaseException:
        for path in new_folders:
            with suppress(OSError):  # not empty if another process downloads into it
                path.rmdir()
        raise


def root_cause(error: BaseException) -> str:
    """Return the message of the innermost cause of an error, such as "Connection refused"."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__
