"""Artifacts as bytes, safetensors with JSON as metadata, whose reader runs no code of their writer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from privbench.storage import tensors
from privbench.storage.artifacts import Artifact

if TYPE_CHECKING:
    from privbench.storage.tensors import Content

NAME = "privbench"
"""The entry of the metadata that holds the JSON."""


def pack(artifact: Artifact, **facts: Any) -> bytes:
    """Return an artifact as bytes, with further facts as JSON values.

    Raises:
        ValueError: a fact is not finite, or no JSON value; or an array has a type that is not stored.
    """
    return b"".join(pieces(artifact, **facts))


def pieces(artifact: Artifact, **facts: Any) -> list[bytes | memoryview]:
    """Return what `pack` returns, in pieces that share the memory of the arrays."""
    try:
        text = json.dumps([dict(artifact.info), facts], allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from None
    return tensors.pieces(artifact.arrays, {NAME: text})


def unpack(content: Content) -> tuple[Artifact, dict[str, Any]]:
    """Return the artifact and the further facts that bytes hold; its arrays share their memory.

    Raises:
        ValueError: the bytes are no packed artifact.
    """
    try:
        text = tensors.header_of(content)[0][tensors.METADATA][NAME]
        info, facts = json.loads(text, parse_constant=_refuse)
        if not isinstance(info, dict) or not isinstance(facts, dict):
            raise ValueError("no facts")
        return Artifact(tensors.views(content), info), facts
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"no packed artifact ({type(error).__name__})") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not finite")
