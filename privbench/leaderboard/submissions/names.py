"""Names of submissions, which become names of files."""

from __future__ import annotations

import re

from privbench.errors import BadInput

PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
ALLOWED = "1 to 80 letters, digits, dots, hyphens and underscores; the first a letter or digit"


def checked_name(name: str, where: str) -> str:
    """Return a name that can be the name of a file in any folder.

    Raises:
        BadInput: it is none, such as ``../../x``.
    """
    if not re.fullmatch(PATTERN.strip("^$"), name):
        raise BadInput(f"{where} {name!r} (allowed: {ALLOWED})")
    return name


def checked_url(url: str, where: str) -> str:
    """Return an address of the web, or an empty text.

    Raises:
        BadInput: it is neither, such as ``javascript:alert()``.
    """
    if url and not re.fullmatch(r"https?://[^\s<>\"']{1,490}", url):
        raise BadInput(
            f"{where} {url!r} (allowed: an address that begins with https:// or http://)"
        )
    return url


def name_of(label: str) -> str:
    """Return a name made from the label of a defense.

    >>> name_of("dp-sgd[epsilon=8]")
    'dp-sgd-epsilon-8'
    """
    words = re.findall(r"[A-Za-z0-9._]+", label)
    return re.sub(r"^[._-]+", "", "-".join(words))[:80] or "submission"
