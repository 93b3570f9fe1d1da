"""Downloads with a checksum, retries and a progress bar."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

RETRIES = 2
TIMEOUT = (10, 60)  # seconds: to connect, and between two chunks


def download(url: str, checksum: str, folder: Path) -> Path:
    """Put the file at ``url`` into ``folder``; it appears there only once its checksum is right.

    ``checksum`` is ``md5:...`` or ``sha256:...``. Raises OSError (which all errors of the network
    are) or, for a wrong checksum, ValueError. A failed download leaves no new folder.
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
    # In a log file a progress bar is noise.
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(), chunk_size=2**16, timeout=TIMEOUT
    )
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        return Path(registry.fetch(name, downloader=downloader))
    except BaseException:
        for path in new:
            with suppress(OSError):  # not empty: another process downloads, too
                path.rmdir()
        raise


def short_reason(error: BaseException) -> str:
    """The innermost cause, such as "Connection refused", without the layers around it."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__
