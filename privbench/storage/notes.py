"""The notes of artifacts as bytes: JSON that says by itself whether it is as it was written.

A note has the digest of its other values as its last value, behind their canonical JSON. So the digest
is that of the bytes before it, and a run that finds thousands of notes encodes none of them again.
Earlier versions wrote the same values in lines; of such a note the digest is computed from its values.
"""

from __future__ import annotations

import hashlib
from typing import Any

from privbench.seeds import canonical_json, digest

_BEFORE, _AFTER = b',"checksum":"', b'"}'
_END = len(_BEFORE) + 64 + len(_AFTER)
"""Bytes from the comma before the checksum on."""


def encoded_note(note: dict[str, Any]) -> bytes:
    """Return a note, as JSON values, with its checksum."""
    text = canonical_json(note).encode()
    checksum = hashlib.sha256(text).hexdigest().encode()
    return text[:-1] + _BEFORE + checksum + _AFTER


def decoded_note(content: bytes) -> dict[str, Any]:
    """Return the values of a note without its checksum.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not as it was written.
    """
    from pydantic_core import from_json  # several times as fast as the standard library

    note: dict[str, Any] = from_json(content)
    checksum = note.pop("checksum")
    if content[-_END:] == _BEFORE + str(checksum).encode() + _AFTER:
        intact = hashlib.sha256(content[:-_END] + b"}").hexdigest() == checksum
    else:
        intact = digest(note) == checksum
    if not intact:
        raise ValueError("the note does not match its checksum")
    return note
