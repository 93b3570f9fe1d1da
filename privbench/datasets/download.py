"""Downloads that go on where they stopped, with a checksum, retries and a progress bar."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = (10, 60)
"""Seconds to connect, and seconds without data."""
WAITS = (1.0, 2.0, 4.0)
"""Seconds to wait before each further attempt, where another attempt may do better: little, as
somebody without a network waits for all of them."""
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers of servers that are too busy, or broken for the moment."""
SLOW = (60.0, 2**10)
"""After so many seconds, fewer bytes a second than this end an attempt."""
MAX_REDIRECTS = 5
MAX_BYTES = 4 * 2**30
"""The largest download. The largest of the built-in datasets has 163 MiB; a subclass of FileDataset may
have a larger ``max_download``."""
CHUNK = 2**16


class Interrupted(OSError):
    """An attempt failed in a way in which the next one may not."""


def download(
    url: str,
    checksum: str,
    folder: Path,
    *,
    max_bytes: int = MAX_BYTES,
    wait: Callable[[float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Download ``url`` into ``folder``, verify the checksum, and return the path of the file.

    What has arrived of a file whose download stops is kept as ``NAME.part``, and the next attempt, or
    the next call, asks for the rest alone. A file with another checksum is kept as ``NAME.refused``,
    which nothing reads. Otherwise a failed download leaves neither a file nor a new folder. If several
    processes want the same file, one of them downloads it. Proxies are those of the environment.

    Args:
        url: Address of the file.
        checksum: ``md5:...`` or ``sha256:...``.
        folder: Created if it does not exist.
        max_bytes: Refuse a larger file.
        wait: Called with the seconds to wait between attempts; default time.sleep.
        clock: Returns the time in seconds.

    Raises:
        OSError: If the network or the disk fails.
        ValueError: If the checksum is wrong, the file is too large, or a redirect leads away from http.
    """
    file = folder / url.rpartition("/")[2]
    part = file.with_name(f"{file.name}.part")
    with _made(folder), _alone(file):
        if file.is_file():  # another process was faster
            return file
        attempt = _Attempt(url, part, max_bytes, clock)
        for seconds in (*WAITS, None):
            try:
                if part.exists() and _is_right(part, checksum):  # it stopped before the last step
                    break
                resumed = attempt.run()
                if resumed and not _is_right(part, checksum):
                    part.unlink()  # what was there before is not the beginning of this file
                    attempt.run()
                break
            except Interrupted:
                if seconds is None:
                    raise
                (wait or time.sleep)(seconds)
        if not _is_right(part, checksum):
            refused = part.replace(file.with_name(f"{file.name}.refused"))
            raise ValueError(
                f"the checksum of the file from {url} does not match the known hash {checksum}; it is"
                f" kept as {refused}, and not used"
            )
        return part.replace(file)


@dataclass
class _Attempt:
    """Attempts to fetch what is missing of a file."""

    url: str
    part: Path
    max_bytes: int
    clock: Callable[[], float]

    def run(self) -> bool:
        """Fetch the rest of the file; return whether a part of it was there before.

        Raises:
            Interrupted: another attempt may do better.
        """
        import requests
        from urllib3.exceptions import HTTPError

        there = self.part.stat().st_size if self.part.exists() else 0
        # The bytes as they are: a server that compresses a file anew would change its checksum.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
        try:
            with requests.Session() as session:
                session.max_redirects = MAX_REDIRECTS
                with session.get(
                    self.url, headers=headers, stream=True, timeout=TIMEOUT
                ) as response:
                    return self._receive(response, there)
        except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
            raise Interrupted(root_cause(error)) from error

    def _receive(self, response: Any, there: int) -> bool:
        from requests import RequestException

        hops = [one.url for one in (*response.history, response)]
        if self.url.startswith("https:") and not all(hop.startswith("https:") for hop in hops):
            raise ValueError(f"{self.url} leads to {response.url} without encryption")
        if response.status_code == 416:  # more is there than the file has
            self.part.unlink()
            raise Interrupted(f"{self.url} has fewer than {there} bytes")
        if response.status_code in RETRIED:
            raise Interrupted(f"{response.status_code} {response.reason}: {self.url}")
        response.raise_for_status()
        begins = f"bytes {there}-"
        resumes = response.status_code == 206 and there > 0
        if resumes and not response.headers.get("Content-Range", begins).startswith(begins):
            raise RequestException(f"{self.url}: another part than the one that was asked for")
        announced = response.headers.get("Content-Length", "")
        rest = int(announced) if announced.isdecimal() else None
        before = there if resumes else 0
        self._check_size(before, rest)
        with self.part.open("ab" if resumes else "wb") as file, _progress(before, rest) as progress:
            started, received = self.clock(), 0
            for data in iter(lambda: response.raw.read(CHUNK, decode_content=False), b""):
                received += len(data)
                if before + received > self.max_bytes:
                    raise ValueError(f"{self.url}: more than {self.max_bytes} bytes")
                file.write(data)
                progress(len(data))
                seconds = self.clock() - started
                if seconds > SLOW[0] and received < SLOW[1] * seconds:
                    raise Interrupted(f"{self.url}: {received} bytes in {seconds:.0f} seconds")
        if rest is not None and received < rest:
            raise Interrupted(f"{self.url}: the connection ended after {received} of {rest} bytes")
        return resumes

    def _check_size(self, before: int, rest: int | None) -> None:
        if rest is None:
            return
        if before + rest > self.max_bytes:
            raise ValueError(f"{self.url}: {before + rest} bytes (allowed: {self.max_bytes})")
        if rest > (free := shutil.disk_usage(self.part.parent).free):
            raise OSError(f"{self.url}: {rest} bytes, but {self.part.parent} has room for {free}")


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, and take it and its parents away again if it stays empty after an error."""
    new_folders = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for path in new_folders:
            with suppress(OSError):  # not empty
                path.rmdir()
        raise


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Wait until no other process downloads the file."""
    from filelock import FileLock

    lock = file.with_name(f".{file.name}.lock")
    with FileLock(lock):
        try:
            yield
        finally:
            with suppress(
                OSError
            ):  # who waits for it notices that it is gone, and makes another one
                lock.unlink()


@contextmanager
def _progress(before: int, rest: int | None) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on a terminal, and none in log files."""
    from tqdm import tqdm

    total = None if rest is None else before + rest
    hidden = not sys.stderr.isatty()
    with tqdm(initial=before, total=total, unit="B", unit_scale=True, disable=hidden) as bar:
        yield bar.update


def _is_right(path: Path, checksum: str) -> bool:
    algorithm, _, expected = checksum.rpartition(":")
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm or "sha256").hexdigest() == expected.lower()


def root_cause(error: BaseException) -> str:
    """Return the message of the innermost cause of an error, such as "Connection refused"."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(error) or type(error).__name__
