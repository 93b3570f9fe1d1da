"""Take secrets out of text before it is written to a log: passwords, tokens and keys."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from privbench.logs.records import MAX_MESSAGE, shortened

HIDDEN = "***"
SHORT = 500
"""Characters of a text that is remembered with its secrets taken out."""
MIN_SECRET = 8
"""Shorter values of the environment are not looked for: they would be found in ordinary words."""

_NAME = (
    r"(?:token|secret|password|passwd|passphrase|pwd|credentials?|signature"
    r"|(?:api|access|private|secret|account)[-_]?key|authorization)"
)
_IN_ENVIRONMENT = re.compile(rf"({_NAME}|_key|_pat)$", re.IGNORECASE)
_FOLDERS = ("PWD", "OLDPWD")
_VALUE = r"(?:bearer |basic |token )?[^\s\"'&,;)\]}]+"
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # https://user:password@host, and the query of an address.
        (r"(://)[^\s/@?#]+@", rf"\1{HIDDEN}@"),
        (r"([?&](?:key|sig|auth)=)[^\s\"'&]+", rf"\1{HIDDEN}"),
        # password=..., "token": "...", Authorization: Bearer ..., --api-key ...
        (rf"({_NAME}[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?){_VALUE}", rf"\1{HIDDEN}"),
        (rf"(--[\w-]{{0,40}}{_NAME}\s+[\"']?){_VALUE}", rf"\1{HIDDEN}"),
        # Tokens of GitHub, GitLab, Hugging Face, OpenAI, Slack, PyPI and AWS, and JWT.
        (
            r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|xox[abps]-|pypi-)[\w-]{16,}|\bAKIA[0-9A-Z]{16}\b"
            r"|\beyJ[\w-]{8,2000}\.[\w-]{4,2000}\.[\w-]{4,2000}",
            HIDDEN,
        ),
    )
)


def secrets_of(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the values of environment variables whose names say that they are secret, longest first.

    >>> secrets_of({"HF_TOKEN": "hf_0123456789", "HOME": "/home/me", "A_KEY": "short"})
    ('hf_0123456789',)
    """
    values = {
        value
        for name, value in environment.items()
        if len(value) >= MIN_SECRET and _IN_ENVIRONMENT.search(name) and name not in _FOLDERS
    }
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text with ``***`` in place of what looks like a secret.

    Args:
        text: any text.
        secrets: values to replace wherever they stand, as `secrets_of` returns them.

    >>> redacted("https://me:pass@example.org/?token=abc&n=3")
    'https://***@example.org/?token=***&n=3'
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class Redactor:
    """Takes secrets out of records, among them the values of the environment of its time."""

    def __init__(self) -> None:
        self._secrets = secrets_of()
        self._known = lru_cache(2**12)(self._redacted)  # names of stages and loggers come often

    def clean(self, value: Any) -> Any:
        """Return JSON values without secrets in their texts, none of which is long."""
        if isinstance(value, str):
            return self._known(value) if len(value) <= SHORT else self._redacted(value)
        if isinstance(value, Mapping):
            return {
                str(key): item if key == "time" else self.clean(item) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.clean(item) for item in value]
        return value

    def _redacted(self, text: str) -> str:
        return shortened(redacted(shortened(text, 5 * MAX_MESSAGE), self._secrets), MAX_MESSAGE)
