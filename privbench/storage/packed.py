"""Artifacts as bytes, safetensors with JSON as metadata, whose reader runs no code of their writer."""

from __future__ import annotations

import json
import struct
from typing import Any

from privbench.storage.artifacts import Artifact

LIMIT = 2**26
"""Bytes of the JSON, at most."""


def pack(artifact: Artifact, **facts: Any) -> bytes:
    """Return an artifact as bytes, with further facts as JSON values.

    Raises:
        ValueError: a fact is not finite, or no JSON value.
    """
    import numpy as np
    from safetensors.numpy import save

    try:
        text = json.dumps([dict(artifact.info), facts], allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from None
    arrays = {name: np.ascontiguousarray(array) for name, array in artifact.arrays.items()}
    return save(arrays, metadata={"privbench": text})


def unpack(content: bytes) -> tuple[Artifact, dict[str, Any]]:
    """Return the artifact and the further facts that bytes hold.

    Raises:
        ValueError: the bytes are no packed artifact.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        (length,) = struct.unpack("<Q", content[:8])
        if length > LIMIT:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(content[8 : 8 + length])
        info, facts = json.loads(header["__metadata__"]["privbench"], parse_constant=_refuse)
        if not isinstance(info, dict) or not isinstance(facts, dict):
            raise ValueError("no facts")
        return Artifact(load(content), info), facts
    except (struct.error, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise ValueError(f"no packed artifact ({type(error).__name__})") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not finite")
